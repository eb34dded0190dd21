/**
 * What every SqlEngine owes (src/sql/sql.ts). The engine given stands over a `Landing` with 20 records, `purchases` has the even ones,
 * `guilds` the odd ones, `events` all: 8 committed and 12 in the spool, or all committed for a server of others (`foreign`), which
 * sees commits only, writes names in small letters and has its own words for errors and plans.
 */

import { expect, test } from 'vitest'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { numbers } from '../sql/support/numbers.ts'
import { errorOf, rowsOf } from '../sql/support/rows.ts'

export interface EngineUnderTest {
  engine: SqlEngine
}

export interface EngineTraits {
  /** The server is not ours. */
  foreign?: 'trino' | 'presto'
  /** Where the tables are (default `default`). Those that Presto reads have times without a zone. */
  schema?: string
}

export function engineSuite(
  open: () => EngineUnderTest,
  { foreign, schema = 'default' }: EngineTraits = {},
): void {
  const engine = () => open().engine
  const ours = foreign === undefined
  const name = (text: string) => (ours ? text : text.toLowerCase())

  test('tables are listed and described by the types of Trino', async () => {
    expect(await engine().listTables()).toEqual(['events', 'guilds', 'purchases'])
    expect(await engine().describe('PURCHASES')).toEqual([
      { name: 'raw_event', type: 'varchar' },
      { name: 'timestamp', type: foreign === 'presto' ? 'timestamp(3)' : 'timestamp(6) with time zone' },
      { name: name('Host'), type: 'varchar' },
      { name: name('User-Agent'), type: 'varchar' },
      { name: 'cost', type: 'bigint' },
    ])
    await expect(engine().describe('purchasses')).rejects.toMatchObject({ code: 'sql/unknown-table' })
  })

  test('an answer has every row once and says how fresh it is', async () => {
    const result = await engine().query(
      'SELECT count(*), count(DISTINCT "offset"), sum("offset") FROM events',
    )
    const rows = []
    for await (const page of result.pages) rows.push(...page)
    expect(rows).toEqual([[20, 20, 190]])
    expect(result.columns).toEqual([0, 1, 2].map((i) => ({ name: `_col${i}`, type: 'bigint' })))
    const position = { logId: 'log-1', next: { 0: 20 } }
    expect(result.freshness).toEqual(
      ours
        ? { position, end: position, behind: false, batch: 1 }
        : { position, end: undefined, behind: false, batch: 1, committedAt: expect.any(Number) },
    )
    if (!ours) expect(Math.abs(Date.now() - result.freshness.committedAt!)).toBeLessThan(600_000)
  })

  test('names are found however capitalised and however qualified', async () => {
    const sql = `SELECT Cost, hive.${schema}.Purchases."user-agent" FROM HIVE."${schema}".PURCHASES WHERE ${schema}.purchases.cost = 4`
    expect(await rowsOf(engine(), sql)).toEqual([[4, 'ApacheBench/2.3']])
    expect(await rowsOf(engine(), `select count(*) from ${schema}.guilds g where g.cost > 4`)).toEqual([[8]])
  })

  const values: [sql: string, type: string, value: unknown][] = [
    ["TIMESTAMP '2021-07-30 18:43:03.611'", 'timestamp(3)', '2021-07-30 18:43:03.611'],
    ["TIMESTAMP '1969-12-31 23:59:59.5 UTC'", 'timestamp(1) with time zone', '1969-12-31 23:59:59.5 UTC'],
    ["DATE '2021-02-28'", 'date', '2021-02-28'],
    ["TIME '01:02:03'", 'time(0)', '01:02:03'],
    ['9223372036854775807', 'bigint', 9223372036854775807n],
    ['-9223372036854775807 - 1', 'bigint', -9223372036854775808n],
    ['CAST(7 AS tinyint)', 'tinyint', 7],
    ['7 / 2', 'integer', 3],
    ['CAST(1.10 AS decimal(5, 2))', 'decimal(5, 2)', '1.10'],
    ['1e300 * 1e10', 'double', Number.POSITIVE_INFINITY],
    ["CAST('NaN' AS double)", 'double', Number.NaN],
    ['true', 'boolean', true],
    ["'ü日本\n''x'", 'varchar(6)', "ü日本\n'x"],
    ['CAST(NULL AS varchar)', 'varchar', null],
    ['array[1, NULL, 3]', 'array(integer)', [1, null, 3]],
    [
      'CAST(row(1, array[1.5]) AS row(a integer, "b c" array(decimal(2, 1))))',
      'row(a integer, "b c" array(decimal(2, 1)))',
      { a: 1, 'b c': ['1.5'] },
    ],
    ["map(array['k'], array[9223372036854775807])", 'map(varchar(1), bigint)', { k: 9223372036854775807n }],
    ["to_utf8('a')", 'varbinary', 'YQ=='],
    ["INTERVAL '1' DAY + INTERVAL '2' HOUR", 'interval day to second', '1 02:00:00.000'],
    ['json_parse(\'{"a":1}\')', 'json', '{"a":1}'],
  ]
  /** Presto's times have milliseconds, always. */
  const byPresto: Record<string, [type: string, value: string]> = {
    "TIMESTAMP '1969-12-31 23:59:59.5 UTC'": ['timestamp(3) with time zone', '1969-12-31 23:59:59.500 UTC'],
    "TIME '01:02:03'": ['time(3)', '01:02:03.000'],
  }
  test.each(values)('%s is a %s', async (sql, ...told) => {
    const [type, value] = (foreign === 'presto' && byPresto[sql]) || told
    const result = await engine().query(`SELECT ${sql} AS x`)
    expect(result.columns).toEqual([{ name: 'x', type }])
    const rows = []
    for await (const page of result.pages) rows.push(...page)
    expect(rows).toEqual([[value]])
  })

  test('sums stay bigint, and one that does not fit is an error', async () => {
    const { columns } = await engine().query('SELECT sum(cost) AS s FROM purchases')
    expect(columns).toEqual([{ name: 's', type: 'bigint' }])
    const error = await errorOf(engine(), 'SELECT sum(9223372036854775807) FROM purchases')
    expect(error.code).toBe('sql/out-of-range')
  })

  test('errors say what, where and what is near', async () => {
    const table = await errorOf(engine(), 'SELECT *\nFROM purchasses')
    expect(table.code).toBe('sql/unknown-table')
    if (foreign !== 'presto') expect(table.details).toMatchObject({ line: 2, column: 6 })
    if (ours) expect(table.hint).toBe('Did you mean purchases?')
    const column = await errorOf(engine(), "SELECT 'ü', bad FROM purchases")
    expect(column).toMatchObject({ code: 'sql/unknown-column', details: { line: 1, column: 13 } })
    expect(await errorOf(engine(), 'SELECT\n  1 FORM x y')).toMatchObject({
      code: 'sql/syntax',
      details: { line: 2, column: 10 },
    })
    const cast = await errorOf(engine(), "SELECT CAST('x' AS integer)")
    expect(cast.code).toBe('sql/bad-value')
    if (ours) expect(cast.details).toMatchObject({ line: 1, column: 8 })
    expect(await errorOf(engine(), 'SELECT 1; SELECT 2')).toMatchObject({ code: 'sql/syntax' })
    expect(await errorOf(engine(), 'DROP TABLE purchases')).toMatchObject({ code: 'sql/not-allowed' })
  })

  test('an error in the middle of an answer is an error, not a short answer', async () => {
    const sql = `SELECT CAST(CASE WHEN n = 400000 THEN 'x' ELSE '1' END AS integer) FROM ${numbers(500000)}`
    expect(await errorOf(engine(), sql)).toMatchObject({ code: 'sql/bad-value' })
  })

  test('SHOW, DESCRIBE, USE and EXPLAIN', async () => {
    const catalogs = await rowsOf(engine(), 'SHOW CATALOGS')
    expect(catalogs).toEqual(ours ? [['hive'], ['system']] : expect.arrayContaining([['hive'], ['system']]))
    const schemas = await rowsOf(engine(), 'show schemas from hive')
    const expected = [[schema], ['information_schema']]
    expect(schemas).toEqual(ours ? expected : expect.arrayContaining(expected))
    expect(await rowsOf(engine(), `SHOW TABLES FROM hive.${schema} LIKE '%u%'`)).toEqual([
      ['guilds'],
      ['purchases'],
    ])
    const described = await rowsOf(engine(), `DESC hive.${schema}.purchases`)
    expect(described[4]).toEqual(['cost', 'bigint', '', ''])
    expect(await rowsOf(engine(), 'show columns from purchases')).toEqual(described)
    expect(await rowsOf(engine(), `USE hive.${schema}`)).toEqual([])
    const plan = String((await rowsOf(engine(), 'EXPLAIN SELECT * FROM purchases'))[0]![0])
    expect(plan).toContain(ours ? 'PARQUET' : 'TableScan')
    expect(await errorOf(engine(), 'SHOW TABLES FROM other')).toMatchObject({ code: 'sql/unknown-schema' })
    expect(await errorOf(engine(), 'EXPLAIN SELECT bad FROM purchases')).toMatchObject({
      code: 'sql/unknown-column',
      details: { line: 1, column: 16 },
    })
  })

  test('a large answer comes in pages, in order and whole', async () => {
    let next = 0
    let pages = 0
    for await (const page of (
      await engine().query(`SELECT n, lpad('', 50, 'x') FROM ${numbers(200000)} ORDER BY n`)
    ).pages) {
      pages++
      for (const row of page)
        if (row[0] !== next++) throw new Error(`expected row ${next - 1}, found ${String(row[0])}`)
    }
    expect(next).toBe(200000)
    expect(pages).toBeGreaterThan(5)
  })

  test('a query that is cancelled, or takes too long, or has too many rows, ends and leaves the engine well', async () => {
    const endless = `SELECT count(*) FROM ${numbers(10000000, 'a', 'x')}, ${numbers(10000000, 'b', 'y')} WHERE (x * y) % 7 = 3`
    const started = performance.now()
    expect(await errorOf(engine(), endless, { signal: AbortSignal.timeout(200) })).toMatchObject({
      code: 'sql/cancelled',
    })
    expect(await errorOf(engine(), endless, { timeoutMs: 300 })).toMatchObject({ code: 'sql/timeout' })
    expect(await errorOf(engine(), `SELECT * FROM ${numbers(1000)}`, { rowsMax: 10 })).toMatchObject({
      code: 'sql/too-large',
    })
    // How long another's server takes to answer at all is not ours.
    if (ours) expect(performance.now() - started).toBeLessThan(10_000)
    expect(await rowsOf(engine(), 'SELECT 1')).toEqual([[1]])
  })

  test('a reader that leaves early ends the query', async () => {
    for (let i = 0; i < 20; i++) {
      const { pages } = await engine().query(`SELECT n FROM ${numbers(100000)}`)
      for await (const page of pages) {
        expect(page.length).toBeGreaterThan(0)
        break
      }
    }
    expect(await rowsOf(engine(), 'SELECT count(*) FROM events')).toEqual([[20]])
  })
}
