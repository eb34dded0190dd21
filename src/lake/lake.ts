/**
 * The lake: what exactly is in a table? Iceberg v2 tables written by our own small commit path.
 *
 * Promises: a commit is atomic and carries its position in the snapshot's summary and in the table's properties; it happens
 * only if the table still stands at `expect` (position and epoch), else `lake/position-moved` or `lake/fenced` and nothing is
 * visible. Data files are durable before the commit that names them. Maintenance never changes a position and never takes
 * a file that a reader of the last 15 minutes may have pinned.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Catalog } from '../catalog/catalog.ts'
import type { TableDefinition } from '../model/pipeline.ts'
import type { Position } from '../model/position.ts'
import type { LeasedFiles, Storage } from '../storage/storage.ts'
import type { Schema, TableMetadata } from './metadata.ts'
import type { ParquetFile } from './parquet.ts'
import type { LostManifests } from './snapshot.ts'
import type { TagChange } from './tags.ts'

/** Keys in snapshot summaries and table properties. Persisted: do not change them. */
export const property = {
  position: 'landfall.position',
  epoch: 'landfall.epoch',
  batch: 'landfall.batch',
  counters: 'landfall.counters',
  /** Where the table was when it was made: what it has begins there. */
  begin: 'landfall.begin',
  /** Hash of the definition that judged what the newest commit of rows brought. */
  definition: 'landfall.definition',
  formatVersion: 'landfall.format-version',
  /** `true`: another engine has written some of the files, whose columns may bear other names: they are found by field id. */
  staged: 'landfall.staged',
  /** URL of the lander in charge, where a swap has chosen one (on `events`). */
  lander: 'landfall.lander',
  /** When maintenance last unlinked files (ISO 8601, UTC): the version that it commits before it does. */
  sweptAt: 'landfall.swept-at',
} as const

/** Statistics of one column of one data file, as a manifest entry has them; bounds in Iceberg's single-value binary form. */
export interface ColumnStatistics {
  bytes: bigint
  values: bigint
  nulls: bigint
  lower?: Buffer
  upper?: Buffer
}

/** A data file, ready to be named by a commit. `partition` maps the partition field's name to its value (days since 1970 for `day`). */
export interface DataFile {
  /** Path below the storage's root. */
  path: string
  /** URL as manifests have it. */
  url: string
  rows: number
  bytes: number
  partition: Record<string, number | string | null>
  /** By field id. */
  columns: Map<number, ColumnStatistics>
}

/** A table as one reader or writer sees it: fixed at one version of its metadata. */
export interface TableState {
  name: string
  metadata: TableMetadata
  schema: Schema
  position: Position | undefined
  epoch: number
  batch: number
  /** Parsed `landfall.counters` (only `events`). */
  counters: Counters | undefined
  /** Hash of the definition that judged the rows up to `position`; undefined: nothing has landed, or nobody said. */
  definition: string | undefined
}

/** Cumulative counts per partition, since the table's first batch. records = landed + dead + duplicate. */
export type Counters = Record<number, { records: number; landed: number; dead: number; duplicate: number }>

export interface Commit {
  add: DataFile[]
  /** Where the table must stand now: its position (undefined: none yet) and its epoch. */
  expect: { position: Position | undefined; epoch: number }
  position: Position
  batch: number
  counters?: Counters
  /** Hash of the definition that judged these rows. */
  definition?: string
}

/** A commit of what another engine has staged under `wapId` (Iceberg's write-audit-publish), which must be `rows` rows. */
export interface StagedCommit extends Omit<Commit, 'add'> {
  wapId: string
  rows: number
  /** The micro-batch, where a stream stages one snapshot after the other under the id. */
  streamEpoch?: number
}

/** Files of a snapshot with what a reader needs. */
export interface PinnedFile {
  url: string
  /** Of the snapshot that added it. */
  snapshotId: bigint
  /** Path below the storage's root. */
  path: string
  rows: number
  bytes: number
  partition: Record<string, number | string | null>
  /** By field id. */
  columns: ReadonlyMap<number, ColumnStatistics>
}

/** What a repair exchanges; `add` has the rows that were in what goes. */
export interface Replacement {
  /** URLs of data files whose manifest can be read. */
  files: ReadonlySet<string>
  lost?: LostManifests
  add: readonly DataFile[]
}

export interface MaintenanceOptions {
  /** Paths below the storage's root that an open plan still needs (`DataFile.path`): never removed as orphans. */
  keep?: ReadonlySet<string>
  signal?: AbortSignal
}

export interface MaintenanceReport {
  table: string
  compactedFiles: number
  writtenFiles: number
  expiredSnapshots: number
  removedFiles: number
}

export interface LeaseOptions {
  signal?: AbortSignal
  /** Their bytes are not compared with their checksums: whoever opens them leases those again that an answer stands on. */
  unchecked?: boolean
  /** They come from the storage itself, and not from copies that this machine may have. */
  fresh?: boolean
}

export interface Lake {
  readonly catalog: Catalog
  readonly storage: Storage
  listTables(): Promise<string[]>
  /** The current state, or undefined when there is no such table. */
  load(table: string): Promise<TableState | undefined>
  /**
   * Makes the table, or adds the columns its definition has gained (new field ids, nothing else). A changed type or a
   * removed column is `lake/breaking-change` (kind `fix-config`) with the column, both types and the mapping to paste.
   */
  ensure(definition: TableDefinition, initial?: { position?: Position; epoch?: number }): Promise<TableState>
  /** The commit point. Retries by itself when only the metadata moved and `expect` still holds. */
  commit(table: string, commit: Commit): Promise<TableState>
  /**
   * The commit point for rows that another engine wrote: takes the data files of the staged snapshot into a snapshot of ours, under
   * the same conditions and as atomic as `commit`, and lets go of all that is staged with ids of ours. `lake/nothing-staged`: nothing
   * is there under this id.
   */
  commitStaged(table: string, commit: StagedCommit): Promise<TableState>
  /**
   * Raises the epoch (a properties-only commit): from here on commits under an older epoch fail with `lake/fenced`. `also`: other
   * properties that change in the same commit.
   */
  raiseEpoch(table: string, epoch: number, also?: Record<string, string>): Promise<TableState>
  /** Sets and lets go of tags (a commit of the metadata alone); what a tag names stays until it goes. `lake/no-snapshot`, `lake/tag-taken`. */
  changeTags(table: string, change: TagChange): Promise<TableState>
  /** Live files of the state's current snapshot (or of an earlier one), oldest first. */
  files(state: TableState, snapshotId?: bigint): Promise<PinnedFile[]>
  /** Those files for DuckDB to open, in their order, until `release`. */
  lease(files: readonly PinnedFile[], options?: LeaseOptions): Promise<LeasedFiles>
  /**
   * Writes the rows of a SELECT (whose columns are the table's, by name and in order) as Parquet with field ids and
   * statistics, one or more files per partition value, durable when resolved. No file when there are no rows.
   */
  writeFiles(connection: DuckDBConnection, state: TableState, select: string): Promise<DataFile[]>
  /**
   * Takes a file that `writeParquet` wrote with this table's layout (a spool file) as a data file, without rewriting it:
   * a hard link on the same disk. Durable when resolved; the file's own name stays until its owner deletes it.
   */
  adopt(state: TableState, file: ParquetFile): Promise<DataFile>
  /**
   * Repair: puts files in the place of files and manifests of the snapshot that cannot be read. Position, epoch and counters stay. Nothing
   * happens when that snapshot is not current any more (`lake/position-moved`).
   */
  replaceLost(table: string, snapshotId: bigint, replacement: Replacement): Promise<TableState>
  /**
   * One round of compaction, snapshot expiry, metadata and orphan removal for one table; bounded work per call. To be
   * called after commits, e.g. every tenth batch or every minute; `settings` decide what is due.
   */
  maintain(
    connection: DuckDBConnection,
    table: string,
    options?: MaintenanceOptions,
  ): Promise<MaintenanceReport>
}
