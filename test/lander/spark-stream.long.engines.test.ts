import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { LandfallError } from '../../src/base/errors.ts'
import type { Lake } from '../../src/lake/lake.ts'
import type { LanderOptions } from '../../src/lander/lander.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { covers } from '../../src/model/position.ts'
import { compareTable } from '../../src/pipeline/swap/compare.ts'
import { deadBefore } from '../conformance/lander-suite.ts'
import { startSparkConnect } from '../engines/spark-connect.ts'
import { findSparkEngines, type LanderChild, SparkWorld, type SparkWorldOptions } from './spark-world.ts'
import { game, type Sent } from './support.ts'

const TIMEOUT_MS = 1_200_000
const engines = await findSparkEngines()

function open(options: SparkWorldOptions = {}): Promise<SparkWorld> {
  if ('missing' in engines) throw new Error(engines.missing)
  return SparkWorld.open(engines, { trigger: '1s', ...options })
}

function it(what: string, work: () => Promise<void>): void {
  test(what, { timeout: TIMEOUT_MS }, async ({ skip }) => {
    if ('missing' in engines) return skip(engines.missing)
    await work()
  })
}

const sword = (id: string): Sent => ({ event: { event_type: 'purchase_sword', type: id, cost: 1 }, id })
const ids = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

/** Purchases, guilds, what fits no plan, and now and then nothing for a table. */
function some(count: number, from = 0): Sent[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    const events = [
      { event_type: 'purchase_sword', type: `é${n}`, cost: n % 7 === 0 ? null : n },
      { event_type: 'purchase_shield', type: 'round', cost: n },
      { event_type: 'join_guild', guild_name: `g${n}`, members: n },
      { event_type: 'join_guild', guild_name: `g${n}`, members: -1 },
      { event_type: 'default' },
    ]
    return { event: events[n % events.length], id: `id-${n}`, at: n * 1000 }
  })
}

/** Commits of a table that took what a stream had staged. */
async function takenFromStreams(world: SparkWorld, table: string): Promise<number> {
  const { metadata } = (await world.lake.load(table))!
  const ids = metadata.snapshots.map(({ summary }) => summary['published-wap-id'] ?? '')
  return ids.filter((id) => id.startsWith('landfall-stream-')).length
}

async function expectEqual(world: SparkWorld): Promise<void> {
  const other = await world.openAnother()
  await using duckdb = await world.openDuckdb({ lake: other, directory: join(world.directory, 'duckdb') })
  await duckdb.landToEnd()
  for (const table of [...game.tables.map(({ name }) => name), 'events', 'dead_letters']) {
    const compared = await compareTable(await world.connection(), table, { now: other, next: world.lake })
    expect(compared.differences).toEqual([])
    expect(compared).toMatchObject({ equal: true })
    expect(compared.now.rows).toBeGreaterThan(0)
  }
  expect((await world.lake.load('events'))!.counters).toEqual((await other.load('events'))!.counters)
}

it('what it streams equals what DuckDB lands, row by row, and a repeated id is landed by a batch', async () => {
  await using world = await open({ partitions: 2 })
  await world.send(...some(500))
  await using lander = await world.open()
  expect(await lander.landToEnd()).toMatchObject({ records: 500, duplicate: 0 })
  expect(await takenFromStreams(world, 'events')).toBeGreaterThan(0)
  expect(await takenFromStreams(world, 'guilds')).toBeGreaterThan(0)
  const conflict = { event: { event_type: 'default', other: 1 }, id: 'id-4' }
  await world.send(...some(50, 100), conflict, ...some(50, 500))
  expect(await lander.landToEnd()).toMatchObject({ records: 101, duplicate: 50 })
  await expectEqual(world)
})

it('streams that would begin too often leave the landing to batches, by the same rules', async () => {
  await using world = await open({ partitions: 2 })
  await using lander = await world.open({ stream: { everyMs: 200, queriesPerHour: 5 } })
  for (const round of [1, 2, 3]) {
    await world.send(...some(50, round * 40))
    await lander.landToEnd()
  }
  expect(world.notes.filter((note) => note.includes('too often'))).toHaveLength(1)
  expect(await takenFromStreams(world, 'events')).toBeGreaterThan(0)
  const repeats = Object.values(lander.status().counters).reduce((sum, { duplicate }) => sum + duplicate, 0)
  expect(repeats).toBe(20)
  await expectEqual(world)
})

/** A lake that so many commits of `events` come too late for: Spark's snapshot is gone. */
function lateFor(lake: Lake, times: number): Lake {
  let left = times
  const late = new LandfallError('retry', 'lake/nothing-staged', 'it is gone')
  return new Proxy(lake, {
    get(target, key) {
      const method = Reflect.get(target, key) as unknown
      if (typeof method !== 'function') return method
      const bound = method.bind(target) as (name: string, ...rest: unknown[]) => unknown
      if (key !== 'commitStaged') return bound
      return (name: string, ...rest: unknown[]) =>
        name === 'events' && left-- > 0 ? Promise.reject(late) : bound(name, ...rest)
    },
  })
}

it('streams that begin anew while other tables stand ahead of `events` read each from where it stands', async () => {
  await using world = await open({ partitions: 2, trigger: '200ms' })
  await using lander = await world.open({ lake: lateFor(world.lake, 2) })
  const stop = new AbortController()
  const running = lander.run(stop.signal)
  // Told by whoever waits for the lander.
  running.catch(() => {})
  const notes = (code: string) => world.notes.filter((note) => note.includes(code))
  const untilThere = (there: () => boolean) =>
    until(world, () => there() || notes('lander/stream-astray').length > 0)
  for (let round = 1; round <= 2; round++) {
    await world.send(...some(100, round * 100))
    await untilThere(() => notes('lake/nothing-staged').length >= round)
  }
  const records = () => Object.values(lander.status().counters).reduce((sum, of) => sum + of.records, 0)
  await untilThere(() => records() >= 200)
  expect(notes('lander/stream-astray')).toEqual([])
  stop.abort()
  await running
  await expectEqual(world)
})

/** Each id is in `events` once, and in the tables of its event once. */
async function expectExactlyOnce(world: SparkWorld, count: number): Promise<void> {
  const [sums] = await world.rows('events', 'count(*)::INT AS n, count(DISTINCT event_id)::INT AS ids')
  expect(sums).toEqual({ n: count, ids: count })
  for (const table of ['purchases', 'sword_purchases'])
    expect(await world.rows(table, 'count(*)::INT AS n, count(DISTINCT type)::INT AS ids')).toEqual([
      { n: count, ids: count },
    ])
  const { counters } = (await world.lake.load('events'))!
  expect(Object.values(counters!).reduce((sum, { landed }) => sum + landed, 0)).toBe(count)
}

/** Sends swords until it is told to stop. */
function load(world: SparkWorld): () => Promise<number> {
  let more = true
  let count = 0
  const writing = (async () => {
    for (let n = 0; more; n++) {
      await world.send(...ids(20, `n${n}-`).map(sword))
      count += 20
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  // Told to whoever stops it; a test that fails before does not.
  writing.catch(() => {})
  return async () => {
    more = false
    await writing
    return count
  }
}

async function until(
  world: SparkWorld,
  condition: () => boolean | Promise<boolean>,
  child?: LanderChild,
): Promise<void> {
  const limit = performance.now() + TIMEOUT_MS / 2
  while (!(await condition())) {
    if (performance.now() > limit)
      throw new Error(`waited in vain: ${world.notes.slice(-10).join('\n')} ${child?.output() ?? ''}`)
    await new Promise((resolve) => setTimeout(resolve, 400))
  }
}

it('driver and server are killed under load, DuckDB takes over where the streams stopped, and none is lost or doubled', async () => {
  await using world = await open({ partitions: 2 })
  const started = await startSparkConnect()
  if ('missing' in started) throw new Error(started.missing)
  await using server = started
  world.spark = server.state
  const stopLoad = load(world)
  const options = { settings: { batchAgeMs: 300, idleMs: 300 } }

  const duckdb = await world.openDuckdb(options)
  const stopped = new AbortController()
  const running = duckdb.run(stopped.signal)
  await until(world, () => duckdb.status().batch > 0)
  stopped.abort()
  await running
  await duckdb[Symbol.asyncDispose]()

  // A driver of its own, killed once it has taken something from its streams: its queries go on.
  const child = world.startChild('follow')
  await until(world, async () => child.hasEnded || (await takenFromStreams(world, 'purchases')) > 1, child)
  expect(child.hasEnded, child.output()).toBe(false)
  await child.kill()

  // The next one, whose server is killed in the middle.
  const next = await world.open(options)
  const stop = new AbortController()
  const following = next.run(stop.signal)
  const before = await takenFromStreams(world, 'events')
  await until(world, async () => (await takenFromStreams(world, 'events')) > before)
  await server.kill()
  await server.restart()
  const { batch } = next.status()
  await until(world, () => next.status().batch > batch)

  // DuckDB takes over while the streams run: the other is fenced.
  const last = await world.openDuckdb({ ...options, directory: join(world.directory, 'elsewhere') })
  await expect(following).rejects.toMatchObject({ code: 'lake/fenced' })
  await next[Symbol.asyncDispose]()
  const count = await stopLoad()
  await last.landToEnd()
  await last[Symbol.asyncDispose]()
  await expectExactlyOnce(world, count)
})

/** The game judged otherwise: its guilds may have any number of members, and its swords need short names. */
const other = definePipeline({
  name: 'game',
  events: {
    purchase_sword: Type.Object({
      type: Type.String({ maxLength: 5 }),
      cost: Type.Union([Type.Integer(), Type.Null()]),
    }),
    purchase_shield: Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) }),
    join_guild: Type.Object({ guild_name: Type.String(), members: Type.Optional(Type.Integer()) }),
    default: Type.Object({}),
  },
  tables: {
    sword_purchases: { events: ['purchase_sword'], headers: ['Host', 'User-Agent'] },
    purchases: { events: '*purchase*', headers: ['Host', 'User-Agent'] },
    guilds: { events: ['join_guild'], headers: ['Host'] },
  },
  duplicates: { window: '1h', volatile: ['sent_at'] },
}).compiled

/** Dead to one definition and landed by the other, both ways round. */
const disputed = (n: number): Sent[] => [
  sword(`long-name-${n}`),
  { event: { event_type: 'join_guild', guild_name: `guild-${n}`, members: -1 }, id: `guild-${n}` },
]

for (const [dead, next] of [
  ['streams', 'DuckDB'],
  ['DuckDB', 'streams'],
  ['streams', 'streams'],
]) {
  it(`what ${dead} landed in part ${next} finish by the same definition on another machine, and only then judge by their own`, async () => {
    await using world = await open({ trigger: '200ms' })
    const openLander = (kind: string, options: Partial<LanderOptions>) =>
      kind === 'streams' ? world.open(options) : world.openDuckdb(options)
    await world.send(...disputed(1))
    const dying = await openLander(dead!, { lake: deadBefore(world.lake, 'events') })
    await expect(dying.landToEnd()).rejects.toMatchObject({ code: 'test/killed' })
    await dying[Symbol.asyncDispose]()
    const [events, letters] = [await world.lake.load('events'), await world.lake.load('dead_letters')]
    expect(covers(events!.position!, letters!.position!)).toBe(false)
    await world.send(...disputed(2))
    const elsewhere = { directory: join(world.directory, 'elsewhere'), pipeline: other }
    const lander = await openLander(next!, elsewhere)
    expect(await lander.landToEnd()).toMatchObject({ records: 2, landed: 1, dead: 1, duplicate: 0 })
    await lander[Symbol.asyncDispose]()
    const idsOf = async (table: string) =>
      (await world.rows(table, 'event_id', 'ORDER BY ALL')).map((row) => row['event_id'])
    expect(await idsOf('events')).toEqual(['guild-2', 'long-name-1'])
    expect(await idsOf('dead_letters')).toEqual(['guild-1', 'long-name-2'])
    expect(await world.rows('sword_purchases', 'type')).toEqual([{ type: 'long-name-1' }])
    expect(await world.rows('guilds', 'guild_name')).toEqual([{ guild_name: 'guild-2' }])
  })
}
