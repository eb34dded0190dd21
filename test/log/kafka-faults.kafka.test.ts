/** A broker that is killed, hangs, comes back; a topic that is deleted and made again. One broker of its own for all of them. */

import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isLandfallError, type LandfallError } from '../../src/base/errors.ts'
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/drivers/kafka/kafka-log.ts'
import type { EventLog } from '../../src/log/log.ts'
import { openLogReader } from '../../src/log/open.ts'
import { failure, newRecord, placesOf } from '../conformance/log-suite.ts'
import { Broker, findKafkaParts } from '../engines/kafka.ts'
import { World } from '../lander/support.ts'
import { until, wait } from '../support/landfall.ts'
import { deleteTopic, withAdmin } from './kafka-topics.ts'

let broker: Broker | undefined
let missing: string | undefined
beforeAll(async () => {
  const parts = await findKafkaParts()
  if ('missing' in parts) missing = parts.missing
  else broker = await Broker.start(parts)
})
afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
})

const newUrl = (query = '') => `kafka://${broker!.state.plaintext}/f-${randomUUID().slice(0, 8)}${query}`

interface Load {
  /** Value of each answered record → its place. */
  answered: Map<string, string>
  /** Values whose append failed and is not in the log for sure; and those that may be. */
  refused: string[]
  unknown: string[]
  stop(): Promise<void>
}

/** Many appenders, each waiting for its answer before it goes on; a failed append is not repeated. */
function load(log: EventLog, appenders: number): Load {
  const found: Load = { answered: new Map(), refused: [], unknown: [], stop }
  let stopping = false
  const all = Array.from({ length: appenders }, async (_, appender) => {
    for (let n = 0; !stopping; n++) {
      const values = Array.from(
        { length: 1 + (n % 3) },
        (_x, i) => `${appender}/${String(n).padStart(6, '0')}/${i}`,
      )
      // A broker forgets a producer whose last record is older than a day, and with it what would be a repeat.
      const receivedAt = Date.now() * 1000
      const records = values.map((value, i) =>
        newRecord(value, { key: `k${(appender * 7 + i) % 23}`, receivedAt }),
      )
      try {
        const places = placesOf(await log.append(records), records.length)
        for (const [i, value] of values.entries())
          found.answered.set(value, `${places[i]!.partition}/${places[i]!.offset}`)
      } catch (error) {
        if (isLandfallError(error, 'log/unknown-outcome')) found.unknown.push(...values)
        else found.refused.push(...values)
        await wait(50)
      }
    }
  })
  async function stop() {
    stopping = true
    await Promise.all(all)
  }
  return found
}

/** Every answered record stands where its receipt says, once, in the order of its appender; what was refused is nowhere. */
async function expectOnce(url: string, { answered, refused, unknown }: Load): Promise<void> {
  await using reader = await openLogReader(url)
  const seen = new Map<string, string>()
  const last = new Map<string, string>()
  for await (const batch of reader.read({ follow: false })) {
    for (const { offset, value: bytes } of batch.records) {
      const value = bytes.toString()
      expect(seen.get(value), `${value} twice`).toBeUndefined()
      seen.set(value, `${batch.partition}/${offset}`)
      const line = `${batch.partition} ${value.split('/')[0]}/${value.split('/')[2]}`
      expect(value > (last.get(line) ?? ''), `${value} behind ${last.get(line)}`).toBe(true)
      last.set(line, value)
    }
  }
  for (const [value, place] of answered) expect(seen.get(value), value).toBe(place)
  for (const value of refused) expect(seen.has(value), `${value} was refused`).toBe(false)
  const allowed = new Set([...answered.keys(), ...unknown])
  for (const value of seen.keys()) expect(allowed.has(value), value).toBe(true)
}

test('killed twice under load, the broker has every answered record once and in order', async ({ skip }) => {
  if (missing) return skip(missing)
  const url = newUrl('?partitions=3')
  const log = await openKafkaLog({ url })
  await using reader = await openLogReader(url)
  const stop = new AbortController()
  const followed: string[] = []
  const following = (async () => {
    for await (const batch of reader.read({ follow: true, signal: stop.signal })) {
      followed.push(...batch.records.map(({ partition, offset, value }) => `${partition}/${offset} ${value}`))
    }
  })()
  const loading = load(log, 40)
  for (let kills = 0; kills < 2; kills++) {
    await wait(1500)
    await broker!.signal('SIGKILL')
    await wait(500)
    await broker!.start()
  }
  await wait(1500)
  const before = loading.answered.size
  await wait(500)
  await loading.stop()
  await log[Symbol.asyncDispose]()
  // It has gone on, and nobody was told of a failure: the same batches went out again.
  expect(loading.answered.size).toBeGreaterThan(before)
  expect([loading.refused, loading.unknown]).toEqual([[], []])
  await expectOnce(url, loading)
  // Who follows has waited, and has missed nothing.
  await until('the follower', () => followed.length >= loading.answered.size)
  stop.abort()
  await following
  expect(followed.sort()).toEqual([...loading.answered].map(([value, place]) => `${place} ${value}`).sort())
})

test('hung for a while, the broker answers what waited, once', async ({ skip }) => {
  if (missing) return skip(missing)
  const url = newUrl('?partitions=3')
  const log = await openKafkaLog({ url, requestTimeoutMs: 1000 })
  const loading = load(log, 40)
  await wait(500)
  process.kill(broker!.pid!, 'SIGSTOP')
  // Requests that nobody answered in time are sent again on new connections, and the old ones are still in the broker's queue.
  await wait(2500)
  process.kill(broker!.pid!, 'SIGCONT')
  await wait(1500)
  await loading.stop()
  await log[Symbol.asyncDispose]()
  expect([loading.refused, loading.unknown]).toEqual([[], []])
  await expectOnce(url, loading)
})

const HURRIED: Partial<KafkaLogOptions> = { requestTimeoutMs: 500, connectTimeoutMs: 500, deliveryMaxMs: 800 }

test('away for longer than appends are tried: told so, and it goes on by itself', async ({ skip }) => {
  if (missing) return skip(missing)
  const url = newUrl('?partitions=3')
  const log = await openKafkaLog({ url, ...HURRIED })
  const loading = load(log, 20)
  await wait(500)
  process.kill(broker!.pid!, 'SIGSTOP')
  await wait(4000)
  process.kill(broker!.pid!, 'SIGCONT')
  await wait(2000)
  const before = loading.answered.size
  await wait(1000)
  await loading.stop()
  await log[Symbol.asyncDispose]()
  expect(loading.answered.size).toBeGreaterThan(before)
  expect(loading.unknown.length).toBeGreaterThan(0)
  expect(loading.refused.length).toBeGreaterThan(0)
  await expectOnce(url, loading)
})

/** The broker stands still until this is disposed of. All its threads do when this resolves: one that still ran would answer. */
async function standingStill(): Promise<Disposable> {
  const pid = broker!.pid!
  process.kill(pid, 'SIGSTOP')
  const goOn = { [Symbol.dispose]: () => void process.kill(pid, 'SIGCONT') }
  const stateOf = (thread: string) =>
    readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').replace(/^.*\) /s, '')[0]
  while (!readdirSync(`/proc/${pid}/task`).every((thread) => stateOf(thread) === 'T')) await wait(5)
  return goOn
}

test('after an unknown outcome the one writer knows what the log holds, for good', async ({ skip }) => {
  if (missing) return skip(missing)
  const url = newUrl()
  await using log = await openKafkaLog({ url, ...HURRIED, exclusive: true })
  await log.append([newRecord('a')])
  {
    using _still = await standingStill()
    const late = await failure(() => log.append([newRecord('late')]))
    expect(late).toMatchObject({ code: 'log/unknown-outcome' })
    expect(await failure(() => log.end())).toMatchObject({ kind: 'retry' })
  }
  let end: Awaited<ReturnType<typeof log.end>> | undefined
  while (end === undefined) end = await log.end().catch(() => undefined)
  const values = await valuesOf(log)
  await wait(1000)
  // What was under way has come before the end was told, or never comes.
  expect(await log.end()).toEqual(end)
  expect(await valuesOf(log)).toEqual(values)
  await log.append([newRecord('b')])
  expect(await valuesOf(log)).toEqual([...values, 'b'])
})

async function valuesOf(log: EventLog): Promise<string[]> {
  const values: string[] = []
  for await (const batch of log.read({ follow: false })) {
    values.push(...batch.records.map((record) => record.value.toString()))
  }
  return values
}

test('a topic that is deleted and made again is another log, for who reads and who writes', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const url = newUrl('?partitions=2')
  const topic = url.replace(/^.*\//, '').replace(/\?.*/, '')
  const dead: LandfallError[] = []
  await using log = await openKafkaLog({ url, ...HURRIED, onDead: (error) => dead.push(error) })
  await log.append(Array.from({ length: 10 }, (_, i) => newRecord(String(i), { key: `k${i}` })))
  const position = await log.end()
  await using reader = await openLogReader(url)
  const following = failure(async () => {
    for await (const _ of reader.read({ from: position, follow: true }));
  })
  await wait(300)
  await deleteTopic(topic, broker!.state.plaintext)
  await wait(300)
  await withAdmin(
    (admin) => admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 }),
    broker!.state.plaintext,
  )
  expect(await following).toMatchObject({
    code: 'log/wrong-log',
    message: expect.stringMatching(
      /deleted and made again: log kafka:.* is gone, partition \d from offset \d+ on/,
    ),
    details: { expected: log.id, gap: position.next },
  })
  expect(await failure(() => log.append([newRecord('into the new one')]))).toBeDefined()
  expect(dead).toMatchObject([{ code: 'log/wrong-log' }])
  await using fresh = await openLogReader(url)
  expect(await fresh.end()).toEqual({ logId: fresh.id, next: { 0: 0, 1: 0 } })
  expect(await failure(() => openKafkaLog({ url, knownEnd: position }))).toMatchObject({
    code: 'log/wrong-log',
  })
})

test('the lander of a topic that is deleted and made again stops, and says what is missing', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const url = newUrl('?partitions=2')
  const topic = url.replace(/^.*\//, '').replace(/\?.*/, '')
  await using world = new World(undefined, await openKafkaLog({ url, ...HURRIED }))
  await world.send(
    ...Array.from({ length: 20 }, (_, i) => ({ event: { event_type: 'default' }, id: `e${i}` })),
  )
  await using reader = await openLogReader(url)
  const lander = await world.open({ log: reader, settings: { idleMs: 50 } })
  const running = failure(() => lander.run(new AbortController().signal))
  const landed = await until('the first events', () => {
    const { position } = lander.status()
    return Object.values(position.next).reduce((sum, next) => sum + next, 0) === 20 ? position : undefined
  })
  await deleteTopic(topic, broker!.state.plaintext)
  await wait(300)
  await withAdmin(
    (admin) => admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 }),
    broker!.state.plaintext,
  )
  expect(await running).toMatchObject({ code: 'log/wrong-log', details: { gap: landed.next } })
  await lander[Symbol.asyncDispose]()
  await using again = await openLogReader(url)
  expect(await failure(() => world.open({ log: again }))).toMatchObject({
    code: 'lander/wrong-log',
    message: expect.stringContaining(world.log.id),
  })
})
