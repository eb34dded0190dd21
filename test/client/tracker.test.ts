import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createTracker, type TrackError, type TrackerOptions } from '../../src/client/client.ts'
import { acceptAll, answerWith, type DoorAnswer, type DoorRequest, ScriptedDoor } from './scripted-door.ts'

const QUICK = { lingerMs: 1, retryMinMs: 5, retryMaxMs: 20 }

function track(tracker: ReturnType<typeof createTracker>, count: number, from = 0) {
  return Array.from({ length: count }, (_, i) => tracker.track('jump', { height: from + i }))
}

async function errorOf(promise: Promise<unknown>): Promise<TrackError> {
  return promise.then(
    () => expect.fail('expected the event to fail'),
    (error: TrackError) => error,
  )
}

/** The books close at any moment. */
function expectBalance(tracker: ReturnType<typeof createTracker>) {
  const { tracked, queued, accepted, rejected, dropped } = tracker.stats()
  expect(queued + accepted + rejected + dropped).toBe(tracked)
}

async function withDoor(
  answer: (request: DoorRequest) => DoorAnswer | Promise<DoorAnswer>,
  options: Partial<TrackerOptions>,
  run: (tracker: ReturnType<typeof createTracker>, door: ScriptedDoor) => Promise<void>,
) {
  await using door = await ScriptedDoor.open(answer)
  const tracker = createTracker({ url: door.url, ...QUICK, ...options })
  try {
    await run(tracker, door)
    expectBalance(tracker)
  } finally {
    await tracker.close({ timeoutMs: 0 })
    expectBalance(tracker)
  }
}

describe('a tracker that reaches its collector', () => {
  test('sends name, id and properties as one line per event, and resolves with the receipt', () =>
    withDoor(acceptAll, { writeKey: 'k-1' }, async (tracker, door) => {
      const receipt = await tracker.track('jump', { height: 3, who: 'ä\n' })
      const request = door.requests[0]!
      expect(request.url).toBe('/v1/events')
      expect(request.headers['content-type']).toBe('application/x-ndjson')
      expect(request.headers.authorization).toBe('Bearer k-1')
      expect(request.body).toBe(
        `{"event_type":"jump","event_id":"${receipt.eventId}","height":3,"who":"ä\\n"}\n`,
      )
      expect(receipt).toEqual({
        eventId: request.events[0]!['event_id'],
        logId: 'log-1',
        partition: 0,
        offset: 0,
      })
    }))

  test('gathers events of the same moment into one request and keeps their order across requests', () =>
    withDoor(acceptAll, { batchEventsMax: 40 }, async (tracker, door) => {
      await Promise.all(track(tracker, 100))
      expect(door.requests.map((request) => request.events.length)).toEqual([40, 40, 20])
      expect(door.requests.flatMap((request) => request.events.map((event) => event['height']))).toEqual(
        Array.from({ length: 100 }, (_, i) => i),
      )
    }))

  test('cuts a batch by bytes', () =>
    withDoor(acceptAll, { batchBytesMax: 1_000 }, async (tracker, door) => {
      await Promise.all(track(tracker, 50))
      expect(door.requests.length).toBeGreaterThan(4)
      for (const request of door.requests) expect(Buffer.byteLength(request.body)).toBeLessThanOrEqual(1_000)
    }))

  test('properties cannot replace the name or the id', () =>
    withDoor(acceptAll, {}, async (tracker, door) => {
      await tracker.track('jump', { event_type: 'other', event_id: 'mine' }, { eventId: 'order-7' })
      expect(door.requests[0]!.events[0]).toEqual({ event_type: 'jump', event_id: 'order-7' })
    }))

  test('compresses when asked to', () =>
    withDoor(acceptAll, { gzip: true }, async (tracker, door) => {
      await Promise.all(track(tracker, 50))
      expect(door.requests[0]!.headers['content-encoding']).toBe('gzip')
      expect(door.requests[0]!.events).toHaveLength(50)
    }))

  test('flush sends at once and waits for what was tracked before', () =>
    withDoor(acceptAll, { lingerMs: 60_000 }, async (tracker) => {
      track(tracker, 10)
      const stats = await tracker.flush()
      expect(stats).toEqual({
        tracked: 10,
        queued: 0,
        sent: 10,
        accepted: 10,
        rejected: 0,
        dropped: 0,
        retried: 0,
      })
    }))
})

describe('a tracker in trouble', () => {
  test('sends the same bytes again when a connection breaks, an answer is 503, or a success has no receipts', () => {
    const troubles: DoorAnswer[] = [
      'hang-up',
      { status: 503, body: '{"code":"log/overloaded"}' },
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Please sign in</h1>' },
      answerWith([{ event_id: 'somebody else', status: 'accepted' }]),
      { status: 429 },
    ]
    return withDoor(
      (request) => troubles[request.index] ?? acceptAll(request),
      {},
      async (tracker, door) => {
        await tracker.track('jump', { height: 1 })
        expect(new Set(door.requests.map((request) => request.body)).size).toBe(1)
        expect(tracker.stats()).toMatchObject({ sent: 1, accepted: 1, retried: 5 })
      },
    )
  })

  test('honours Retry-After, also when somebody flushes', () =>
    withDoor(
      (request) =>
        request.index === 0 ? { status: 503, headers: { 'retry-after': '1' } } : acceptAll(request),
      {},
      async (tracker, door) => {
        track(tracker, 1)
        while (door.requests.length === 0) await sleep(5)
        await tracker.flush()
        expect(door.requests[1]!.at - door.requests[0]!.at).toBeGreaterThanOrEqual(990)
      },
    ))

  test('gives up waiting for an answer and asks again', () => {
    let asked = 0
    return withDoor(
      async (request) => {
        asked += 1
        if (asked === 1) await sleep(2_000)
        return acceptAll(request)
      },
      { requestTimeoutMs: 300 },
      async (tracker) => {
        await tracker.track('jump', { height: 1 })
        const { accepted, retried } = tracker.stats()
        expect(accepted).toBe(1)
        // Once, unless the machine was so busy that the second answer came late too.
        expect(retried).toBeGreaterThanOrEqual(1)
        expect(asked).toBeGreaterThanOrEqual(2)
      },
    )
  })

  test('finds the events that make a whole request fail, and loses no other', () => {
    const bad = new Set([3, 17, 18])
    const answer = (request: DoorRequest): DoorAnswer =>
      request.events.some((event) => bad.has(event['height'] as number))
        ? { status: 400, body: 'bad event' }
        : acceptAll(request)
    return withDoor(answer, {}, async (tracker) => {
      const results = await Promise.allSettled(track(tracker, 32))
      const failed = results.flatMap((result, i) => (result.status === 'rejected' ? [i] : []))
      expect(failed).toEqual([...bad])
      expect(tracker.stats()).toMatchObject({ accepted: 29, rejected: 3 })
    })
  })

  test('tells each event its own verdict', () => {
    const errors: TrackError[] = []
    const answer = (request: DoorRequest) =>
      answerWith([
        {
          event_id: request.events[0]!['event_id'],
          status: 'accepted',
          reason: 'unknown_event_type',
          detail: 'jmup is not in the plan',
          nearest: 'jump',
        },
        {
          event_id: request.events[1]!['event_id'],
          status: 'rejected',
          reason: 'type',
          field: 'height',
          detail: 'height is a string',
        },
      ])
    return withDoor(answer, { onError: (error) => errors.push(error) }, async (tracker) => {
      const [first, second] = [tracker.track('jmup'), tracker.track('jump', { height: 'x' })]
      expect((await first).warning).toContain('did you mean jump')
      const error = await errorOf(second)
      expect(error).toMatchObject({ kind: 'rejected', reason: 'type', field: 'height', event: 'jump' })
      expect(error.message).toContain('height is a string')
      expect(errors).toEqual([error])
    })
  })

  test('a wrong key or address rejects at once, once, and says so', () =>
    withDoor(
      () => ({ status: 401, body: 'unknown write key' }),
      {},
      async (tracker, door) => {
        const results = await Promise.allSettled(track(tracker, 20))
        expect(results.every((result) => result.status === 'rejected')).toBe(true)
        expect(door.requests).toHaveLength(1)
        expect((await errorOf(tracker.track('jump'))).reason).toBe('http_401')
      },
    ))

  test('no error names the write key, whatever the server echoes', () => {
    const writeKey = 'key-that-nobody-may-see'
    const echo = (request: DoorRequest): DoorAnswer => ({
      status: 403,
      body: `no: ${request.headers.authorization}`,
    })
    return withDoor(echo, { writeKey }, async (tracker) => {
      const error = await errorOf(tracker.track('jump'))
      expect(error.message).toContain('403')
      expect(JSON.stringify(error) + error.stack + error.message + JSON.stringify(tracker)).not.toContain(
        writeKey,
      )
      for (const bad of [`${writeKey}\n`, `${writeKey} x`]) {
        expect(() => createTracker({ url: 'http://127.0.0.1:1', writeKey: bad })).toThrow(/writeKey/)
        expect(() => createTracker({ url: 'http://127.0.0.1:1', writeKey: bad })).not.toThrow(
          new RegExp(writeKey),
        )
      }
      expect(() => createTracker({ url: `http://me:${writeKey}@127.0.0.1:1` })).not.toThrow(
        new RegExp(writeKey),
      )
    })
  })
})

describe('bounds', () => {
  const unreachable = () => 'hang-up' as const

  test('a full queue drops the newest event, keeps the others, and tells of each drop', () => {
    const errors: TrackError[] = []
    let reachable = false
    return withDoor(
      (request) => (reachable ? acceptAll(request) : 'hang-up'),
      { queueEventsMax: 100, onError: (error) => errors.push(error) },
      async (tracker) => {
        const promises = track(tracker, 1_000)
        expect(tracker.stats()).toMatchObject({ tracked: 1_000, queued: 100, dropped: 900 })
        expect(errors).toHaveLength(900)
        expect(await errorOf(promises[100]!)).toMatchObject({ kind: 'dropped', reason: 'queue_full' })
        reachable = true
        await Promise.all(promises.slice(0, 100))
      },
    )
  })

  test('bytes are bounded too, and room comes back', () =>
    withDoor(acceptAll, { queueBytesMax: 5_000 }, async (tracker) => {
      const big = { text: 'x'.repeat(2_000) }
      const [, , third] = [tracker.track('note', big), tracker.track('note', big), tracker.track('note', big)]
      expect(await errorOf(third!)).toMatchObject({ reason: 'queue_full' })
      await tracker.flush()
      await tracker.track('note', big)
      expect(tracker.stats()).toMatchObject({ accepted: 3, dropped: 1 })
    }))

  test('an event that can never be sent fails at once', () =>
    withDoor(acceptAll, { batchBytesMax: 500 }, async (tracker, door) => {
      const circle: Record<string, unknown> = {}
      circle['self'] = circle
      expect(await errorOf(tracker.track('note', { text: 'x'.repeat(600) }))).toMatchObject({
        reason: 'too_large',
      })
      expect(await errorOf(tracker.track('note', circle))).toMatchObject({ reason: 'not_json' })
      expect(await errorOf(tracker.track('note', { cost: Number.NaN }))).toMatchObject({ reason: 'not_json' })
      expect(await errorOf(tracker.track('note', {}, { eventId: 'with space' }))).toMatchObject({
        reason: 'bad_id',
      })
      expect(door.requests).toHaveLength(0)
    }))

  test('an event without a receipt for too long is dropped', () =>
    withDoor(unreachable, { deliveryTimeoutMs: 60 }, async (tracker) => {
      expect(await errorOf(tracker.track('jump'))).toMatchObject({ kind: 'dropped', reason: 'expired' })
    }))

  test('close drops what it could not deliver in time, refuses what comes later, and can be called twice', () =>
    withDoor(unreachable, {}, async (tracker) => {
      const early = tracker.track('jump')
      const closing = tracker.close({ timeoutMs: 30 })
      expect(tracker.close()).toBeInstanceOf(Promise)
      expect(await errorOf(early)).toMatchObject({ kind: 'dropped', reason: 'closed' })
      expect(await closing).toMatchObject({ tracked: 1, queued: 0, dropped: 1 })
      expect(await errorOf(tracker.track('jump'))).toMatchObject({ reason: 'closed' })
    }))

  test('a listener that throws harms nobody', () =>
    withDoor(
      acceptAll,
      {
        batchBytesMax: 200,
        onError: () => {
          throw new Error('listener')
        },
      },
      async (tracker) => {
        await errorOf(tracker.track('note', { text: 'x'.repeat(600) }))
        await tracker.track('jump')
      },
    ))
})
