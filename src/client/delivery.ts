import { backoffMs } from './backoff.ts'
import type { PendingEvent } from './pending.ts'
import type { Tally } from './tally.ts'
import { startTimer, type Timer } from './timer.ts'
import type { Outcome, Transport } from './transport.ts'

export interface DeliverySettings {
  batchEventsMax: number
  batchBytesMax: number
  lingerMs: number
  retryMinMs: number
  retryMaxMs: number
  deliveryTimeoutMs: number
}

/**
 * Sends what is waiting, one request at a time: events arrive in the order of the calls, and while a request is under way
 * the next batch gathers. A batch is tried again, with the same bytes and ids, until each of its events is settled.
 */
export class Delivery {
  readonly #settings: DeliverySettings
  readonly #transport: Transport
  readonly #tally: Tally
  readonly #stop = new AbortController()
  #waiting: PendingEvent[] = []
  #waitingBytes = 0
  #running = false
  #hurries = 0
  #linger: Timer | undefined
  #pause: Timer | undefined

  constructor(settings: DeliverySettings, transport: Transport, tally: Tally) {
    this.#settings = settings
    this.#transport = transport
    this.#tally = tally
  }

  add(pending: PendingEvent): void {
    this.#waiting.push(pending)
    this.#waitingBytes += pending.bytes
    this.#schedule()
  }

  /** While held: no lingering, and pauses keep the process alive. A pause that the collector did not ask for ends now. */
  hurry(): () => void {
    this.#hurries += 1
    this.#pause?.hurry()
    this.#schedule()
    return () => {
      this.#hurries -= 1
    }
  }

  /** Ends the request in flight and every pause; nothing more is sent. */
  stop(): void {
    this.#stop.abort()
    this.#linger?.cancel()
    this.#pause?.end()
  }

  #schedule(): void {
    if (this.#running || this.#waiting.length === 0 || this.#stop.signal.aborted) return
    const { batchEventsMax, batchBytesMax, lingerMs } = this.#settings
    const full = this.#waiting.length >= batchEventsMax || this.#waitingBytes >= batchBytesMax
    if (full || this.#hurries > 0) void this.#run()
    else this.#linger ??= startTimer(lingerMs, () => void this.#run())
  }

  async #run(): Promise<void> {
    this.#linger?.cancel()
    this.#linger = undefined
    this.#running = true
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) await this.#deliver(this.#take())
    this.#running = false
  }

  /** The oldest events that fit into one request, at least one. */
  #take(): PendingEvent[] {
    const { batchEventsMax, batchBytesMax } = this.#settings
    let bytes = 0
    let count = 0
    for (const pending of this.#waiting) {
      if (count === batchEventsMax || (count > 0 && bytes + pending.bytes > batchBytesMax)) break
      bytes += pending.bytes
      count += 1
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  async #deliver(batch: PendingEvent[]): Promise<void> {
    const parts = [batch]
    let failures = 0
    while (parts.length > 0 && !this.#stop.signal.aborted) {
      const part = this.#unexpired(parts.shift()!)
      if (part.length === 0) continue
      for (const pending of part) this.#tally.attempted(pending)
      const outcome = await this.#transport.send(part, this.#stop.signal)
      if (outcome.kind === 'retry') {
        failures += 1
        parts.unshift(part)
        await this.#rest(failures, outcome)
      } else {
        failures = 0
        parts.unshift(...this.#settle(part, outcome))
      }
    }
  }

  /** Settles what the answer decides; returns what must be asked again in smaller requests. */
  #settle(part: PendingEvent[], outcome: Exclude<Outcome, { kind: 'retry' }>): PendingEvent[][] {
    if (outcome.kind === 'judged') {
      part.forEach((pending, i) => {
        const verdict = outcome.verdicts[i]!
        if (verdict.accepted) this.#tally.accept(pending, verdict.receipt)
        else this.#tally.reject(pending, verdict.reason, verdict.message, verdict.field)
      })
      return []
    }
    if (outcome.perEvent && part.length > 1) {
      // One bad event refuses the whole request, and nothing of it was appended: halving finds it and spares the others.
      const half = part.length >> 1
      return [part.slice(0, half), part.slice(half)]
    }
    for (const pending of part) this.#tally.reject(pending, outcome.reason, outcome.message)
    return []
  }

  #unexpired(part: PendingEvent[]): PendingEvent[] {
    const { deliveryTimeoutMs } = this.#settings
    const oldest = performance.now() - deliveryTimeoutMs
    return part.filter((pending) => {
      if (pending.since > oldest) return true
      this.#tally.drop(pending, 'expired', `no receipt within ${deliveryTimeoutMs} ms`)
      return false
    })
  }

  async #rest(failures: number, outcome: { afterMs: number }): Promise<void> {
    if (this.#stop.signal.aborted) return
    const { retryMinMs, retryMaxMs } = this.#settings
    const ms = Math.max(outcome.afterMs, backoffMs(failures, retryMinMs, retryMaxMs))
    await new Promise<void>((resolve) => {
      this.#pause = startTimer(ms, resolve, {
        keepsAlive: this.#hurries > 0,
        endsEarly: outcome.afterMs === 0,
      })
    })
    this.#pause = undefined
  }
}
