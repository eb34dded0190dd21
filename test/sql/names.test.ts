import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine, Value } from '../../src/sql/sql.ts'
import { Landing } from './support/landing.ts'
import { errorOf, rowsOf } from './support/rows.ts'

let landing: Landing
let engine: SqlEngine
let prices: string

beforeAll(async () => {
  landing = await Landing.open()
  await landing.append(20)
  await landing.chunk(8)
  await landing.commit(8)
  await landing.chunk(20)
  mkdirSync(join(landing.directory, 'pipeline'))
  prices = join(landing.directory, 'pipeline', 'prices.csv')
  writeFileSync(prices, 'item,price,since\n"o\'clock",7,2021-07-30\nsabre,6,2021-07-31\n')
  const typed = { item: 'varchar', price: 'decimal(18, 2)' }
  engine = await openDuckdbEngine({
    lake: landing.lake,
    log: landing.log,
    spoolDirectory: landing.spoolDirectory,
    named: {
      views: [
        {
          name: 'buyers',
          sql: 'SELECT "Host" AS host, count(*) AS purchases FROM purchases GROUP BY 1 -- per person',
        },
        { name: 'best_buyers', sql: 'SELECT host FROM hive.default.buyers WHERE purchases > 3' },
        { name: 'broken', sql: 'SELECT nothing FROM purchases' },
        { name: 'egg', sql: 'SELECT * FROM hen' },
        { name: 'hen', sql: 'SELECT * FROM egg' },
      ],
      reference: [
        { name: 'prices', file: prices, format: 'csv', columns: null },
        { name: 'typed_prices', file: prices, format: 'csv', columns: typed },
        { name: 'gone', file: join(landing.directory, 'gone.csv'), format: 'csv', columns: { a: 'varchar' } },
      ],
    },
  })
})

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

const ask = (sql: string) => rowsOf(engine, sql)
const first = (rows: Value[][]) => rows.map(([value]) => value)

describe('views', () => {
  test('are asked like tables, of rows that are not committed too', async () => {
    expect(await ask('SELECT sum(purchases) FROM buyers')).toEqual([[10]])
    expect(
      await ask('SELECT count(*) FROM hive.default.best_buyers AS b JOIN buyers ON b.host = buyers.host'),
    ).toEqual([[1]])
  })

  test('one that does not work says so with the place in its own text', async () => {
    expect(await errorOf(engine, 'SELECT 1 FROM broken')).toMatchObject({ code: 'sql/invalid-view' })
  })

  test('one that reads itself is refused', async () => {
    const error = await errorOf(engine, 'SELECT * FROM egg')
    expect(error.code).toBe('sql/invalid-view')
    expect(error.message).toContain('egg → hen → egg')
  })

  test('a view follows a table that gains a column', async () => {
    const own = await Landing.open()
    const views = [{ name: 'all_guilds', sql: 'SELECT * FROM guilds' }]
    await using grown = await openDuckdbEngine({ lake: own.lake, named: { views, reference: [] } })
    const names = async () => (await grown.query('SELECT * FROM all_guilds')).columns.map(({ name }) => name)
    expect(await names()).not.toContain('extra')
    const state = await own.lake.load('guilds')
    const columns = state!.schema.fields.map(({ name, type }) => ({
      name,
      type,
      source: { from: 'property', property: name },
    }))
    const extra = { name: 'extra', type: 'long', source: { from: 'property', property: 'extra' } }
    await own.lake.ensure({
      name: 'guilds',
      events: ['join_guild'],
      columns: [...columns, extra] as never,
      partition: { column: 'timestamp', transform: 'day' },
      codec: 'snappy',
    })
    expect(await names()).toContain('extra')
    await own.close()
  })
})

describe('reference tables', () => {
  test('a CSV file has the types its values seem to have', async () => {
    const { columns } = await engine.query('SELECT * FROM prices')
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'item varchar',
      'price bigint',
      'since date',
    ])
    expect(await ask('SELECT item, price FROM prices ORDER BY price')).toEqual([
      ['sabre', 6],
      ["o'clock", 7],
    ])
  })

  test('declared columns are those and of that type', async () => {
    expect(await engine.describe('typed_prices')).toEqual([
      { name: 'item', type: 'varchar' },
      { name: 'price', type: 'decimal(18, 2)' },
    ])
    expect(await ask('SELECT * FROM typed_prices ORDER BY price')).toEqual([
      ['sabre', '6.00'],
      ["o'clock", '7.00'],
    ])
  })

  test('a changed file is seen by the next question', async () => {
    const before = await ask('SELECT count(*) FROM typed_prices')
    writeFileSync(prices, 'item,price\nsabre,1\nrapier,2\nkatana,3.5\n')
    utimesSync(prices, 1e9, 1e9)
    expect(before).toEqual([[2]])
    expect(await ask('SELECT count(*), sum(price) FROM prices')).toEqual([[3, 6.5]])
    expect(await ask('SELECT max(price) FROM typed_prices')).toEqual([['3.50']])
    rmSync(prices)
    expect((await errorOf(engine, 'SELECT * FROM prices')).code).toBe('sql/unavailable')
    writeFileSync(prices, 'item,price,since\nsabre,6,2021-07-31\n')
  })

  test('a file that is not there is said, and nothing else suffers', async () => {
    expect(await errorOf(engine, 'SELECT * FROM gone')).toMatchObject({
      code: 'sql/unavailable',
      kind: 'retry',
    })
    expect(await ask('SELECT count(*) FROM purchases')).toEqual([[10]])
  })
})

describe('names', () => {
  test.each([
    ['SELECT * FROM nothing.default.x', 'sql/unknown-catalog', undefined],
    ['SELECT * FROM system.runtime.queris', 'sql/unknown-table', 'Did you mean queries?'],
    ['SELECT * FROM information_schema.tabels', 'sql/unknown-table', 'Did you mean tables?'],
    ['SELECT * FROM system.metadata.t', 'sql/unknown-table', undefined],
    ['SELECT * FROM hive.default.purchasess', 'sql/unknown-table', 'Did you mean purchases?'],
    ['SELECT * FROM "purchases$nothing"', 'sql/unknown-table', undefined],
    ['SELECT * FROM "buyers$files"', 'sql/unknown-table', undefined],
    ['DESCRIBE system.jdbc.nothing', 'sql/unknown-table', undefined],
    ['SHOW TABLES FROM tpch.tiny', 'sql/unknown-catalog', undefined],
    ['SHOW TABLES FROM tiny', 'sql/unknown-schema', undefined],
    ['SHOW SCHEMAS FROM hives', 'sql/unknown-catalog', 'Did you mean hive?'],
  ])('%s is refused with its place', async (sql, code, hint) => {
    const error = await errorOf(engine, sql)
    expect(error.code).toBe(code)
    expect(error.details?.['line']).toBe(1)
    if (hint !== undefined) expect(error.hint).toBe(hint)
  })

  test('a relation of the session is found, and its cached statement is not taken for another', async () => {
    const session = { clientTags: [], properties: {}, preparedStatements: {} }
    const show = (schema: string) =>
      rowsOf(engine, 'SHOW TABLES', { session: { ...session, catalog: 'system', schema } })
    expect(await show('runtime')).toEqual([
      ['nodes'],
      ['optimizer_rule_stats'],
      ['queries'],
      ['tasks'],
      ['transactions'],
    ])
    expect(first(await show('jdbc'))).toContain('table_types')
  })
})

describe('metadata relations', () => {
  test('information_schema has what there is', async () => {
    expect(
      await ask(
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'default' ORDER BY 1",
      ),
    ).toEqual([
      ['best_buyers', 'VIEW'],
      ['broken', 'VIEW'],
      ['buyers', 'VIEW'],
      ['egg', 'VIEW'],
      ['events', 'BASE TABLE'],
      ['gone', 'BASE TABLE'],
      ['guilds', 'BASE TABLE'],
      ['hen', 'VIEW'],
      ['prices', 'BASE TABLE'],
      ['purchases', 'BASE TABLE'],
      ['typed_prices', 'BASE TABLE'],
    ])
    const columns = `SELECT column_name, ordinal_position, is_nullable, data_type FROM hive.information_schema.columns
      WHERE table_schema = 'default' AND table_name = `
    expect(await ask(`${columns}'purchases' ORDER BY ordinal_position`)).toEqual([
      ['raw_event', 1, 'YES', 'varchar'],
      ['timestamp', 2, 'YES', 'timestamp(6) with time zone'],
      ['host', 3, 'YES', 'varchar'],
      ['user-agent', 4, 'YES', 'varchar'],
      ['cost', 5, 'YES', 'bigint'],
    ])
    expect(await ask(`${columns}'buyers' ORDER BY ordinal_position`)).toEqual([
      ['host', 1, 'YES', 'varchar'],
      ['purchases', 2, 'YES', 'bigint'],
    ])
    expect(await ask('SELECT * FROM information_schema.schemata ORDER BY 2')).toEqual([
      ['hive', 'default'],
      ['hive', 'information_schema'],
    ])
    expect(
      await ask("SELECT view_definition FROM information_schema.views WHERE table_name = 'hen'"),
    ).toEqual([['SELECT * FROM egg']])
    expect(await ask('SELECT count(*) FROM information_schema.roles')).toEqual([[0]])
    expect(
      await ask("SELECT count(*) FROM system.information_schema.tables WHERE table_schema = 'jdbc'"),
    ).toEqual([[13]])
  })

  test('system.jdbc answers the driver', async () => {
    expect(await ask('SELECT TABLE_CAT FROM system.jdbc.catalogs ORDER BY TABLE_CAT')).toEqual([
      ['hive'],
      ['system'],
    ])
    expect(
      await ask("SELECT TABLE_SCHEM FROM system.jdbc.schemas WHERE TABLE_CATALOG = 'hive' ORDER BY 1"),
    ).toEqual([['default'], ['information_schema']])
    expect(
      await ask(
        "SELECT TABLE_NAME, TABLE_TYPE FROM system.jdbc.tables WHERE TABLE_SCHEM LIKE 'def%' AND TABLE_NAME LIKE 'b%s' ORDER BY 1",
      ),
    ).toEqual([
      ['best_buyers', 'VIEW'],
      ['buyers', 'VIEW'],
    ])
    expect(
      await ask(
        `SELECT COLUMN_NAME, DATA_TYPE, TYPE_NAME, COLUMN_SIZE, DECIMAL_DIGITS, NULLABLE FROM system.jdbc.columns
         WHERE TABLE_NAME IN ('purchases', 'typed_prices') ORDER BY TABLE_NAME, ORDINAL_POSITION`,
      ),
    ).toEqual([
      ['raw_event', 12, 'varchar', 2147483647, null, 1],
      ['timestamp', 2014, 'timestamp(6) with time zone', 62, 6, 1],
      ['host', 12, 'varchar', 2147483647, null, 1],
      ['user-agent', 12, 'varchar', 2147483647, null, 1],
      ['cost', -5, 'bigint', 19, null, 1],
      ['item', 12, 'varchar', 2147483647, null, 1],
      ['price', 3, 'decimal(18,2)', 18, 2, 1],
    ])
    const types = await engine.query('SELECT * FROM system.jdbc.types ORDER BY DATA_TYPE')
    expect(types.columns).toHaveLength(18)
    expect((await engine.query('SELECT * FROM system.jdbc.columns')).columns).toHaveLength(24)
    expect(await ask('SELECT * FROM system.jdbc.table_types')).toEqual([['TABLE'], ['VIEW']])
  })

  test('every relation that is listed can be described and asked', async () => {
    const listed = await ask(
      `SELECT table_cat || '.' || table_schem || '.' || table_name AS name FROM system.jdbc.tables
       WHERE table_schem <> 'default' ORDER BY 1`,
    )
    expect(listed.length).toBeGreaterThan(40)
    for (const name of first(listed)) {
      const { columns } = await engine.query(`SELECT * FROM ${name}`)
      const described = await ask(`DESCRIBE ${name}`)
      expect(
        described.map(([column]) => column),
        String(name),
      ).toEqual(columns.map((column) => column.name))
    }
  })

  test('relations of the catalog and tables join', async () => {
    const sql = `SELECT t.table_name, c.n FROM information_schema.tables AS t
      JOIN (SELECT 'purchases' AS name, count(*) AS n FROM purchases) AS c ON c.name = t.table_name`
    expect(await ask(sql)).toEqual([['purchases', 10]])
  })

  test('queries and nodes', async () => {
    const session = { user: 'ann', source: 'test', clientTags: [], properties: {}, preparedStatements: {} }
    const running = await rowsOf(
      engine,
      'SELECT query_id, state, "user", source FROM system.runtime.queries WHERE query_id = \'q1\'',
      {
        session,
        queryId: 'q1',
      },
    )
    expect(running).toEqual([['q1', 'RUNNING', 'ann', 'test']])
    await errorOf(engine, 'SELECT bad FROM purchases', { session, queryId: 'q2' })
    expect(
      await ask("SELECT state, error_type, error_code FROM system.runtime.queries WHERE query_id = 'q2'"),
    ).toEqual([['FAILED', 'USER_ERROR', 'COLUMN_NOT_FOUND']])
    expect(await ask('SELECT coordinator, state FROM system.runtime.nodes')).toEqual([[true, 'active']])
  })

  test('snapshots, history, files and partitions of a table', async () => {
    const counts = await Promise.all(
      ['snapshots', 'history', 'files', 'partitions'].map(async (table) => {
        const [[count]] = (await ask(`SELECT count(*) FROM hive.default."purchases$${table}"`)) as [[number]]
        return count
      }),
    )
    expect(counts).toEqual([1, 1, 1, 1])
    expect(await ask('SELECT operation, parent_id FROM "purchases$snapshots"')).toEqual([['append', null]])
    expect(await ask('SELECT record_count, partition FROM "purchases$files"')).toEqual([
      [4, { timestamp_day: '2021-07-30' }],
    ])
    expect(await ask('SELECT partition, record_count, file_count FROM "purchases$partitions"')).toEqual([
      [{ timestamp_day: '2021-07-30' }, 4, 1],
    ])
    expect(await ask('SELECT is_current_ancestor FROM "purchases$history"')).toEqual([[true]])
    expect(await ask('SELECT count(*) FROM "guilds$properties" WHERE key = \'landfall.epoch\'')).toEqual([
      [1],
    ])
  })
})

describe('statements about names', () => {
  test('SHOW, with LIKE and ESCAPE', async () => {
    expect(await ask('SHOW CATALOGS')).toEqual([['hive'], ['system']])
    expect(await ask("SHOW CATALOGS LIKE 'h%'")).toEqual([['hive']])
    expect(first(await ask('SHOW SCHEMAS FROM system'))).toEqual([
      'information_schema',
      'jdbc',
      'metadata',
      'runtime',
    ])
    expect(await ask("SHOW TABLES LIKE 'typed$_%' ESCAPE '$'")).toEqual([['typed_prices']])
    expect(await ask("SHOW TABLES FROM system.runtime LIKE 'n%'")).toEqual([['nodes']])
    expect(await ask("SHOW COLUMNS FROM purchases LIKE 'c%'")).toEqual([['cost', 'bigint', '', '']])
    expect(await ask('DESCRIBE buyers')).toEqual([
      ['host', 'varchar', '', ''],
      ['purchases', 'bigint', '', ''],
    ])
    expect(await ask('SHOW ROLES')).toEqual([])
    expect(await ask("SHOW FUNCTIONS LIKE 'approx_d%'")).toEqual([
      ['approx_distinct', '', '', 'aggregate', true, ''],
    ])
  })

  test('SHOW CREATE', async () => {
    const [[table]] = (await ask('SHOW CREATE TABLE hive.default.purchases')) as [[string]]
    expect(table.replace(/location = '[^']*'/, "location = '…'")).toBe(`CREATE TABLE hive.default.purchases (
   raw_event varchar,
   timestamp timestamp(6) with time zone,
   "Host" varchar,
   "User-Agent" varchar,
   cost bigint
)
WITH (
   format = 'PARQUET',
   format_version = 2,
   location = '…',
   partitioning = ARRAY['day(timestamp)']
)`)
    expect(await ask('SHOW CREATE VIEW hen')).toEqual([
      ['CREATE VIEW hive.default.hen SECURITY INVOKER AS\nSELECT * FROM egg'],
    ])
    expect(await ask('SHOW CREATE SCHEMA default')).toEqual([['CREATE SCHEMA hive.default']])
    expect((await errorOf(engine, 'SHOW CREATE VIEW purchases')).hint).toBe('Use SHOW CREATE TABLE')
  })

  test('SHOW STATS tells what the committed files say', async () => {
    const rows = await ask('SHOW STATS FOR purchases')
    expect(rows.find(([name]) => name === 'cost')).toEqual(['cost', null, null, 0, null, '0', '6'])
    expect(rows.at(-1)).toEqual([null, null, null, null, 4, null, null])
    expect((await errorOf(engine, 'SHOW STATS FOR (SELECT 1)')).code).toBe('sql/not-supported')
  })

  test('EXPLAIN as text, as JSON and as validation', async () => {
    expect(await ask('EXPLAIN (TYPE VALIDATE) SELECT * FROM buyers')).toEqual([[true]])
    const [[plan]] = (await ask('EXPLAIN (FORMAT JSON) SELECT * FROM buyers')) as [[string]]
    expect(JSON.parse(plan)).toBeTypeOf('object')
    expect(await errorOf(engine, 'EXPLAIN (TYPE VALIDATE) SELECT bad FROM buyers')).toMatchObject({
      code: 'sql/unknown-column',
      details: { line: 1, column: 32 },
    })
    expect(await errorOf(engine, 'EXPLAIN (TYPE IO) SELECT 1')).toMatchObject({
      code: 'sql/not-supported',
      details: { column: 15 },
    })
    expect(await ask('EXPLAIN (TYPE LOGICAL, FORMAT TEXT) SELECT 1')).toHaveLength(1)
  })
})
