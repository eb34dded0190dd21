/**
 * Which records repeat an earlier one.
 *
 * The **first** record of an id is one that is neither duplicate nor `id_conflict`. A record whose partition holds, at a lower
 * offset, the first record of its id, received no longer than the window before, is a *duplicate* if it is the same event,
 * else dead as `id_conflict`. If no first record is that near, it is itself one. So the verdict depends on the log alone: on
 * ids, times and contents in order of offset. (A fingerprint only says where to look.)
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake, TableState } from '../../lake/lake.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { Position } from '../../model/position.ts'
import type { LanderLogger } from '../logger.ts'
import type { Scratch } from '../scratch.ts'
import type { EarlierRecord, EarlierRecords } from './earlier-records.ts'
import { Floors } from './floors.ts'
import { IdStore } from './id-store.ts'
import { readLandedIds } from './landed-ids.ts'
import { type LeftOut, leftOutOf } from './left-out.ts'
import { PendingPrints } from './pending-prints.ts'
import { fingerprint, print, type Seed } from './prints.ts'
import type { WantedId } from './run.ts'
import { sameEvent } from './same-event.ts'

/** Prints that are looked for at once; what they touch stays in the processor's first caches. */
const TOUCHED = 128

/** A record whose print was there before. */
export interface Candidate {
  row: number
  route: boolean
  /** Of a healed event: others decide (healed-events.ts). */
  healed: boolean
}

/** Rows with the prints of their ids: two halves a row, high and low. */
export interface NotedIds {
  prints: Uint32Array
  offsets: Float64Array
  /** µs. */
  received: Float64Array
}

export interface DuplicatesParts {
  pipeline: CompiledPipeline
  lake: Lake
  connection: DuckDBConnection
  earlier: EarlierRecords
  /** Where ids are that memory has no room for. */
  directory: string
  /** Of the ids of the window. */
  memoryBytes: number
  logger: LanderLogger
}

export class Duplicates {
  readonly #store: IdStore
  readonly #floors: Floors
  readonly #earlier: EarlierRecords
  readonly #windowMicros: number
  readonly #leftOut: LeftOut
  readonly #pending = new PendingPrints()
  /** Behind the last record that was noted, and behind the last one that was decided. */
  readonly #noted: Record<number, number>
  readonly #decided: Record<number, number>
  /** Keeps what was touched from being optimized away. */
  touched = 0

  private constructor(parts: DuplicatesParts, store: IdStore, floors: Floors, position: Position) {
    this.#store = store
    this.#floors = floors
    this.#earlier = parts.earlier
    this.#windowMicros = windowMicrosOf(parts.pipeline)
    this.#leftOut = leftOutOf(parts.pipeline)
    this.#noted = { ...position.next }
    this.#decided = { ...position.next }
  }

  /**
   * Knows the first records inside the window before `position`: from the runs on disk, and from `events` and `dead_letters`. Rows beyond the
   * position (of a batch that was not finished) are not first records yet.
   */
  static async open(parts: DuplicatesParts, events: TableState, position: Position): Promise<Duplicates> {
    const { lake, connection, directory, memoryBytes, logger } = parts
    const windowMicros = windowMicrosOf(parts.pipeline)
    const floors = new Floors(windowMicros)
    const { logId } = position
    const table = events.metadata['table-uuid']
    const store = await IdStore.open(
      { directory, logId, table, windowMicros, floors, memoryBytes, logger },
      position,
    )
    try {
      const { receivedMax } = floors
      await readLandedIds(
        lake,
        connection,
        { from: store.position, to: position, windowMicros, receivedMax },
        {
          onEnd: (partition, next, latest) => floors.see(partition, next, latest),
          onId(partition, offset, id) {
            fingerprint(store.seed, id)
            store.table.add(partition, offset)
          },
          async pause() {
            if (store.isFull) store.freeze({}, position.next)
            await store.room()
          },
        },
      )
      await store.filled(position)
      return new Duplicates(parts, store, floors, position)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  get seed(): Seed {
    return this.#store.seed
  }

  get ids(): number {
    return this.#store.ids
  }

  /** How many of the ids are on disk. */
  get spilled(): number {
    return this.#store.spilled
  }

  get bytes(): number {
    return this.#store.bytes
  }

  /**
   * Notes the ids of rows [from, to), which are one group's. Calls back for each row whose id may have been there before: it must be
   * resolved.
   */
  note(partition: number, ids: NotedIds, from: number, to: number, seen: (row: number) => void): void {
    const store = this.#store
    const pending = this.#pending
    const { prints, offsets, received } = ids
    for (let start = from; start < to; start += TOUCHED) {
      const end = Math.min(start + TOUCHED, to)
      if (store.isFull) store.freeze(this.#decided, this.#noted)
      const { table } = store
      this.#touch(prints, start, end)
      let latest = 0
      for (let at = start; at < end; at++) {
        const high = prints[at * 2]!
        const low = prints[at * 2 + 1]!
        if (received[at]! > latest) latest = received[at]!
        print.high = high
        print.low = low
        const isKnown = pending.has(high, low) || store.hasElsewhere(high, low, partition)
        if (!isKnown && !table.hasOrAdd(partition, offsets[at]!)) continue
        pending.add(high, low)
        seen(at)
      }
      const next = offsets[end - 1]! + 1
      this.#noted[partition] = next
      this.#floors.see(partition, next, latest)
    }
  }

  #touch(prints: Uint32Array, start: number, end: number): void {
    const { table, frozen, runs } = this.#store
    let touched = 0
    for (let at = start; at < end; at++) touched ^= table.touch(prints[at * 2]!, prints[at * 2 + 1]!)
    for (const { table } of frozen) {
      for (let at = start; at < end; at++) touched ^= table.touch(prints[at * 2]!, prints[at * 2 + 1]!)
    }
    for (const { run } of runs) {
      const { filter } = run
      for (let at = start; at < end; at++) touched ^= filter.touch(prints[at * 2]!)
    }
    this.touched = touched
  }

  /** Decides the candidates of a chunk, in order, by the records themselves. Returns the rows that conflict. */
  async resolve({ scratch, candidates, ranges }: CandidateChunk): Promise<{ row: number; detail: string }[]> {
    const conflicts: { row: number; detail: string }[] = []
    const wanted = candidates.map(({ row }) => wantedOf(scratch, row))
    await this.#store.room()
    await this.#store.find(wanted)
    const fetched = await this.#fetch(scratch, wanted)
    for (const [i, { row, route, healed }] of candidates.entries()) {
      if (healed) continue
      const id = wanted[i]!
      const self = scratch.recordOf(row)
      // Records of this chunk may have become first ones since.
      this.#store.findInMemory(id)
      const first = this.#first(self, id, scratch, fetched)
      if (first === undefined) {
        scratch.printOf(row)
        this.#store.table.add(id.partition, id.before)
      } else if (
        sameEvent(first.record.value, self.value, route ? this.#leftOut.onRoutes : this.#leftOut.elsewhere)
      ) {
        scratch.setFate(row, 'duplicate')
      } else {
        scratch.setFate(row, 'dead')
        conflicts.push({ row, detail: `offset ${first.offset} has the same event_id and other content` })
      }
    }
    this.#pending.remove(wanted)
    for (const [partition, { to }] of Object.entries(ranges)) this.#decided[Number(partition)] = to
    return conflicts
  }

  /** The nearest first record of the id. */
  #first(
    self: EarlierRecord,
    { partition, offsets }: WantedId,
    scratch: CandidateRows,
    fetched: Map<string, EarlierRecord>,
  ): { offset: number; record: EarlierRecord } | undefined {
    for (const offset of offsets.sort((a, b) => b - a)) {
      const row = scratch.rowOf(partition, offset)
      const record = row >= 0 ? scratch.recordOf(row) : fetched.get(`${partition}/${offset}`)
      if (record === undefined || record.eventId !== self.eventId) continue
      if (record.receivedAt >= self.receivedAt - this.#windowMicros) return { offset, record }
    }
    return undefined
  }

  /** Reads every earlier record that a candidate may repeat and that is not in this chunk itself. */
  async #fetch(scratch: CandidateRows, wanted: readonly WantedId[]): Promise<Map<string, EarlierRecord>> {
    const byPartition = new Map<number, number[]>()
    for (const { partition, offsets } of wanted) {
      for (const offset of offsets) {
        if (scratch.rowOf(partition, offset) >= 0) continue
        const others = byPartition.get(partition)
        if (others === undefined) byPartition.set(partition, [offset])
        else others.push(offset)
      }
    }
    const fetched = new Map<string, EarlierRecord>()
    for (const [partition, offsets] of byPartition) {
      for (const [offset, record] of await this.#earlier.read(partition, offsets)) {
        fetched.set(`${partition}/${offset}`, record)
      }
    }
    return fetched
  }

  /** Everything before `position` is committed. */
  committed(position: Position): void {
    this.#store.committed(position)
  }

  /** Resolves when all that is to be written to disk is there. */
  settled(): Promise<void> {
    return this.#store.settled()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

/** What of a chunk repeats are decided by. */
export interface CandidateChunk {
  scratch: CandidateRows
  candidates: readonly Candidate[]
  ranges: Record<number, { to: number }>
}

type CandidateRows = Pick<Scratch, 'printOf' | 'kindOf' | 'offsetOf' | 'rowOf' | 'recordOf' | 'setFate'>

function wantedOf(scratch: CandidateRows, row: number): WantedId {
  scratch.printOf(row)
  const { high, low } = print
  return { high, low, partition: scratch.kindOf(row).partition, before: scratch.offsetOf(row), offsets: [] }
}

function windowMicrosOf(pipeline: CompiledPipeline): number {
  return pipeline.duplicates.windowMs * 1000
}
