/**
 * The log: in which order did things happen, and can I read it again?
 *
 * Promises of every driver:
 * - `append` resolves when the records survive a power cut (embedded: fdatasync; Kafka: acks=all). All records of one
 *   call that go to the same partition are one atomic frame with consecutive offsets: a reader sees all of them or none. Embedded
 *   and memory have one partition; a topic may have several, and a record's is that of its key, else of its event id.
 * - Records are queued in the order of the calls, offsets ascend in that order, and promises settle in it. If a call
 *   fails, every call queued behind it by then fails with it (an event may have been made from an earlier one), and nothing
 *   that failed is ever seen by a reader, unless the error is `log/unknown-outcome`: then the records may or may not be there
 *   (over several partitions: some of them).
 * - `append` throws synchronously (before anything is queued) `log/overloaded` (kind `retry`) when the queue is full,
 *   `log/disk-full` (kind `retry`) below the reserve, `log/closed`, and `log/too-large` (kind `fix-request`).
 * - Readers see only what is durable. Bytes that fail their checksum are reported (`log/damaged`, with the exact offset
 *   range) and never served.
 */

import type { Position } from '../model/position.ts'
import type { LogRecord, NewRecord } from '../model/record.ts'

/** Where the records of one append stand. */
export interface Appended {
  /** Of the first record. Without `places` all records stand in its partition, at consecutive offsets from `baseOffset`. */
  partition: number
  baseOffset: number
  /** Of every record, in order, when they spread over several partitions. */
  places?: readonly Place[]
}

export interface Place {
  partition: number
  offset: number
}

export interface ReadOptions {
  /** Where to begin; `start` of the log when absent. */
  from?: Position
  /** `true`: wait for more at the end until `signal` aborts; `false`: stop at the durable end as of the call. */
  follow: boolean
  /** A batch holds about this many bytes of values at most (one larger record still comes alone). Default 4 MiB. */
  batchBytesMax?: number
  /**
   * The reader is done with a batch when it asks for the next but one, whose bytes may then stand where those of the first did.
   * Spares a long read its garbage; without it a batch stays as it is for as long as somebody has it.
   */
  reuseBytes?: boolean
  signal?: AbortSignal
}

/**
 * Records of one partition with ascending offsets; `next` is the offset to go on from, which may lie further than behind the last
 * record, and there may be no record at all: a topic has offsets without one (compaction, marks of transactions). Both ways to the
 * records give the same ones: `records` makes an object for each (once, at the first touch), `cursor` none at all.
 */
export interface LogBatch {
  readonly partition: number
  readonly records: readonly LogRecord[]
  readonly next: number
  /** A new walk over the records from the first one, for who takes millions of them a second. */
  cursor(): RecordCursor
}

/** Stands on one record at a time, as numbers that point into `bytes`. Call `next()` before the first one. */
export interface RecordCursor {
  /** Steps to the next record; false behind the last one. */
  next(): boolean
  readonly bytes: Buffer
  readonly offset: number
  /** Microseconds since 1970, UTC. */
  readonly receivedAt: number
  /** The key is `bytes[keyStart, keyEnd)`; `keyStart` is -1 when the key is null. */
  readonly keyStart: number
  readonly keyEnd: number
  /** The value is `bytes[valueStart, valueEnd)`; `valueStart` is -1 when it was erased. */
  readonly valueStart: number
  readonly valueEnd: number
  /** Seeks the record header of that name (ASCII, as all of ours); when true, its value is `bytes[headerStart, headerEnd)`, empty also when it is null. */
  findHeader(name: string): boolean
  readonly headerStart: number
  readonly headerEnd: number
}

/** What readers in any process can do. */
export interface LogReader extends AsyncDisposable {
  /** Identity of the log: positions of another log do not fit. */
  readonly id: string
  /** Every offset has a record. A topic may have offsets without one: marks of transactions, what compaction took. */
  readonly consecutive: boolean
  /** Earliest position that can still be read. */
  start(): Promise<Position>
  /** The durable end: the position after the last record that survives a power cut. */
  end(): Promise<Position>
  /** Throws `log/out-of-range` when `from` lies before `start()` or beyond `end()`, `log/wrong-log` on another id. */
  read(options: ReadOptions): AsyncIterable<LogBatch>
  /** Resolves when the durable end is (or may be) beyond `position`, or when `signal` aborts. */
  waitBeyond(position: Position, signal: AbortSignal): Promise<void>
}

/** The log with its one writer. */
export interface EventLog extends LogReader {
  /** Copies what it is given before it returns. `receivedAt` carries the µs: the driver writes the header `us` itself. */
  append(records: readonly NewRecord[]): Promise<Appended>
  /** Bytes queued and not yet durable, and the bound beyond which append throws. */
  readonly pressure: { queuedBytes: number; queuedBytesMax: number }
  /**
   * Lets go of what retention allows (age, bytes) and what lies wholly before `before`, which is the position up to which
   * every table has landed and the state snapshot reaches. Never touches a record at or beyond `before`.
   */
  trim(before: Position): Promise<void>
}
