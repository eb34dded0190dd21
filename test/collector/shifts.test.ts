import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { collectorSettings } from '../../src/collector/limits.ts'
import { Shifts } from '../../src/collector/shifts.ts'

// Shifts look by themselves every 10 ms; here they do so when they are told to.
beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => vi.useRealTimers())

const PLACES = 4
const settings = collectorSettings({
  shiftPlacesMin: PLACES,
  shiftMs: 500,
  shiftWaitMs: 1_000,
  shiftWaitingBytesMax: 1_000,
})

/** Shifts of a process whose load and time are told, and connections that send when they are told to. */
function shiftsOf(busy: number) {
  const loop = { busy, time: 0 }
  const shifts = new Shifts(settings, { now: () => loop.time, busy: () => loop.busy })
  const connect = () => {
    const socket = new Socket()
    const send = (headers = {}) => {
      const request = Object.assign(new IncomingMessage(socket), { headers })
      const seen = { served: false, error: undefined as Error | undefined }
      const waits = shifts.enter(request)
      if (waits === undefined) seen.served = true
      else
        waits.then(
          () => (seen.served = true),
          (error) => (seen.error = error),
        )
      return seen
    }
    return { socket, send }
  }
  const look = async (ms = 10) => {
    loop.time += ms
    shifts.look()
    await new Promise(setImmediate)
  }
  return { shifts, loop, connect, look, connections: Array.from({ length: 24 }, connect) }
}

const served = (seen: readonly { served: boolean }[]) => seen.filter((one) => one.served).length

/**
 * A busy process that has come down to four places: the first four connections have them, and go on sending while they are told to
 * `hold`. The requests of all others wait, in the order of `line`.
 */
async function full() {
  const { connections, ...made } = shiftsOf(1)
  const holders = connections.slice(0, PLACES)
  const line: { socket: Socket; seen: ReturnType<(typeof holders)[0]['send']> }[] = []
  let sending = connections
  while (sending.length > PLACES) {
    for (const { socket, send } of sending) {
      const seen = send()
      if (!seen.served) line.push({ socket, seen })
    }
    sending = sending.filter(({ socket }) => !line.some((waiting) => waiting.socket === socket))
    await made.look()
  }
  const hold = async () => {
    const held = served(holders.map(({ send }) => send()))
    await made.look()
    return held
  }
  return { ...made, line, waiting: line.map(({ seen }) => seen), hold }
}

describe('connections in shifts', () => {
  test('nobody waits while the process has time', async () => {
    const { connections, look } = shiftsOf(0.5)
    for (let i = 0; i < 100; i++) {
      expect(served(connections.map(({ send }) => send()))).toBe(24)
      await look()
    }
  })

  test('nobody waits while connections are few', async () => {
    const { connections, look } = shiftsOf(1)
    const few = connections.slice(0, 4 * PLACES)
    for (let i = 0; i < 100; i++) {
      expect(served(few.map(({ send }) => send()))).toBe(few.length)
      await look()
    }
  })

  test('a connection with a place is served for its shift; then those who waited, in their order', async () => {
    const { waiting, hold, loop } = await full()
    expect(waiting.length).toBe(20)
    while (loop.time < 500) {
      expect(served(waiting)).toBe(0)
      expect(await hold()).toBe(PLACES)
    }
    expect(waiting.map((one) => one.served)).toEqual(waiting.map((_, i) => i < PLACES))
    expect(await hold()).toBe(0)
  })

  test('a place whose connection is silent goes to who waits', async () => {
    const { waiting, look } = await full()
    await look()
    await look()
    expect(served(waiting)).toBe(PLACES)
  })

  test('nobody waits longer than a second, whoever else sends', async () => {
    const { waiting, hold, loop } = await full()
    await hold()
    expect(served(waiting)).toBe(0)
    loop.time += 1_000
    await hold()
    expect(served(waiting)).toBe(waiting.length)
  })

  test('with time to spare again all who wait are served', async () => {
    const { waiting, hold, loop, connect } = await full()
    loop.busy = 0.2
    for (let i = 0; i < 4; i++) await hold()
    expect(served(waiting)).toBe(waiting.length)
    expect(connect().send().served).toBe(true)
  })

  test('who has left is not served', async () => {
    const { line, look } = await full()
    const [gone, next] = line
    gone!.socket.destroy()
    await look()
    await look()
    expect(gone!.seen).toMatchObject({ served: false, error: { code: 'collector/aborted' } })
    expect(next!.seen).toMatchObject({ served: true, error: undefined })
  })

  test('who would hold too much memory while it waits is served at once', async () => {
    const { connect, hold } = await full()
    const seen = [600, 300, 200, 100].map((bytes) => connect().send({ 'content-length': String(bytes) }))
    expect(seen.map((one) => one.served)).toEqual([false, false, true, false])
    expect(connect().send({ 'transfer-encoding': 'chunked' }).served).toBe(true)
    await hold()
    expect(seen.map((one) => one.served)).toEqual([false, false, true, false])
  })

  test('a collector that closes finishes what waits', async () => {
    const { waiting, shifts } = await full()
    expect(shifts.waiting).toBe(waiting.length)
    shifts.close()
    await new Promise(setImmediate)
    expect(served(waiting)).toBe(waiting.length)
    expect(shifts.waiting).toBe(0)
  })
})
