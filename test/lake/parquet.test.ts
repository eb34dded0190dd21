import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TableState } from '../../src/lake/lake.ts'
import { type ParquetFile, parquetLayout, readParquet, writeParquet } from '../../src/lake/parquet.ts'
import {
  land,
  openTestLake,
  positionAt,
  purchaseRows,
  purchases,
  query,
  type TestLake,
  tableOf,
} from './support.ts'

describe('data files', () => {
  let lake: TestLake
  let state: TableState
  beforeEach(async () => {
    lake = await openTestLake()
    state = await lake.lake.ensure(purchases)
  })
  afterEach(() => lake[Symbol.asyncDispose]())

  const write = (select: string, name = 'chunk') =>
    writeParquet(lake.connection, parquetLayout(state), select, lake.root, name)
  const column = (name: string) => state.schema.fields.find((field) => field.name === name)!.id

  test('rows of one day are one file, with statistics by field id', async () => {
    const [file, ...more] = await write(purchaseRows(100, 50))
    expect(more).toEqual([])
    expect(file).toMatchObject({ rows: 50, partition: { timestamp_day: 20_777 } })
    expect(file!.location).toMatch(/\/chunk-crc32c-[0-9a-f]{8}\.parquet$/)
    expect(file!.bytes).toBe((await stat(file!.location)).size)
    const id = file!.columns.get(column('id'))!
    expect([id.values, id.nulls]).toEqual([50n, 0n])
    expect([id.lower!.readBigInt64LE(), id.upper!.readBigInt64LE()]).toEqual([100n, 149n])
    const ids = await lake.connection.runAndReadAll(
      `SELECT name, field_id FROM parquet_schema('${file!.location}') WHERE field_id IS NOT NULL`,
    )
    expect(ids.getRowsJson()).toEqual(state.schema.fields.map((field) => [field.name, String(field.id)]))
  })

  test('small row groups have the statistics of one; where all of one are null there are no bounds', async () => {
    const select = `SELECT (i * 7919) % 10007 AS id, TIMESTAMPTZ '2026-11-20 00:00:00+00' + INTERVAL (i) SECOND AS timestamp,
      CASE WHEN i % 3 > 0 THEN 't' || (i * 31) % 5003 END AS type, CASE WHEN i > 5000 THEN i END AS cost FROM range(10000) AS r(i)`
    const [one] = await write(select, 'one')
    const layout = { ...parquetLayout(state), rowGroupRows: 2048 }
    const [several] = await writeParquet(lake.connection, layout, select, lake.root, 'several')
    const groups = await lake.connection.runAndReadAll(
      `SELECT count(DISTINCT row_group_id) FROM parquet_metadata('${several!.location}')`,
    )
    expect(groups.getRowsJson()).toEqual([['5']])
    expect(several!.partition).toEqual(one!.partition)
    const meaning = (file: ParquetFile, name: string) => ({ ...file.columns.get(column(name)), bytes: 0n })
    for (const name of ['id', 'timestamp', 'type']) {
      expect(meaning(several!, name)).toEqual(meaning(one!, name))
    }
    expect(meaning(several!, 'cost')).toEqual({ bytes: 0n, values: 10_000n, nulls: 5001n })
  })

  test('rows of several days and of none are one file for each', async () => {
    const select = `SELECT i AS id, CASE WHEN i % 5 < 3 THEN TIMESTAMPTZ '2026-11-20 23:59:59.999999+00' + INTERVAL (i % 5) DAY
      WHEN i % 5 = 3 THEN TIMESTAMPTZ '1969-12-31 23:00:00+00' END AS timestamp, 'x' AS type, 1 AS cost FROM range(100) AS r(i)`
    const files = await write(select)
    const days = files.map((file) => file.partition.timestamp_day)
    expect(days.sort()).toEqual([-1, 20_777, 20_778, 20_779, null].sort())
    expect(files.every((file) => file.rows === 20)).toBe(true)
    expect((await readdir(lake.root)).filter((name) => name.startsWith('chunk'))).toHaveLength(5)
    const rows = await lake.connection.runAndReadAll(
      `SELECT count(*), count(DISTINCT id) FROM ${readParquet(
        state.schema,
        files.map((file) => file.location),
      )}`,
    )
    expect(rows.getRowsJson()).toEqual([['100', '100']])
  })

  test('the session’s time zone changes neither days nor bounds', async () => {
    const select = `SELECT 1 AS id, TIMESTAMPTZ '2026-11-20 23:30:00.000001+00' AS timestamp, 'x' AS type, 1 AS cost`
    const [expected] = await write(select, 'utc')
    await lake.connection.run(`SET TimeZone = 'Asia/Kolkata'`)
    const [file] = await write(select, 'kolkata')
    expect(file!.partition).toEqual({ timestamp_day: 20_777 })
    expect(file!.columns).toEqual(expected!.columns)
    const both = await write(
      `${select} UNION ALL SELECT 2, TIMESTAMPTZ '2026-11-21 00:30:00+00', 'x', 1`,
      'both',
    )
    expect(both.map((file) => file.partition.timestamp_day).sort()).toEqual([20_777, 20_778])
  })

  test('a day before 1970 is rounded down, a file of nulls has no day', async () => {
    const before = (time: string) => `SELECT 1 AS id, ${time} AS timestamp, 'x' AS type, 1 AS cost`
    const [file] = await write(before(`TIMESTAMPTZ '1969-12-31 00:00:00.000001+00'`), 'before')
    expect(file!.partition).toEqual({ timestamp_day: -1 })
    const [nulls] = await write(before('NULL'), 'nulls')
    expect(nulls!.partition).toEqual({ timestamp_day: null })
  })

  test('no rows, no file', async () => {
    expect(await write(purchaseRows(0, 0))).toEqual([])
    expect((await readdir(lake.root)).filter((name) => name.includes('chunk'))).toEqual([])
  })

  test('a failing query leaves no file', async () => {
    await expect(
      write(`SELECT i AS id, error('boom') AS timestamp, '' AS type, 1 AS cost FROM range(10) r(i)`),
    ).rejects.toThrow(/boom/)
    expect((await readdir(lake.root)).filter((name) => name.includes('chunk'))).toEqual([])
  })

  test('columns are taken by name and get the table’s types', async () => {
    const select = `SELECT 5::UTINYINT AS cost, 'x' AS type, '2026-11-20 00:00:00+00' AS timestamp, 1::INTEGER AS id`
    const [file] = await write(select)
    const types = await lake.connection.runAndReadAll(`DESCRIBE SELECT * FROM '${file!.location}'`)
    expect(types.getRowsJson().map((row) => row.slice(0, 2))).toEqual([
      ['id', 'BIGINT'],
      ['timestamp', 'TIMESTAMP WITH TIME ZONE'],
      ['type', 'VARCHAR'],
      ['cost', 'BIGINT'],
    ])
  })

  test('NaN leaves a column without bounds, a missing column is an error', async () => {
    state = await lake.lake.ensure(tableOf('doubles', { x: 'double' }))
    const [file] = await write(
      `SELECT CASE WHEN i = 3 THEN 'nan'::DOUBLE ELSE i END AS x FROM range(10) r(i)`,
    )
    expect(file!.columns.get(1)).not.toHaveProperty('lower')
    await expect(write('SELECT 1 AS y', 'other')).rejects.toThrow(/"x"/)
  })

  test.each(['hour', 'month'] as const)('partition by %s', async (transform) => {
    const name = `by_${transform}`
    state = await lake.lake.ensure({ ...purchases, name, partition: { column: 'timestamp', transform } })
    const select = `SELECT i AS id, TIMESTAMPTZ '2026-11-30 22:30:00+00' + INTERVAL (i * 30) MINUTE AS timestamp, '' AS type, i AS cost FROM range(5) r(i)`
    const files = await write(select)
    const values = files.map((file) => [file.partition[`timestamp_${transform}`], file.rows])
    const hour = Date.UTC(2026, 10, 30, 22) / 3_600_000
    expect(values.sort()).toEqual(
      transform === 'hour'
        ? [
            [hour, 1],
            [hour + 1, 2],
            [hour + 2, 2],
          ]
        : [
            [56 * 12 + 10, 3],
            [56 * 12 + 11, 2],
          ],
    )
  })

  test('a spool file becomes a data file as it stands', async () => {
    const [file] = await write(purchaseRows(0, 1000))
    const added = await lake.lake.adopt(state, file!)
    expect(added.rows).toBe(1000)
    expect((await stat(join(lake.root, added.path))).ino).toBe((await stat(file!.location)).ino)
    const committed = await lake.lake.commit('purchases', {
      add: [added],
      expect: { position: undefined, epoch: 0 },
      position: positionAt(1000),
      batch: 1,
    })
    expect(await query(lake, committed, 'count(*), sum(id)')).toEqual([['1000', '499500']])
  })

  test('zstd by choice', async () => {
    state = await lake.lake.ensure({ ...purchases, name: 'packed', codec: 'zstd' })
    const [file] = await write(purchaseRows(0, 10))
    const codecs = await lake.connection.runAndReadAll(
      `SELECT DISTINCT compression FROM parquet_metadata('${file!.location}')`,
    )
    expect(codecs.getRowsJson()).toEqual([['ZSTD']])
    await land(lake, state, purchaseRows(0, 10), 10)
  })

  test('COPY still returns the statistics that we build manifests from', async () => {
    const target = join(lake.root, 'raw.parquet')
    const result = await lake.connection.runAndReadAll(
      `COPY (SELECT 1::INTEGER AS a) TO '${target}' (FORMAT parquet, RETURN_STATS, FIELD_IDS {a: 7})`,
    )
    expect(result.columnNames()).toEqual([
      'filename',
      'count',
      'file_size_bytes',
      'footer_size_bytes',
      'column_statistics',
      'partition_keys',
    ])
  })
})
