/** Upper bounds in seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const NAME = 'landfall_collector_append_seconds'

/** How long appends took, counted as they happen: a few additions each, and text only when somebody asks. */
export class AppendTimes {
  readonly #counts = new Float64Array(BUCKETS.length + 1)
  #sum = 0

  observe(seconds: number): void {
    let bucket = 0
    while (bucket < BUCKETS.length && seconds > BUCKETS[bucket]!) bucket++
    this.#counts[bucket]! += 1
    this.#sum += seconds
  }

  /** A histogram in Prometheus' text format. */
  text(): string {
    let total = 0
    const lines = [`# HELP ${NAME} From the append until it was durable`, `# TYPE ${NAME} histogram`]
    for (let i = 0; i <= BUCKETS.length; i++) {
      total += this.#counts[i]!
      lines.push(`${NAME}_bucket{le="${BUCKETS[i] ?? '+Inf'}"} ${total}`)
    }
    lines.push(`${NAME}_sum ${this.#sum}`, `${NAME}_count ${total}`)
    return `${lines.join('\n')}\n`
  }
}
