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
  /** … and the log's durable end was here when it was asked. Equal unless `behind`, or only commits could be seen. */
  end: Position | undefined
  /** True when the spool did not reach the end in time: the answer is complete only to `position`. */
  behind: boolean
  /** Batch number the tables stand at. */
  batch: number
  /**
   * Given when only commits could be seen (no spool: the lander is on another machine, or the engine is another one): when the
   * newest was made, in milliseconds since 1970; null when there was none. What came later comes with the next commit.
   */
  committedAt?: number | null
}

/**
 * Who asks, and how the names and times of the statement are meant. Plain data that the client keeps and sends with each statement:
 * nothing of it lives in the server.
 */
export interface Session {
  user?: string
  /** The program that asks: `trino-cli`. */
  source?: string
  /** Where a name without a catalog or schema is looked up. */
  catalog?: string
  schema?: string
  /** A zone of IANA (`Europe/Rome`), `UTC` or an offset (`+05:30`). */
  timeZone?: string
  /** As in `Accept-Language`: `en-US`. */
  language?: string
  clientTags: readonly string[]
  /** What SET SESSION has set, as text: `query_max_run_time` → `10m`. */
  properties: Readonly<Record<string, string>>
  /** What PREPARE has added: name → statement. */
  preparedStatements: Readonly<Record<string, string>>
  /** Of START TRANSACTION. Statements only read, so it is a name and holds nothing. */
  transactionId?: string
}

/** What a statement wants changed in the client's session. */
export interface SessionChange {
  catalog?: string
  schema?: string
  setProperties?: Readonly<Record<string, string>>
  resetProperty?: string
  role?: { catalog: string; role: string }
  addedPrepare?: { name: string; sql: string }
  deallocatedPrepare?: string
  startedTransactionId?: string
  clearTransaction?: true
}

export interface QueryResult {
  columns: ResultColumn[]
  /** Rows in pages; ending the iteration early ends the query. */
  pages: AsyncIterable<Value[][]>
  freshness: Freshness
  /** The kind of a statement that is no question, by Trino's name: `USE`, `SET SESSION`. It has no columns. */
  updateType?: string
  sessionChange?: SessionChange
  /** Where `parquet` was asked for: the file with the rows, on this machine, which is the caller's to remove. */
  file?: AnswerFile
}

export interface AnswerFile {
  path: string
  rows: number
}

/** How far the engine is; both grow until the answer is whole. */
export interface QueryProgress {
  /** Of the whole work, 0 to 100. */
  percentage: number
  /** Read so far. */
  rows: number
  /** Files that are read, once they are pinned. */
  splits: number
}

export interface QueryOptions {
  /** Default: nobody in particular, at the tables' own catalog and schema, in UTC. */
  session?: Session
  /** What the client knows the statement by; it is listed in `system.runtime.queries` under this. */
  queryId?: string
  /** Called once when the query has to wait, with a look at how many start before it. */
  onQueued?: (ahead: () => number) => void
  /** Called once when the query has left the queue, with a look at how far it is. */
  onRunning?: (progress: () => QueryProgress) => void
  signal?: AbortSignal
  /** Default 5 minutes. */
  timeoutMs?: number
  /** Rows of the answer at most (default 1,000,000). */
  rowsMax?: number
  /** Only the columns are wanted: nothing is computed, and there are no rows. An engine that cannot do so answers as always. */
  columnsOnly?: boolean
  /**
   * The rows are wanted as a Parquet file (`file` of the result), and come no other way. `sql/not-supported` from an engine of others,
   * and for a statement that is no query.
   */
  parquet?: boolean
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
