/** Reads back the records that may be the first of their id: from the log while it has them, else from what was landed. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake } from '../../lake/lake.ts'
import { readParquet } from '../../lake/parquet.ts'
import type { LogReader } from '../../log/log.ts'
import { nextOffset } from '../../model/position.ts'
import { recordHeader } from '../../model/record.ts'
import { derivedEventId, isEventId } from '../event-ids.ts'
import { type FileBounds, leaseLanded } from './landed-files.ts'

export interface EarlierRecord {
  eventId: string
  /** µs */
  receivedAt: number
  value: Buffer
}

/** From one offset wanted to the next, reading on is cheaper than beginning anew up to about this many records. */
const READ_ON = 2_000

export class EarlierRecords {
  readonly #log: LogReader
  readonly #lake: Lake
  readonly #connection: DuckDBConnection

  constructor(log: LogReader, lake: Lake, connection: DuckDBConnection) {
    this.#log = log
    this.#lake = lake
    this.#connection = connection
  }

  /** The records at these offsets of a partition; one that is nowhere any more is absent. */
  async read(partition: number, offsets: readonly number[]): Promise<Map<number, EarlierRecord>> {
    const found = new Map<number, EarlierRecord>()
    const ascending = [...new Set(offsets)].sort((a, b) => a - b)
    const start = nextOffset(await this.#log.start(), partition)
    const inLog = ascending.filter((offset) => offset >= start)
    const gone = ascending.filter((offset) => offset < start)
    for (let i = 0; i < inLog.length; ) i = await this.#readRun(partition, inLog, i, found)
    // Between others that are there, compaction may have taken one.
    gone.push(...inLog.filter((offset) => !found.has(offset)))
    if (gone.length > 0)
      await this.#readLanded(
        partition,
        gone.sort((a, b) => a - b),
        found,
      )
    return found
  }

  /** Reads from `offsets[from]` as long as the next one wanted is near; returns the index to go on from. */
  async #readRun(
    partition: number,
    offsets: number[],
    from: number,
    found: Map<number, EarlierRecord>,
  ): Promise<number> {
    const position = { logId: this.#log.id, next: await this.#fromOffset(partition, offsets[from]!) }
    let i = from
    for await (const batch of this.#log.read({ from: position, follow: false, batchBytesMax: 64 * 1024 })) {
      if (batch.partition !== partition) continue
      const cursor = batch.cursor()
      while (i < offsets.length && cursor.next()) {
        if (cursor.offset < offsets[i]!) continue
        if (cursor.offset === offsets[i]) {
          const id = cursor.findHeader(recordHeader.eventId)
            ? cursor.bytes.toString('latin1', cursor.headerStart, cursor.headerEnd)
            : ''
          found.set(cursor.offset, {
            eventId: isEventId(id) ? id : derivedEventId(this.#log.id, partition, cursor.offset),
            receivedAt: cursor.receivedAt,
            value: Buffer.from(
              cursor.valueStart < 0 ? '' : cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd),
            ),
          })
        }
        while (i < offsets.length && offsets[i]! <= cursor.offset) i += 1
      }
      if (i >= offsets.length || offsets[i]! > batch.next + READ_ON) break
    }
    return Math.max(i, from + 1)
  }

  /** Only this partition is of interest: the others stand at the end. */
  async #fromOffset(partition: number, offset: number): Promise<Record<number, number>> {
    return { ...(await this.#log.end()).next, [partition]: offset }
  }

  async #readLanded(partition: number, offsets: number[], found: Map<number, EarlierRecord>): Promise<void> {
    const first = offsets[0]!
    const last = offsets.at(-1)!
    const isWanted = ({ partition: at, offset }: FileBounds) =>
      at.lower <= partition && at.upper >= partition && offset.lower <= last && offset.upper >= first
    await using landed = await leaseLanded(this.#lake, isWanted)
    for (const { schema, locations } of landed.tables) {
      const from = readParquet(schema, locations)
      const rows = await this.#connection.runAndReadAll(
        `SELECT "offset", event_id, epoch_us(received_at), raw_event FROM ${from} WHERE "partition" = ${partition} AND "offset" IN (${offsets.join(', ')})`,
      )
      for (const [offset, eventId, receivedAt, raw] of rows.getRows()) {
        found.set(Number(offset), {
          eventId: String(eventId),
          receivedAt: Number(receivedAt),
          value: Buffer.from(String(raw ?? '')),
        })
      }
    }
  }
}
