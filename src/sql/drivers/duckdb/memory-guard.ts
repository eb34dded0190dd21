import { LandfallError } from '../../../base/errors.ts'
import type { Deadline } from './deadline.ts'

const LOOK_MS = 100

/** Looks at the memory of the process while queries run, and ends them all when it is beyond the bound. */
export class MemoryGuard {
  readonly #bytesMax: number
  readonly #watched = new Set<Deadline>()
  #timer: NodeJS.Timeout | undefined

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Returns what ends the watch. */
  watch(deadline: Deadline): () => void {
    this.#watched.add(deadline)
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref()
    return () => {
      this.#watched.delete(deadline)
      if (this.#watched.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #look(): void {
    const bytes = process.memoryUsage.rss()
    if (bytes <= this.#bytesMax) return
    const megabytes = (value: number) => `${Math.round(value / 1e6)} MB`
    const message = `queries were ended because the process uses ${megabytes(bytes)} of ${megabytes(this.#bytesMax)}`
    for (const deadline of this.#watched) {
      deadline.end(
        new LandfallError('retry', 'sql/out-of-memory', message, { hint: 'Ask for less at a time' }),
      )
    }
  }
}
