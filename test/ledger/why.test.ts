/** The path of one event, over tables of a real lander: accepted, dead, duplicate, pending and never seen. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { derivedEventId } from '../../src/lander/event-ids.ts'
import { type Asked, why } from '../../src/ledger/why.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { game, World } from '../lander/support.ts'

const sword = { event_type: 'purchase_sword', type: 'long', cost: 3 }
const HOUR = 3_600_000_000

const ask = (world: World, asked: Asked) =>
  why({ log: world.log, lake: world.lake, asked, definition: game.tables })
const byOffset = (world: World, offset: number, count = 1) =>
  ask(world, { logId: world.log.id, partition: 0, offset, count })

test('a landed event is found in its tables by id and by receipt', async () => {
  await using world = new World()
  await world.send({ event: { event_type: 'default' }, id: 'z' }, { event: sword, id: 'a', at: 1_234_567 })
  await world.land()
  const [path, ...more] = await ask(world, { id: 'a' })
  expect(more).toEqual([])
  expect(path).toMatchObject({
    verdict: 'landed',
    eventId: 'a',
    eventType: 'purchase_sword',
    partition: 0,
    offset: 1,
    receipt: `${world.log.id}/0/1`,
    receivedAt: '2026-11-22T12:00:01.234567Z',
    inLog: true,
    batch: { number: 1 },
    missing: [],
    dead: null,
    first: null,
  })
  expect(path!.tables.map(({ table }) => table)).toEqual(['events', 'purchases', 'sword_purchases'])
  for (const { table, file, snapshot, batch, compacted } of path!.tables) {
    const state = (await world.lake.load(table))!
    expect((await world.lake.files(state)).map(({ url }) => url)).toContain(file)
    expect(state.metadata['current-snapshot-id']).toBe(BigInt(snapshot))
    expect([batch, compacted]).toEqual([1, false])
  }
  expect(await byOffset(world, 1)).toEqual([path])
})

test('without the definition the tables are found by what they have of the event', async () => {
  await using world = new World()
  await world.send(
    { event: sword, id: 'a' },
    { event: { event_type: 'join_guild', guild_name: 'x' }, id: 'b' },
  )
  await world.land()
  const [path] = await why({ log: world.log, lake: world.lake, asked: { id: 'b' } })
  expect(path!.tables.map(({ table }) => table)).toEqual(['events', 'guilds'])
})

test('a dead letter is told with reason, field and detail', async () => {
  await using world = new World()
  await world.send({ event: { event_type: 'purchase_sword', type: 'x', cost: 'free' }, id: 'd' })
  await world.land()
  const [path] = await ask(world, { id: 'd' })
  expect(path).toMatchObject({
    verdict: 'dead',
    dead: { reason: 'type', field: 'cost' },
    batch: { number: 1 },
  })
  expect(path!.tables.map(({ table }) => table)).toEqual(['dead_letters'])
  expect(await byOffset(world, 0)).toEqual([path])
})

test('a duplicate stands in no table: its receipt leads to the first, and its id is that of the first', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' }, { event: sword, id: 'a', at: 5 })
  await world.land()
  expect(await byOffset(world, 1)).toMatchObject([
    {
      verdict: 'duplicate',
      eventId: 'a',
      inLog: true,
      tables: [],
      first: { offset: 0, receipt: `${world.log.id}/0/0` },
    },
  ])
  expect(await ask(world, { id: 'a' })).toMatchObject([{ verdict: 'landed', offset: 0 }])
})

test('other content under one id: the dead letter leads to the first, and both are told', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' }, { event: { ...sword, cost: 4 }, id: 'a', at: 5 })
  await world.land()
  expect(await ask(world, { id: 'a' })).toMatchObject([
    { verdict: 'landed', offset: 0 },
    { verdict: 'dead', offset: 1, dead: { reason: 'id_conflict', field: 'event_id' }, first: { offset: 0 } },
  ])
})

test('two events of one id outside the window have both landed, and both are told', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' }, { event: sword, id: 'a', at: 2 * HOUR })
  await world.land()
  expect(await ask(world, { id: 'a' })).toMatchObject([
    { verdict: 'landed', offset: 0 },
    { verdict: 'landed', offset: 1 },
  ])
})

test('what has not landed is pending, with how much goes first, before and after the first batch', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' }, { event: sword, id: 'b', at: 7 })
  const pending = {
    verdict: 'pending',
    offset: 1,
    receivedAt: '2026-11-22T12:00:00.000007Z',
    waiting: { behind: 2, ahead: 1 },
    tables: [],
  }
  expect(await why({ log: world.log, asked: { id: 'b' } })).toMatchObject([pending])
  await world.land()
  await world.send({ event: sword, id: 'a', at: 9 }, { event: sword, id: 'c' })
  expect(await ask(world, { id: 'c' })).toMatchObject([
    { verdict: 'pending', offset: 3, waiting: { behind: 2, ahead: 1 } },
  ])
  expect(await ask(world, { id: 'a' })).toMatchObject([
    { verdict: 'landed' },
    { verdict: 'pending', offset: 2 },
  ])
  expect(await byOffset(world, 3)).toMatchObject([{ verdict: 'pending', eventId: 'c' }])
})

test('an event of a foreign producer is found by the id that its place gives it', async () => {
  await using world = new World()
  await world.send({ event: sword, plan: null }, { event: sword, plan: null, at: 4 })
  const id = derivedEventId(world.log.id, 0, 1)
  expect(await ask(world, { id })).toMatchObject([{ verdict: 'pending', offset: 1 }])
  await world.land()
  expect(await ask(world, { id })).toMatchObject([{ verdict: 'landed', offset: 1, eventId: id }])
})

test('what was never sent has no path, and an offset that never was is unknown', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' })
  await world.land()
  expect(await ask(world, { id: 'nobody' })).toEqual([])
  expect(await ask(world, { id: `a' OR '1'='1` })).toEqual([])
  expect(await byOffset(world, 7)).toMatchObject([{ verdict: 'unknown', offset: 7, tables: [] }])
})

test('an event is found although the log has lost it', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' })
  await world.land()
  const empty = createMemoryLog({ id: world.log.id })
  const [path] = await why({ log: empty, lake: world.lake, asked: { id: 'a' }, definition: game.tables })
  expect(path).toMatchObject({ verdict: 'landed', offset: 0, inLog: false })
  const place = { logId: empty.id, partition: 0, offset: 0, count: 1 }
  expect(await why({ log: empty, lake: world.lake, asked: place, definition: game.tables })).toEqual([path])
})

test('a receipt of several events tells each, up to a bound', async () => {
  await using world = new World()
  await world.send(...Array.from({ length: 30 }, (_, i) => ({ event: sword, id: `e${i}` })))
  await world.land()
  const paths = await byOffset(world, 0, 30)
  expect(paths).toHaveLength(20)
  expect(paths.map(({ eventId }) => eventId)).toEqual(Array.from({ length: 20 }, (_, i) => `e${i}`))
})

test('after compaction the row is found in the new file', async () => {
  await using world = new World()
  for (let i = 0; i < 9; i++) {
    await world.send({ event: sword, id: `e${i}`, at: i })
    await world.land({ settings: { maintain: false } })
  }
  await world.lake.maintain(await world.connection(), 'events')
  const [path] = await ask(world, { id: 'e1' })
  expect(path).toMatchObject({ verdict: 'landed', offset: 1, batch: { number: 2 } })
  expect(path!.tables[0]).toMatchObject({ table: 'events', compacted: true })
  expect(path!.tables[1]).toMatchObject({ table: 'purchases', compacted: false, batch: 2 })
}, 600_000)

test('an answer stands on files that are whole: damage elsewhere does not hinder it, and nothing is not said over damage', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' }, { event: sword, id: 'c' })
  await world.land({ settings: { maintain: false } })
  await world.send({ event: sword, id: 'x' })
  await world.land({ settings: { maintain: false } })
  const [first] = await world.lake.files((await world.lake.load('events'))!)
  const file = fileURLToPath(first!.url)
  const bytes = readFileSync(file)
  bytes[Math.floor(bytes.length / 3)]! ^= 1
  writeFileSync(file, bytes)
  const again = (id: string) => why({ log: world.log, lake: world.openLake(), asked: { id } })
  expect(await again('x')).toMatchObject([{ verdict: 'landed' }])
  await expect(again('a')).rejects.toMatchObject({ code: 'storage/damaged' })
  await expect(again('a-never')).rejects.toMatchObject({ code: 'storage/damaged' })
})
