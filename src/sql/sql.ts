/**
 * SQL: what is the answer?
 *
 * Promises of every driver: an answer is consistent over all tables it names (one set of snapshots, one end), and says how
 * fresh it is. Only statements that read are run. `query` throws `sql/syntax`, `sql/not-allowed`, `sql/unknown-table`
 * (kind `fix-request`, `details.line` and `details.column` where known), `sql/timeout`, `sql/too-large`, `sql/cancelled`.
 */
import type { Position } from '../model/position.ts'

/** A column of an answer; `type` is Trino's name for it (`varchar`, `bigint`, `timestamp(6) with time zone`). */
export interface ResultColumn {
  name: string
  type: string
}

/** null, boolean, number, bigint, or text (decimals, times as Trino prints them), or nested arrays/objects of these. */
export type Value = null | boolean | number | bigint | string | Value[] | { [key: string]: Value }

export interface Freshness {
  /** The answer holds every event before this position … */
  position: Position | undefined
  /** … and the log's durable end was here when it was asked. Equal unless `behind`. */
  end: Position | undefined
  /** True when the spool did not reach the end in time: the answer is complete only to `position`. */
  behind: boolean
  /** Batch number the tables stand at. */
  batch: number
}

export interface QueryResult {
  columns: ResultColumn[]
  /** Rows in pages; ending the iteration early ends the query. */
  pages: AsyncIterable<Value[][]>
  freshness: Freshness
}

export interface QueryOptions {
  signal?: AbortSignal
  /** Default 5 minutes. */
  timeoutMs?: number
  /** Rows of the answer at most (default 1,000,000). */
  rowsMax?: number
}

export interface TableColumn {
  name: string
  type: string
}

export interface SqlEngine extends AsyncDisposable {
  query(sql: string, options?: QueryOptions): Promise<QueryResult>
  listTables(): Promise<string[]>
  describe(table: string): Promise<TableColumn[]>
}
