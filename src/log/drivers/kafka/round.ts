/**
 * Appends on their way: gathered into rounds, each at most one batch per partition, encoded at once. A round is sent while the next one
 * gathers, so there is no timer; with one round under way the order of the calls is the order in every partition.
 */
import type { NewRecord } from '../../../model/record.ts'
import type { Appended, Place } from '../../log.ts'
import { tooLarge } from '../../log-errors.ts'
import { BatchBuilder } from '../../record-batch.ts'
import { partitionOf } from './partitioner.ts'

export interface RoundLimits {
  /** Appends go into the same batch up to about this many bytes. */
  batchBytesMax: number
  /** No batch may be larger, not even that of one append. */
  messageBytesMax: number
}

export interface Call {
  bytes: number
  count: number
  /** Of the first record, and of all others unless there are `places`: its partition, and which record of the batch it is. */
  partition: number
  index: number
  /** Partition and index of every record, in order. */
  places: Place[] | undefined
  resolve(appended: Appended): void
  reject(error: unknown): void
}

export class Round {
  readonly batches = new Map<number, BatchBuilder>()
  readonly calls: Call[] = []

  /**
   * Takes the records of one append in; undefined when this round is full and another one must begin. Throws `log/too-large`, with
   * nothing changed, when they fit into no batch.
   */
  take(
    records: readonly NewRecord[],
    partitions: number,
    limits: RoundLimits,
    spare: BatchBuilder[],
  ): Pick<Call, 'partition' | 'index' | 'places'> | undefined {
    const before = [...this.batches].map(([partition, { count, length }]) => ({ partition, count, length }))
    const all: Place[] = []
    let spread = false
    for (const record of records) {
      const partition = partitionOf(record, partitions)
      const batch = this.#batch(partition, spare)
      if (partitions > 1) {
        spread ||= all.length > 0 && all[0]!.partition !== partition
        all.push({ partition, offset: batch.count })
      } else if (all.length === 0) all.push({ partition, offset: batch.count })
      batch.add(record)
    }
    if (this.#isOver(limits, before)) return undefined
    const { partition, offset } = all[0] ?? { partition: 0, offset: this.batches.get(0)?.count ?? 0 }
    return { partition, index: offset, places: spread ? all : undefined }
  }

  /** Whether the append does not fit; then it is taken out again. */
  #isOver(limits: RoundLimits, before: { partition: number; count: number; length: number }[]): boolean {
    const countBefore = new Map(before.map((mark) => [mark.partition, mark]))
    let over = false
    let largest = 0
    for (const [partition, batch] of this.batches) {
      const mark = countBefore.get(partition)
      const size = batch.length - (mark?.length ?? 0)
      if (size > limits.messageBytesMax) largest = Math.max(largest, size)
      if (mark !== undefined && mark.count > 0 && batch.count > mark.count)
        over ||= batch.length > limits.batchBytesMax
      over ||= batch.length > limits.messageBytesMax
    }
    if (!over) return false
    for (const [partition, batch] of this.batches) {
      const mark = countBefore.get(partition)
      if (mark === undefined) this.batches.delete(partition)
      else batch.cutBack(mark.count, mark.length)
    }
    if (largest > 0) throw tooLarge(largest, limits.messageBytesMax)
    return true
  }

  #batch(partition: number, spare: BatchBuilder[]): BatchBuilder {
    let batch = this.batches.get(partition)
    if (batch === undefined) {
      batch = spare.pop() ?? new BatchBuilder()
      this.batches.set(partition, batch)
    }
    return batch
  }
}

/** What a call is told when the batches of its round stand at these offsets. */
export function appendedAt(
  { partition, index, places, count }: Call,
  base: (partition: number) => number,
): Appended {
  const first = { partition, baseOffset: base(partition) + index }
  if (places === undefined || count === 0) return first
  return {
    ...first,
    places: places.map((place) => ({
      partition: place.partition,
      offset: base(place.partition) + place.offset,
    })),
  }
}
