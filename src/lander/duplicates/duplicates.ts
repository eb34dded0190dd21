/**
 * Which records repeat an earlier one.
 *
 * The **first** record of an id is one that is neither duplicate nor `id_conflict`. A record whose partition holds, at a lower
 * offset, the first record of its id, received no longer than the window before, is a *duplicate* if it is the same event,
 * else dead as `id_conflict`. If no first record is that near, it is itself one. So the verdict depends on the log alone: on
 * ids, times and contents in order of offset. (A fingerprint only says where to look.)
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake } from '../../lake/lake.ts'
import { readParquet } from '../../lake/parquet.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import { nextOffset, type Position } from '../../model/position.ts'
import type { Scratch } from '../scratch.ts'
import type { EarlierRecord, EarlierRecords } from './earlier-records.ts'
import { FingerprintIndex, fingerprint, print } from './fingerprint-index.ts'
import { leaseLanded } from './landed-files.ts'
import { type LeftOut, leftOutOf } from './left-out.ts'
import { sameEvent } from './same-event.ts'

/** Times may run backwards by this much (µs) between records before an id is let go too early. */
const DISORDER_MICROS = 3_600_000_000
/** How many offsets lie between two marks of time. */
const MARK_OFFSETS = 16_384
/** Prints that are looked for at once; what they touch stays in the processor's first cache. */
const TOUCHED = 128

/** A record whose fingerprint was there before. */
export interface Candidate {
  row: number
  route: boolean
}

/** Rows with the prints of their ids: two halves a row, high and low. */
export interface NotedIds {
  prints: Uint32Array
  offsets: Float64Array
  /** µs. */
  received: Float64Array
}

interface PartitionIds {
  index: FingerprintIndex
  /** Ascending: all records up to `offset` were received at or before `receivedMax` (µs). */
  marks: { offset: number; receivedMax: number }[]
  /** The first offset from which on another mark is set. */
  nextMark: number
  receivedMax: number
}

export class Duplicates {
  readonly #partitions = new Map<number, PartitionIds>()
  readonly #earlier: EarlierRecords
  readonly #windowMicros: number
  readonly #idsMax: number
  readonly #leftOut: LeftOut
  /** Keeps what was touched from being optimized away. */
  touched = 0
  /** Ids that were let go inside the window, because there were too many. */
  forgotten = 0

  constructor(pipeline: CompiledPipeline, earlier: EarlierRecords, idsMax: number) {
    this.#earlier = earlier
    this.#idsMax = idsMax
    this.#windowMicros = pipeline.duplicates.windowMs * 1000
    this.#leftOut = leftOutOf(pipeline)
  }

  get ids(): number {
    let sum = 0
    for (const { index } of this.#partitions.values()) sum += index.size
    return sum
  }

  get bytes(): number {
    let sum = 0
    for (const { index } of this.#partitions.values()) sum += index.bytes
    return sum
  }

  /**
   * Notes the ids of rows [from, to), which are one group's. Calls back for each row whose id may have been there before: it must be
   * resolved.
   */
  note(partition: number, ids: NotedIds, from: number, to: number, seen: (row: number) => void): void {
    const of = this.#partition(partition)
    const { index } = of
    const { prints, offsets, received } = ids
    for (let start = from; start < to; start += TOUCHED) {
      const end = Math.min(start + TOUCHED, to)
      let touched = 0
      for (let at = start; at < end; at++) touched ^= index.touch(prints[at * 2]!, prints[at * 2 + 1]!)
      this.touched = touched
      for (let at = start; at < end; at++) {
        const offset = offsets[at]!
        print.high = prints[at * 2]!
        print.low = prints[at * 2 + 1]!
        if (received[at]! > of.receivedMax) of.receivedMax = received[at]!
        if (offset >= of.nextMark) this.#mark(of, offset)
        if (index.hasOrAdd(offset)) seen(at)
      }
    }
  }

  /** Decides the candidates of a chunk, in order, by the records themselves. Returns the rows that conflict. */
  async resolve(
    scratch: Scratch,
    candidates: readonly Candidate[],
  ): Promise<{ row: number; detail: string }[]> {
    const conflicts: { row: number; detail: string }[] = []
    const fetched = await this.#fetch(scratch, candidates)
    for (const { row, route } of candidates) {
      const { partition } = scratch.kindOf(row)
      const offset = scratch.offsetOf(row)
      const self = scratch.recordOf(row)
      const { index } = this.#partition(partition)
      fingerprint(self.eventId)
      const first = this.#first(self, partition, index.find(offset), scratch, fetched)
      if (first === undefined) {
        fingerprint(self.eventId)
        index.add(offset)
      } else if (
        sameEvent(first.record.value, self.value, route ? this.#leftOut.onRoutes : this.#leftOut.elsewhere)
      ) {
        scratch.setFate(row, 'duplicate')
      } else {
        scratch.setFate(row, 'dead')
        conflicts.push({ row, detail: `offset ${first.offset} has the same event_id and other content` })
      }
    }
    return conflicts
  }

  #first(
    self: EarlierRecord,
    partition: number,
    offsets: number[],
    scratch: Scratch,
    fetched: Map<string, EarlierRecord>,
  ): { offset: number; record: EarlierRecord } | undefined {
    for (const offset of offsets) {
      const row = scratch.rowOf(partition, offset)
      const record = row >= 0 ? scratch.recordOf(row) : fetched.get(`${partition}/${offset}`)
      if (record === undefined || record.eventId !== self.eventId) continue
      if (record.receivedAt >= self.receivedAt - this.#windowMicros) return { offset, record }
    }
    return undefined
  }

  /** Reads every earlier record that a candidate may repeat and that is not in this chunk itself. */
  async #fetch(scratch: Scratch, candidates: readonly Candidate[]): Promise<Map<string, EarlierRecord>> {
    const wanted = new Map<number, number[]>()
    for (const { row } of candidates) {
      const { partition } = scratch.kindOf(row)
      fingerprint(scratch.recordOf(row).eventId)
      for (const offset of this.#partition(partition).index.find(scratch.offsetOf(row))) {
        if (scratch.rowOf(partition, offset) >= 0) continue
        const offsets = wanted.get(partition)
        if (offsets === undefined) wanted.set(partition, [offset])
        else offsets.push(offset)
      }
    }
    const fetched = new Map<string, EarlierRecord>()
    for (const [partition, offsets] of wanted) {
      for (const [offset, record] of await this.#earlier.read(partition, offsets)) {
        fetched.set(`${partition}/${offset}`, record)
      }
    }
    return fetched
  }

  /**
   * Fills the index with the first records inside the window before `position`, from `events` and `dead_letters`. Rows beyond
   * the position (of a batch that was not finished) are not first records yet.
   */
  async rebuild(lake: Lake, connection: DuckDBConnection, position: Position): Promise<void> {
    this.#partitions.clear()
    await using landed = await leaseLanded(lake, this.#windowMicros + DISORDER_MICROS)
    const relations = landed.tables.map(({ name, schema, locations }) => {
      const where = name === 'dead_letters' ? `WHERE reason <> 'id_conflict'` : ''
      const from = readParquet(schema, locations)
      return `SELECT "partition", "offset", epoch_us(received_at) AS received, event_id FROM ${from} ${where}`
    })
    if (relations.length === 0) return
    const all = relations.join(' UNION ALL ')
    const [latest] = (await connection.runAndReadAll(`SELECT max(received) FROM (${all})`)).getRows()
    if (latest?.[0] === null || latest?.[0] === undefined) return
    const since = Number(latest[0]) - this.#windowMicros - DISORDER_MICROS
    const result = await connection.stream(
      `SELECT * FROM (${all}) WHERE received >= ${since} ORDER BY "partition", "offset"`,
    )
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) break
      const [partitions, offsets, received, ids] = chunk.getColumns()
      for (let i = 0; i < chunk.rowCount; i++) {
        const partition = Number(partitions![i])
        const offset = Number(offsets![i])
        if (offset >= nextOffset(position, partition)) continue
        fingerprint(String(ids![i]))
        const of = this.#partition(partition)
        of.receivedMax = Math.max(of.receivedMax, Number(received![i]))
        if (offset >= of.nextMark) this.#mark(of, offset)
        of.index.add(offset)
      }
    }
  }

  #partition(partition: number): PartitionIds {
    let ids = this.#partitions.get(partition)
    if (ids === undefined) {
      ids = { index: new FingerprintIndex(), marks: [], nextMark: 0, receivedMax: 0 }
      this.#partitions.set(partition, ids)
    }
    return ids
  }

  /** Sets a mark, and lets go of what no later record can repeat. */
  #mark(ids: PartitionIds, offset: number): void {
    ids.marks.push({ offset, receivedMax: ids.receivedMax })
    ids.nextMark = offset + MARK_OFFSETS
    const until = ids.receivedMax - this.#windowMicros - DISORDER_MICROS
    while (ids.marks.length > 1 && ids.marks[0]!.receivedMax < until)
      ids.index.forgetBelow(ids.marks.shift()!.offset + 1)
    if (ids.index.size <= this.#idsMax) return
    ids.index.sweep()
    while (ids.index.size > this.#idsMax && ids.marks.length > 1) {
      const before = ids.index.size
      ids.index.forgetBelow(ids.marks.shift()!.offset + 1)
      ids.index.sweep()
      this.forgotten += before - ids.index.size
    }
  }
}
