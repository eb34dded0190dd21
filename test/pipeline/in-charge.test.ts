import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { handOver, landerInCharge, landerToStart } from '../../src/pipeline/swap/in-charge.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { World } from '../lander/support.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world[Symbol.asyncDispose]())

const SPARK = 'sc://127.0.0.1:15002?mode=batch'
const join_guild = { event_type: 'join_guild', guild_name: 'grubs' }

test('a hand-over fences the lander that runs, and its uncommitted events are landed once by the next', async () => {
  await world.send({ event: join_guild })
  await world.land()
  const running = await world.open()
  await world.send({ event: join_guild }, { event: join_guild })
  await handOver(world.lake, SPARK)
  await expect(running.landToEnd()).rejects.toMatchObject({ code: 'lake/fenced' })
  await running[Symbol.asyncDispose]()
  expect(await world.rows('events')).toHaveLength(1)

  expect(await landerInCharge(world.lake)).toBe(SPARK)
  await world.land()
  expect(await world.rows('events')).toHaveLength(3)
  expect(await world.rows('guilds')).toHaveLength(3)
  expect(await landerInCharge(world.lake)).toBe(SPARK)
})

test('a start finds the lander in charge, and refuses the one of before', async () => {
  expect(await landerToStart(world.lake, null)).toBe('duckdb:')
  expect(await landerToStart(world.lake, SPARK)).toBe(SPARK)
  await world.send({ event: join_guild })
  await world.land()
  expect(await landerToStart(world.lake, null)).toBe('duckdb:')
  await handOver(world.lake, SPARK)
  expect(await landerToStart(world.lake, null)).toBe(SPARK)
  expect(await landerToStart(world.lake, SPARK)).toBe(SPARK)
  await expect(landerToStart(world.lake, 'duckdb:')).rejects.toMatchObject({
    code: 'lander/other-in-charge',
    kind: 'fix-config',
  })
  await handOver(world.lake, 'duckdb:')
  expect(await landerToStart(world.lake, null)).toBe('duckdb:')
})

test('there is nothing to hand over before the first batch', async () => {
  await expect(handOver(world.lake, SPARK)).rejects.toMatchObject({ code: 'swap/no-tables' })
})

test('a query does not wait for the spool of a lander that is not in charge any more', async () => {
  await world.send({ event: join_guild })
  await world.land()
  await using engine = await openDuckdbEngine({
    lake: world.lake,
    log: world.log,
    spoolDirectory: join(world.directory, 'spool'),
    settings: { spoolWaitMs: 60_000 },
  })
  await handOver(world.lake, SPARK)
  await world.send({ event: join_guild })
  // With 60 s to wait for the spool, this test would time out.
  const { freshness, pages } = await engine.query('SELECT count(*) FROM guilds')
  const rows = []
  for await (const page of pages) rows.push(...page)
  expect(rows).toEqual([[1]])
  expect(freshness).toMatchObject({
    committedAt: expect.any(Number),
    position: { next: { 0: 1 } },
    end: { next: { 0: 2 } },
  })
}, 30_000)
