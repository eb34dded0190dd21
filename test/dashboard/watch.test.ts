import { afterEach, expect, test, vi } from 'vitest'
import { FlowWatch } from '../../src/dashboard/flow-watch.ts'
import type { TailMessage } from '../../src/dashboard/messages.ts'
import { Tail } from '../../src/dashboard/tail.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import type { EventLog } from '../../src/log/log.ts'
import { until } from '../support/landfall.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** A log to which an event comes each time before its end is told, a few times. */
function busyLog(log: EventLog, times: number): EventLog {
  let left = times
  return new Proxy(log, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const call = member.bind(target) as (...args: unknown[]) => unknown
      if (name !== 'end') return call
      return async () => {
        if (left-- > 0) await addEvent(log)
        return call()
      }
    },
  })
}

let events = 0
async function addEvent(log: EventLog): Promise<void> {
  events += 1
  const value = Buffer.from(JSON.stringify({ event_type: 'counted', n: events }))
  await log.append([{ key: null, value, headers: [], receivedAt: Date.now() * 1000 }])
}

test('the live tail misses no event between those of before and those that come, and tells none twice', async () => {
  await using log = createMemoryLog()
  for (let i = 0; i < 3; i++) await addEvent(log)
  using tail = new Tail(busyLog(log, 6))
  const seen: number[] = []
  const tell = ({ events }: TailMessage) => seen.push(...events.map(({ offset }) => offset))
  const end = tail.listen({}, tell)
  await until('all events', () => seen.length >= 9)
  for (let i = 0; i < 3; i++) await addEvent(log)
  await until('the next', () => seen.length >= 12)
  expect(seen).toEqual(Array.from({ length: 12 }, (_, i) => i))
  end()
})

test('a log that does not answer is told of, and the flow again when it does', async () => {
  vi.useFakeTimers()
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>()
  const log = {
    start: () => answers.then(() => ({ logId: 'x', next: {} })),
    end: () => Promise.resolve({ logId: 'x', next: {} }),
  }
  const sources = {
    lander: async () => undefined,
    refusals: async () => undefined,
    processes: () => undefined,
    disk: () => undefined,
    away: () => undefined,
    spool: false,
    remote: false,
  }
  using watch = new FlowWatch({ log, lake: {}, topic: 'events', sources } as never)
  const told: string[] = []
  watch.listen((event, data) => told.push(`${event} ${data.slice(0, 40)}`))
  await vi.advanceTimersByTimeAsync(9000)
  expect(told).toEqual([])
  await vi.advanceTimersByTimeAsync(5000)
  expect(told).toEqual(['failed "log and tables have not answered for mo'])
  answer()
  await vi.advanceTimersByTimeAsync(100)
  expect(told).toHaveLength(2)
  expect(told[1]).toMatch(/^flow /)
})
