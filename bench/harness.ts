/**
 * Measures ratios. Both sides of a ratio run in the same minute on the same machine, in interleaved pairs (ab, ba, ab, …), and
 * the figure is the median of the pairs' ratios: what else the machine does weighs on both sides alike. Each side checks
 * its own result and throws when it is wrong: a fast wrong run has no figure.
 */
export interface Figure {
  /** What was measured: `durable single request ÷ node:http hello`. */
  name: string
  value: number
  /** `×` for ratios; absolute figures have their own. */
  unit: '×' | 's' | 'ms' | 'GiB/s'
  goal: { is: 'at least' | 'at most'; value: number } | undefined
  /** One per pair or run, in the order measured. */
  samples: number[]
  /** Further numbers of the same runs, with their unit in the name. */
  detail: Record<string, number>
}

/** One side: does its work once, checks it, and says how much it did per second (or how long it took). */
export type Side = () => Promise<number>

/** The median of `of() ÷ against()` over so many pairs. */
export async function comparePairs(pairs: number, of: Side, against: Side) {
  const ratios: number[] = []
  const ofs: number[] = []
  const againsts: number[] = []
  for (let i = 0; i < pairs; i++) {
    const first = i % 2 === 0 ? await of() : undefined
    const base = await against()
    const value = first ?? (await of())
    ratios.push(value / base)
    ofs.push(value)
    againsts.push(base)
  }
  return { ratio: median(ratios), ratios, of: median(ofs), against: median(againsts) }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function passes({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined
  return goal.is === 'at least' ? value >= goal.value : value <= goal.value
}

/** Throws when a run did something else than it claims. */
export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`wrong result, no figure: ${what}`)
}

export async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const begun = performance.now()
  const value = await work()
  return { seconds: (performance.now() - begun) / 1000, value }
}

/** What every benchmark gets. */
export interface BenchOptions {
  /** Pairs or repetitions. */
  pairs: number
  /** Length of one sample under load, in seconds. */
  seconds: number
  /** Events of the benchmarks that land or query. */
  events: number
  /** An empty directory of the benchmark's own, on a real disk. */
  directory: string
  say: (line: string) => void
}

export type Bench = (options: BenchOptions) => Promise<Figure[]>
