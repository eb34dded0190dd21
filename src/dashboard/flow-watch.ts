/**
 * Keeps pages told of the flow. Somebody looks once a second while at least one page is open, and what is the same as before is not
 * sent; while none is open, nothing happens at all.
 */
import { formatError } from '../base/errors.ts'
import { Looker, type LookParts, type Sight } from './look.ts'
import type { Flow } from './messages.ts'
import { levelsOf, problemsOf } from './problems.ts'
import { Rate, RefusedLately } from './rates.ts'

/** `flow`: the flow as JSON. `failed`: why it cannot be seen just now, as a JSON text. */
export type FlowListener = (event: 'flow' | 'failed', data: string) => void

const LOOK_MS = 1000
/** Storage or a log that is asked for so long answers nobody else either. */
const SLOW_MS = 10_000
const SLOW = `log and tables have not answered for more than ${SLOW_MS / 1000} s`

export class FlowWatch implements Disposable {
  readonly #looker: Looker
  readonly #away: () => string | undefined
  readonly #listeners = new Set<FlowListener>()
  readonly #rate = new Rate()
  readonly #refused = new RefusedLately()
  #behindBefore = 0
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #lookedAt = 0
  #last = ''
  #closed = false

  constructor(parts: LookParts) {
    this.#looker = new Looker(parts)
    this.#away = () => parts.sources.away()
  }

  /** `listener` gets what is known at once, then each change. Returns how to end it. */
  listen(listener: FlowListener): () => void {
    // What an earlier watch saw last may be hours old.
    if (this.#listeners.size > 0 && this.#last.startsWith('{')) listener('flow', this.#last)
    else this.#last = ''
    this.#listeners.add(listener)
    if (this.#timer === undefined) this.#start()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#stop()
    }
  }

  /** The flow as it is now. */
  async now(): Promise<Flow> {
    return this.#judge(await this.#looker.look())
  }

  #start(): void {
    if (this.#closed) return
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#timer.unref()
    this.#look()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** One at a time: a look that takes longer than a second is not met by the next, and one that takes very long is told of. */
  #look(): void {
    if (this.#looking !== undefined) {
      if (Date.now() - this.#lookedAt > SLOW_MS) this.#tell('failed', JSON.stringify(SLOW))
      return
    }
    this.#lookedAt = Date.now()
    this.#looking = this.now()
      .then(
        (flow) => this.#tell('flow', JSON.stringify(flow)),
        (error: unknown) => this.#tell('failed', JSON.stringify(formatError(error))),
      )
      .finally(() => (this.#looking = undefined))
  }

  #tell(event: 'flow' | 'failed', data: string): void {
    if (data === this.#last) return
    this.#last = data
    for (const listener of this.#listeners) listener(event, data)
  }

  #judge({ at, figures, unreadable }: Sight): Flow {
    const judged = { ...figures, door: { ...figures.door, rate: this.#rate.next(figures.log.end, at) } }
    const problems = problemsOf(judged, {
      refusedLately: this.#refused.next(figures.door.refusals, at),
      behindBefore: this.#behindBefore,
      away: this.#away(),
      unreadable,
    })
    this.#behindBefore = figures.sql.behindS
    return { ...judged, levels: levelsOf(judged, problems), problems }
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#stop()
    this.#listeners.clear()
  }
}
