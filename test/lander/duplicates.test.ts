import { randomBytes, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { FingerprintIndex, fingerprint } from '../../src/lander/duplicates/fingerprint-index.ts'
import { sameEvent } from '../../src/lander/duplicates/same-event.ts'
import { readable } from '../../src/lander/readable.ts'
import { World } from './support.ts'

const sword = (type = 'sabre', more: object = {}) => ({
  event_type: 'purchase_sword',
  type,
  cost: 6,
  ...more,
})
const HOUR = 3_600_000_000

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

test('the index finds what was added and forgets what is below its floor', () => {
  const index = new FingerprintIndex()
  const ids = Array.from({ length: 50_000 }, () => randomUUID())
  ids.forEach((id, offset) => {
    fingerprint(id)
    if (index.hasOrAdd(offset)) throw new Error(`found ${offset} before it was there`)
  })
  ids.forEach((id, offset) => {
    fingerprint(id)
    if (index.find(ids.length)[0] !== offset) throw new Error(`lost ${offset}`)
    if (index.find(offset).length !== 0) throw new Error('found itself')
  })
  index.forgetBelow(40_000)
  index.sweep()
  expect(index.size).toBe(10_000)
  fingerprint(ids[39_999]!)
  expect(index.find(60_000)).toEqual([])
  fingerprint(ids[40_000]!)
  expect(index.find(60_000)).toEqual([40_000])
  expect(index.hasOrAdd(60_000)).toBe(true)
})

test('offsets beyond 32 bits are told apart', () => {
  const index = new FingerprintIndex()
  const id = randomBytes(20).toString('hex')
  fingerprint(id)
  index.add(2 ** 40 + 5)
  expect(index.find(2 ** 40 + 6)).toEqual([2 ** 40 + 5])
  expect(index.find(2 ** 40 + 2 ** 31)).toEqual([2 ** 40 + 5])
})

test('ten million ids take less than 250 MB', () => {
  const index = new FingerprintIndex()
  // An eighth of them: shards grow by doubling, so they are then as full as with all.
  for (let i = 0; i < 1_250_000; i++) {
    fingerprint(`00000000-0000-7000-8000-${i}`)
    index.add(i)
  }
  expect(index.bytes / index.size).toBeLessThan(25)
})

test('ids over the bound are let go, oldest first, and counted', async () => {
  await using world = new World()
  await using lander = await world.open({ settings: { idsMax: 20_000 } })
  for (let i = 0; i < 60; i++) {
    await world.send(
      ...Array.from({ length: 1000 }, (_, k) => ({
        event: { event_type: 'default' },
        id: `i${i * 1000 + k}`,
      })),
    )
  }
  await lander.landToEnd()
  const { ids } = lander.status()
  expect(ids.forgotten).toBeGreaterThan(20_000)
  expect(ids.count).toBeLessThan(40_000)
  await world.send({ event: { event_type: 'default' }, id: 'i59999' })
  expect(await lander.landToEnd()).toMatchObject({ duplicate: 1 })
})

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
