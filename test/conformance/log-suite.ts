/** What every log driver promises (src/log/log.ts), as tests. A driver's own test calls this with a way to open it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isLandfallError } from '../../src/base/errors.ts'
import type { Appended, EventLog, LogBatch, LogReader, Place, ReadOptions } from '../../src/log/log.ts'
import { formatPosition, type Position } from '../../src/model/position.ts'
import type { LogRecord, NewRecord } from '../../src/model/record.ts'

export interface OpenedLog {
  log: EventLog
  /** Another reader of the same log, where the driver has one (as another process would open it). */
  openReader?: () => Promise<LogReader>
  close(): Promise<void>
}

export interface LogSuiteOptions {
  name: string
  /** The driver can open a second reader (`openReader`), as another process would. */
  secondReader: boolean
  /** Records spread over so many by their keys. Default 1. */
  partitions?: number
  open(settings: { queuedBytesMax?: number; appendBytesMax?: number }): Promise<OpenedLog>
}

export function newRecord(text: string, over: Partial<NewRecord> = {}): NewRecord {
  return {
    key: 'user1.comcast.com',
    value: Buffer.from(text),
    receivedAt: 1_700_000_000_123_456,
    headers: [
      ['id', `id-${text}`],
      ['plan', '0123456789abcdef'],
    ],
    ...over,
  }
}

export interface PlainRecord {
  partition?: number
  offset: number
  receivedAt: number
  key: string | null
  value: string
  headers: [string, string][]
}

export function plain(record: LogRecord): PlainRecord {
  return {
    offset: record.offset,
    receivedAt: record.receivedAt,
    key: record.key === null ? null : record.key.toString(),
    value: record.value.toString(),
    headers: record.headers.map(([name, value]) => [name, value.toString()]),
  }
}

export async function readAll(log: LogReader, options: Partial<ReadOptions> = {}): Promise<PlainRecord[]> {
  const records: PlainRecord[] = []
  for await (const batch of log.read({ follow: false, ...options })) records.push(...batch.records.map(plain))
  return records
}

/** The error that a call throws at once or rejects with. */
export async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return undefined
}

async function first(batches: AsyncIterable<LogBatch>): Promise<LogBatch | undefined> {
  for await (const batch of batches) return batch
  return undefined
}

/** Positions behind nothing: every partition at 0. */
export function at0(logId: string, partitions: number): Position {
  return {
    logId,
    next: Object.fromEntries(Array.from({ length: partitions }, (_, partition) => [partition, 0])),
  }
}

/** The place of each of `count` records of an append. */
export function placesOf({ partition, baseOffset, places }: Appended, count: number): Place[] {
  return [...(places ?? Array.from({ length: count }, (_, i) => ({ partition, offset: baseOffset + i })))]
}

export function logSuite(options: LogSuiteOptions): void {
  if ((options.partitions ?? 1) > 1) spreadSuite(options)
  else onePartitionSuite(options)
}

/** What holds however many partitions there are. */
function spreadSuite(options: LogSuiteOptions): void {
  const partitions = options.partitions!
  const keyed = (text: string, i: number) => newRecord(text, { key: `user-${i % 17}` })
  describe(`log: ${options.name}`, () => {
    let opened: OpenedLog
    let log: EventLog
    beforeEach(async () => {
      opened = await options.open({})
      log = opened.log
    })
    afterEach(() => opened.close())

    test('an empty log starts and ends at 0 in every partition', async () => {
      expect(await log.start()).toEqual(at0(log.id, partitions))
      expect(await log.end()).toEqual(at0(log.id, partitions))
      expect(await readAll(log)).toEqual([])
    })

    test('an append tells the place of each record, and each stands there once', async () => {
      const calls = Array.from({ length: 60 }, (_, call) =>
        Array.from({ length: 1 + (call % 5) }, (_x, i) => keyed(`${call}/${i}`, call * 7 + i)),
      )
      const resolved: number[] = []
      const appended = await Promise.all(
        calls.map((records, call) => log.append(records).then((one) => (resolved.push(call), one))),
      )
      expect(resolved).toEqual(calls.map((_, call) => call))
      const found = new Map<string, string>()
      for await (const batch of log.read({ follow: false })) {
        for (const record of batch.records)
          found.set(`${batch.partition}/${record.offset}`, record.value.toString())
      }
      let spread = 0
      for (const [call, records] of calls.entries()) {
        const places = placesOf(appended[call]!, records.length)
        if (appended[call]!.places !== undefined) spread++
        for (const [i, { partition, offset }] of places.entries()) {
          expect(found.get(`${partition}/${offset}`)).toBe(`${call}/${i}`)
        }
      }
      expect(spread).toBeGreaterThan(0)
      expect(found.size).toBe(calls.flat().length)
    })

    test('records of a key stand in one partition, in the order of the calls', async () => {
      await Promise.all(Array.from({ length: 300 }, (_, i) => log.append([keyed(String(i), i)])))
      const byKey = new Map<string, { partitions: Set<number>; values: number[] }>()
      for await (const batch of log.read({ follow: false })) {
        for (const record of batch.records) {
          expect(record.partition).toBe(batch.partition)
          const key = String(record.key)
          if (!byKey.has(key)) byKey.set(key, { partitions: new Set(), values: [] })
          byKey.get(key)!.partitions.add(batch.partition)
          byKey.get(key)!.values.push(Number(record.value.toString()))
        }
      }
      expect(byKey.size).toBe(17)
      for (const { partitions: of, values } of byKey.values()) {
        expect(of.size).toBe(1)
        expect(values).toEqual([...values].sort((a, b) => a - b))
      }
    })

    test('a read begins at each partition of its position, and ends at the end as of the call', async () => {
      const end0 = await log.end()
      await log.append(Array.from({ length: 50 }, (_, i) => keyed(`old ${i}`, i)))
      const from = await log.end()
      expect(Object.values(from.next).reduce((sum, next) => sum + next, 0)).toBe(50)
      await log.append(Array.from({ length: 20 }, (_, i) => keyed(`new ${i}`, i)))
      const values = (await readAll(log, { from })).map((record) => record.value)
      expect(values.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `new ${i}`).sort())
      expect(await readAll(log, { from: end0 })).toHaveLength(70)
      // A partition that is absent stands at its earliest record.
      const some = { logId: log.id, next: { 0: from.next[0]! } }
      expect((await readAll(log, { from: some })).length).toBe(70 - from.next[0]!)
      const behind = { logId: log.id, next: { ...from.next, 1: 1000 } }
      expect(await failure(() => readAll(log, { from: behind }))).toMatchObject({
        code: 'log/out-of-range',
        details: { partition: 1, to: 1000 },
      })
    })

    test('a follower sees every partition', async () => {
      const stop = new AbortController()
      const seen: string[] = []
      const following = (async () => {
        for await (const batch of log.read({ follow: true, signal: stop.signal })) {
          seen.push(...batch.records.map((record) => record.value.toString()))
          if (seen.length === 100) stop.abort()
        }
      })()
      for (let i = 0; i < 100; i += 10) {
        await log.append(Array.from({ length: 10 }, (_, n) => keyed(String(i + n), i + n)))
      }
      await following
      expect(new Set(seen).size).toBe(100)
    })
  })
}

function onePartitionSuite(options: LogSuiteOptions): void {
  describe(`log: ${options.name}`, () => {
    let opened: OpenedLog
    let log: EventLog
    const openWith = async (settings: Parameters<LogSuiteOptions['open']>[0]) => {
      await opened?.close()
      opened = await options.open(settings)
      log = opened.log
    }
    beforeEach(() => openWith({}))
    afterEach(() => opened.close())

    const at = (next: number) => ({ logId: log.id, next: { 0: next } })

    test('an empty log starts and ends at 0 and reads nothing', async () => {
      expect(await log.start()).toEqual(at(0))
      expect(await log.end()).toEqual(at(0))
      expect(await readAll(log)).toEqual([])
    })

    test('gives back every field of a record as it was appended', async () => {
      const records = [
        newRecord('{"event_type":"join_guild"}'),
        newRecord('', { key: null, headers: [], receivedAt: 1_700_000_000_000_000 }),
        newRecord('{"n":"grüße 🗡"}', {
          key: 'gilde-ß',
          receivedAt: 1_699_999_999_999_001,
          headers: [
            ['h', '{"User-Agent":"ApacheBench/2.3"}'],
            ['note', 'ü'.repeat(120)],
            ['empty', ''],
          ],
        }),
        newRecord('x'.repeat(100_000), { receivedAt: 1_800_000_000_000_999 }),
        newRecord('far back', { receivedAt: 999 }),
      ]
      await log.append(records)
      expect(await readAll(log)).toEqual(
        records.map((record, offset) => ({
          offset,
          receivedAt: record.receivedAt,
          key: record.key,
          value: Buffer.from(record.value).toString(),
          headers: record.headers,
        })),
      )
    })

    test('a cursor walks the same records', async () => {
      await log.append([newRecord('a'), newRecord('b', { key: null, receivedAt: 5_000_007 }), newRecord('')])
      const batch = (await first(log.read({ follow: false })))!
      const cursor = batch.cursor()
      const seen: unknown[] = []
      while (cursor.next()) {
        const text = (from: number, to: number) => cursor.bytes.toString('utf8', from, to)
        seen.push({
          offset: cursor.offset,
          receivedAt: cursor.receivedAt,
          key: cursor.keyStart < 0 ? null : text(cursor.keyStart, cursor.keyEnd),
          value: text(cursor.valueStart, cursor.valueEnd),
          id: cursor.findHeader('id') ? text(cursor.headerStart, cursor.headerEnd) : undefined,
          plan: cursor.findHeader('plan') ? text(cursor.headerStart, cursor.headerEnd) : undefined,
          absent: cursor.findHeader('src'),
        })
      }
      expect(seen).toEqual(
        batch.records.map(plain).map(({ headers, ...rest }) => ({
          ...rest,
          id: headers[0]![1],
          plan: headers[1]![1],
          absent: false,
        })),
      )
      expect(seen).toHaveLength(3)
    })

    test('offsets ascend in the order of the calls, promises resolve in that order', async () => {
      const resolved: number[] = []
      const calls = Array.from({ length: 200 }, (_, call) =>
        log.append([newRecord(`${call}a`), newRecord(`${call}b`)]).then((appended) => {
          resolved.push(call)
          return appended
        }),
      )
      const appended = await Promise.all(calls)
      expect(appended).toEqual(calls.map((_, call) => ({ partition: 0, baseOffset: call * 2 })))
      expect(resolved).toEqual(calls.map((_, call) => call))
      const values = (await readAll(log)).map((record) => record.value)
      expect(values).toEqual(calls.flatMap((_, call) => [`${call}a`, `${call}b`]))
      expect(await log.end()).toEqual(at(400))
    })

    test('an append without records takes no offset', async () => {
      await log.append([newRecord('a')])
      expect(await log.append([])).toEqual({ partition: 0, baseOffset: 1 })
      await log.append([newRecord('b')])
      expect((await readAll(log)).map((record) => record.offset)).toEqual([0, 1])
    })

    test('keeps what it was given, whatever the caller does with its buffer afterwards', async () => {
      const value = Buffer.from('mine')
      const done = log.append([{ ...newRecord(''), value }])
      value.fill(0x78)
      await done
      expect((await readAll(log))[0]!.value).toBe('mine')
    })

    test('reads from any offset, in batches bounded by bytes', async () => {
      for (let i = 0; i < 10; i++) {
        await log.append(Array.from({ length: 10 }, (_, n) => newRecord(`${i * 10 + n}`.padStart(100, '0'))))
      }
      for (const from of [0, 1, 9, 10, 55, 99, 100]) {
        const offsets: number[] = []
        let next = from
        for await (const batch of log.read({ from: at(from), follow: false, batchBytesMax: 350 })) {
          expect(batch.records[0]!.offset).toBe(next)
          expect(batch.next).toBe(batch.records.at(-1)!.offset + 1)
          const bytes = batch.records.reduce((sum, record) => sum + record.value.length, 0)
          expect(bytes).toBeLessThanOrEqual(350)
          offsets.push(...batch.records.map((record) => record.offset))
          next = batch.next
        }
        expect(offsets).toEqual(Array.from({ length: 100 - from }, (_, i) => from + i))
      }
      const alone = await log.append([newRecord('y'.repeat(5000))])
      const batch = await first(log.read({ from: at(alone.baseOffset), follow: false, batchBytesMax: 350 }))
      expect(batch?.records).toHaveLength(1)
    })

    test('a reader that is done with each batch before the next but one reads the same records', async () => {
      const texts = Array.from({ length: 2000 }, (_, i) => `${i}`.padStart((i * 7) % 97, '0'))
      for (let i = 0; i < texts.length; i += 50) {
        await log.append(texts.slice(i, i + 50).map((text) => newRecord(text)))
      }
      const read: string[] = []
      let before: LogBatch | undefined
      for await (const batch of log.read({ follow: false, batchBytesMax: 4096, reuseBytes: true })) {
        // While this one was read, the one before it has stayed as it was.
        if (before) read.push(...before.records.map((record) => record.value.toString()))
        before = batch
      }
      if (before) read.push(...before.records.map((record) => record.value.toString()))
      expect(read).toEqual(texts)
    })

    test('a read without follow ends at the end as of the call', async () => {
      await log.append([newRecord('a')])
      const reading = log.read({ follow: false })[Symbol.asyncIterator]()
      expect((await reading.next()).value!.next).toBe(1)
      await log.append([newRecord('b')])
      expect((await reading.next()).done).toBe(true)
    })

    test('a follower sees what comes, until its signal aborts', async () => {
      const stop = new AbortController()
      const seen: string[] = []
      const following = (async () => {
        for await (const batch of log.read({ follow: true, signal: stop.signal })) {
          seen.push(...batch.records.map((record) => record.value.toString()))
          if (seen.includes('49')) stop.abort()
        }
      })()
      for (let i = 0; i < 50; i++) await log.append([newRecord(String(i))])
      await following
      expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => String(i)))
    })

    test('waitBeyond resolves with the next record, and with the signal', async () => {
      const stop = new AbortController()
      await log.append([newRecord('a')])
      await log.waitBeyond(at(0), stop.signal)
      let woken = false
      const waiting = log.waitBeyond(at(1), stop.signal).then(() => {
        woken = true
      })
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(woken).toBe(false)
      await log.append([newRecord('b')])
      await waiting
      const aborted = log.waitBeyond(at(2), stop.signal)
      stop.abort()
      await aborted
    })

    test('refuses positions of another log, behind the end and before the start', async () => {
      await log.append([newRecord('a')])
      const other = { logId: 'other', next: { 0: 0 } }
      expect(isLandfallError(await failure(() => readAll(log, { from: other })), 'log/wrong-log')).toBe(true)
      const behind = await failure(() => readAll(log, { from: at(2) }))
      expect(isLandfallError(behind, 'log/out-of-range') && behind.details).toMatchObject({ from: 1, to: 2 })
      expect(await readAll(log, { from: { logId: log.id, next: {} } })).toHaveLength(1)
    })

    test('throws at once when the queue is full, and goes on when it is empty', async () => {
      await openWith({ queuedBytesMax: 3000 })
      const accepted: Promise<unknown>[] = []
      let thrown: unknown
      for (let i = 0; i < 10 && thrown === undefined; i++) {
        try {
          accepted.push(log.append([newRecord('z'.repeat(900))]))
        } catch (error) {
          thrown = error
        }
      }
      expect(
        isLandfallError(thrown, 'log/overloaded') && thrown.details['retryAfterSeconds'],
      ).toBeGreaterThan(0)
      expect(isLandfallError(thrown) && thrown.kind).toBe('retry')
      expect(log.pressure.queuedBytes).toBeGreaterThan(0)
      expect(log.pressure.queuedBytes).toBeLessThanOrEqual(3000)
      await Promise.all(accepted)
      expect(log.pressure.queuedBytes).toBe(0)
      await log.append([newRecord('more')])
      expect(await readAll(log)).toHaveLength(accepted.length + 1)
    })

    test('throws at once when one call is larger than a frame may be', async () => {
      await openWith({ appendBytesMax: 1000 })
      expect(() => log.append([newRecord('z'.repeat(1100))])).toThrow(
        expect.objectContaining({ code: 'log/too-large', kind: 'fix-request' }),
      )
      expect(formatPosition(await log.end())).toBe(formatPosition(at(0)))
    })

    test('throws log/closed after it was closed', async () => {
      const closing = opened.close()
      await closing
      expect(() => log.append([newRecord('late')])).toThrow(expect.objectContaining({ code: 'log/closed' }))
    })

    if (!options.secondReader) return

    test('another reader has the same id and sees the same records', async () => {
      await log.append([newRecord('a'), newRecord('b')])
      await using reader = await opened.openReader!()
      expect(reader.id).toBe(log.id)
      expect(await reader.end()).toEqual(at(2))
      expect(await readAll(reader)).toEqual(await readAll(log))
      const stop = new AbortController()
      const waiting = reader.waitBeyond(at(2), stop.signal)
      await log.append([newRecord('c')])
      await waiting
      expect(await readAll(reader, { from: at(2) })).toHaveLength(1)
    })
  })
}
