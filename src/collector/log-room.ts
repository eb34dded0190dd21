import type { IncomingMessage } from 'node:http'
import type { EventLog } from '../log/log.ts'
import { overloaded } from '../log/log-errors.ts'
import { refuse } from './answers.ts'
import type { CollectorSettings } from './limits.ts'
import { unreadBytes } from './read-body.ts'

/** Weight of the last request in what is believed of the next. */
const LEARNING = 0.1

interface Waiting {
  request: IncomingMessage
  /** Of its body, as announced. */
  bytes: number
  enter(): void
}

/**
 * Requests wait here for a place in the log that is full, in their order and before they are read and checked. A refusal costs almost
 * as much as an append, and whom it meets comes again at once: where all are refused but a few, the few find no time either. The wait
 * is short, so that nobody mistakes it for an answer that got lost; and the line is bounded by what its requests may hold of memory.
 */
export class LogRoom {
  readonly #log: EventLog
  readonly #waitMs: number
  readonly #heldMax: number
  readonly #line = new Set<Waiting>()
  #held = 0
  /** Bytes that a byte of a body takes in the log, ids and headers of its events included, by those before it. */
  #perByte = 2
  #looking = false

  constructor(log: EventLog, { logWaitMs, logWaitingBytesMax }: CollectorSettings) {
    this.#log = log
    this.#waitMs = logWaitMs
    this.#heldMax = logWaitingBytesMax
  }

  /** Undefined when there is room; else a promise of it, which rejects with `log/overloaded` when there is none in time. */
  enter(request: IncomingMessage): Promise<void> | undefined {
    const { queuedBytes, queuedBytesMax } = this.#log.pressure
    const bytes = Number(request.headers['content-length'] ?? 0)
    if (this.#line.size === 0 && this.#fits(bytes, queuedBytes, queuedBytesMax)) return undefined
    const held = unreadBytes(request)
    if (this.#held + held > this.#heldMax) throw overloaded(queuedBytes, queuedBytesMax)
    this.#held += held
    return this.#wait(request, bytes).finally(() => (this.#held -= held))
  }

  /** An append of a request's events has put so many bytes into the log's queue. */
  took({ headers }: IncomingMessage, bytes: number): void {
    const announced = Number(headers['content-length'] ?? 0)
    // What unpacks to a thousandfold says nothing of others.
    if (announced > 0 && headers['content-encoding'] === undefined)
      this.#perByte += LEARNING * (bytes / announced - this.#perByte)
  }

  /** Something has left the log's queue. Several at once are looked at once. */
  freed(): void {
    if (this.#line.size === 0 || this.#looking) return
    this.#looking = true
    setImmediate(this.#look)
  }

  #wait(request: IncomingMessage, bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#line.delete(waiting)
        const { queuedBytes, queuedBytesMax } = this.#log.pressure
        reject(overloaded(queuedBytes, queuedBytesMax))
      }, this.#waitMs)
      const waiting: Waiting = {
        request,
        bytes,
        enter: () => {
          clearTimeout(timer)
          if (request.destroyed)
            reject(refuse('aborted', 'the request ended before its turn', 'Send it again'))
          else resolve()
        },
      }
      this.#line.add(waiting)
    })
  }

  readonly #look = (): void => {
    this.#looking = false
    const { queuedBytes, queuedBytesMax } = this.#log.pressure
    let taken = queuedBytes
    for (const waiting of this.#line) {
      if (!waiting.request.destroyed) {
        if (!this.#fits(waiting.bytes, taken, queuedBytesMax)) return
        taken += waiting.bytes * this.#perByte
      }
      this.#line.delete(waiting)
      waiting.enter()
    }
  }

  /** As the log itself judges: what is too large for it is let in alone. */
  #fits(bytes: number, taken: number, max: number): boolean {
    return taken === 0 || taken + bytes * this.#perByte <= max
  }
}
