import { randomInt, randomUUID } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { checksumInName, checksumOfFile, nameWithChecksum } from '../base/checksum.ts'
import type { Clock } from '../base/clock.ts'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import type { Catalog, TableVersion } from '../catalog/catalog.ts'
import type { Storage } from '../storage/storage.ts'
import type { DataFile, TableState } from './lake.ts'
import type { MetadataUpdate, TableMetadata } from './metadata.ts'
import { type ParquetFile, parquetLayout, writeParquet } from './parquet.ts'
import type { LakeSettings } from './settings.ts'
import { type Change, type StagedSnapshot, stageSnapshot } from './snapshot.ts'
import { TableFiles } from './table-files.ts'

/** What an attempt of a commit makes of the version it found. */
export interface Attempt {
  next: TableMetadata
  updates: MetadataUpdate[]
  /** Paths to delete when the attempt has lost. */
  written?: string[]
}

/** Writes data files and commits: the part that landing and maintenance share. */
export class TableWriter {
  readonly catalog: Catalog
  readonly storage: Storage
  readonly settings: LakeSettings
  readonly files: TableFiles
  readonly #clock: Clock
  /** Path of a data file that was made here and not yet committed → milliseconds at which it was made. */
  readonly #pending = new Map<string, number>()

  constructor(catalog: Catalog, storage: Storage, clock: Clock, settings: LakeSettings) {
    this.catalog = catalog
    this.storage = storage
    this.settings = settings
    this.files = new TableFiles(storage)
    this.#clock = clock
  }

  nowMs(): number {
    return Math.floor(this.#clock.nowMicros() / 1000)
  }

  /** Whether a commit may still come that names this file: then it is no orphan. */
  isPending(path: string): boolean {
    return (this.#pending.get(path) ?? Number.NEGATIVE_INFINITY) >= this.#oldestToCommit()
  }

  async present(table: string): Promise<TableVersion> {
    const version = await this.catalog.loadTable(table)
    if (version !== undefined) return version
    throw new LandfallError('fix-config', 'lake/no-table', `there is no table ${table}`, {
      hint: 'Start the lander with a pipeline that has it',
    })
  }

  /** Commits what `attempt` makes of the current version, again while another writer was faster; undefined: no change. */
  async update(
    table: string,
    attempt: (base: TableVersion) => Promise<Attempt | undefined>,
  ): Promise<TableVersion> {
    for (let number = 1; ; number++) {
      const base = await this.present(table)
      const made = await attempt(base)
      if (made === undefined) return base
      try {
        return await this.catalog.commitTable(base, made.next, made.updates)
      } catch (error) {
        // Only a conflict says for certain that nothing happened; after an unknown outcome nothing is deleted.
        if (!isLandfallError(error, 'catalog/conflict')) throw error
        await Promise.allSettled((made.written ?? []).map((path) => this.storage.delete(path)))
        if (number >= this.settings.commitAttemptsMax) throw error
        await sleep(randomInt(1, 2 + Math.min(number, 10) * 10))
      }
    }
  }

  /** A commit that changes properties only. */
  setProperties(
    table: string,
    decide: (base: TableVersion) => Record<string, string> | undefined,
  ): Promise<TableVersion> {
    return this.update(table, async (base) => {
      const updates = decide(base)
      if (updates === undefined) return undefined
      const next = {
        ...base.metadata,
        'last-updated-ms': Math.max(this.nowMs(), base.metadata['last-updated-ms'] + 1),
        properties: { ...base.metadata.properties, ...updates },
      }
      return { next, updates: [{ action: 'set-properties', updates }] }
    })
  }

  /** Writes what a change needs on top of `base`; undefined when a file to remove is not live any more. */
  async stage(base: TableVersion, change: Change): Promise<StagedSnapshot | undefined> {
    await this.#checkFiles(change.add)
    const settings = { nowMs: this.nowMs(), snapshotsMax: this.settings.snapshotsMax }
    return stageSnapshot(this.storage, this.files, base, change, settings)
  }

  async writeFiles(connection: DuckDBConnection, state: TableState, select: string): Promise<DataFile[]> {
    const baseName = randomUUID()
    const folder = this.files.path(`${state.metadata.location}/data`)
    const directory = await this.storage.workspace(folder)
    const files = await writeParquet(connection, parquetLayout(state), select, directory, baseName)
    const adopted = await Promise.allSettled(
      files.map(async (file) => {
        const path = `${folder}/${basename(file.location)}`
        this.#pend(path)
        await this.storage.adopt(file.location, path)
        return this.#dataFile(file, path)
      }),
    )
    const failed = adopted.find((one) => one.status === 'rejected')
    if (failed === undefined) return adopted.map((one) => (one as PromiseFulfilledResult<DataFile>).value)
    // No commit will name them; what was adopted all the same is an orphan for maintenance.
    await Promise.allSettled(files.map(({ location }) => unlink(location)))
    throw failed.reason
  }

  async adopt(state: TableState, file: ParquetFile): Promise<DataFile> {
    const checksum = checksumInName(file.location) ?? (await checksumOfFile(file.location, file.bytes))
    const name = nameWithChecksum(randomUUID(), checksum, 'parquet')
    const path = this.files.path(`${state.metadata.location}/data/${name}`)
    this.#pend(path)
    await this.storage.adopt(file.location, path)
    return this.#dataFile(file, path)
  }

  /** Files that are named by a commit now. */
  committed(files: readonly DataFile[]): void {
    for (const file of files) this.#pending.delete(file.path)
  }

  /** Deletes files that no commit will ever name. Best effort: maintenance finds the rest. */
  async discard(files: readonly DataFile[]): Promise<void> {
    this.committed(files)
    await Promise.allSettled(files.map((file) => this.storage.delete(file.path)))
  }

  #dataFile(file: ParquetFile, path: string): DataFile {
    const { location: _, ...rest } = file
    return { ...rest, path, url: `${this.storage.url}/${path}` }
  }

  /**
   * A writer that slept between writing its files and naming them may find them removed as orphans by another process,
   * or about to be: files older than two thirds of the grace time are refused. See `Sweeper` for why that is enough.
   */
  async #checkFiles(files: readonly DataFile[]): Promise<void> {
    const oldest = this.#oldestToCommit()
    for (const { path } of files) {
      const found = await this.storage.stat(path)
      if (found !== undefined && (this.#pending.get(path) ?? found.modifiedAt) >= oldest) continue
      const why = found === undefined ? 'is gone before its commit' : 'is too old to be committed'
      throw new LandfallError('retry', 'lake/missing-file', `data file ${path} ${why}`, {
        hint: 'Write the batch again',
        details: { path },
      })
    }
  }

  #oldestToCommit(): number {
    return this.nowMs() - (this.settings.graceMs * 2) / 3
  }

  #pend(path: string): void {
    this.#pending.set(path, this.nowMs())
    // Batches that were given up; the age of their files can still be told by storage.
    if (this.#pending.size > 10_000) this.#pending.delete(this.#pending.keys().next().value!)
  }
}
