/**
 * Which healed events repeat an earlier one. The first record of a healed event's id in its partition stands; every later one is a
 * duplicate, whatever it holds and however long after it comes. So the verdict is a function of the log, as for any record
 * (docs/formats/lander.md), and needs no memory that grows: what is landed is asked for in the tables, only when such records come.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake, PinnedFile } from '../lake/lake.ts'
import type { Schema } from '../lake/metadata.ts'
import { readParquet } from '../lake/parquet.ts'
import { HEALED_END, HEALED_PREFIX } from '../model/healed.ts'
import { nextOffset, type Position } from '../model/position.ts'
import type { Scratch } from './scratch.ts'

interface Place {
  partition: number
  offset: number
}

export class HealedEvents {
  readonly #lake: Lake
  readonly #connection: DuckDBConnection
  /** First records that the tables may not have yet, by partition and id. */
  readonly #open = new Map<string, Place>()

  constructor(lake: Lake, connection: DuckDBConnection) {
    this.#lake = lake
    this.#connection = connection
  }

  /** Marks the rows that repeat an earlier record as duplicates. Chunk by chunk, in the order of the log. */
  async resolve(scratch: Scratch, rows: ReadonlySet<number>): Promise<void> {
    const wanted = new Map<string, { row: number; offset: number }>()
    // First those that are on their way, then the tables: a record is in the tables before it leaves `open`.
    for (const row of rows) {
      const place = { partition: scratch.kindOf(row).partition, offset: scratch.offsetOf(row) }
      const key = keyOf(place.partition, scratch.recordOf(row).eventId)
      if (this.#open.has(key)) scratch.setFate(row, 'duplicate')
      else {
        this.#open.set(key, place)
        wanted.set(key, { row, offset: place.offset })
      }
    }
    for await (const [key, offset] of this.#landed(wanted)) {
      const self = wanted.get(key)!
      // A batch that is done again may find its own dead letters.
      if (offset < self.offset) scratch.setFate(self.row, 'duplicate')
    }
  }

  /** Everything before the position is in the tables. */
  committed(position: Position): void {
    for (const [key, { partition, offset }] of this.#open) {
      if (offset < nextOffset(position, partition)) this.#open.delete(key)
    }
  }

  async *#landed(wanted: ReadonlyMap<string, unknown>): AsyncGenerator<[key: string, offset: number]> {
    if (wanted.size === 0) return
    for (const name of ['events', 'dead_letters']) {
      const state = await this.#lake.load(name)
      if (state === undefined) continue
      const files = (await this.#lake.files(state)).filter((file) => mayHold(state.schema, file))
      if (files.length === 0) continue
      const lease = await this.#lake.lease(files)
      try {
        const result = await this.#connection.stream(
          `SELECT "partition", "offset", event_id FROM ${readParquet(state.schema, lease.locations)} WHERE event_id >= '${HEALED_PREFIX}' AND event_id < '${HEALED_END}'`,
        )
        for (;;) {
          const chunk = await result.fetchChunk()
          if (chunk === null || chunk.rowCount === 0) break
          for (const [partition, offset, id] of chunk.getRows()) {
            const key = keyOf(Number(partition), String(id))
            if (wanted.has(key)) yield [key, Number(offset)]
          }
        }
      } finally {
        lease.release()
      }
    }
  }
}

function keyOf(partition: number, id: string): string {
  return `${partition} ${id}`
}

/** Whether a file may hold ids of healed events, by its statistics: most ids are digits of some UUID, and lie before the prefix. */
function mayHold(schema: Schema, file: PinnedFile): boolean {
  const field = schema.fields.find(({ name }) => name === 'event_id')
  const { lower, upper } = (field && file.columns.get(field.id)) ?? {}
  if (upper !== undefined && Buffer.compare(upper, Buffer.from(HEALED_PREFIX)) < 0) return false
  return lower === undefined || Buffer.compare(lower, Buffer.from(HEALED_END)) < 0
}
