import { randomInt, randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { type Clock, systemClock } from '../base/clock.ts'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import type { Catalog, TableVersion } from '../catalog/catalog.ts'
import type { TableDefinition } from '../model/pipeline.ts'
import { formatPosition, type Position } from '../model/position.ts'
import type { Storage } from '../storage/storage.ts'
import { planCompaction } from './compaction.ts'
import { createMetadata, evolvedMetadata } from './create-metadata.ts'
import { trimSnapshots } from './expire.ts'
import {
  type Commit,
  type DataFile,
  type Lake,
  type MaintenanceOptions,
  type MaintenanceReport,
  type PinnedFile,
  property,
  type TableState,
} from './lake.ts'
import type { ManifestEntry } from './manifest.ts'
import { findSnapshot, type MetadataUpdate, type TableMetadata } from './metadata.ts'
import { type ParquetFile, parquetLayout, readParquet, writeParquet } from './parquet.ts'
import { quoteName } from './schema.ts'
import { defaultSettings, type LakeSettings } from './settings.ts'
import { type Change, stageSnapshot } from './snapshot.ts'
import { Sweeper } from './sweep.ts'
import { TableFiles } from './table-files.ts'
import { checkConsistent, checkExpected, tableState } from './table-state.ts'

export interface LakeOptions {
  catalog: Catalog
  storage: Storage
  clock?: Clock
  settings?: Partial<LakeSettings>
}

/** Opens the lake over a catalog and the storage that holds its files. Holds nothing that must be closed. */
export function openLake(options: LakeOptions): Lake {
  return new IcebergLake(options)
}

/** What one attempt of a commit makes of the version it found; undefined: nothing to do. */
interface Attempt {
  next: TableMetadata
  updates: MetadataUpdate[]
  /** Paths to delete when the attempt has lost. */
  written?: string[]
}

class IcebergLake implements Lake {
  readonly catalog: Catalog
  readonly storage: Storage
  readonly #clock: Clock
  readonly #settings: LakeSettings
  readonly #files: TableFiles
  /** Paths of data files made here and not yet committed: no orphans, however old. */
  readonly #pending = new Set<string>()
  /** File list of a manifest list, which never changes. */
  readonly #pinned = new Map<string, PinnedFile[]>()
  readonly #sweeper: Sweeper

  constructor(options: LakeOptions) {
    this.catalog = options.catalog
    this.storage = options.storage
    this.#clock = options.clock ?? systemClock()
    this.#settings = { ...defaultSettings, ...options.settings }
    this.#files = new TableFiles(options.storage)
    this.#sweeper = new Sweeper(options.storage, this.#files)
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
      const location = `${this.storage.url}/default/${name}`
      const metadata = createMetadata(definition, location, this.#nowMs(), initial)
      try {
        return tableState(await this.catalog.createTable(name, metadata))
      } catch (error) {
        // Another process has just made it.
        if (!isLandfallError(error, 'catalog/conflict')) throw error
      }
    }
    return this.#update(name, async (base) => {
      checkConsistent(base)
      return evolvedMetadata(base.metadata, definition, this.#nowMs())
    })
  }

  async commit(table: string, commit: Commit): Promise<TableState> {
    const position = formatPosition(commit.position)
    const properties: Record<string, string> = {
      [property.position]: position,
      [property.batch]: String(commit.batch),
      ...(commit.counters === undefined ? {} : { [property.counters]: JSON.stringify(commit.counters) }),
    }
    const summary = { ...properties, [property.epoch]: String(commit.expect.epoch) }
    const state = await this.#update(table, async (base) => {
      checkConsistent(base)
      checkExpected(tableState(base), commit.expect)
      await this.#checkPresent(commit.add)
      const change: Change = { operation: 'append', add: commit.add, remove: new Set(), summary, properties }
      return stageSnapshot(this.storage, this.#files, base, change, this.#snapshotSettings())
    })
    for (const file of commit.add) this.#pending.delete(file.path)
    return state
  }

  raiseEpoch(table: string, epoch: number): Promise<TableState> {
    return this.#update(table, async (base) => {
      checkConsistent(base)
      const state = tableState(base)
      if (state.epoch === epoch) return undefined
      if (state.epoch > epoch) checkExpected(state, { position: state.position, epoch })
      const updates = { [property.epoch]: String(epoch) }
      const next = {
        ...base.metadata,
        'last-updated-ms': Math.max(this.#nowMs(), base.metadata['last-updated-ms'] + 1),
        properties: { ...base.metadata.properties, ...updates },
      }
      return { next, updates: [{ action: 'set-properties', updates }] }
    })
  }

  async files(state: TableState, snapshotId?: bigint): Promise<PinnedFile[]> {
    const snapshot = findSnapshot(state.metadata, snapshotId)
    if (snapshot === undefined) {
      if (snapshotId === undefined) return []
      throw new LandfallError(
        'fix-request',
        'lake/no-snapshot',
        `table ${state.name} has no snapshot ${snapshotId}`,
        {
          hint: 'It has expired, or it is of another table',
        },
      )
    }
    const key = snapshot['manifest-list']
    const known = this.#pinned.get(key)
    if (known !== undefined) return known
    const pinned: PinnedFile[] = []
    for (const { file } of await this.#files.liveEntries(state.metadata, snapshot)) {
      const location = await this.storage.location(this.#files.path(file.url))
      pinned.push({ url: file.url, location, rows: file.rows, bytes: file.bytes, partition: file.partition })
    }
    this.#pinned.set(key, pinned)
    if (this.#pinned.size > 64) this.#pinned.delete(this.#pinned.keys().next().value!)
    return pinned
  }

  async writeFiles(connection: DuckDBConnection, state: TableState, select: string): Promise<DataFile[]> {
    const baseName = randomUUID()
    const folder = this.#files.path(`${state.metadata.location}/data`)
    const location = await this.storage.location(`${folder}/${baseName}.parquet`)
    const files = await writeParquet(connection, parquetLayout(state), select, dirname(location), baseName)
    return Promise.all(
      files.map(async (file) => {
        const path = `${folder}/${file.location.slice(dirname(location).length + 1)}`
        this.#pending.add(path)
        await this.storage.persist(path)
        return this.#dataFile(file, path)
      }),
    )
  }

  async adopt(state: TableState, file: ParquetFile): Promise<DataFile> {
    const path = this.#files.path(`${state.metadata.location}/data/${randomUUID()}.parquet`)
    this.#pending.add(path)
    await this.storage.adopt(file.location, path)
    return this.#dataFile(file, path)
  }

  async maintain(
    connection: DuckDBConnection,
    table: string,
    options: MaintenanceOptions = {},
  ): Promise<MaintenanceReport> {
    const report = { table, compactedFiles: 0, writtenFiles: 0, expiredSnapshots: 0, removedFiles: 0 }
    let budget = this.#settings.compactionBytesMax
    while (budget > 0 && options.signal?.aborted !== true) {
      const done = await this.#compact(connection, table, budget)
      if (done === undefined) break
      report.compactedFiles += done.inputs
      report.writtenFiles += done.outputs
      budget -= done.bytes
    }
    report.expiredSnapshots = await this.#expire(table)
    const state = await this.#present(table)
    const { location } = state.metadata
    const now = this.#nowMs()
    if (
      options.signal?.aborted !== true &&
      this.#sweeper.isDue(location, now, this.#settings.sweepIntervalMs)
    ) {
      const current = await this.catalog.loadTable(table)
      if (current !== undefined) await this.catalog.forgetOldVersions(current)
      const load = async () => (await this.#present(table)).metadata
      const keeps = (path: string) => this.#pending.has(path) || options.keep?.has(path) === true
      report.removedFiles = await this.#sweeper.sweep(location, load, keeps, now, this.#settings.graceMs)
    }
    return report
  }

  /** Merges one group of small files; undefined when there is none, or when one of them is not live any more. */
  async #compact(
    connection: DuckDBConnection,
    table: string,
    bytesMax: number,
  ): Promise<{ inputs: number; outputs: number; bytes: number } | undefined> {
    const state = await this.#present(table)
    const live = await this.#files.liveEntries(state.metadata, findSnapshot(state.metadata))
    const inputs = planCompaction(state.metadata, live, this.#settings, this.#nowMs(), bytesMax)
    if (inputs === undefined) return undefined
    const locations = await Promise.all(
      inputs.map((entry) => this.storage.location(this.#files.path(entry.file.url))),
    )
    const columns = state.schema.fields.map((field) => quoteName(field.name)).join(', ')
    const outputs = await this.writeFiles(
      connection,
      state,
      `SELECT ${columns} FROM ${readParquet(state.schema, locations)}`,
    )
    checkSameRows(table, inputs, outputs)
    const remove = new Set(inputs.map((entry) => entry.file.url))
    let lost = false
    await this.#update(table, async (base) => {
      checkConsistent(base)
      const change: Change = {
        operation: 'replace',
        add: outputs,
        remove,
        summary: ourSummary(base),
        properties: {},
      }
      const staged = await stageSnapshot(this.storage, this.#files, base, change, this.#snapshotSettings())
      lost = staged === undefined
      return staged
    })
    for (const file of outputs) this.#pending.delete(file.path)
    if (lost) {
      await Promise.allSettled(outputs.map((file) => this.storage.delete(file.path)))
      return undefined
    }
    const bytes = inputs.reduce((total, entry) => total + entry.file.bytes, 0)
    return { inputs: inputs.length, outputs: outputs.length, bytes }
  }

  /** Lets go of snapshots beyond their age; returns how many. */
  async #expire(table: string): Promise<number> {
    let removed: bigint[] = []
    await this.#update(table, async ({ metadata }) => {
      const now = this.#nowMs()
      const retention = { max: this.#settings.snapshotsMax, before: now - this.#settings.snapshotAgeMs }
      const trimmed = trimSnapshots(metadata, retention)
      removed = trimmed.removed
      if (removed.length === 0) return undefined
      const next = { ...trimmed.metadata, 'last-updated-ms': Math.max(now, metadata['last-updated-ms'] + 1) }
      return { next, updates: [{ action: 'remove-snapshots', 'snapshot-ids': removed }] }
    })
    return removed.length
  }

  async #present(table: string): Promise<TableState> {
    const state = await this.load(table)
    if (state === undefined) throw noTable(table)
    return state
  }

  #dataFile(file: ParquetFile, path: string): DataFile {
    const { location: _, ...rest } = file
    return { ...rest, path, url: `${this.storage.url}/${path}` }
  }

  /**
   * A writer that slept between writing its files and naming them may find them removed as orphans (after 15 minutes, by
   * another process): then nothing may be committed.
   */
  async #checkPresent(files: readonly DataFile[]): Promise<void> {
    for (const file of files) {
      if ((await this.storage.stat(file.path)) === undefined) {
        throw new LandfallError(
          'retry',
          'lake/missing-file',
          `data file ${file.path} is gone before its commit`,
          {
            hint: 'Write the batch again',
            details: { path: file.path },
          },
        )
      }
    }
  }

  /** Commits what `attempt` makes of the current version, again while another writer was faster. */
  async #update(
    table: string,
    attempt: (base: TableVersion) => Promise<Attempt | undefined>,
  ): Promise<TableState> {
    for (let number = 1; ; number++) {
      const base = await this.catalog.loadTable(table)
      if (base === undefined) {
        throw noTable(table)
      }
      const made = await attempt(base)
      if (made === undefined) return tableState(base)
      try {
        return tableState(await this.catalog.commitTable(base, made.next, made.updates))
      } catch (error) {
        // Only a conflict says for certain that nothing happened; after an unknown outcome nothing is deleted.
        if (!isLandfallError(error, 'catalog/conflict')) throw error
        await Promise.allSettled((made.written ?? []).map((path) => this.storage.delete(path)))
        if (number >= this.#settings.commitAttemptsMax) throw error
        await sleep(randomInt(1, 2 + Math.min(number, 10) * 10))
      }
    }
  }

  #snapshotSettings() {
    return { nowMs: this.#nowMs(), snapshotsMax: this.#settings.snapshotsMax }
  }

  #nowMs(): number {
    return Math.floor(this.#clock.nowMicros() / 1000)
  }
}

/** Our keys in the summary of the snapshot that a compaction replaces: it moves nothing. */
function ourSummary(base: TableVersion): Record<string, string> {
  const summary = findSnapshot(base.metadata)?.summary ?? {}
  return Object.fromEntries(Object.entries(summary).filter(([key]) => key.startsWith('landfall.')))
}

/** The last guard before rows are replaced: as many go as come. */
function checkSameRows(table: string, inputs: readonly ManifestEntry[], outputs: readonly DataFile[]): void {
  const before = inputs.reduce((total, entry) => total + entry.file.rows, 0)
  const after = outputs.reduce((total, file) => total + file.rows, 0)
  if (before !== after) {
    throw new LandfallError(
      'bug',
      'lake/compaction-mismatch',
      `compaction of ${table} read ${before} rows and wrote ${after}`,
      {
        hint: 'Nothing was changed; report this with the table',
        details: { table, before, after },
      },
    )
  }
}

function noTable(table: string): LandfallError {
  return new LandfallError('fix-config', 'lake/no-table', `there is no table ${table}`, {
    hint: 'Start the lander with a pipeline that has it',
  })
}
