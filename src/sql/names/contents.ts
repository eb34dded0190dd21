/** What the metadata relations are computed from. */
import type { PinnedFile, TableState } from '../../lake/lake.ts'
import type { ResultColumn } from '../sql.ts'
import type { MetadataTable } from './metadata-table.ts'

/** What stands behind a name of `hive.default`. */
export type EntryKind = 'table' | 'view' | 'reference' | 'ledger'

export interface Entry {
  name: string
  kind: EntryKind
}

/** A statement that runs, waits or ended not long ago. Times are milliseconds since 1970. */
export interface QueryInfo {
  id: string
  state: 'QUEUED' | 'RUNNING' | 'FINISHED' | 'FAILED'
  user: string
  source: string | null
  sql: string
  queuedMs: number
  created: number
  started: number | null
  ended: number | null
  errorType: string | null
  errorName: string | null
}

/** Catalog → schema → its metadata relations; what `hive.default` holds is in `entries`. */
export type Catalogs = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, MetadataTable>>>>>
>

export interface Contents {
  readonly catalogs: Catalogs
  /** Sorted by name. */
  readonly entries: readonly Entry[]
  /** Empty for a view that does not work any more. */
  columns(entry: Entry): Promise<readonly ResultColumn[]>
  viewSql(name: string): string
  /** Undefined when the table is gone. */
  state(table: string): Promise<TableState | undefined>
  files(state: TableState): Promise<PinnedFile[]>
  queries(): QueryInfo[]
}
