import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import type { SpoolManifest } from '../../src/lander/spool.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { planDirectory, savePlan } from '../../src/model/plan-store.ts'
import { formatPosition } from '../../src/model/position.ts'
import { game, NOON, World } from './support.ts'

const sword = (type = 'sabre', cost: unknown = 6) => ({ event_type: 'purchase_sword', type, cost })

function manifestOf(world: World): SpoolManifest {
  return JSON.parse(readFileSync(join(world.directory, 'spool', 'manifest.json'), 'utf8')) as SpoolManifest
}

async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const limit = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('an event lands once in every table it matches, and in events', async () => {
  await using world = new World()
  await world.send(
    { event: { ...sword(), Host: 'user1' }, id: 'a' },
    {
      event: { event_type: 'purchase_shield', type: 'buckler', cost: null },
      id: 'b',
      headers: { Host: 'h' },
    },
    { event: { event_type: 'default' }, id: 'c' },
  )
  expect(await world.land()).toEqual({ records: 3, landed: 3, dead: 0, duplicate: 0, batches: 1 })
  expect(await world.rows('sword_purchases', '"Host", type, cost')).toEqual([
    { Host: 'user1', type: 'sabre', cost: '6' },
  ])
  expect(await world.rows('purchases', '"Host", type, cost', 'ORDER BY type')).toEqual([
    { Host: 'h', type: 'buckler', cost: null },
    { Host: 'user1', type: 'sabre', cost: '6' },
  ])
  expect(await world.rows('guilds')).toEqual([])
  expect(await world.rows('events', 'event_id, "offset"', 'ORDER BY "offset"')).toEqual([
    { event_id: 'a', offset: '0' },
    { event_id: 'b', offset: '1' },
    { event_id: 'c', offset: '2' },
  ])
})

test('raw_event is the text that was sent, timestamp is received_at to the microsecond', async () => {
  await using world = new World()
  const text = '{ "event_type":"purchase_sword",\t"type":"s\\u00e9","cost":1 ,"more":[1e3,{"a":"é😀"}]}'
  await world.send({ event: text, id: 'a', at: 123_456 })
  await world.land()
  expect(await world.rows('purchases', 'raw_event, type, epoch_us(timestamp) AS t')).toEqual([
    { raw_event: text, type: 'sé', t: String(NOON + 123_456) },
  ])
})

test('the counters of events close over all batches', async () => {
  await using world = new World()
  await world.send({ event: sword(), id: 'a' }, { event: sword('x', true), id: 'b' })
  await world.land()
  await world.send({ event: sword(), id: 'a' }, { event: 'no', id: 'd' }, { event: sword(), id: 'e' })
  await world.land()
  const state = await world.lake.load('events')
  expect(state?.counters).toEqual({ 0: { records: 5, landed: 2, dead: 2, duplicate: 1 } })
  expect(state?.batch).toBe(2)
  expect(state?.position?.next).toEqual({ 0: 5 })
})

test('a batch of which nothing lands moves the position all the same', async () => {
  await using world = new World()
  await world.send({ event: sword(), id: 'a' })
  await world.land()
  await world.send({ event: sword(), id: 'a' })
  expect(await world.land()).toMatchObject({ records: 1, duplicate: 1 })
  const state = await world.lake.load('events')
  expect(state?.position?.next).toEqual({ 0: 2 })
  expect(await world.rows('events', 'event_id')).toEqual([{ event_id: 'a' }])
})

test('tables without rows get no commit', async () => {
  await using world = new World()
  await world.send({ event: sword(), id: 'a' })
  await world.land()
  expect((await world.lake.load('guilds'))?.metadata.snapshots).toEqual([])
  expect((await world.lake.load('dead_letters'))?.metadata.snapshots).toEqual([])
})

test('every reason for a dead letter, with its field', async () => {
  await using world = new World()
  await world.send(
    { event: '{"event_type":"purchase_sword"', id: 'malformed' },
    { event: { type: 'x' }, id: 'no-type' },
    { event: { event_type: 'purchase_sword', cost: 1 }, id: 'missing' },
    { event: { event_type: 'purchase_swrod' }, id: 'unknown' },
    { event: sword('x', true), id: 'type' },
    { event: sword('x', '5'), id: 'text-for-number' },
    { event: '{"event_type":"purchase_sword","type":"x","cost":5.0}', id: 'fraction' },
    { event: '{"event_type":"purchase_sword","type":"x","cost":1e400}', id: 'huge' },
    { event: '{"event_type":"purchase_sword","type":"x","cost":9223372036854775808}', id: 'int64' },
    { event: { event_type: 'join_guild', guild_name: 'g', members: -1 }, id: 'range' },
    { event: sword('a\u0000b'), id: 'value' },
    { event: '{"event_type":"purchase_sword","type":"\\ud800","cost":1}', id: 'surrogate' },
    { event: sword(), id: 'first' },
    { event: sword('other'), id: 'first' },
  )
  await world.land()
  expect(await world.rows('dead_letters', 'event_id, reason, field', 'ORDER BY "offset"')).toEqual([
    { event_id: 'malformed', reason: 'malformed_json', field: null },
    { event_id: 'no-type', reason: 'missing', field: 'event_type' },
    { event_id: 'missing', reason: 'missing', field: 'type' },
    { event_id: 'unknown', reason: 'unknown_event_type', field: 'event_type' },
    { event_id: 'type', reason: 'type', field: 'cost' },
    { event_id: 'text-for-number', reason: 'type', field: 'cost' },
    { event_id: 'fraction', reason: 'type', field: 'cost' },
    { event_id: 'huge', reason: 'type', field: 'cost' },
    { event_id: 'int64', reason: 'range', field: 'cost' },
    { event_id: 'range', reason: 'range', field: 'members' },
    { event_id: 'value', reason: 'value', field: 'type' },
    { event_id: 'surrogate', reason: 'malformed_json', field: null },
    { event_id: 'first', reason: 'id_conflict', field: 'event_id' },
  ])
  expect(await world.rows('events', 'event_id')).toEqual([{ event_id: 'first' }])
})

test('bytes that are no text are kept readable, and stop nothing', async () => {
  await using world = new World()
  const bytes = (...values: number[]) => Uint8Array.from(values)
  await world.send(
    { event: null, value: bytes(0xff, 0x41, 0x01, 0x0a), id: 'door' },
    { event: null, value: bytes(0xff, 0x41, 0x01, 0x0a), plan: null },
    { event: null, value: bytes(), id: 'empty' },
    { event: null, value: bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), plan: null },
    {
      event: `{"event_type":"default","a":${'['.repeat(300_000)}${']'.repeat(300_000)}}`,
      id: 'deep',
      plan: null,
    },
    { event: '{\n"event_type"\r\n:\t"default"}', id: 'lines' },
    { event: `{"event_type":"default","a":"x\u0001y"}`, id: 'control' },
    { event: '{"event_type":"default","event_type":"x"}', id: 'twice', plan: null },
    { event: '{"event_type":"default","__proto__":{"a":1}}', id: 'proto' },
  )
  expect(await world.land()).toMatchObject({ records: 9, landed: 3, dead: 6 })
  const dead = await world.rows('dead_letters', 'reason, raw_event', 'ORDER BY "offset"')
  expect(dead.map(({ reason }) => reason)).toEqual(Array(6).fill('malformed_json'))
  expect(dead.map(({ raw_event }) => raw_event)).toEqual([
    '\\xffA\\x01\\x0a',
    '\\xffA\\x01\\x0a',
    '',
    // The client library takes a byte order mark for its own; the column has it.
    '{}',
    '{"event_type":"default","a":"x\\x01y"}',
    '{"event_type":"default","event_type":"x"}',
  ])
  expect(await world.rows('events', 'raw_event', `WHERE event_id = 'lines'`)).toEqual([
    { raw_event: '{\n"event_type"\r\n:\t"default"}' },
  ])
})

test('a record that a door vouched for and that breaks the reader stops none of its neighbours', async () => {
  await using world = new World()
  await world.send(
    { event: sword(), id: 'a' },
    { event: '{"event_type":"default","a":"\u0001\u0001"}', id: 'separators' },
    { event: sword('b'), id: 'b' },
    { event: '{"event_type":"default","a":"\u0001\u0001"}', id: 'separators' },
  )
  expect(await world.land()).toMatchObject({ landed: 2, dead: 1, duplicate: 1 })
  expect(await world.rows('dead_letters', 'event_id, reason, raw_event')).toEqual([
    {
      event_id: 'separators',
      reason: 'malformed_json',
      raw_event: '{"event_type":"default","a":"\\x01\\x01"}',
    },
  ])
})

test('texts that DuckDB cannot read are judged one by one, and their neighbours land', async () => {
  await using world = new World()
  const huge = '{"event_type":"default","a":1e400}'
  const half = String.raw`{"event_type":"default","a":"\ud800"}`
  await world.send(
    { event: sword(), id: 'a' },
    { event: half, id: 'half' },
    { event: huge, id: 'huge' },
    { event: sword('b'), id: 'b' },
  )
  expect(await world.land()).toMatchObject({ landed: 3, dead: 1 })
  expect(await world.rows('events', 'raw_event', `WHERE event_id = 'huge'`)).toEqual([{ raw_event: huge }])
  expect(await world.rows('dead_letters', 'raw_event')).toEqual([{ raw_event: half }])
  expect(await world.rows('sword_purchases', 'count(*)::INTEGER AS n')).toEqual([{ n: 2 }])
})

test('a foreign record gets an id that a redo derives again', async () => {
  await using world = new World()
  await world.send({ event: sword(), plan: null }, { event: sword(), plan: null })
  await world.land()
  const ids = (await world.rows('events', 'event_id', 'ORDER BY "offset"')).map(({ event_id }) => event_id)
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/)
})

test('a header column reads the field, else the request header; a typed one only integers', async () => {
  const pipeline = definePipeline({
    name: 'headers',
    events: { e: Type.Object({}) },
    tables: {
      t: {
        events: ['e'],
        headers: { Host: true, 'Content-Length': { column: 'Content_Length', type: 'int' } },
        rawEvent: false,
      },
    },
  }).compiled
  await using world = new World(pipeline)
  const lengths = ['12', '-3', '2147483648', '1.0', 'abc', '+1', ' 1']
  await world.send(
    { event: { event_type: 'e', Host: 'own' }, id: 'x', headers: { Host: 'request', 'Content-Length': '5' } },
    { event: { event_type: 'e', Host: null }, id: 'y', headers: { Host: 'request' } },
    { event: { event_type: 'e', Host: 5 }, id: 'z' },
    ...lengths.map((length, i) => ({
      event: { event_type: 'e', Host: `l${i}` },
      id: `l${i}`,
      headers: { 'Content-Length': length },
    })),
  )
  await world.land()
  expect(await world.rows('t', '"Host" AS h, "Content_Length" AS n', 'ORDER BY h')).toEqual([
    { h: '5', n: null },
    { h: 'l0', n: 12 },
    { h: 'l1', n: -3 },
    ...['l2', 'l3', 'l4', 'l5', 'l6'].map((h) => ({ h, n: null })),
    { h: 'own', n: 5 },
    { h: 'request', n: null },
  ])
})

test('a trusted source brings its own time inside the bounds', async () => {
  const pipeline = definePipeline({
    name: 'trusted',
    events: { e: Type.Object({}) },
    tables: { t: { events: ['e'] } },
    sources: {
      web: { writeKey: 'abcdefgh' },
      history: { writeKey: 'hgfedcba', trustTime: { field: 'at', past: '1h', future: '1m' } },
    },
  }).compiled
  await using world = new World(pipeline)
  const times: [string, string, string][] = [
    ['history', '2026-11-22T11:30:00.123456Z', '2026-11-22 11:30:00.123456+00'],
    ['history', '2026-11-22T13:30:00+02:00', '2026-11-22 11:30:00+00'],
    ['history', '2026-11-22T10:59:59Z', '2026-11-22 12:00:00+00'],
    ['history', '2026-11-22T12:01:01Z', '2026-11-22 12:00:00+00'],
    ['history', '2026-11-22 11:30:00Z', '2026-11-22 12:00:00+00'],
    ['history', 'yesterday', '2026-11-22 12:00:00+00'],
    ['web', '2026-11-22T11:30:00Z', '2026-11-22 12:00:00+00'],
  ]
  await world.send(
    ...times.map(([source, at], i) => ({ event: { event_type: 'e', at, i }, id: `i${i}`, source })),
  )
  await world.land()
  const rows = await world.rows('t', `timestamp, (raw_event ->> '$.i')::INT AS i`, 'ORDER BY i')
  expect(rows.map((row) => row.timestamp)).toEqual(times.map(([, , expected]) => expected))
})

test('a record is judged by the plan it was sent under; its new columns stay empty', async () => {
  const older = definePipeline({
    name: 'p',
    events: { e: Type.Object({ a: Type.Integer() }) },
    tables: { t: { events: ['e'] } },
  }).compiled
  const newer = definePipeline({
    name: 'p',
    events: { e: Type.Object({ a: Type.Integer(), b: Type.String() }) },
    tables: { t: { events: ['e'] } },
  }).compiled
  await using world = new World(newer)
  await savePlan(planDirectory(join(world.directory, 'plans')), older.plan)
  await world.send(
    { event: { event_type: 'e', a: 1, b: 'not yet declared' }, id: 'old', plan: older.plan.version },
    { event: { event_type: 'e', a: 2 }, id: 'new', plan: newer.plan.version },
    { event: { event_type: 'e', a: 3, b: 'x' }, id: 'unknown', plan: '0123456789abcdef' },
    { event: { event_type: 'e', a: 4 }, id: 'old2', plan: older.plan.version },
  )
  await world.land()
  expect(await world.rows('t', 'a, b', 'ORDER BY a')).toEqual([
    { a: '1', b: null },
    { a: '3', b: 'x' },
    { a: '4', b: null },
  ])
  expect(await world.rows('dead_letters', 'event_id, field, plan_version')).toEqual([
    { event_id: 'new', field: 'b', plan_version: newer.plan.version },
  ])
})

test('names that are equal but for case, and names that need quotes, are kept apart', async () => {
  const pipeline = definePipeline({
    name: 'names',
    events: {
      lower: Type.Object({ value: Type.Integer() }),
      upper: Type.Object({ VALUE: Type.String() }),
    },
    tables: { l: { events: ['lower'] }, u: { events: ['upper'] } },
  }).compiled
  await using world = new World(pipeline)
  await world.send(
    { event: { event_type: 'lower', value: 1, VALUE: 'x' }, id: 'a' },
    { event: { event_type: 'upper', value: 'y', VALUE: '1' }, id: 'b' },
    { event: { event_type: 'upper', value: 'y', VALUE: 1 }, id: 'c' },
  )
  await world.land()
  expect(await world.rows('l', 'value')).toEqual([{ value: '1' }])
  expect(await world.rows('u', '"VALUE" AS v')).toEqual([{ v: '1' }])
  expect(await world.rows('dead_letters', 'event_id, reason, field')).toEqual([
    { event_id: 'c', reason: 'type', field: 'VALUE' },
  ])
})

test('a new table begins where events stands', async () => {
  await using world = new World()
  await world.send({ event: sword(), id: 'a' })
  await world.land()
  const more = definePipeline({
    name: 'game',
    events: {
      purchase_sword: Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) }),
    },
    tables: {
      sword_purchases: { events: ['purchase_sword'], headers: ['Host', 'User-Agent'] },
      late: { events: '*' },
    },
  }).compiled
  await (await world.open({ pipeline: more }))[Symbol.asyncDispose]()
  expect((await world.lake.load('late'))!.position).toEqual((await world.lake.load('events'))!.position)
  await world.send({ event: sword('rapier'), id: 'b' })
  await world.land({ pipeline: more })
  expect(await world.rows('late', 'type')).toEqual([{ type: 'rapier' }])
  expect(await world.rows('sword_purchases', 'type', 'ORDER BY type')).toEqual([
    { type: 'rapier' },
    { type: 'sabre' },
  ])
})

test('rows of two days go to a file of each day', async () => {
  await using world = new World()
  const day = 86_400_000_000
  await world.send(
    { event: sword('today'), id: 'a' },
    { event: sword('tomorrow'), id: 'b', at: day },
    { event: sword('today too'), id: 'c', at: 1 },
  )
  await world.land()
  const state = await world.lake.load('purchases')
  const files = await world.lake.files(state!)
  expect(files.map((file) => file.rows).sort()).toEqual([1, 2])
  expect(await world.rows('purchases', 'count(*)::INT AS n')).toEqual([{ n: 3 }])
})

test('many chunks make one batch, merged into one file a table', async () => {
  await using world = new World()
  for (let i = 0; i < 20; i++) await world.send({ event: sword(`s${i}`), id: `id${i}` })
  const report = await world.land({ settings: { chunkBytes: 100 } })
  expect(report).toMatchObject({ landed: 20, batches: 1 })
  const state = await world.lake.load('purchases')
  expect((await world.lake.files(state!)).map((file) => file.rows)).toEqual([20])
})

for (const [what, chunkBytes, adoptBytes, files] of [
  ['large chunk files are adopted', 400, 1, { least: 2, most: 12 }],
  ['small chunk files are merged', 400, 1024 * 1024, { least: 1, most: 1 }],
  ['so are chunk files that are many', 1, 1, { least: 1, most: 1 }],
] as const) {
  test(what, async () => {
    await using world = new World()
    for (let i = 0; i < 20; i++) await world.send({ event: sword(`s${i}`), id: `id${i}` })
    await world.land({ settings: { chunkBytes, adoptBytes, maintain: false } })
    const state = await world.lake.load('purchases')
    const found = (await world.lake.files(state!)).length
    expect(found).toBeGreaterThanOrEqual(files.least)
    expect(found).toBeLessThanOrEqual(files.most)
    expect(await world.rows('purchases', 'count(*)::INT AS n')).toEqual([{ n: 20 }])
  })
}

test('a batch is cut by rows, and a backlog is landed in many', async () => {
  await using world = new World()
  for (let i = 0; i < 50; i++) await world.send({ event: sword(`s${i}`), id: `id${i}` })
  const report = await world.land({ settings: { batchRows: 10 } })
  expect(report).toMatchObject({ records: 50, landed: 50, batches: 5 })
  expect(await world.rows('events', 'count(DISTINCT event_id)::INT AS n')).toEqual([{ n: 50 }])
})

test('progress is told after each batch', async () => {
  await using world = new World()
  for (let i = 0; i < 30; i++) await world.send({ event: sword(`s${i}`), id: `id${i}` })
  await using lander = await world.open({ settings: { batchRows: 10 } })
  const seen: number[] = []
  await lander.landToEnd({ onProgress: (report) => seen.push(report.records) })
  expect(seen).toEqual([10, 20, 30])
})

test('running, it lands after a pause, and the spool keeps two batches', async () => {
  await using world = new World()
  await using lander = await world.open({ settings: { idleMs: 20 } })
  const stop = new AbortController()
  const running = lander.run(stop.signal)
  for (let batch = 1; batch <= 4; batch++) {
    await world.send({ event: sword(), id: `id${batch}` })
    await until(() => lander.status().batch === batch)
  }
  await until(() => manifestOf(world).chunks.length === 2)
  expect(manifestOf(world)).toMatchObject({ start: { next: { 0: 2 } }, end: { next: { 0: 4 } } })
  stop.abort()
  await running
})

test('a query that asks gets the durable end into the spool before any commit', async () => {
  await using world = new World()
  await using lander = await world.open({ settings: { idleMs: 60_000, batchAgeMs: 60_000 } })
  const stop = new AbortController()
  const running = lander.run(stop.signal)
  const { writeFileSync, renameSync } = await import('node:fs')
  for (let i = 1; i <= 3; i++) {
    await world.send({ event: sword(), id: `id${i}` })
    const ask = join(world.directory, 'spool', 'ask')
    writeFileSync(`${ask}.tmp`, formatPosition(await world.log.end()))
    renameSync(`${ask}.tmp`, ask)
    await until(() => manifestOf(world).end.next[0] === i)
  }
  const manifest = manifestOf(world)
  expect(manifest.chunks.map((chunk) => chunk.ranges[0])).toEqual([
    { from: 0, to: 1 },
    { from: 1, to: 2 },
    { from: 2, to: 3 },
  ])
  expect(manifest.chunks.every((chunk) => chunk.files.events?.length === 1)).toBe(true)
  expect((await world.lake.load('events'))?.metadata.snapshots).toEqual([])
  stop.abort()
  await running
  // Told to stop, it landed what it had.
  expect(await world.rows('events', 'count(*)::INT AS n')).toEqual([{ n: 3 }])
})

test('a batch is committed by age although events keep coming', async () => {
  await using world = new World()
  await using lander = await world.open({ settings: { idleMs: 60_000, batchAgeMs: 10 } })
  const stop = new AbortController()
  const running = lander.run(stop.signal)
  let sent = 0
  await until(async () => {
    await world.send({ event: sword(), id: `id${sent++}` })
    return lander.status().batch >= 3
  })
  stop.abort()
  await running
  expect(await world.rows('events', 'count(DISTINCT event_id)::INT AS n, count(*)::INT AS m')).toEqual([
    { n: sent, m: sent },
  ])
})

test('the status file says where it stands', async () => {
  await using world = new World()
  await world.send({ event: sword(), id: 'a' })
  await world.land()
  const status = JSON.parse(readFileSync(join(world.directory, 'lander', 'status.json'), 'utf8')) as object
  expect(status).toMatchObject({
    version: 1,
    batch: 1,
    pending: 0,
    error: null,
    position: { next: { 0: 1 } },
    counters: { 0: { records: 1, landed: 1 } },
  })
})

test('with the disk below its reserves nothing is landed, and it goes on by itself later', async () => {
  await using world = new World()
  await world.send({ event: sword(), id: 'a' })
  await using lander = await world.open({ settings: { reserveCommit: 2, reserveSpool: 2, graceMs: 50 } })
  const stop = new AbortController()
  const running = lander.run(stop.signal)
  await until(() => lander.status().pending === 1)
  expect(lander.status().error).toMatch(/disk full/)
  stop.abort()
  await running
  expect(await world.rows('events')).toEqual([])
  expect((await world.lake.load('events'))?.batch).toBe(0)
  await lander[Symbol.asyncDispose]()
  expect(await world.land()).toMatchObject({ landed: 1 })
})

test('game is the pipeline of these tests', () => {
  expect(game.tables.map((table) => table.name)).toEqual(['sword_purchases', 'purchases', 'guilds'])
})

test('a foreign record that is no JSON is a dead letter, also where names of the plan are equal but for case', async () => {
  const { compiled } = definePipeline({
    name: 'cases',
    events: { a: Type.Object({ x: Type.String() }), b: Type.Object({ X: Type.String() }) },
    tables: { of_a: { events: ['a'] }, of_b: { events: ['b'] } },
  })
  await using world = new World(compiled)
  await world.send(
    { event: '{"event_type":"a"', plan: null },
    { event: { event_type: 'b', X: 'x' }, id: '1' },
  )
  await world.land()
  expect(await world.rows('dead_letters', 'reason')).toEqual([{ reason: 'malformed_json' }])
  expect(await world.rows('of_b', 'X')).toEqual([{ X: 'x' }])
})
