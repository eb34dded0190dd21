/** The suite of SQL engines over a real PrestoDB and its metastore, which `presto.ts` has started: addresses come in `LANDFALL_PRESTO`. */
import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { openCatalog } from '../../src/catalog/open.ts'
import { openTrinoEngine } from '../../src/sql/drivers/trino.ts'
import { engineSuite } from '../conformance/engine-suite.ts'
import { Landing } from '../sql/support/landing.ts'
import { expectTablesOf } from '../sql/support/look.ts'
import { errorOf, rowsOf } from '../sql/support/rows.ts'

const { presto, metastore } = JSON.parse(process.env['LANDFALL_PRESTO']!) as Record<string, string>
const url = presto!.replace('http://', 'presto://test@')
const namespace = `suite_${randomUUID().slice(0, 8)}`
const schema = `${namespace}_presto`
const landing = await Landing.open((storage) =>
  openCatalog(`${metastore}?presto=true`, storage, { namespace }),
)
await landing.append(20)
await landing.commit(20)
const engine = openTrinoEngine(`${url}/hive/${schema}`)

afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  await landing.close()
})

describe('a real Presto', () => {
  engineSuite(() => ({ engine }), { foreign: 'presto', schema })

  test('statements that write are refused before they leave', async () => {
    for (const sql of [
      'CREATE TABLE hive.default.other AS SELECT 1 AS x',
      'PREPARE p FROM DROP TABLE purchases',
    ])
      expect(await errorOf(engine, sql), sql).toMatchObject({ code: 'sql/not-allowed' })
    expect(await rowsOf(engine, 'EXPLAIN ANALYZE SELECT 1')).toHaveLength(1)
  })

  test('its tables are listed and described from the command line', () =>
    expectTablesOf(`${url}/hive/${schema}`, 'timestamp(3)'))

  test('tables that are not ours have no freshness to tell', async () => {
    await using tpch = openTrinoEngine(`${url}/tpch/tiny`)
    const { freshness, pages } = await tpch.query('SELECT count(*) FROM region')
    for await (const page of pages) expect(page).toEqual([[5]])
    expect(freshness).toEqual({ position: undefined, end: undefined, behind: false, batch: 0 })
  })

  test('a Presto asked as a Trino says what it is', async () => {
    await using trino = openTrinoEngine(`${presto!.replace('http://', 'trino://test@')}/hive/${schema}`)
    expect(await errorOf(trino, 'SELECT 1')).toMatchObject({
      code: 'sql/other-dialect',
      message: expect.stringMatching(/expected a server of Trino at .*, found Presto 0\.287/),
      hint: 'Begin the URL with presto://',
    })
  })
})
