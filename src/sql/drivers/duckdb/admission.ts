import { LandfallError } from '../../../base/errors.ts'

/**
 * Lets so many queries run and so many wait, first come first served. The first in line gets a place as soon as one is free;
 * who finds the line full is turned away at once with `sql/overloaded`.
 */
export class Admission {
  readonly #runningMax: number
  readonly #waitingMax: number
  #running = 0
  readonly #waiting: { enter: () => void }[] = []

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax
    this.#waitingMax = waitingMax
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Resolves with the function that gives the place back. Rejects with the signal's reason when it aborts first. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#running >= this.#runningMax) await this.#wait(signal)
    else this.#running++
    let left = false
    return () => {
      if (left) return
      left = true
      const next = this.#waiting.shift()
      // The place is handed over, so that nobody who comes just now can overtake.
      if (next) next.enter()
      else this.#running--
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      const message = `${this.#running} queries run and ${this.#waiting.length} wait, more are not taken`
      throw new LandfallError('retry', 'sql/overloaded', message, { hint: 'Try again in a moment' })
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#waiting.indexOf(entry)
        if (at >= 0) this.#waiting.splice(at, 1)
        reject(signal.reason as Error)
      }
      const entry = {
        enter: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      this.#waiting.push(entry)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}
