import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { definePipeline, Type } from 'landfall'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTracker, type TrackError, type TrackReceipt } from '../../src/client/client.ts'
import { type Collector, openCollector } from '../../src/collector/collector.ts'
import type { CollectorSettings } from '../../src/collector/limits.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { nodeFiles } from '../../src/log/drivers/embedded/files.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import type { EventLog } from '../../src/log/log.ts'
import { type Fate, LossyProxy } from './lossy-proxy.ts'

const pipeline = definePipeline({
  name: 'jumps',
  events: { jump: Type.Object({ height: Type.Integer() }), rest: Type.Object({}) },
  tables: { jumps: { events: ['jump'] } },
  sources: {
    page: { writeKey: 'page-key', mode: 'reject' },
    server: { writeKey: 'server-key' },
  },
})

const QUICK = { lingerMs: 1, retryMinMs: 2, retryMaxMs: 20, writeKey: 'server-key' }

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landfall-client-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const open = (log: EventLog, settings: Partial<CollectorSettings> = {}): Promise<Collector> =>
  openCollector({
    pipeline,
    log,
    host: '127.0.0.1',
    port: 0,
    stateDirectory: join(directory, log.id),
    settings,
  })

const portOf = (collector: Collector) => Number(new URL(collector.address).port)

/** What is in the log: for each event id the distinct bytes under it, and how many records there are in all. */
async function readLog(log: EventLog) {
  const values = new Map<string, Set<string>>()
  let records = 0
  for await (const batch of log.read({ follow: false })) {
    for (const record of batch.records) {
      const id = record.headers.find(([name]) => name === 'id')![1].toString()
      if (!values.has(id)) values.set(id, new Set())
      values.get(id)!.add(record.value.toString())
      records += 1
    }
  }
  return { values, records }
}

/** Each receipt's event is in the log under its id, always with the same bytes, and no other is. */
async function expectExactlyThese(log: EventLog, receipts: TrackReceipt[]) {
  const { values, records } = await readLog(log)
  expect(new Set(values.keys())).toEqual(new Set(receipts.map((receipt) => receipt.eventId)))
  for (const bytes of values.values()) expect(bytes.size).toBe(1)
  return { duplicates: records - values.size }
}

/** Deterministic fates: mulberry32, so that a failure can be run again. */
function fates(seed: number, loss: number): () => Fate {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    const draw = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    return draw < loss / 2 ? 'lose-request' : draw < loss ? 'lose-answer' : 'pass'
  }
}

describe('a tracker and the real collector', () => {
  test('resolves with the place in the log where the event stands', async () => {
    await using log = createMemoryLog()
    await using collector = await open(log)
    const tracker = createTracker<typeof pipeline>({ ...QUICK, url: collector.address })
    const receipts = await Promise.all([tracker.track('jump', { height: 1 }), tracker.track('rest')])
    expect(receipts.map((receipt) => receipt.offset)).toEqual([0, 1])
    expect(receipts[0]).toMatchObject({ logId: log.id, partition: 0 })
    await expectExactlyThese(log, receipts)
    await tracker.close()
  })

  test('lost requests and lost answers lose no event, and what arrives twice is the same event', async () => {
    for (const seed of [1, 2, 3]) {
      await using log = createMemoryLog()
      await using collector = await open(log)
      await using proxy = await LossyProxy.open(fates(seed, 0.5))
      proxy.upstreamPort = portOf(collector)
      const tracker = createTracker<typeof pipeline>({ ...QUICK, url: proxy.url, batchEventsMax: 25 })
      const receipts = await Promise.all(
        Array.from({ length: 1_000 }, (_, i) => tracker.track('jump', { height: i })),
      )
      const { duplicates } = await expectExactlyThese(log, receipts)
      expect(duplicates, `seed ${seed}: no answer was lost, the test shows nothing`).toBeGreaterThan(0)
      expect(tracker.stats()).toMatchObject({ tracked: 1_000, accepted: 1_000, queued: 0, dropped: 0 })
      await tracker.close()
    }
  })

  test('a collector that is stopped and started again in the middle misses nothing', async () => {
    await using proxy = await LossyProxy.open(() => 'pass')
    const tracker = createTracker<typeof pipeline>({ ...QUICK, url: proxy.url, batchEventsMax: 20 })
    const tracked: Promise<TrackReceipt>[] = []
    let done = false
    const producing = (async () => {
      for (let i = 0; !done; i++) {
        tracked.push(tracker.track('jump', { height: i }))
        if (i % 10 === 0) await sleep(1)
      }
    })()
    for (let run = 0; run < 4; run++) {
      const log = await openEmbeddedLog({ directory: join(directory, 'log') })
      const collector = await open(log)
      proxy.upstreamPort = portOf(collector)
      await sleep(120)
      await collector.close()
      await log[Symbol.asyncDispose]()
    }
    done = true
    await producing
    await using log = await openEmbeddedLog({ directory: join(directory, 'log') })
    await using collector = await open(log)
    proxy.upstreamPort = portOf(collector)
    const receipts = await Promise.all(tracked)
    expect(tracker.stats().retried).toBeGreaterThan(0)
    await expectExactlyThese(log, receipts)
    await tracker.close()
  })

  test('an overloaded log (503) is asked again until it has room', async () => {
    const slow = {
      ...nodeFiles,
      datasync: (fd: number, done: (error: Error | null) => void) =>
        setTimeout(() => nodeFiles.datasync(fd, done), 5),
    }
    await using log = await openEmbeddedLog({
      directory: join(directory, 'log'),
      queuedBytesMax: 4_000,
      files: slow as typeof nodeFiles,
    })
    // With the usual wait the log has room before anyone is refused.
    await using collector = await open(log, { logWaitMs: 1 })
    const trackers = Array.from({ length: 8 }, () =>
      createTracker<typeof pipeline>({
        ...QUICK,
        url: collector.address,
        batchEventsMax: 10,
        // The collector asks for a second; this test has no time for it.
        fetch: async (url, init) => {
          const response = await fetch(url, init as RequestInit)
          return { status: response.status, headers: { get: () => null }, text: () => response.text() }
        },
      }),
    )
    const receipts = await Promise.all(
      trackers.flatMap((tracker) =>
        Array.from({ length: 100 }, (_, i) => tracker.track('jump', { height: i })),
      ),
    )
    expect(trackers.reduce((sum, tracker) => sum + tracker.stats().retried, 0)).toBeGreaterThan(0)
    const { duplicates } = await expectExactlyThese(log, receipts)
    expect(duplicates).toBe(0)
    await Promise.all(trackers.map((tracker) => tracker.close()))
  })
})

describe('what the collector says of an event', () => {
  async function withTracker(
    writeKey: string,
    run: (tracker: ReturnType<typeof createTracker>, log: EventLog) => Promise<void>,
  ) {
    await using log = createMemoryLog()
    await using collector = await open(log)
    const tracker = createTracker({ ...QUICK, url: collector.address, writeKey })
    await run(tracker, log)
    await tracker.close()
  }
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => expect.fail('expected a rejection'),
      (error: TrackError) => error,
    )

  test('a source in mode reject: each wrong event fails alone, with its field and reason', () =>
    withTracker('page-key', async (tracker, log) => {
      const [right, wrong, unknown] = [
        tracker.track('jump', { height: 1 }),
        failure(tracker.track('jump', { height: '1' })),
        failure(tracker.track('jmup', { height: 1 })),
      ]
      expect(await wrong).toMatchObject({ kind: 'rejected', reason: 'type', field: 'height', event: 'jump' })
      expect((await unknown).message).toContain('did you mean jump?')
      await expectExactlyThese(log, [await right])
    }))

  test('a source in mode reject where nothing is right', () =>
    withTracker('page-key', async (tracker) => {
      expect(await failure(tracker.track('jump', {}))).toMatchObject({
        kind: 'rejected',
        reason: 'missing',
        field: 'height',
      })
    }))

  test('a source in mode collect: an unknown name is taken, with a warning', () =>
    withTracker('server-key', async (tracker, log) => {
      const receipt = await tracker.track('jmup', { height: 1 })
      expect(receipt.warning).toContain('did you mean jump?')
      await expectExactlyThese(log, [receipt])
    }))

  test('a request that is refused whole for one event (too deep) spares the others', () =>
    withTracker('server-key', async (tracker, log) => {
      const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) as unknown
      const around = Array.from({ length: 9 }, (_, i) => tracker.track('jump', { height: i }))
      const error = failure(tracker.track('jump', { height: deep }))
      const more = Array.from({ length: 9 }, (_, i) => tracker.track('jump', { height: 100 + i }))
      expect(await error).toMatchObject({ kind: 'rejected' })
      await expectExactlyThese(log, await Promise.all([...around, ...more]))
    }))

  test('a wrong write key, by the collector’s own name for it', () =>
    withTracker('some-other-key', async (tracker) => {
      const error = await failure(tracker.track('jump', { height: 1 }))
      expect(error).toMatchObject({ kind: 'rejected', reason: 'collector/write-key' })
      expect(error.message).not.toContain('some-other-key')
    }))
})

describe('types (checked by tsc)', () => {
  test('events and properties come from the pipeline', () => {
    const tracker = createTracker<typeof pipeline>({ url: 'http://127.0.0.1:1' })
    // Never called: it only has to compile, or not.
    const use = async () => {
      const receipt = await tracker.track('jump', { height: 1 }, { eventId: 'mine' })
      receipt.offset satisfies number | undefined
      await tracker.track('rest')
      // @ts-expect-error: a misspelt event
      await tracker.track('jmup', { height: 1 })
      // @ts-expect-error: a misspelt property
      await tracker.track('jump', { hieght: 1 })
      // @ts-expect-error: a property more
      await tracker.track('jump', { height: 1, width: 2 })
      // @ts-expect-error: a wrong type
      await tracker.track('jump', { height: '1' })
      // @ts-expect-error: properties that must be there
      await tracker.track('jump')
    }
    expect(use).toBeTypeOf('function')
  })
})
