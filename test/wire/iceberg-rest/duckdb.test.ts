/** DuckDB's own iceberg extension attaches to the running door and reads what our SQL reads. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findPython, loadIcebergExtension } from '../../support/python.ts'
import { type Lakehouse, openLakehouse } from './open-lakehouse.ts'

let house: Lakehouse
let instance: DuckDBInstance
let connection: DuckDBConnection
let missing: string | undefined
beforeAll(async () => {
  house = await openLakehouse()
  instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
  const python = await findPython()
  if ('missing' in python) missing = python.missing
  else {
    await loadIcebergExtension(connection, python)
    await connection.run(
      `ATTACH 'landfall' AS game (TYPE iceberg, ENDPOINT '${house.catalog}', AUTHORIZATION_TYPE 'none')`,
    )
  }
}, 600_000)
afterAll(async () => {
  connection.closeSync()
  instance.closeSync()
  await house[Symbol.asyncDispose]()
})

async function rows(sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJson() as unknown[][]
}

test('it lists, describes and counts as our SQL does', async ({ skip }) => {
  if (missing) return skip(missing)
  const tables = await rows(
    `SELECT table_name FROM information_schema.tables WHERE table_catalog = 'game' ORDER BY 1`,
  )
  expect(tables.flat()).toEqual(['empty', 'events', 'every_type', 'evolved', 'purchases'])
  for (const table of tables.flat()) {
    const [[theirs]] = (await rows(`SELECT count(*)::INTEGER FROM game."default".${table}`)) as [[number]]
    expect({ table, rows: theirs }).toEqual({
      table,
      rows: (await house.sql(`select count(*) from ${table}`))[0]![0],
    })
  }
  const described = await rows(`DESCRIBE game."default".evolved`)
  expect(described.map(([name, type]) => [name, type])).toEqual([
    ['id', 'BIGINT'],
    ['name', 'VARCHAR'],
    ['level', 'INTEGER'],
    ['moment', 'TIMESTAMP WITH TIME ZONE'],
  ])
})

test('it reads every type, null and letter as our SQL does', async ({ skip }) => {
  if (missing) return skip(missing)
  const theirs =
    await rows(`SELECT id, text, small, big::VARCHAR, replace(ratio::VARCHAR, 'inf', 'Infinity'), ok, birthday::VARCHAR,
    strftime(timezone('UTC', moment), '%Y-%m-%d %H:%M:%S.%f UTC'), price::VARCHAR, huge::VARCHAR, base64(bytes)
    FROM game."default".every_type ORDER BY id`)
  const ours = await house.sql('select * from every_type order by id')
  expect(theirs.map((row) => row.map(String))).toEqual(ours.map((row) => row.map(String)))
})

test('it reads a snapshot of the past, by id and by time', async ({ skip }) => {
  if (missing) return skip(missing)
  const { metadata } = (await house.lake.catalog.loadTable('purchases'))!
  for (const [i, snapshot] of metadata.snapshots.entries()) {
    const count = async (at: string) =>
      (await rows(`SELECT count(*)::INTEGER FROM game."default".purchases AT (${at})`))[0]![0]
    expect(await count(`VERSION => ${snapshot['snapshot-id']}`)).toBe((i + 1) * 1000)
    const time = new Date(snapshot['timestamp-ms']).toISOString().replace('Z', '+00')
    expect(await count(`TIMESTAMP => TIMESTAMPTZ '${time}'`)).toBe((i + 1) * 1000)
  }
})

test('what it tries to write is refused with our reason and changes nothing', async ({ skip }) => {
  if (missing) return skip(missing)
  const before = (await house.lake.catalog.loadTable('evolved'))!.metadataLocation
  for (const sql of [
    `INSERT INTO game."default".evolved VALUES (1, 'x', 1, NULL)`,
    `DROP TABLE game."default".evolved`,
    `CREATE TABLE game."default".other (id BIGINT)`,
    'CREATE SCHEMA game.other',
  ]) {
    await expect(rows(sql), sql).rejects.toThrow(/written by Landfall alone/)
  }
  expect((await house.lake.catalog.loadTable('evolved'))!.metadataLocation).toBe(before)
  expect(await rows('SELECT count(*)::INTEGER FROM game."default".evolved')).toEqual([[15]])
})
