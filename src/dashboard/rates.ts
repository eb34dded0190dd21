/** Rates from totals that are looked at now and then: what came in the last seconds, per second. */

/** Long enough that a burst does not flicker, short enough that a stop is seen. */
const WINDOW_MS = 5000
/** A look that is older belongs to another time: nobody looked in between. */
const GAP_MS = 15_000

export class Rate {
  #samples: { at: number; total: number }[] = []

  /** Null after the first look. A total that has become smaller begins anew. */
  next(total: number, at: number): number | null {
    const last = this.#samples.at(-1)
    if (last !== undefined && (total < last.total || at - last.at > GAP_MS)) this.#samples = []
    this.#samples.push({ at, total })
    // One that is older than the window is kept, so that the window is always whole.
    while (this.#samples.length > 2 && this.#samples[1]!.at <= at - WINDOW_MS) this.#samples.shift()
    const first = this.#samples[0]!
    if (at <= first.at) return null
    return roundRate(((total - first.total) * 1000) / (at - first.at))
  }
}

/** Two significant places below 10, whole numbers above: digits that change without meaning are noise. */
function roundRate(rate: number): number {
  return rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10
}
