/**
 * Readers that are not ours: pyiceberg and DuckDB's iceberg extension read every kind of table that we write, from its
 * metadata file alone.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TableState } from '../../src/lake/lake.ts'
import type { ColumnType } from '../../src/model/columns.ts'
import { findPython, loadIcebergExtension, type Python } from '../support/python.ts'
import { land, openTestLake, purchaseRows, purchases, query, type TestLake, tableOf } from './support.ts'

const MINUTE = 60_000
let found: Python | { missing: string }
let lake: TestLake
beforeAll(async () => {
  found = await findPython()
}, 600_000)
beforeEach(async () => {
  lake = await openTestLake()
})
afterEach(() => lake[Symbol.asyncDispose]())

type Skip = (note?: string) => never
function needPython(skip: Skip): Python {
  if ('missing' in found) return skip(found.missing)
  return found
}

/** URL of the current metadata file. */
async function metadataOf(table: string): Promise<string> {
  return (await lake.lake.catalog.loadTable(table))!.metadataLocation
}

async function pyiceberg(python: Python, table: string, requests: object[]): Promise<unknown[]> {
  return (await python.runJson('read_table.py', [await metadataOf(table)], requests)) as unknown[]
}

/** What DuckDB's own iceberg reader says. */
async function icebergScan(python: Python, table: string, select: string, rest = ''): Promise<unknown[][]> {
  await loadIcebergExtension(lake.connection, python)
  const from = `iceberg_scan('${(await metadataOf(table)).replace('file://', '')}')`
  return (
    await lake.connection.runAndReadAll(`SELECT ${select} FROM ${from} ${rest}`)
  ).getRowsJson() as unknown[][]
}

const everyType: Record<string, ColumnType> = {
  id: 'long',
  text: 'string',
  small: 'int',
  big: 'long',
  ratio: 'double',
  ok: 'boolean',
  birthday: 'date',
  moment: 'timestamptz',
  price: 'decimal(9, 2)',
  money: 'decimal(18, 4)',
  huge: 'decimal(38, 10)',
  'odd "name" grüße': 'json',
}

/** Rows with the ends of each type's range, unicode, and nulls, on three days and none. */
const everyRow = `
  SELECT 1 AS id, '' AS text, -2147483648 AS small, -9223372036854775808 AS big, -1.5e300 AS ratio, false AS ok,
    DATE '0001-01-01' AS birthday, TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' AS moment, -9999999.99 AS price,
    -12345678901234.5678 AS money, -1234567890123456789012345678.0123456789::DECIMAL(38, 10) AS huge, '{"a": [1, "ü"]}' AS "odd ""name"" grüße"
  UNION ALL SELECT 2, 'grüße 😀 \u{10ffff}', 2147483647, 9223372036854775807, 5e-324, true,
    DATE '9999-12-31', TIMESTAMPTZ '2026-11-20 23:59:59.999999+00', 9999999.99,
    12345678901234.5678, 1234567890123456789012345678.0123456789::DECIMAL(38, 10), 'null'
  UNION ALL SELECT 3, repeat('x', 5000), 0, 0, 'inf'::DOUBLE, NULL, NULL, TIMESTAMPTZ '2026-11-21 00:00:00+00', 0, -0.0001, 0, NULL
  UNION ALL SELECT 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`

const everyAnswer = [
  {
    id: 1,
    text: '',
    small: -2147483648,
    big: '-9223372036854775808',
    ratio: -1.5e300,
    ok: false,
    birthday: '0001-01-01',
    moment: '1969-12-31T23:59:59.999999+00:00',
    price: '-9999999.99',
    money: '-12345678901234.5678',
    huge: '-1234567890123456789012345678.0123456789',
    'odd "name" grüße': '{"a": [1, "ü"]}',
  },
  {
    id: 2,
    text: 'grüße 😀 \u{10ffff}',
    small: 2147483647,
    big: '9223372036854775807',
    ratio: 5e-324,
    ok: true,
    birthday: '9999-12-31',
    moment: '2026-11-20T23:59:59.999999+00:00',
    price: '9999999.99',
    money: '12345678901234.5678',
    huge: '1234567890123456789012345678.0123456789',
    'odd "name" grüße': 'null',
  },
  {
    id: 3,
    text: 'x'.repeat(5000),
    small: 0,
    big: 0,
    ratio: 'inf',
    ok: null,
    birthday: null,
    moment: '2026-11-21T00:00:00.000000+00:00',
    price: '0.00',
    money: '-0.0001',
    huge: '0.0000000000',
    'odd "name" grüße': null,
  },
  Object.fromEntries(Object.keys(everyType).map((name) => [name, name === 'id' ? 4 : null])),
]

async function landEveryType(): Promise<TableState> {
  const state = await lake.lake.ensure(tableOf('every_type', everyType))
  return land(lake, state, everyRow, 4)
}

/** Per type a filter that is answered from bounds, and the ids of the rows that it must find. */
const filters: [
  name: string,
  operator: string,
  column: string,
  value: string | number | boolean | null,
  ids: number[],
][] = [
  ['text', '=', 'text', '', [1]],
  ['text, unicode', '>=', 'text', 'grüße 😀', [2, 3]],
  ['text, cut bound', '>=', 'text', 'x'.repeat(4999), [3]],
  ['int', '>', 'small', 2147483646, [2]],
  ['long', '<', 'big', -1, [1]],
  ['double', '<', 'ratio', -1e299, [1]],
  ['double, infinite', '>', 'ratio', 1e308, [3]],
  ['boolean', '=', 'ok', false, [1]],
  ['date', '>=', 'birthday', '9999-12-31', [2]],
  ['timestamptz', '<=', 'moment', '1969-12-31T23:59:59.999999+00:00', [1]],
  ['timestamptz, edge of a day', '>=', 'moment', '2026-11-20T23:59:59.999999+00:00', [2, 3]],
  ['decimal 9', '<', 'price', '-9999999.98', [1]],
  ['decimal 18', '>', 'money', '12345678901234.5677', [2]],
  ['decimal 38', '>', 'huge', '1234567890123456789012345678.0123456788', [2]],
  ['is null', 'is null', 'text', null, [4]],
]

const sqlOf = (operator: string, column: string, value: string | number | boolean | null) =>
  `"${column}" ${operator} ${value === null ? '' : typeof value === 'string' ? `'${value}'` : value}`

describe('pyiceberg', () => {
  test('reads every type, with nulls and unicode', async ({ skip }) => {
    const python = needPython(skip)
    await landEveryType()
    const [rows, schema] = await pyiceberg(python, 'every_type', [
      { op: 'rows', order: 'id' },
      { op: 'schema' },
    ])
    expect(rows).toEqual(everyAnswer)
    expect(schema).toEqual({
      fields: Object.entries(everyType).map(([name, type], i) => [
        i + 1,
        name,
        type === 'json' ? 'string' : type,
      ]),
      partition: [['moment_day', 'day']],
    })
  })

  test('no bound of ours hides a row: filters on every type find exactly theirs', async ({ skip }) => {
    const python = needPython(skip)
    await landEveryType()
    const requests = filters.map(([, ...filter]) => ({ op: 'rows', filter: filter.slice(0, 3), order: 'id' }))
    const answers = (await pyiceberg(python, 'every_type', requests)) as { id: number }[][]
    const ids = answers.map((rows, i) => [filters[i]![0], rows.map((row) => row.id)])
    expect(ids).toEqual(filters.map(([name, , , , expected]) => [name, expected]))
  })

  test('prunes by day and by bounds', async ({ skip }) => {
    const python = needPython(skip)
    let state = await lake.lake.ensure(purchases)
    for (let i = 0; i < 6; i++) {
      state = await land(lake, state, purchaseRows(i * 10, 10, `2026-11-1${i}`), (i + 1) * 10)
    }
    const answers = await pyiceberg(python, 'purchases', [
      { op: 'plan' },
      { op: 'plan', filter: `timestamp >= '2026-11-14T00:00:00+00:00'` },
      { op: 'count', filter: `timestamp >= '2026-11-14T00:00:00+00:00'` },
      { op: 'plan', filter: 'id = 25' },
      { op: 'plan', filter: 'id > 1000' },
      { op: 'plan', filter: `type = 'no such'` },
    ])
    expect(answers).toEqual([6, 2, 20, 1, 0, 0])
  })

  test('an evolved table, time travel, after compaction and expiry', async ({ skip }) => {
    const python = needPython(skip)
    let state = await lake.lake.ensure(purchases)
    for (let i = 0; i < 9; i++) state = await land(lake, state, purchaseRows(i * 10, 10), (i + 1) * 10)
    const old = String(state.metadata.snapshots[3]!['snapshot-id'])
    state = await lake.lake.ensure({
      ...purchases,
      columns: [
        { name: 'guild', type: 'string', source: { from: 'property', property: 'guild' } },
        ...purchases.columns,
      ],
    })
    const set = { name: 'report-4', snapshotId: BigInt(old), untilMs: Date.now() + 90 * MINUTE }
    await lake.lake.changeTags('purchases', { set })
    state = await land(lake, state, `SELECT *, 'grubs' AS guild FROM (${purchaseRows(90, 10)})`, 100)
    await lake.lake.maintain(lake.connection, 'purchases')
    const requests = [{ op: 'count' }, { op: 'count', filter: `guild = 'grubs'` }, { op: 'plan' }]
    expect(await pyiceberg(python, 'purchases', [...requests, { op: 'count', snapshot: old }])).toEqual([
      100, 10, 1, 40,
    ])
    for (const minutes of [61, 80]) {
      lake.aheadMs = minutes * MINUTE
      await lake.lake.maintain(lake.connection, 'purchases')
    }
    expect(
      await pyiceberg(python, 'purchases', [
        { op: 'refs' },
        { op: 'count', ref: 'report-4' },
        { op: 'count', snapshot: old },
      ]),
    ).toEqual([{ main: 'branch', 'report-4': 'tag' }, 40, 40])
    const [count, guild, plan, history, files] = await pyiceberg(python, 'purchases', [
      ...requests,
      { op: 'history' },
      { op: 'files' },
    ])
    expect([count, guild, plan]).toEqual([100, 10, 1])
    expect(history).toHaveLength(1)
    const [file] = files as { record_count: number; null_value_counts: [number, number][] }[]
    expect(file!.record_count).toBe(100)
    expect(Object.fromEntries(file!.null_value_counts)).toEqual({ 1: 0, 2: 0, 3: 0, 4: 0, 5: 90 })
  })

  test('many days in one commit, many merged manifests', async ({ skip }) => {
    const python = needPython(skip)
    const state = await lake.lake.ensure(purchases)
    const select = `SELECT i AS id, TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (i) HOUR AS timestamp, 'x' AS type, i AS cost FROM range(2400) r(i)`
    let now = await land(lake, state, select, 2400)
    for (let i = 0; i < 20; i++) now = await land(lake, now, purchaseRows(2400 + i, 1), 2401 + i)
    expect(
      await pyiceberg(python, 'purchases', [
        { op: 'count' },
        { op: 'plan' },
        { op: 'plan', filter: `timestamp < '2026-01-03T00:00:00+00:00'` },
        { op: 'count', filter: `timestamp < '2026-01-03T00:00:00+00:00'` },
      ]),
    ).toEqual([2420, 120, 2, 48])
  })

  test('by hour, by month, by date, not partitioned', async ({ skip }) => {
    const python = needPython(skip)
    for (const transform of ['hour', 'month', 'day'] as const) {
      const name = `by_${transform}`
      const state = await lake.lake.ensure({
        ...purchases,
        name,
        partition: { column: 'timestamp', transform },
      })
      await land(lake, state, `${purchaseRows(0, 10)} UNION ALL ${purchaseRows(10, 10, '2026-12-20')}`, 20)
      const filter = `timestamp >= '2026-12-01T00:00:00+00:00'`
      const answers = await pyiceberg(python, name, [
        { op: 'count' },
        { op: 'count', filter },
        { op: 'plan', filter },
      ])
      expect(answers, transform).toEqual([20, 10, 1])
    }
    const dated = tableOf('dated', { id: 'long', birthday: 'date' })
    await land(
      lake,
      await lake.lake.ensure({ ...dated, partition: { column: 'birthday', transform: 'month' } }),
      `SELECT i AS id, DATE '2026-01-31' + i::INTEGER AS birthday FROM range(3) r(i)`,
      3,
    )
    const filter = `birthday >= '2026-02-01'`
    expect(
      await pyiceberg(python, 'dated', [
        { op: 'count', filter },
        { op: 'plan', filter },
      ]),
    ).toEqual([2, 1])
    await land(lake, await lake.lake.ensure(dated0), `SELECT i AS id FROM range(3) r(i)`, 3)
    expect(await pyiceberg(python, 'flat', [{ op: 'count' }])).toEqual([3])
  })
})

const dated0 = tableOf('flat', { id: 'long' })

describe("DuckDB's iceberg extension", () => {
  test('reads every type, with nulls and unicode', async ({ skip }) => {
    const python = needPython(skip)
    const state = await landEveryType()
    const columns = Object.keys(everyType)
      .map((name) => `"${name.replaceAll('"', '""')}"`)
      .join(', ')
    const ours = await query(lake, state, columns)
    const theirs = await icebergScan(python, 'every_type', columns)
    expect(theirs).toHaveLength(4)
    const sorted = (rows: unknown[][]) => rows.toSorted((a, b) => Number(a[0]) - Number(b[0]))
    expect(sorted(theirs)).toEqual(sorted(ours))
  })

  test('no bound of ours hides a row', async ({ skip }) => {
    const python = needPython(skip)
    await landEveryType()
    for (const [name, operator, column, value, expected] of filters) {
      const where = `WHERE ${sqlOf(operator, column, value)} ORDER BY id`
      const rows = await icebergScan(python, 'every_type', 'id', where)
      expect(
        rows.map(([id]) => Number(id)),
        name,
      ).toEqual(expected)
    }
  })

  test('an evolved table, after compaction and expiry', async ({ skip }) => {
    const python = needPython(skip)
    let state = await lake.lake.ensure(purchases)
    for (let i = 0; i < 9; i++) state = await land(lake, state, purchaseRows(i * 10, 10), (i + 1) * 10)
    state = await lake.lake.ensure({
      ...purchases,
      columns: [...purchases.columns, { name: 'guild', type: 'string', source: { from: 'event_type' } }],
    })
    state = await land(
      lake,
      state,
      `SELECT *, 'grubs' AS guild FROM (${purchaseRows(90, 10, '2026-11-21')})`,
      100,
    )
    const select = 'count(*), sum(id), count(guild)'
    const expected = [['100', '4950', '10']]
    expect(await icebergScan(python, 'purchases', select)).toEqual(expected)
    for (const minutes of [0, 61, 80]) {
      lake.aheadMs = minutes * MINUTE
      await lake.lake.maintain(lake.connection, 'purchases')
      expect(await icebergScan(python, 'purchases', select)).toEqual(expected)
    }
    const day = `WHERE timestamp >= TIMESTAMPTZ '2026-11-21 00:00:00+00'`
    expect(await icebergScan(python, 'purchases', select, day)).toEqual([['10', '945', '10']])
  })
})
