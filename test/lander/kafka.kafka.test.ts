/** Landing from a real topic: several partitions, offsets without records, and batches that were begun and not finished. */
import { expect, test } from 'vitest'
import type { Lake } from '../../src/lake/lake.ts'
import { openLog } from '../../src/log/open.ts'
import { inTransaction, makeTopic, missing, newTopic, urlOf } from '../log/kafka-topics.ts'
import { until } from '../support/landfall.ts'
import { game, type Sent, World } from './support.ts'

const sword = (n: number) => ({ event_type: 'purchase_sword', type: `sabre ${n}`, cost: n % 50 })

/** Events of four kinds: valid ones, repeats, an id with other content, what does not fit. */
function mixed(from: number, count: number): Sent[] {
  return Array.from({ length: count }, (_, i): Sent => {
    const n = from + i
    if (n % 11 === 3) return { event: sword(n - 3), id: `e${n - 3}`, at: n }
    if (n % 13 === 5)
      return { event: { event_type: 'join_guild', guild_name: 'other' }, id: `e${n - 1}`, at: n }
    if (n % 17 === 7)
      return { event: { event_type: 'purchase_sword', type: 7, cost: 'dear' }, id: `e${n}`, at: n }
    if (n % 19 === 9) return { event: '{"event_type":', id: `e${n}`, at: n, plan: null }
    return { event: sword(n), id: `e${n}`, at: n }
  })
}

/** What tables hold, whatever the partitions: ids and contents, in order. */
async function contents(world: World) {
  const order = 'ORDER BY ALL'
  return {
    events: await world.rows('events', 'event_id, event_type, raw_event, received_at', order),
    swords: await world.rows('sword_purchases', 'type, cost, raw_event', order),
    dead: await world.rows('dead_letters', 'event_id, reason, field, raw_event', order),
  }
}

async function ledger(world: World) {
  const counters = Object.values((await world.lake.load('events'))!.counters!)
  const total = (name: 'records' | 'landed' | 'dead' | 'duplicate') =>
    counters.reduce((sum, counts) => sum + counts[name], 0)
  return {
    records: total('records'),
    landed: total('landed'),
    dead: total('dead'),
    duplicate: total('duplicate'),
  }
}

class Killed extends Error {}

/** The lake, whose `killAt`-th commit is the lander's last. */
function dyingLake(lake: Lake, killAt: number): Lake {
  let commits = 0
  return new Proxy(lake, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      if (name !== 'commit') return value.bind(target)
      return async (...args: Parameters<Lake['commit']>) => {
        if (++commits >= killAt) throw new Killed()
        return target.commit(...args)
      }
    },
  })
}

test('three partitions hold what one holds: rows, dead letters, duplicates', async ({ skip }) => {
  if (missing) return skip(missing)
  await using spread = new World(game, await openLog(urlOf(newTopic(), '?partitions=3')))
  await using single = new World()
  for (let from = 0; from < 3000; from += 500) {
    for (const world of [spread, single]) await world.send(...mixed(from, 500))
    if (from % 1000 === 0) for (const world of [spread, single]) await world.land()
  }
  for (const world of [spread, single]) await world.land()
  expect(await contents(spread)).toEqual(await contents(single))
  expect(await ledger(spread)).toEqual(await ledger(single))
  expect((await ledger(spread)).records).toBe(3000)
  const { position } = (await spread.lake.load('events'))!
  expect(position).toEqual(await spread.log.end())
  expect(Object.keys(position!.next)).toEqual(['0', '1', '2'])
})

test('killed between its commits, the next lander finishes the same batch', async ({ skip }) => {
  if (missing) return skip(missing)
  await using spread = new World(game, await openLog(urlOf(newTopic(), '?partitions=3')))
  await using single = new World()
  for (const world of [spread, single]) await world.send(...mixed(0, 400))
  await spread.land()
  for (const killAt of [1, 2, 3]) {
    for (const world of [spread, single]) await world.send(...mixed(killAt * 400, 400))
    await expect(spread.land({ lake: dyingLake(spread.lake, killAt) })).rejects.toThrow(Killed)
    // What comes after the plan is no part of it.
    for (const world of [spread, single]) await world.send(...mixed(killAt * 1000 + 5000, 50))
    await spread.land()
  }
  await single.land()
  expect(await contents(spread)).toEqual(await contents(single))
  expect(await ledger(spread)).toEqual(await ledger(single))
})

test('offsets without a record are passed: taken back, marks, and a topic that ends with one', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const topic = newTopic()
  await using world = new World(game, await openLog(urlOf(topic)))
  const text = (n: number) => JSON.stringify(sword(n))
  // The coordinator writes its mark when the transaction is over already.
  const marked = (end: number) =>
    until('the mark', async () => (await world.log.end()).next[0] === end, 10_000)
  await world.send({ event: sword(1), id: 'a' })
  await inTransaction(topic, [text(2), text(3)], 'abort')
  await marked(4)
  await world.send({ event: sword(4), id: 'b' })
  await inTransaction(topic, [text(5), text(6)], 'commit')
  await marked(8)
  await world.land()
  // a, 2, 3, mark, b, 5, 6, mark
  expect(await world.rows('events', 'CAST("offset" AS INT) AS o, raw_event', 'ORDER BY o')).toEqual(
    [
      [0, 1],
      [4, 4],
      [5, 5],
      [6, 6],
    ].map(([o, n]) => ({ o, raw_event: text(n!) })),
  )
  expect((await world.lake.load('events'))!.position).toEqual(await world.log.end())
  // A follower passes a mark at the end, so that a question does not wait for what is not there.
  const stop = new AbortController()
  await using lander = await world.open({ settings: { idleMs: 50 } })
  const running = lander.run(stop.signal)
  await inTransaction(topic, [text(7)], 'abort')
  await marked(10)
  await until('the spool to pass the mark', () => lander.status().spooled.next[0] === 10, 5000)
  await until('the tables to pass the mark', () => lander.status().position.next[0] === 10, 5000)
  stop.abort()
  await running
  expect(await world.rows('events', 'count(*)::INT AS n')).toEqual([{ n: 4 }])
})

test('a compacted topic lands what compaction has left', async ({ skip }) => {
  if (missing) return skip(missing)
  const topic = newTopic()
  await makeTopic(topic, {
    'cleanup.policy': 'compact',
    'segment.bytes': '1048576',
    'segment.ms': '200',
    'min.cleanable.dirty.ratio': '0.001',
    'max.compaction.lag.ms': '200',
  })
  const { openKafkaReader } = await import('../../src/log/drivers/kafka/kafka-log.ts')
  const { Producer } = await import('@platformatic/kafka')
  const producer = new Producer({ clientId: 'test', bootstrapBrokers: [urlOf('').slice(8, -1)] })
  const send = (key: string, n: number) =>
    producer.send({
      messages: [
        { topic, partition: 0, key: Buffer.from(key), value: Buffer.from(JSON.stringify(sword(n))) },
      ],
      acks: -1,
    })
  for (let n = 0; n < 20; n++) await send(`k${n % 4}`, n)
  const reader = await openKafkaReader({ url: urlOf(topic) })
  // Only closed segments are compacted, and a write closes one that is old enough.
  await until(
    'the cleaner to come by',
    async () => {
      await send('last', 99)
      let records = 0
      for await (const batch of reader.read({ follow: false })) records += batch.records.length
      return records < 15
    },
    60_000,
  )
  await producer.close()
  await using world = new World(game, reader as never)
  await world.land()
  const landed = await world.rows('events', 'CAST("offset" AS INT) AS o, raw_event', 'ORDER BY o')
  const there: unknown[] = []
  for await (const batch of reader.read({ follow: false })) {
    for (const { offset, value } of batch.records) there.push({ o: offset, raw_event: value.toString() })
  }
  expect(landed.slice(0, 4)).toEqual(there.slice(0, 4))
  expect((await world.lake.load('events'))!.position!.next[0]).toBeGreaterThan(20)
})
