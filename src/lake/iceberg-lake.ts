import type { DuckDBConnection } from '@duckdb/node-api'
import { type Clock, systemClock } from '../base/clock.ts'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { TableDefinition } from '../model/pipeline.ts'
import { formatPosition, type Position } from '../model/position.ts'
import type { LeasedFiles, Storage } from '../storage/storage.ts'
import { createMetadata, evolvedMetadata } from './create-metadata.ts'
import {
  type Commit,
  type DataFile,
  type Lake,
  type LeaseOptions,
  type MaintenanceOptions,
  type MaintenanceReport,
  type PinnedFile,
  property,
  type Replacement,
  type StagedCommit,
  type TableState,
} from './lake.ts'
import { Maintenance, ourSummary } from './maintenance.ts'
import { findSnapshot } from './metadata.ts'
import type { ParquetFile } from './parquet.ts'
import { defaultSettings, type LakeSettings } from './settings.ts'
import type { Change } from './snapshot.ts'
import { PUBLISHED_WAP_ID, stagedFiles, withoutStaged } from './staged.ts'
import { checkConsistent, checkExpected, tableState } from './table-state.ts'
import { TableWriter } from './table-writer.ts'
import { changedTags, noSnapshot, type TagChange } from './tags.ts'

export interface LakeOptions {
  catalog: Catalog
  storage: Storage
  clock?: Clock
  settings?: Partial<LakeSettings>
}

/** Opens the lake over a catalog and the storage that holds its files. Holds nothing that must be closed. */
export function openLake(options: LakeOptions): Lake {
  const settings = { ...defaultSettings, ...options.settings }
  return new IcebergLake(
    new TableWriter(options.catalog, options.storage, options.clock ?? systemClock(), settings),
  )
}

/** File lists kept in memory, one per snapshot that was asked for. */
const PINNED_MAX = 64

class IcebergLake implements Lake {
  readonly catalog: Catalog
  readonly storage: Storage
  readonly #writer: TableWriter
  readonly #maintenance: Maintenance
  /** File list of a manifest list, which never changes. */
  readonly #pinned = new Map<string, PinnedFile[]>()

  constructor(writer: TableWriter) {
    this.catalog = writer.catalog
    this.storage = writer.storage
    this.#writer = writer
    this.#maintenance = new Maintenance(writer)
  }

  listTables(): Promise<string[]> {
    return this.catalog.listTables()
  }

  async load(table: string): Promise<TableState | undefined> {
    const version = await this.catalog.loadTable(table)
    return version && tableState(version)
  }

  async ensure(
    definition: TableDefinition,
    initial: { position?: Position; epoch?: number } = {},
  ): Promise<TableState> {
    const { name } = definition
    if ((await this.catalog.loadTable(name)) === undefined) {
      const location = `${this.storage.url}/${this.catalog.namespace}/${name}`
      const metadata = createMetadata(definition, location, this.#writer.nowMs(), initial)
      try {
        return tableState(await this.catalog.createTable(name, metadata))
      } catch (error) {
        // Another process has just made it.
        if (!isLandfallError(error, 'catalog/conflict')) throw error
      }
    }
    const version = await this.#writer.update(name, async (base) => {
      checkConsistent(base)
      return evolvedMetadata(base.metadata, definition, this.#writer.nowMs())
    })
    return tableState(version)
  }

  async commit(table: string, commit: Commit): Promise<TableState> {
    const version = await this.#writer.update(table, async (base) => {
      checkConsistent(base)
      checkExpected(tableState(base), commit.expect)
      return this.#writer.stage(base, changeOf(commit))
    })
    this.#writer.committed(commit.add)
    return tableState(version)
  }

  async commitStaged(table: string, commit: StagedCommit): Promise<TableState> {
    const version = await this.#writer.update(table, async (base) => {
      checkConsistent(base)
      checkExpected(tableState(base), commit.expect)
      const add = await stagedFiles(this.#writer.files, base, commit)
      const change = changeOf({ ...commit, add }, { [PUBLISHED_WAP_ID]: commit.wapId })
      change.properties = { ...change.properties, [property.staged]: 'true' }
      const staged = await this.#writer.stage(base, change)
      return staged && withoutStaged(staged, commit)
    })
    return tableState(version)
  }

  async raiseEpoch(table: string, epoch: number, also: Record<string, string> = {}): Promise<TableState> {
    const version = await this.#writer.setProperties(table, (base) => {
      checkConsistent(base)
      const state = tableState(base)
      if (state.epoch === epoch) return undefined
      if (state.epoch > epoch) checkExpected(state, { position: state.position, epoch })
      return { ...also, [property.epoch]: String(epoch) }
    })
    return tableState(version)
  }

  async changeTags(table: string, change: TagChange): Promise<TableState> {
    const writer = this.#writer
    const version = await writer.update(table, async (base) => changedTags(base, change, writer.nowMs()))
    return tableState(version)
  }

  async files(state: TableState, snapshotId?: bigint): Promise<PinnedFile[]> {
    const snapshot = findSnapshot(state.metadata, snapshotId)
    if (snapshot === undefined) {
      if (snapshotId === undefined) return []
      throw noSnapshot(state.name, snapshotId)
    }
    const key = snapshot['manifest-list']
    const known = this.#pinned.get(key)
    if (known !== undefined) return known
    const { files } = this.#writer
    const pinned: PinnedFile[] = []
    for (const { file, snapshotId } of await files.liveEntries(state.metadata, snapshot)) {
      const { url, rows, bytes, partition, columns } = file
      pinned.push({ url, snapshotId, path: files.path(url), rows, bytes, partition, columns })
    }
    this.#pinned.set(key, pinned)
    if (this.#pinned.size > PINNED_MAX) this.#pinned.delete(this.#pinned.keys().next().value!)
    return pinned
  }

  lease(files: readonly PinnedFile[], options?: LeaseOptions): Promise<LeasedFiles> {
    return this.#writer.files.lease(files, options)
  }

  writeFiles(connection: DuckDBConnection, state: TableState, select: string): Promise<DataFile[]> {
    return this.#writer.writeFiles(connection, state, select)
  }

  adopt(state: TableState, file: ParquetFile): Promise<DataFile> {
    return this.#writer.adopt(state, file)
  }

  async replaceLost(table: string, snapshotId: bigint, replacement: Replacement): Promise<TableState> {
    const { files: remove, add, lost } = replacement
    const version = await this.#writer.update(table, async (base) => {
      checkConsistent(base)
      const found = base.metadata['current-snapshot-id']
      if (found !== snapshotId) throw movedOn(table, snapshotId, found)
      const change: Change = { operation: 'replace', add, remove, summary: ourSummary(base), properties: {} }
      return this.#writer.stage(base, lost === undefined ? change : { ...change, lost })
    })
    this.#writer.committed(add)
    return tableState(version)
  }

  maintain(
    connection: DuckDBConnection,
    table: string,
    options: MaintenanceOptions = {},
  ): Promise<MaintenanceReport> {
    return this.#maintenance.run(connection, table, options)
  }
}

function movedOn(table: string, expected: bigint, found: bigint | undefined): LandfallError {
  return new LandfallError(
    'retry',
    'lake/position-moved',
    `a repair of ${table} expected snapshot ${expected}, found ${found ?? 'none'}`,
    { hint: 'Something lands there: stop it and try again', details: { table } },
  )
}

/** Appends files with what the commit says, in the summary and in the table's properties. */
function changeOf(commit: Commit, summary: Record<string, string> = {}): Change {
  const properties: Record<string, string> = {
    [property.position]: formatPosition(commit.position),
    [property.batch]: String(commit.batch),
    ...(commit.counters === undefined ? {} : { [property.counters]: JSON.stringify(commit.counters) }),
    ...(commit.definition === undefined ? {} : { [property.definition]: commit.definition }),
  }
  const epoch = { [property.epoch]: String(commit.expect.epoch) }
  return {
    operation: 'append',
    add: commit.add,
    remove: new Set(),
    summary: { ...properties, ...epoch, ...summary },
    properties,
  }
}
