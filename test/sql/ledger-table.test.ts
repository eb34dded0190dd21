/** `SELECT … FROM ledger`: the sum at the same snapshots and the same end as everything else in the question. */
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { readLedger } from '../../src/ledger/ledger.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine, Value } from '../../src/sql/sql.ts'
import { World } from '../lander/support.ts'

const sword = { event_type: 'purchase_sword', type: 'long', cost: 3 }

function open(world: World): Promise<SqlEngine> {
  const refused = [{ reason: 'collector/too-large', status: 413, requests: 2, events: 0 }]
  const refusals = { version: 1 as const, door: 'd', since: '', until: '', refused }
  const ledger = { topic: 'events', refusals: () => Promise.resolve(refusals) }
  return openDuckdbEngine({ lake: world.openLake(), log: world.log, ledger })
}

async function ask(engine: SqlEngine, sql: string): Promise<Value[][]> {
  const rows: Value[][] = []
  for await (const page of (await engine.query(sql)).pages) rows.push(...page)
  return rows.map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)))
}

const SUM =
  'SELECT sum(accepted), sum(landed), sum(dead), sum(duplicates), sum(pending), sum(refused) FROM ledger'

test('its rows add up to the ledger, beside other tables in one question', { timeout: 300_000 }, async () => {
  await using world = new World()
  await using engine = await open(world)
  expect(await engine.listTables()).toContain('ledger')
  await world.send(
    { event: sword, id: 'a' },
    { event: sword, id: 'a' },
    { event: { event_type: 'dance' }, id: 'b' },
  )
  await world.land()
  await world.send({ event: sword, id: 'c' })
  await world.land()
  await world.send({ event: sword, id: 'd' })
  const { total } = await readLedger(world)
  const sums = (await ask(engine, SUM))[0]!.map(Number)
  expect(sums).toEqual([total.accepted, total.landed, total.dead, total.duplicate, total.pending, 2])
  expect(await ask(engine, `SELECT count(*) FROM events, ledger WHERE ledger.entry = 'pending'`)).toEqual([
    [2],
  ])
  expect(
    await ask(
      engine,
      `SELECT entry, table_name, batch, from_offset, to_offset, accepted, added_rows, year(committed_at) > 2000
       FROM ledger WHERE batch = 1 ORDER BY table_name`,
    ),
  ).toEqual([
    ['commit', 'dead_letters', 1, null, null, null, 1, true],
    ['commit', 'events', 1, 0, 3, 3, 1, true],
    ['commit', 'purchases', 1, null, null, null, 1, true],
    ['commit', 'sword_purchases', 1, null, null, null, 1, true],
  ])
  expect(await ask(engine, `SELECT detail FROM ledger WHERE entry IN ('finding', 'refused')`)).toEqual([
    ['413 collector/too-large'],
  ])
  expect((await ask(engine, 'DESCRIBE ledger')).map(([name]) => name)).toContain('duplicates')
  expect(await ask(engine, "SHOW TABLES LIKE 'led%'")).toEqual([['ledger']])
  expect(
    await ask(
      engine,
      `SELECT count(*) FROM information_schema.columns WHERE table_name = 'ledger' AND column_name = 'pending'`,
    ),
  ).toEqual([[1]])
})

test('before a lander has run everything is pending', { timeout: 300_000 }, async () => {
  await using world = new World()
  await using engine = await open(world)
  await world.send({ event: sword, id: 'a' })
  expect((await ask(engine, SUM))[0]!.slice(0, 5).map((value) => Number(value ?? 0))).toEqual([1, 0, 0, 0, 1])
})

test('a pipeline may not call a table or a view so', () => {
  const named = (more: object) => () =>
    definePipeline({ name: 'x', events: { a: Type.Object({}) }, tables: {}, ...more } as never)
  expect(named({ tables: { ledger: { events: '*' } } })).toThrow(/ledger/)
  expect(named({ views: { ledger: 'SELECT 1 AS one' } })).toThrow(/every pipeline has a table of that name/)
})
