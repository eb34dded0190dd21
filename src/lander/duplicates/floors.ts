/**
 * What no later record can repeat: per partition, the offset below which everything was received longer ago than the window and the
 * disorder, counted from the latest record.
 */

/** Times may run backwards by this much (µs) between records before an id is let go too early. */
export const DISORDER_MICROS = 3_600_000_000
/** How many offsets lie between two marks at first. */
const MARK_OFFSETS = 16_384
/** Of so many marks every other one goes. */
const MARKS_MAX = 4096

interface PartitionTimes {
  /** Ascending: all records before `next` were received at or before `receivedMax` (µs). */
  marks: { next: number; receivedMax: number }[]
  spacing: number
  receivedMax: number
}

export class Floors {
  readonly #keptMicros: number
  readonly #partitions = new Map<number, PartitionTimes>()
  /** By partition; where it has none, nothing is let go. */
  readonly #floors: number[] = []

  constructor(windowMicros: number) {
    this.#keptMicros = windowMicros + DISORDER_MICROS
  }

  /** Entries of the partition at lower offsets are of no use any more. */
  of(partition: number): number {
    return this.#floors[partition] ?? 0
  }

  /** Per partition, when the latest of its records was received. */
  get receivedMax(): Record<number, number> {
    return Object.fromEntries(
      [...this.#partitions].map(([partition, times]) => [partition, times.receivedMax]),
    )
  }

  /** Records of the partition before `next` were received at `receivedMax` (µs) at latest. In ascending order. */
  see(partition: number, next: number, receivedMax: number): void {
    let times = this.#partitions.get(partition)
    if (times === undefined) {
      times = { marks: [], spacing: MARK_OFFSETS, receivedMax }
      this.#partitions.set(partition, times)
    }
    if (receivedMax > times.receivedMax) times.receivedMax = receivedMax
    const { marks } = times
    if (marks.length > 0 && next < marks.at(-1)!.next + times.spacing) return
    marks.push({ next, receivedMax: times.receivedMax })
    this.#raise(partition, times)
    if (marks.length <= MARKS_MAX) return
    // A mark that is missing lets go later, never too early.
    times.marks = marks.filter((_, i) => i % 2 === 1)
    times.spacing *= 2
  }

  #raise(partition: number, times: PartitionTimes): void {
    const until = times.receivedMax - this.#keptMicros
    let passed = 0
    while (passed < times.marks.length && times.marks[passed]!.receivedMax < until) passed += 1
    if (passed === 0) return
    this.#floors[partition] = Math.max(this.of(partition), times.marks[passed - 1]!.next)
    times.marks.splice(0, passed)
  }
}
