/** What came lately, from totals that are looked at now and then. */
import type { Refusal } from './messages.ts'

/** Long enough that a burst does not flicker, short enough that a stop is seen. */
const WINDOW_MS = 5000
/** A look that is older belongs to another time: nobody looked in between. */
const GAP_MS = 15_000
const LATELY_MS = 60_000

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

/** What was refused in the last minute, by reason. */
export class RefusedLately {
  #samples: { at: number; refusals: readonly Refusal[] }[] = []

  /** `refusals`: all there ever were. The most first; nothing after the first look. Totals that have become smaller begin anew. */
  next(refusals: readonly Refusal[], at: number): Refusal[] {
    const last = this.#samples.at(-1)
    if (last !== undefined && totalOf(refusals) < totalOf(last.refusals)) this.#samples = []
    this.#samples = [...this.#samples.filter((one) => one.at > at - LATELY_MS), { at, refusals }]
    const before = new Map(this.#samples[0]!.refusals.map((one) => [keyOf(one), one.count]))
    return refusals
      .map((one) => ({ ...one, count: one.count - (before.get(keyOf(one)) ?? 0) }))
      .filter(({ count }) => count > 0)
      .toSorted((a, b) => b.count - a.count)
  }
}

const keyOf = ({ reason, status }: Refusal): string => `${status} ${reason}`

export function totalOf(refusals: readonly Refusal[]): number {
  return refusals.reduce((sum, { count }) => sum + count, 0)
}

/** Two significant places below 10, whole numbers above: digits that change without meaning are noise. */
function roundRate(rate: number): number {
  return rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10
}
