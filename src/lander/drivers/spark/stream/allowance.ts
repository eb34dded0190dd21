/**
 * How many queries may be begun. A Spark Connect server keeps a query for an hour after its end, with its session and the plans of its
 * last micro-batch (`SparkConnectStreamingQueryCache`, no setting changes it): 4.5 MB each of those that land a game, measured in a heap
 * dump. Streams that begin anew with every repeated id would fill any server; those that may not begin wait for the hour to pass.
 */
const HOUR_MS = 3_600_000
/** About 300 MB of a server. */
export const QUERIES_PER_HOUR = 60

export class Allowance {
  readonly #max: number
  readonly #now: () => number
  #begun: { at: number; queries: number }[] = []

  /** `now` in ms, monotonic. */
  constructor(max: number, now = () => performance.now()) {
    this.#max = max
    this.#now = now
  }

  /** Whether so many may begin now. The first of the hour always may, however many they are. */
  allows(queries: number): boolean {
    const now = this.#now()
    this.#begun = this.#begun.filter(({ at }) => now - at < HOUR_MS)
    const used = this.#begun.reduce((sum, { queries: of }) => sum + of, 0)
    return used === 0 || used + queries <= this.#max
  }

  /** So many begin now. */
  count(queries: number): void {
    this.#begun.push({ at: this.#now(), queries })
  }
}
