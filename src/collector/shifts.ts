import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { refuse } from './answers.ts'
import type { CollectorSettings } from './limits.ts'
import { unreadBytes } from './read-body.ts'

/** So often it is looked whose shift is over. */
const LOOK_MS = 10
/** Parts of the time since the last look in which the process worked: from the first on it has no time to spare, below the second it has. */
const BUSY = 0.98
const IDLE = 0.9
/** With no more connections than so many times the least places, shifts gain little, and make the slowest answers slower. */
const FROM = 4
/** The places become so many times more, or fewer, with a look. */
const STEP = 2

export interface ShiftClock {
  /** Milliseconds. */
  now(): number
  /** The part of the time since the last call in which the process worked, 0 to 1. */
  busy(): number
}

function loopClock(): ShiftClock {
  let last = performance.eventLoopUtilization()
  return {
    now: () => performance.now(),
    busy: () => {
      const before = last
      last = performance.eventLoopUtilization()
      return performance.eventLoopUtilization(last, before).utilization
    },
  }
}

interface Shift {
  since: number
  /** Sent something since the last look. */
  sent: boolean
}

interface Waiting {
  socket: Socket
  since: number
  enter(): void
}

/**
 * Connections are served in shifts while the processor is what binds. A request costs half as much again when thousands of connections
 * take turns at single requests: each finds its socket, in the kernel and here, gone from the caches. So a connection that gets a place
 * keeps it for some requests, while the first request of another waits for a place, read no further than its headers.
 *
 * Nobody waits while connections are few, or while the process has time to spare, where a disk or a broker binds for instance: there are
 * places for all then. They become fewer while it has none, but not fewer than `shiftPlacesMin`.
 */
export class Shifts {
  readonly #placesMin: number
  readonly #shiftMs: number
  readonly #waitMs: number
  readonly #heldMax: number
  readonly #clock: ShiftClock
  readonly #shifts = new Map<Socket, Shift>()
  readonly #line = new Set<Waiting>()
  #places = Number.POSITIVE_INFINITY
  #held = 0
  #timer: NodeJS.Timeout | undefined

  constructor(settings: CollectorSettings, clock: ShiftClock = loopClock()) {
    this.#placesMin = settings.shiftPlacesMin
    this.#shiftMs = settings.shiftMs
    this.#waitMs = settings.shiftWaitMs
    this.#heldMax = settings.shiftWaitingBytesMax
    this.#clock = clock
  }

  /** Requests in line. */
  get waiting(): number {
    return this.#line.size
  }

  /** Undefined for who is served at once; else a promise of it, which rejects with `collector/aborted` when the client leaves first. */
  enter(request: IncomingMessage): Promise<void> | undefined {
    this.#timer ??= setInterval(() => this.look(), LOOK_MS).unref()
    const { socket } = request
    const shift = this.#shifts.get(socket)
    if (shift !== undefined) shift.sent = true
    else if (this.#shifts.size >= this.#places) {
      const held = unreadBytes(request)
      // Read, its body is counted with the others.
      if (this.#held + held <= this.#heldMax) return this.#wait(request, held)
    } else this.#begin(socket)
    return undefined
  }

  /** Nobody waits any more. */
  close(): void {
    clearInterval(this.#timer)
    this.#places = Number.POSITIVE_INFINITY
    while (this.#line.size > 0) this.#next()
  }

  /** Ends shifts, and lets in who waits. */
  look(): void {
    const now = this.#clock.now()
    this.#adapt(this.#clock.busy())
    let kept = 0
    for (const [socket, shift] of this.#shifts) {
      const over = now - shift.since >= this.#shiftMs && this.#line.size > 0
      if (over || !shift.sent || ++kept > this.#places) this.#shifts.delete(socket)
      shift.sent = false
    }
    for (const { since } of this.#line) {
      if (this.#shifts.size >= this.#places && now - since < this.#waitMs) break
      this.#next()
    }
    if (this.#shifts.size > 0 || this.#line.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #adapt(busy: number): void {
    const sending = this.#shifts.size + this.#line.size
    if (sending <= FROM * this.#placesMin) this.#places = Number.POSITIVE_INFINITY
    else if (busy >= BUSY) this.#places = Math.max(this.#placesMin, Math.min(this.#places, sending) / STEP)
    else if (busy < IDLE) this.#places *= STEP
  }

  #begin(socket: Socket): void {
    this.#shifts.set(socket, { since: this.#clock.now(), sent: true })
  }

  #next(): void {
    const [waiting] = this.#line
    this.#line.delete(waiting!)
    this.#begin(waiting!.socket)
    waiting!.enter()
  }

  async #wait(request: IncomingMessage, held: number): Promise<void> {
    this.#held += held
    const since = this.#clock.now()
    await new Promise<void>((enter) => this.#line.add({ socket: request.socket, since, enter }))
    this.#held -= held
    if (request.socket.destroyed)
      throw refuse('aborted', 'the request ended before its turn', 'Send it again')
  }
}
