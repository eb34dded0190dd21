import type { Clock } from '../../../base/clock.ts'
import { LandfallError } from '../../../base/errors.ts'

/** One signal of everything that ends a query early, each with its own error. */
export class Deadline {
  readonly signal: AbortSignal
  readonly #own = new AbortController()
  readonly #clock: Clock
  #timer: NodeJS.Timeout | undefined
  readonly #forget: () => void

  constructor(clock: Clock, user: AbortSignal | undefined, closing: AbortSignal) {
    this.#clock = clock
    const cancel = () => this.end(new LandfallError('closed', 'sql/cancelled', 'the query was cancelled'))
    if (user?.aborted) cancel()
    else user?.addEventListener('abort', cancel, { once: true })
    this.#forget = () => user?.removeEventListener('abort', cancel)
    this.signal = AbortSignal.any([this.#own.signal, closing])
  }

  /** From now on the query has so long. Who waits in line does not spend it. */
  start(timeoutMs: number): void {
    const started = this.#clock.monotonicMs()
    this.#timer = setTimeout(() => {
      const seconds = Math.round((this.#clock.monotonicMs() - started) / 100) / 10
      const hint = 'Ask for less, or raise sql.timeout'
      this.end(
        new LandfallError('fix-request', 'sql/timeout', `the query was ended after ${seconds} s`, { hint }),
      )
    }, timeoutMs)
    this.#timer.unref()
  }

  /** Ends the query with this error; the first one counts. */
  end(error: LandfallError): void {
    this.#own.abort(error)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#forget()
  }
}
