import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Floors } from '../../src/lander/duplicates/floors.ts'
import { IdFilter } from '../../src/lander/duplicates/id-filter.ts'
import { IdTable, tableIdsMax } from '../../src/lander/duplicates/id-table.ts'
import { PendingPrints } from '../../src/lander/duplicates/pending-prints.ts'
import { fingerprint, print } from '../../src/lander/duplicates/prints.ts'
import { sameEvent } from '../../src/lander/duplicates/same-event.ts'
import { readable } from '../../src/lander/readable.ts'
import { testSeed } from '../support/seed.ts'
import { World } from './support.ts'

const sword = (type = 'sabre', more: object = {}) => ({
  event_type: 'purchase_sword',
  type,
  cost: 6,
  ...more,
})
const HOUR = 3_600_000_000
const SEED = { one: 0x5eed, two: 0xf00d }

async function verdicts(world: World): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { offset } of await world.rows('events', '"offset"')) found[String(offset)] = 'landed'
  for (const { offset, reason } of await world.rows('dead_letters', '"offset", reason')) {
    found[String(offset)] = String(reason)
  }
  return found
}

test('in one batch, across batches and across a restart', async () => {
  await using world = new World()
  await world.send({ event: sword(), id: 'a' }, { event: sword(), id: 'a' }, { event: sword(), id: 'b' })
  expect(await world.land()).toMatchObject({ landed: 2, duplicate: 1 })
  await world.send(
    { event: sword(), id: 'a' },
    { event: sword('x'), id: 'b' },
    { event: sword('x'), id: 'b' },
  )
  // Each land() is a lander of its own: what it remembers comes from the tables.
  expect(await world.land()).toMatchObject({ landed: 0, duplicate: 1, dead: 2 })
  expect(await verdicts(world)).toEqual({ 0: 'landed', 2: 'landed', 4: 'id_conflict', 5: 'id_conflict' })
})

test('in one lander over several batches', async () => {
  await using world = new World()
  await using lander = await world.open({ settings: { batchRows: 2 } })
  for (let round = 0; round < 3; round++) {
    await world.send(
      { event: sword(), id: 'a' },
      { event: sword(), id: 'b' },
      { event: sword(), id: `c${round}` },
    )
  }
  expect(await lander.landToEnd()).toMatchObject({ records: 9, landed: 5, duplicate: 4 })
})

test('an event is the same in any order of fields and spelling of values', async () => {
  await using world = new World()
  await world.send(
    { event: '{"event_type":"default","a":1,"b":{"c":[1.50,"\\u0061"]}}', id: 'a' },
    { event: '{"b":{"c":[1.5,"a"]},"a":1.0,"event_type":"default"}', id: 'a' },
    { event: '{"b":{"c":[1.5,"a"]},"a":2,"event_type":"default"}', id: 'a' },
    { event: '{"event_type":"default","a":9007199254740993}', id: 'big' },
    { event: '{"event_type":"default","a":9007199254740992}', id: 'big' },
  )
  await world.land()
  expect(await verdicts(world)).toEqual({ 0: 'landed', 2: 'id_conflict', 3: 'landed', 4: 'id_conflict' })
})

test('volatile fields, and on routes merged headers, make no conflict', async () => {
  await using world = new World()
  await world.send(
    { event: sword('x', { sent_at: 1 }), id: 'volatile' },
    { event: sword('x', { sent_at: 2 }), id: 'volatile' },
    { event: sword('x', { 'User-Agent': 'one', Host: 'a' }), id: 'route', route: true },
    { event: sword('x', { 'User-Agent': 'two' }), id: 'route', route: true },
    { event: sword('x', { 'User-Agent': 'one' }), id: 'direct' },
    { event: sword('x', { 'User-Agent': 'two' }), id: 'direct' },
    { event: sword('x', { Other: 'one' }), id: 'other', route: true },
    { event: sword('x', { Other: 'two' }), id: 'other', route: true },
  )
  await world.land()
  expect(await verdicts(world)).toEqual({
    0: 'landed',
    2: 'landed',
    4: 'landed',
    5: 'id_conflict',
    6: 'landed',
    7: 'id_conflict',
  })
})

test('the window is measured by received_at, to the microsecond, from the first record', async () => {
  await using world = new World()
  await world.send(
    { event: sword(), id: 'edge', at: 0 },
    { event: sword(), id: 'edge', at: HOUR },
    { event: sword(), id: 'past', at: 0 },
    { event: sword(), id: 'past', at: HOUR + 1 },
    // A chain of retries does not stretch the window.
    { event: sword(), id: 'chain', at: 0 },
    { event: sword(), id: 'chain', at: HOUR - 1 },
    { event: sword(), id: 'chain', at: HOUR + 1 },
    { event: sword(), id: 'chain', at: 2 * HOUR + 1 },
    { event: sword('y'), id: 'chain', at: 2 * HOUR + 1 },
  )
  await world.land()
  expect(await verdicts(world)).toEqual({
    0: 'landed',
    2: 'landed',
    3: 'landed',
    4: 'landed',
    6: 'landed',
    8: 'id_conflict',
  })
})

test('a dead letter is the first of its id too', async () => {
  await using world = new World()
  await world.send({ event: sword('x', { cost: true }), id: 'a' }, { event: 'junk', id: 'b' })
  await world.land()
  await world.send(
    { event: sword('x', { cost: true }), id: 'a' },
    { event: sword(), id: 'a' },
    { event: 'junk', id: 'b' },
  )
  expect(await world.land()).toMatchObject({ landed: 0, dead: 1, duplicate: 2 })
  expect(await verdicts(world)).toEqual({ 0: 'type', 1: 'malformed_json', 3: 'id_conflict' })
})

test('when the log has let go of the first record, the tables still have it', async () => {
  await using world = new World()
  const bytes = Uint8Array.from([0xff, 0x00, 0x41])
  await world.send({ event: sword('x', { sent_at: 1 }), id: 'a' }, { event: null, value: bytes, id: 'b' })
  await world.land()
  await world.send({ event: sword(), id: 'c' })
  await world.log.trim({ logId: world.log.id, next: { 0: 2 } })
  await world.send(
    { event: sword('x', { sent_at: 2 }), id: 'a' },
    { event: sword('y'), id: 'a' },
    { event: null, value: bytes, id: 'b' },
  )
  expect(await world.land()).toMatchObject({ records: 4, landed: 1, dead: 1, duplicate: 2 })
})

test('the verdicts do not depend on where chunks and batches are cut', async () => {
  const run = async (chunkBytes: number, batchRows: number): Promise<unknown> => {
    await using world = new World()
    for (let i = 0; i < 120; i++) {
      await world.send({ event: sword(`t${(i * 7) % 5}`), id: `id${(i * 13) % 40}`, at: i * 120_000_000 })
    }
    const report = await world.land({ settings: { chunkBytes, batchRows } })
    return { ...report, batches: 0, verdicts: await verdicts(world) }
  }
  const whole = await run(1e9, 1e6)
  expect(await run(300, 1e6)).toEqual(whole)
  expect(await run(1e9, 7)).toEqual(whole)
})

function printOf(id: string) {
  fingerprint(SEED, id)
  return { ...print }
}

test('the table finds what was added and forgets what is below its floors', () => {
  const floors = new Floors(HOUR)
  const table = new IdTable(floors)
  const ids = Array.from({ length: 50_000 }, () => randomUUID())
  ids.forEach((id, offset) => {
    fingerprint(SEED, id)
    if (table.hasOrAdd(3, offset)) throw new Error(`found ${offset} before it was there`)
  })
  const find = (id: string, partition: number, before: number) => {
    const found: number[] = []
    const { high, low } = printOf(id)
    table.find(high, low, partition, before, found)
    return found
  }
  ids.forEach((id, offset) => {
    if (find(id, 3, ids.length)[0] !== offset) throw new Error(`lost ${offset}`)
    if (find(id, 3, offset).length !== 0) throw new Error('found itself')
    if (find(id, 2, ids.length).length !== 0) throw new Error('found it in another partition')
  })
  floors.see(3, 40_000, 0)
  floors.see(3, 60_000, 2 * HOUR + 1)
  expect(floors.of(3)).toBe(40_000)
  expect(find(ids[39_999]!, 3, 60_000)).toEqual([])
  expect(find(ids[40_000]!, 3, 60_000)).toEqual([40_000])
  fingerprint(SEED, ids[40_000]!)
  expect(table.hasOrAdd(3, 60_000)).toBe(true)
  const kept = Array.from({ length: table.shards }, (_, shard) => table.sorted(shard).length / 4)
  expect(kept.reduce((sum, entries) => sum + entries)).toBe(10_000)
})

test('offsets beyond 32 bits are told apart', () => {
  const table = new IdTable(new Floors(HOUR))
  const { high, low } = printOf('far')
  table.add(65_535, 2 ** 47 + 5)
  const found: number[] = []
  table.find(high, low, 65_535, 2 ** 47 + 5, found)
  expect(found).toEqual([])
  table.find(high, low, 65_535, 2 ** 47 + 6, found)
  expect(found).toEqual([2 ** 47 + 5])
})

test('a table takes no more memory than it may, when it is full', () => {
  const bytes = 1 << 22
  const table = new IdTable(new Floors(HOUR))
  const idsMax = tableIdsMax(bytes)
  for (let i = 0; i < idsMax; i++) {
    // Spread as evenly as prints of many ids are.
    print.high = Math.imul(i, 0x9e3779b1) >>> 0
    print.low = (Math.imul(i, 0x85ebca6b) >>> 0) + 1
    table.add(0, i)
  }
  expect(table.bytes).toBeLessThanOrEqual(bytes)
  expect(table.bytes / table.size).toBeLessThan(24)
})

test('a filter knows every print it was given, and few others, also when it is made smaller', () => {
  const filter = new IdFilter(20_000)
  const prints = (name: string) => Array.from({ length: 20_000 }, (_, i) => printOf(`${name}${i}`))
  const mine = prints('mine')
  const others = prints('other')
  for (const { high, low } of mine) filter.add(high, low)
  const taken = () => others.filter(({ high, low }) => filter.has(high, low)).length / others.length
  const shares: number[] = []
  for (;;) {
    expect(mine.every(({ high, low }) => filter.has(high, low))).toBe(true)
    shares.push(taken())
    if (!filter.isFoldable) break
    filter.fold()
  }
  // With 16, 8 and 4 bits an id.
  expect(shares[0]).toBeLessThan(0.004)
  expect(shares[1]).toBeLessThan(0.06)
  expect(shares[2]).toBeLessThan(0.4)
  expect(filter.bytes).toBeLessThanOrEqual((20_000 * 16) / 8 / 16 + 64)
})

test('an id that is not decided yet holds up the next one of its kind, whatever is let go of meanwhile', () => {
  const pending = new PendingPrints()
  const prints = Array.from({ length: 1000 }, (_, i) => printOf(`p${i}`))
  for (const { high, low } of prints) pending.add(high, low)
  pending.add(prints[0]!.high, prints[0]!.low)
  expect(prints.every(({ high, low }) => pending.has(high, low))).toBe(true)
  pending.remove(prints.slice(0, 900))
  expect(prints.map(({ high, low }) => pending.has(high, low)).filter(Boolean).length).toBe(101)
  const { high, low } = printOf('another')
  expect(pending.has(high, low)).toBe(false)
})

/** So little that a few dozen ids fill it. */
const TINY = { idsMemoryBytes: 4 * 16 * 30 }

test('ids that memory has no room for are found on disk, over batches and restarts', async () => {
  await using world = new World()
  const event = { event_type: 'default' }
  const send = (from: number, to: number) =>
    world.send(...Array.from({ length: to - from }, (_, k) => ({ event, id: `i${from + k}` })))
  const settings = { ...TINY, batchRows: 50, chunkBytes: 1500, maintain: false }
  {
    await using lander = await world.open({ settings })
    await send(0, 300)
    expect(await lander.landToEnd()).toMatchObject({ landed: 300 })
    await send(0, 150)
    await send(270, 330)
    expect(await lander.landToEnd()).toMatchObject({ records: 210, landed: 30, duplicate: 180 })
    const { ids } = lander.status()
    expect(ids.spilled).toBeGreaterThan(200)
    expect(ids.count).toBeGreaterThanOrEqual(330)
  }
  expect(existsSync(join(world.directory, 'lander', 'ids', 'manifest.json'))).toBe(true)
  await send(0, 360)
  expect(await world.land({ settings })).toMatchObject({ landed: 30, duplicate: 330 })
  // With room for all of them, and without the runs.
  await send(300, 390)
  expect(await world.land({ settings: { maintain: false } })).toMatchObject({ landed: 30, duplicate: 60 })
  rmSync(join(world.directory, 'lander', 'ids'), { recursive: true })
  await send(0, 420)
  expect(await world.land({ settings })).toMatchObject({ landed: 30, duplicate: 390 })
}, 240_000)

test('the verdicts do not depend on how much memory the ids have', async () => {
  const seed = testSeed(45)
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const minute = 60_000_000
  const sent = Array.from({ length: 300 }, (_, i) => ({
    event: sword(`t${random(4)}`),
    id: `id${random(130)}`,
    // Over four hours with a window of one, half an hour forth and back.
    at: Math.max(0, i * 48_000_000 + (random(60) - 30) * minute),
  }))
  const run = async (settings: object, cuts: number[]) => {
    await using world = new World()
    for (const [i, cut] of cuts.entries()) {
      await world.send(...sent.slice(cuts[i - 1] ?? 0, cut))
      await world.land({ settings: { batchRows: 60, chunkBytes: 2000, maintain: false, ...settings } })
    }
    const counters = (await world.lake.load('events'))?.counters
    return { seed, counters, verdicts: await verdicts(world) }
  }
  const whole = await run({ batchRows: 1e6, chunkBytes: 1e9 }, [300])
  expect(await run(TINY, [300])).toEqual(whole)
  const cuts = [1 + random(99), 100 + random(100), 300]
  expect(await run({ idsMemoryBytes: 4 * 16 * (8 + random(40)) }, cuts)).toEqual(whole)
}, 240_000)

test('an id that comes again and again long after the window lands once each time', async () => {
  await using world = new World()
  await using lander = await world.open()
  await world.send({ event: sword(), id: 'again' })
  // Marks of time are set as offsets go on: in the one chunk that has both copies, between them, the first record is let go of.
  const filler = (n: number, at: number) =>
    Array.from({ length: n }, (_, i) => ({ event: { event_type: 'default' }, id: `f${at}-${i}`, at }))
  await world.send(...filler(16_500, 1))
  await lander.landToEnd()
  await world.send({ event: sword(), id: 'again', at: 3 * HOUR })
  await world.send(...filler(16_500, 3 * HOUR))
  await world.send(
    { event: sword(), id: 'again', at: 3 * HOUR },
    { event: sword('x'), id: 'again', at: 3 * HOUR },
  )
  await lander.landToEnd()
  expect(await world.rows('sword_purchases', 'count(*)::INT AS n')).toEqual([{ n: 2 }])
  expect(await world.rows('dead_letters', 'count(*)::INT AS n')).toEqual([{ n: 1 }])
}, 240_000)

test('equal events', () => {
  const same = (a: string, b: string, ...leftOut: string[]) =>
    sameEvent(Buffer.from(a), Buffer.from(b), new Set(leftOut))
  expect(same('{"a":1}', '{ "a" : 1.0 }')).toBe(true)
  expect(same('{"a":0}', '{"a":-0}')).toBe(true)
  expect(same('{"a":1}', '{"a":"1"}')).toBe(false)
  expect(same('{"a":null}', '{}')).toBe(false)
  expect(same('{"a":[1,2]}', '{"a":[2,1]}')).toBe(false)
  expect(same('{"a":{"x":1}}', '{"a":{"x":1,"y":1}}')).toBe(false)
  expect(same('{"a":[]}', '{"a":{}}')).toBe(false)
  expect(same('{"a":1,"b":1}', '{"a":1,"b":2}', 'b')).toBe(true)
  expect(same('{"__proto__":1}', '{"__proto__":2}')).toBe(false)
  expect(same('{"__proto__":1}', '{}')).toBe(false)
  expect(same('x', 'y')).toBe(false)
  const deep = `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  expect(same(deep, deep)).toBe(true)
})

test('readable text is the same when made readable again', () => {
  const text = readable(Buffer.from([0x41, 0xff, 0xc3, 0xa9, 0x0a, 0xf0, 0x9f, 0x98, 0x80, 0xe2, 0x82]))
  expect(text).toBe('A\\xffé\\x0a😀\\xe2\\x82')
  expect(readable(Buffer.from(text))).toBe(text)
})
