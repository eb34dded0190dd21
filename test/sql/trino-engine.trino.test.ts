import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccess } from '../../src/base/access.ts'
import { createIcebergDoor } from '../../src/catalog/wire/iceberg-rest/door.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { openTrinoEngine } from '../../src/sql/drivers/trino.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { openSqlServer, type SqlServer } from '../../src/sql/wire/trino/server.ts'
import { engineSuite } from '../conformance/engine-suite.ts'
import { findTrino, type Trino } from '../engines/trino.ts'
import { Landing } from './support/landing.ts'
import { expectTablesOf } from './support/look.ts'
import { errorOf, rowsOf } from './support/rows.ts'

const PREFIX = '/iceberg'
const landing = await Landing.open()
await landing.append(20)
await landing.commit(20)
const ours = await openDuckdbEngine({ lake: landing.lake })
const access = createAccess(null, undefined)
const serve = createIcebergDoor({ catalog: landing.lake.catalog, access, prefix: PREFIX })
const door: SqlServer = await openSqlServer({
  engine: ours,
  host: '127.0.0.1',
  port: 0,
  access,
  mounts: [{ prefix: PREFIX, serve }],
})
const trino = await findTrino({
  hive: {
    connector: 'iceberg',
    'iceberg.catalog.type': 'rest',
    'iceberg.rest-catalog.uri': `${door.url}${PREFIX}`,
    'fs.hadoop.enabled': 'true',
  },
})
let engine: SqlEngine

beforeAll(() => {
  if (!('missing' in trino)) engine = openTrinoEngine(urlOf(trino))
})

afterAll(async () => {
  if (!('missing' in trino)) await trino.detach('hive')
  await engine?.[Symbol.asyncDispose]()
  await door[Symbol.asyncDispose]()
  await ours[Symbol.asyncDispose]()
  await landing.close()
})

const urlOf = ({ url }: Trino) => `${url.replace('http://', 'trino://test@')}/hive/default`

describe('a real Trino', () => {
  if ('missing' in trino) {
    test('the suite', ({ skip }) => skip(trino.missing))
    return
  }
  engineSuite(() => ({ engine }), { foreign: 'trino' })

  test('statements that write are refused before they leave', async () => {
    for (const sql of [
      'CREATE TABLE hive.default.other AS SELECT 1 AS x',
      "EXECUTE IMMEDIATE 'DELETE FROM purchases'",
      'EXPLAIN ANALYZE VERBOSE DELETE FROM purchases',
      'PREPARE p FROM DROP TABLE purchases',
      'CALL system.runtime.kill_query(query_id => 1)',
    ])
      expect(await errorOf(engine, sql), sql).toMatchObject({ code: 'sql/not-allowed' })
    expect(await rowsOf(engine, 'EXPLAIN ANALYZE SELECT 1')).toHaveLength(1)
  })

  test('what only the pipeline names is told apart from what nobody knows', async () => {
    await using asked = openTrinoEngine(urlOf(trino), { named: new Map([['totals', 'view']]) })
    const error = await errorOf(asked, 'SELECT * FROM totals')
    expect(error.code).toBe('sql/unknown-table')
    expect(error.hint).toMatch(/^totals is a view of the pipeline/)
    expect((await errorOf(asked, 'SELECT * FROM totalz')).hint).toBeUndefined()
  })

  test('its tables are listed and described from the command line', () =>
    expectTablesOf(urlOf(trino), 'timestamp(6) with time zone'))

  test('tables that are not ours have no freshness to tell', async () => {
    await using tpch = openTrinoEngine(urlOf(trino).replace('hive/default', 'tpch/tiny'))
    const { freshness, pages } = await tpch.query('SELECT count(*) FROM region')
    for await (const page of pages) expect(page).toEqual([[5]])
    expect(freshness).toEqual({ position: undefined, end: undefined, behind: false, batch: 0 })
  })

  test('a Trino asked as a Presto says what it is', async () => {
    await using presto = openTrinoEngine(urlOf(trino).replace('trino://', 'presto://'))
    expect(await errorOf(presto, 'SELECT 1')).toMatchObject({
      code: 'sql/other-dialect',
      message: expect.stringMatching(/expected a server of Presto at .*, found Trino 476/),
      hint: 'Begin the URL with trino://',
    })
  })
})
