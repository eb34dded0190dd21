/** What the door has refused, by reason. Nothing of it was ever accepted, but for `log/unknown-outcome`, which may have been. */
export interface Refused {
  /** Code of the error (`collector/too-large`), or why an event was not valid (`unknown_event_type`). */
  reason: string
  /** HTTP's status. 422 for an event that was not valid, also when others of its request were taken. */
  status: number
  /** Whole requests. */
  requests: number
  /** Events of requests that were read, one by one (sources in mode `reject`). */
  events: number
}

/** Reasons are codes of ours; a bound all the same. */
const REASONS_MAX = 64
const REST = 'other'

/** Counts on the hot path: one look into a map, and only for what is refused. */
export class RefusedCounts {
  readonly #byReason = new Map<string, Refused>()
  /** Grows with each refusal. */
  total = 0

  request(reason: string, status: number): void {
    this.#of(reason, status).requests++
    this.total++
  }

  event(reason: string): void {
    this.#of(reason, 422).events++
    this.total++
  }

  /** Goes on from what was counted before. */
  restore(before: readonly Refused[]): void {
    for (const { reason, status, requests, events } of before) {
      const of = this.#of(reason, status)
      of.requests += requests
      of.events += events
    }
  }

  list(): Refused[] {
    return Array.from(this.#byReason.values(), (one) => ({ ...one }))
  }

  #of(reason: string, status: number): Refused {
    const known = this.#byReason.get(reason)
    if (known !== undefined) return known
    if (this.#byReason.size >= REASONS_MAX && reason !== REST) return this.#of(REST, status)
    const one = { reason, status, requests: 0, events: 0 }
    this.#byReason.set(reason, one)
    return one
  }
}
