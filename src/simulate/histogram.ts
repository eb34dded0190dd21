/** Times of any number of requests in little memory: each is kept to a part in 1,000 or better, the longest exactly. */

/** Buckets per doubling. */
const STEPS = 1024
const STEP_BITS = 10

export class Histogram {
  /** Microseconds: below 2,048 each one has a bucket of its own. */
  readonly #counts = new Float64Array(STEPS * 28)
  #sum = 0
  #max = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  add(ms: number): void {
    this.#count += 1
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
    this.#counts[bucketOf(Math.round(ms * 1000))]! += 1
  }

  /** Milliseconds within which so many of 100 lie; of 100 the longest itself. */
  percentile(percent: number): number {
    if (percent >= 100) return this.#max
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.#count))
    let sum = 0
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      sum += this.#counts[bucket]!
      if (sum >= wanted) return Math.min(this.#max, valueOf(bucket) / 1000)
    }
    return this.#max
  }
}

function bucketOf(micros: number): number {
  if (micros < 2 * STEPS) return Math.max(0, micros)
  const shift = 31 - Math.clz32(Math.min(micros, 0x7fffffff)) - STEP_BITS
  return shift * STEPS + (Math.min(micros, 0x7fffffff) >>> shift)
}

/** The middle of a bucket. */
function valueOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket
  const shift = Math.floor(bucket / STEPS) - 1
  return (bucket - shift * STEPS + 0.5) * 2 ** shift
}
