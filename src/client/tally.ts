import type { PendingEvent, TrackReceipt } from './pending.ts'
import { TrackError } from './track-error.ts'

/** Counts since the start. `tracked = queued + accepted + rejected + dropped` at any moment. */
export interface TrackerStats {
  /** Calls of `track()`. */
  tracked: number
  /** Waiting or in flight. */
  queued: number
  /** Events that went out at least once. */
  sent: number
  /** Durable in the log. */
  accepted: number
  /** Refused by the collector. */
  rejected: number
  /** Not sent any more: queue full, too large, not JSON, expired, closed. */
  dropped: number
  /** Attempts beyond an event's first. */
  retried: number
}

/** Keeps the books: every tracked event is unsettled until it is accepted, rejected or dropped, each exactly once. */
export class Tally {
  readonly #unsettled = new Set<PendingEvent>()
  #bytes = 0
  readonly #counts = { tracked: 0, sent: 0, accepted: 0, rejected: 0, dropped: 0, retried: 0 }
  readonly #onError: ((error: TrackError) => void) | undefined

  constructor(onError: ((error: TrackError) => void) | undefined) {
    this.#onError = onError
  }

  /** Oldest first. */
  get unsettled(): ReadonlySet<PendingEvent> {
    return this.#unsettled
  }

  get bytes(): number {
    return this.#bytes
  }

  stats(): TrackerStats {
    return { queued: this.#unsettled.size, ...this.#counts }
  }

  open(pending: PendingEvent): void {
    this.#counts.tracked += 1
    this.#bytes += pending.bytes
    this.#unsettled.add(pending)
  }

  attempted(pending: PendingEvent): void {
    if (pending.attempts === 0) this.#counts.sent += 1
    else this.#counts.retried += 1
    pending.attempts += 1
  }

  accept(pending: PendingEvent, receipt: TrackReceipt): void {
    if (!this.#close(pending)) return
    this.#counts.accepted += 1
    pending.resolve(receipt)
  }

  reject(pending: PendingEvent, reason: string, message: string, field?: string): void {
    if (!this.#close(pending)) return
    this.#counts.rejected += 1
    this.#fail(
      pending,
      new TrackError('rejected', reason, `event ${pending.event} was rejected: ${message}`, {
        ...pending,
        field,
      }),
    )
  }

  drop(pending: PendingEvent, reason: string, message: string): void {
    if (!this.#close(pending)) return
    this.#counts.dropped += 1
    this.#fail(
      pending,
      new TrackError('dropped', reason, `event ${pending.event} was dropped: ${message}`, pending),
    )
  }

  #close(pending: PendingEvent): boolean {
    if (!this.#unsettled.delete(pending)) return false
    this.#bytes -= pending.bytes
    return true
  }

  #fail(pending: PendingEvent, error: TrackError): void {
    pending.reject(error)
    try {
      this.#onError?.(error)
    } catch {
      // A listener's own failure must not stop the delivery of other events.
    }
  }
}
