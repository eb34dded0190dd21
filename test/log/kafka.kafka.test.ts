import { describe, expect, test } from 'vitest'
import { openLog, openLogReader } from '../../src/log/open.ts'
import { failure, logSuite, newRecord, readAll } from '../conformance/log-suite.ts'
import { until } from '../support/landfall.ts'
import { makeTopic, missing, newTopic, urlOf, withAdmin } from './kafka-topics.ts'

if (missing === undefined) {
  for (const partitions of [1, 3]) {
    logSuite({
      name: `kafka, ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`,
      secondReader: true,
      partitions,
      open: async (settings) => {
        const url = urlOf(newTopic(), `?partitions=${partitions}`)
        const log = await openLog(url, settings)
        return { log, openReader: () => openLogReader(url), close: async () => log[Symbol.asyncDispose]() }
      },
    })
  }
}

describe('log: kafka', () => {
  test('records stand as they were after closing and opening again, under the same id', async ({ skip }) => {
    if (missing) return skip(missing)
    const url = urlOf(newTopic())
    let id = ''
    for (let round = 0; round < 3; round++) {
      await using log = await openLog(url)
      if (round > 0) expect(log.id).toBe(id)
      id = log.id
      expect(await log.end()).toEqual({ logId: id, next: { 0: round * 3 } })
      await log.append([newRecord(`${round}a`), newRecord(`${round}b`)])
      await log.append([newRecord(`${round}c`)])
    }
    await using reader = await openLogReader(url)
    expect((await readAll(reader)).map((record) => record.value).join(' ')).toBe('0a 0b 0c 1a 1b 1c 2a 2b 2c')
  })

  test('trim lets go of what is old and has landed, and never of more', async ({ skip }) => {
    if (missing) return skip(missing)
    const now = Date.now() * 1000
    const old = (text: string) => newRecord(text, { receivedAt: now - 3_600_000_000 })
    await using log = await openLog(urlOf(newTopic()), { retention: { ageMs: 60_000, bytes: 0 } })
    await log.append([old('a'), old('b'), old('c')])
    await log.append([newRecord('young', { receivedAt: now })])
    const at = (next: number) => ({ logId: log.id, next: { 0: next } })
    await log.trim(at(2))
    expect(await log.start()).toEqual(at(2))
    await log.trim(at(4))
    expect(await log.start()).toEqual(at(3))
    expect((await readAll(log)).map(({ value }) => value)).toEqual(['young'])
    expect(await failure(() => readAll(log, { from: at(1) }))).toMatchObject({
      code: 'log/out-of-range',
      details: { from: 1, to: 3 },
    })
    expect(await failure(() => log.trim({ logId: 'other', next: {} }))).toMatchObject({
      code: 'log/wrong-log',
    })
  })

  test('a topic that somebody else has made: its limits hold, and what they cost is said', async ({
    skip,
  }) => {
    if (missing) return skip(missing)
    const topic = newTopic()
    await makeTopic(topic, { 'retention.ms': '3600000', 'max.message.bytes': '20000' })
    const notes: string[] = []
    await using log = await openLog(urlOf(topic), { onNote: (text) => notes.push(text) })
    expect(notes.join('\n')).toMatch(/keeps events only 1h, landed or not.*\n.*min\.insync\.replicas=1/)
    // Together they would be more than the topic takes; each alone is not.
    await Promise.all(Array.from({ length: 9 }, (_, i) => log.append([newRecord(`${i}`.repeat(6000))])))
    expect(() => log.append([newRecord('x'.repeat(21_000))])).toThrow(
      expect.objectContaining({ code: 'log/too-large', kind: 'fix-request' }),
    )
    expect((await readAll(log)).map(({ value }) => value[0]).join('')).toBe('012345678')
    const start = await log.start()
    await log.trim(await log.end())
    expect(await log.start()).toEqual(start)
    const compacted = newTopic()
    await makeTopic(compacted, { 'cleanup.policy': 'compact' })
    expect(await failure(() => openLog(urlOf(compacted)))).toMatchObject({
      code: 'log/topic',
      message: expect.stringContaining('is compacted'),
    })
  })

  test('a follower reads the partitions that are added while it reads', async ({ skip }) => {
    if (missing) return skip(missing)
    const topic = newTopic()
    await using log = await openLog(urlOf(topic))
    await log.append([newRecord('before')])
    await using reader = await openLogReader(urlOf(topic))
    const stop = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const batch of reader.read({ follow: true, signal: stop.signal })) {
        seen.push(...batch.records.map(({ value }) => `${batch.partition} ${value}`))
      }
    })()
    await until('the first record', () => seen.length === 1)
    const assignments = [{ brokerIds: [1] }, { brokerIds: [1] }]
    await withAdmin((admin) => admin.createPartitions({ topics: [{ name: topic, count: 3, assignments }] }))
    await using wider = await openLog(urlOf(topic))
    await wider.append(Array.from({ length: 12 }, (_, i) => newRecord(`${i}`, { key: `k${i}` })))
    await until('all partitions', () => seen.length === 13, 15_000)
    stop.abort()
    await following
    expect(new Set(seen.map((line) => line[0]))).toEqual(new Set(['0', '1', '2']))
  })

  test('tables that know more than the topic holds: it is not written to', async ({ skip }) => {
    if (missing) return skip(missing)
    const url = urlOf(newTopic(), '?partitions=2')
    const log = await openLog(url)
    await log[Symbol.asyncDispose]()
    const knownEnd = { logId: log.id, next: { 0: 0, 1: 7 } }
    expect(await failure(() => openLog(url, { knownEnd }))).toMatchObject({
      code: 'log/damaged',
      message: expect.stringContaining('partition 1'),
      details: { from: 0, to: 7 },
    })
    const other = { logId: 'kafka:other', next: {} }
    expect(await failure(() => openLog(url, { knownEnd: other }))).toMatchObject({ code: 'log/wrong-log' })
  })
})
