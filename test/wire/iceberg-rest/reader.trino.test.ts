/** A real Trino attaches to the running door and reads what our SQL reads. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findTrino } from '../../engines/trino.ts'
import { guideBlock, propertiesOf } from './guide.ts'
import { type Lakehouse, openLakehouse } from './open-lakehouse.ts'

// A JVM on a busy machine takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })
const trino = await findTrino()
let house: Lakehouse
beforeAll(async () => {
  house = await openLakehouse()
  if ('missing' in trino) return
  const { 'connector.name': connector, ...properties } = propertiesOf(
    guideBlock('Trino', 'properties', house),
  )
  await trino.attach('game', { connector: connector!, ...properties })
})
afterAll(async () => {
  if (!('missing' in trino)) await trino.detach('game')
  await house[Symbol.asyncDispose]()
})

async function rows(sql: string, skip: (reason: string) => never): Promise<unknown[][]> {
  if ('missing' in trino) return skip(trino.missing)
  const { rows, error } = await trino.query(sql)
  if (error) throw new Error(`${error.name}: ${error.message}`)
  return rows
}

test('it lists, describes and counts as our SQL does', async ({ skip }) => {
  expect((await rows('SHOW SCHEMAS FROM game', skip)).flat()).toContain('default')
  const tables = (await rows('SHOW TABLES FROM game."default"', skip)).flat() as string[]
  expect(tables).toEqual(['empty', 'events', 'every_type', 'evolved', 'purchases'])
  for (const table of tables) {
    const [[theirs]] = (await rows(`SELECT count(*) FROM game."default".${table}`, skip)) as [[number]]
    expect({ table, count: theirs }).toEqual({
      table,
      count: (await house.sql(`select count(*) from ${table}`))[0]![0],
    })
    const describe = (found: unknown[][]) =>
      found.map(([name, type]) => `${name} ${type}`.replaceAll(', ', ','))
    const described = await rows(`DESCRIBE game."default".${table}`, skip)
    expect(describe(described)).toEqual(describe(await house.sql(`describe ${table}`)))
  }
})

test('it reads every type, null and letter as our SQL does', async ({ skip }) => {
  const sql = (table: string) => `SELECT * FROM ${table} ORDER BY id`
  const theirs = await rows(sql('game."default".every_type'), skip)
  expect(theirs).toEqual(await house.sql(sql('every_type')))
  expect(theirs).toHaveLength(4)
})

test('it reads an evolved table, prunes partitions and travels in time', async ({ skip }) => {
  expect(
    await rows('SELECT id, name, level FROM game."default".evolved WHERE id IN (0, 14) ORDER BY id', skip),
  ).toEqual([
    [0, 'name 0', null],
    [14, null, 14],
  ])
  const { metadata } = (await house.lake.catalog.loadTable('purchases'))!
  for (const [i, snapshot] of metadata.snapshots.entries()) {
    const at = async (version: string) =>
      (await rows(`SELECT count(*) FROM game."default".purchases FOR ${version}`, skip))[0]![0]
    expect(await at(`VERSION AS OF ${snapshot['snapshot-id']}`)).toBe((i + 1) * 1000)
    const time = new Date(snapshot['timestamp-ms']).toISOString().replace('T', ' ').replace('Z', ' UTC')
    expect(await at(`TIMESTAMP AS OF TIMESTAMP '${time}'`)).toBe((i + 1) * 1000)
  }
  const day = `SELECT count(*), count(DISTINCT "$path") FROM game."default".purchases WHERE "timestamp" >= TIMESTAMP '2026-11-22 00:00:00 UTC'`
  expect(await rows(day, skip)).toEqual([[1000, 1]])
})

test('it sees a commit that came after it was attached', async ({ skip }) => {
  const count = async () => (await rows('SELECT count(*) FROM game."default".empty', skip))[0]![0]
  expect(await count()).toBe(0)
  await house.land('empty', "SELECT 1::BIGINT AS id, 'x' AS name")
  expect(await count()).toBe(1)
})

test('what it tries to write is refused with our reason and changes nothing', async ({ skip }) => {
  const before = (await house.lake.catalog.loadTable('evolved'))!.metadataLocation
  const writes = [
    `INSERT INTO game."default".evolved VALUES (1, 'x', 1, NULL)`,
    'DELETE FROM game."default".evolved WHERE id = 1',
    'ALTER TABLE game."default".evolved ADD COLUMN more VARCHAR',
    // Of these Trino keeps the reason in its log.
    'CREATE TABLE game."default".other (id BIGINT)',
    'ALTER TABLE game."default".evolved RENAME TO other',
    'DROP TABLE game."default".evolved',
    'CREATE SCHEMA game.other',
  ]
  const answers: unknown[] = []
  for (const sql of writes) answers.push(await rows(sql, skip).catch((error: Error) => error.message))
  expect(answers.slice(0, 3)).toEqual(Array(3).fill(expect.stringContaining('written by Landfall alone')))
  expect(answers.slice(3)).toEqual([
    expect.stringContaining('Failed to create transaction'),
    expect.stringContaining('Failed to rename table'),
    expect.stringContaining("Failed to drop table 'evolved'"),
    expect.stringContaining("Failed to create namespace 'other'"),
  ])
  expect((await house.lake.catalog.loadTable('evolved'))!.metadataLocation).toBe(before)
  expect(await rows('SELECT count(*) FROM game."default".evolved', skip)).toEqual([[15]])
})

test('it is let in with a token, and not without', async ({ skip }) => {
  if ('missing' in trino) return skip(trino.missing)
  await using guarded = await openLakehouse({ token: 'secret-of-trino' })
  const { 'connector.name': connector, ...properties } = propertiesOf(
    guideBlock('Trino', 'properties', guarded),
  )
  const token = {
    'iceberg.rest-catalog.security': 'OAUTH2',
    'iceberg.rest-catalog.oauth2.token': 'secret-of-trino',
  }
  const count = 'SELECT count(*) FROM guarded."default".purchases'
  await trino.attach('guarded', { connector: connector!, ...properties })
  await expect(rows(count, skip)).rejects.toThrow(/a token is needed/)
  await trino.attach('guarded', { connector: connector!, ...properties, ...token })
  expect(await rows(count, skip)).toEqual([[3000]])
  await trino.detach('guarded')
})
