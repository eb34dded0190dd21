import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { compareTable } from '../../src/pipeline/swap/compare.ts'
import { landerSuite } from '../conformance/lander-suite.ts'
import { findHive } from '../engines/catalogs.ts'
import { startSparkConnect } from '../engines/spark-connect.ts'
import { findSparkEngines, SparkWorld, type SparkWorldOptions } from './spark-world.ts'
import type { Sent } from './support.ts'

const TIMEOUT_MS = 300_000
const engines = await findSparkEngines()

function open(options: SparkWorldOptions = {}): Promise<SparkWorld> {
  if ('missing' in engines) throw new Error(engines.missing)
  return SparkWorld.open(engines, options)
}

function it(what: string, work: () => Promise<void>): void {
  test(what, { timeout: TIMEOUT_MS }, async ({ skip }) => {
    if ('missing' in engines) return skip(engines.missing)
    await work()
  })
}

landerSuite('Spark over Kafka and a REST catalog', {
  open: (pipeline) => open(pipeline ? { pipeline } : {}),
  ...('missing' in engines ? { missing: engines.missing } : {}),
  timeoutMs: TIMEOUT_MS,
})

const kinds = definePipeline({
  name: 'kinds',
  events: {
    all: Type.Object({
      text: Type.String(),
      whole: Type.Integer(),
      number: Type.Number(),
      yes: Type.Boolean(),
      list: Type.Optional(Type.Array(Type.Any())),
      thing: Type.Optional(Type.Object({}, { additionalProperties: true })),
      maybe: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    }),
    few: Type.Object({
      text: Type.Optional(Type.String({ minLength: 2, maxLength: 5 })),
      whole: Type.Integer({ minimum: 0, maximum: 9 }),
    }),
  },
  tables: {
    everything: { events: '*', headers: ['Host', 'User-Agent'] },
    only_few: { events: ['few'] },
  },
  sources: { shop: { trustTime: { field: 'at', past: '1d', future: '1h' } } },
  duplicates: { window: '1h', volatile: ['sent_at'] },
}).compiled

const whole = { event_type: 'all', text: 'é"\\😀', whole: 7, number: 0.1, yes: true }
const ODD: Sent[] = [
  {
    event:
      '{"event_type":"all","text":"","whole":9223372036854775807,"number":1e-7,"yes":false,"list":[1,"a",{"b":null}],"thing":{"x":[1.5]},"maybe":null}',
  },
  {
    event:
      '{"event_type":"all","text":"\\u00e9\\ud83d\\ude00","whole":-9223372036854775808,"number":-0.0,"yes":true,"maybe":7}',
  },
  { event: '{"event_type":"all","text":"a","whole":9223372036854775808,"number":1,"yes":true}' },
  { event: '{"event_type":"all","text":"a","whole":1e3,"number":1e400,"yes":true}' },
  { event: '{"event_type":"all","text":null,"whole":1,"number":1,"yes":true}' },
  { event: { event_type: 'few', whole: 3, text: 'abcdef' } },
  { event: { event_type: 'few', whole: 10 } },
  { event: { event_type: 'few', whole: 9, text: 'ab' }, headers: { Host: 'h', 'User-Agent': 'curl/8' } },
  { event: { event_type: 'few', whole: 1, Host: 'own' }, headers: { Host: 'h' }, route: true },
  { event: { event_type: 'few', whole: 1, at: '2026-11-22T11:59:00.000001Z' }, source: 'shop' },
  { event: { event_type: 'few', whole: 1, at: '2020-01-01T00:00:00Z' }, source: 'shop' },
  { event: { event_type: 'fewer', whole: 1 } },
  { event: { whole: 1 } },
  { event: '[1,2]', plan: null },
  { event: 'no json', plan: null },
  { event: { event_type: 'few', whole: 2 }, plan: null },
  { event: '', value: Buffer.from([0x7b, 0xff, 0xfe]), plan: null },
]

/** Records of several partitions, a tenth of them repeats, a twentieth of those with other content. */
function some(count: number, from = 0): Sent[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    const repeat = n % 10 === 9
    const id = `id-${repeat ? n - 5 : n}`
    const event =
      n % 3 === 0
        ? { event_type: 'few', whole: (repeat ? n - 5 : n) % 12 }
        : { ...whole, whole: repeat ? n - 5 : n }
    return { event: n % 200 === 199 ? { ...event, text: 'other' } : event, id, at: n * 1000 }
  })
}

it('its tables equal those of DuckDB, row by row, over the same log of three partitions', async () => {
  await using world = await open({ pipeline: kinds, partitions: 3 })
  await world.send(...ODD.map((sent, i) => ({ id: `odd-${i}`, ...sent })), ...some(1500))
  const spark = await world.land({ settings: { batchRows: 900 } })
  await world.send(...some(300, 1300))
  await world.land()
  const other = await world.openAnother()
  await using duckdb = await world.openDuckdb({ lake: other, directory: join(world.directory, 'duckdb') })
  const report = await duckdb.landToEnd()
  expect(spark.batches).toBeGreaterThan(1)
  expect(report.duplicate).toBeGreaterThan(100)
  expect(report.dead).toBeGreaterThan(50)
  for (const table of [...kinds.tables.map(({ name }) => name), 'events', 'dead_letters']) {
    const compared = await compareTable(await world.connection(), table, { now: other, next: world.lake })
    expect(differing(table, compared.differences)).toEqual([])
    if (table !== 'dead_letters') expect(compared).toMatchObject({ equal: true })
    expect(compared.now.rows).toBe(compared.next.rows)
    expect(compared.now.rows).toBeGreaterThan(0)
  }
  expect((await world.lake.load('events'))!.counters).toEqual((await other.load('events'))!.counters)
})

/** The wording of a detail for text that is no JSON is Spark's own (docs/reference/spark.md). */
function differing(table: string, differences: string[]): string[] {
  return table === 'dead_letters' ? differences.filter((text) => !text.includes('detail')) : differences
}

/** Each id is in `events` once, and in the tables of its event once. */
async function expectExactlyOnce(world: SparkWorld, ids: string[]): Promise<void> {
  const [sums] = await world.rows('events', 'count(*)::INT AS n, count(DISTINCT event_id)::INT AS ids')
  expect(sums).toEqual({ n: ids.length, ids: ids.length })
  for (const table of ['purchases', 'sword_purchases'])
    expect(await world.rows(table, 'count(*)::INT AS n')).toEqual([{ n: ids.length }])
  const { counters } = (await world.lake.load('events'))!
  const landed = Object.values(counters!).reduce((sum, count) => sum + count.landed, 0)
  expect(landed).toBe(ids.length)
}

const sword = (id: string): Sent => ({ event: { event_type: 'purchase_sword', type: id, cost: 1 }, id })
const ids = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

async function until(condition: () => boolean, ms = TIMEOUT_MS): Promise<void> {
  const limit = performance.now() + ms
  while (!condition()) {
    if (performance.now() > limit) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

it('a Spark server that is killed in the middle of a batch costs nothing', async () => {
  await using world = await open({ partitions: 2 })
  const started = await startSparkConnect()
  if ('missing' in started) throw new Error(started.missing)
  await using server = started
  world.spark = server.state
  await world.send(...ids(400, 'a').map(sword))
  const lander = await world.open()
  const landing = lander.landToEnd()
  // The plan is durable, Spark stages.
  await until(() => existsSync(join(world.directory, 'lander', 'plan.json')))
  await server.kill()
  await server.restart()
  expect(await landing).toMatchObject({ records: 400, landed: 400, batches: 1 })
  await lander[Symbol.asyncDispose]()
  await expectExactlyOnce(world, ids(400, 'a'))
})

it('a driver that is killed in the middle of a batch is taken over from, and nothing staged stays', async () => {
  await using world = await open({ partitions: 2 })
  await world.send(...ids(200, 'a').map(sword))
  const child = world.startChild()
  await until(() => existsSync(join(world.directory, 'lander', 'plan.json')) || child.hasEnded)
  expect(child.hasEnded, child.output()).toBe(false)
  // Somewhere between the plan and the last commit.
  await new Promise((resolve) => setTimeout(resolve, 700))
  await child.kill()
  await world.send(...ids(50, 'b').map(sword))
  await world.land()
  await expectExactlyOnce(world, [...ids(200, 'a'), ...ids(50, 'b')])
  for (const table of ['purchases', 'sword_purchases', 'events']) {
    const { metadata } = (await world.lake.load(table))!
    expect(metadata.snapshots.filter(({ summary }) => summary['wap.id'])).toEqual([])
  }
})

it('DuckDB hands over to Spark and Spark to DuckDB while events come, and none is lost or doubled', async () => {
  await using world = await open({ partitions: 2 })
  const sent: string[] = []
  let more = true
  const writing = (async () => {
    for (let n = 0; more; n++) {
      const some = ids(20, `n${n}-`)
      await world.send(...some.map(sword))
      sent.push(...some)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  for (const lander of ['duckdb', 'spark', 'duckdb', 'spark'] as const) {
    const options = { settings: { batchAgeMs: 300, idleMs: 300 } }
    const current = lander === 'spark' ? await world.open(options) : await world.openDuckdb(options)
    const stop = new AbortController()
    const running = current.run(stop.signal)
    const { batch } = current.status()
    await until(() => current.status().batch > batch)
    stop.abort()
    await running
    await current[Symbol.asyncDispose]()
  }
  more = false
  await writing
  const last = await world.openDuckdb()
  await last.landToEnd()
  await last[Symbol.asyncDispose]()
  await expectExactlyOnce(world, sent)
})

test('it lands through a Hive metastore of 3.1, and says that one of 4.0 will not do', {
  timeout: TIMEOUT_MS,
}, async ({ skip }) => {
  if ('missing' in engines) return skip(engines.missing)
  const hive = await findHive('3.1.3')
  if ('missing' in hive) return skip(hive.missing)
  await using world = await SparkWorld.open({ ...engines, catalog: hive })
  await world.send(...ids(3, 'a').map(sword), sword('a1'))
  expect(await world.land()).toEqual({ records: 4, landed: 3, dead: 0, duplicate: 1, batches: 1 })
  await expectExactlyOnce(world, ids(3, 'a'))
  const newer = await findHive('4.0.1')
  if ('missing' in newer) return skip(newer.missing)
  await using other = await SparkWorld.open({ ...engines, catalog: newer })
  await expect(other.open()).rejects.toMatchObject({ code: 'lander/spark-metastore', kind: 'fix-config' })
})
