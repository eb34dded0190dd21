/** Who waits for the durable end to move beyond an offset. */
export class EndWaiters {
  readonly #waiting = new Set<{ offset: number; wake: () => void }>()

  get size(): number {
    return this.#waiting.size
  }

  /** Wakes whoever waits for something below `end`; everyone without one. */
  wake(end = Number.POSITIVE_INFINITY): void {
    if (this.#waiting.size === 0) return
    for (const waiter of this.#waiting) if (waiter.offset < end) waiter.wake()
  }

  /** Resolves when woken beyond `offset` or when `signal` aborts. */
  wait(offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter = {
        offset,
        wake: () => {
          this.#waiting.delete(waiter)
          signal.removeEventListener('abort', waiter.wake)
          resolve()
        },
      }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', waiter.wake)
    })
  }
}

export const NEVER_ABORTED: AbortSignal = new AbortController().signal
