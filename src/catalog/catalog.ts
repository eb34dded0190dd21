/**
 * The catalog: which tables exist, and where is their current metadata? A catalog is opened for one namespace.
 *
 * Promises of every driver: `commit` makes `next` the current metadata if and only if `base` still is; a loser gets
 * `catalog/conflict` (kind `retry`) and nothing of it is visible. `catalog/unknown-outcome` (kind `retry`): it may or may
 * not have happened: load and look before any retry, and delete nothing.
 */
import type { MetadataUpdate, TableMetadata } from '../lake/metadata.ts'

/** One version of a table's metadata. */
export interface TableVersion {
  name: string
  metadata: TableMetadata
  /** URL of the metadata file. */
  metadataLocation: string
  /** The driver's own mark of this version. */
  version: string
}

/** Where the tables of a pipeline are. A rehearsal has namespaces of its own. */
export const DEFAULT_NAMESPACE = 'default'

export interface Catalog {
  /** Tables of other namespaces are neither seen nor touched. A table's files are below `<storage>/<namespace>/<table>`. */
  readonly namespace: string
  listTables(): Promise<string[]>
  /** Throws `catalog/bad-name` for what can be no table's name. */
  loadTable(name: string): Promise<TableVersion | undefined>
  /** Throws `catalog/conflict` when the table exists. */
  createTable(name: string, metadata: TableMetadata): Promise<TableVersion>
  /** `updates` says the same as `next` in the words of Iceberg's REST catalog; a driver uses either. */
  commitTable(base: TableVersion, next: TableMetadata, updates: MetadataUpdate[]): Promise<TableVersion>
  /** Forgets the table; its files stay until maintenance takes them. */
  dropTable(name: string): Promise<void>
  /** Lets go of metadata versions beyond what the table's metadata log keeps. */
  forgetOldVersions(current: TableVersion): Promise<void>
}
