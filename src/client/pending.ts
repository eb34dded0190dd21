import type { TrackError } from './track-error.ts'

/** What an event that is safe in the log got. */
export interface TrackReceipt {
  eventId: string
  /** Where it stands, as far as the collector said. */
  logId?: string
  partition?: number
  offset?: number
  /** The collector took the event but expects it among the dead letters (its name is not in the plan): what it said. */
  warning?: string
}

/** An event between `track()` and its answer. Its bytes are made once, so every attempt sends the same. */
export interface PendingEvent {
  event: string
  eventId: string
  /** The event's JSON, on one line. */
  line: string
  /** UTF-8 bytes of the line and its line end. */
  bytes: number
  /** When it was handed over, in milliseconds of the monotonic clock. */
  since: number
  attempts: number
  settled: Promise<TrackReceipt>
  resolve(receipt: TrackReceipt): void
  reject(error: TrackError): void
}

export function createPendingEvent(event: string, eventId: string): PendingEvent {
  let resolve!: (receipt: TrackReceipt) => void
  let reject!: (error: TrackError) => void
  const settled = new Promise<TrackReceipt>((yes, no) => {
    resolve = yes
    reject = no
  })
  // Who ignores the promise must not be punished with an unhandled rejection; who awaits it still gets the error.
  settled.catch(() => {})
  return {
    event,
    eventId,
    line: '',
    bytes: 0,
    since: performance.now(),
    attempts: 0,
    settled,
    resolve,
    reject,
  }
}
