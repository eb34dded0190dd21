import { checksumInName, checksumOf } from '../base/checksum.ts'
import { LandfallError } from '../base/errors.ts'
import type { LeasedFiles, LeasedObject, Storage } from '../storage/storage.ts'
import type { DataFile, LeaseOptions } from './lake.ts'
import {
  entryStatus,
  type ManifestEntry,
  type ManifestFile,
  readManifest,
  readManifestList,
} from './manifest.ts'
import { partitionSpec, type Snapshot, type TableMetadata } from './metadata.ts'

/** Column statistics kept in memory over all tables, about 200 bytes each. */
const STATISTICS_MAX = 100_000
/** Manifest lists kept in memory, one per snapshot, a few kilobytes each. */
const LISTS_MAX = 1_000

/**
 * Reads manifest lists and manifests. Both are immutable, so what was read or written once is kept, bounded by the
 * number of column statistics; the least recently used goes first.
 */
export class TableFiles {
  readonly #storage: Storage
  readonly #lists = new Map<string, ManifestFile[]>()
  readonly #manifests = new Map<string, ManifestEntry[]>()
  #weight = 0

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Path below the storage's root of a URL that metadata names. */
  path(url: string): string {
    const root = `${this.#storage.url}/`
    // Hadoop's writers put local paths as `file:/…`.
    const whole = url.replace(/^file:\/(?!\/)/, 'file:///')
    if (whole.startsWith(root)) return whole.slice(root.length)
    throw new LandfallError('bad-data', 'lake/foreign-path', `${url} is not below ${this.#storage.url}`, {
      hint: 'Iceberg paths are absolute: a lake that was moved must be relocated, not copied',
    })
  }

  /** Manifests of a snapshot; none for no snapshot. */
  async manifests(snapshot: Snapshot | undefined): Promise<ManifestFile[]> {
    if (snapshot === undefined) return []
    const url = snapshot['manifest-list']
    const kept = touch(this.#lists, url)
    if (kept !== undefined) return kept
    const list = readManifestList(await this.#read(url), url)
    this.keepList(url, list)
    return list
  }

  /** All entries of a manifest, deleted ones included. */
  async entries(metadata: TableMetadata, manifest: ManifestFile): Promise<ManifestEntry[]> {
    const kept = touch(this.#manifests, manifest.url)
    if (kept !== undefined) return kept
    const bytes = await this.#read(manifest.url)
    const entries = readManifest(bytes, manifest, partitionSpec(metadata, manifest.specId))
    this.keepManifest(manifest.url, entries)
    return entries
  }

  /** Live files of a snapshot, oldest first. */
  async liveEntries(metadata: TableMetadata, snapshot: Snapshot | undefined): Promise<ManifestEntry[]> {
    const live: ManifestEntry[] = []
    for (const manifest of await this.manifests(snapshot)) {
      if (manifest.addedFiles + manifest.existingFiles === 0) continue
      if (manifest.content !== 0) throw deleteFiles(manifest.url)
      for (const entry of await this.entries(metadata, manifest)) {
        if (entry.status !== entryStatus.deleted) live.push(entry)
      }
    }
    return live.sort((a, b) => a.sequence - b.sequence)
  }

  /** The bytes of a manifest or a list, which are those that were written. */
  async #read(url: string): Promise<Buffer> {
    const bytes = await this.#storage.read(this.path(url))
    const expected = checksumInName(url)
    const found = checksumOf(bytes)
    if (expected === undefined || expected === found) return bytes
    throw damagedFile(url, expected, found)
  }

  keepList(url: string, list: ManifestFile[]): void {
    this.#lists.set(url, list)
    while (this.#lists.size > LISTS_MAX) this.#lists.delete(this.#lists.keys().next().value!)
  }

  keepManifest(url: string, entries: ManifestEntry[]): void {
    if (!this.#manifests.has(url)) this.#weight += weight(entries)
    this.#manifests.set(url, entries)
    for (const [oldest, dropped] of this.#manifests) {
      if (this.#weight <= STATISTICS_MAX || oldest === url) break
      this.#manifests.delete(oldest)
      this.#weight -= weight(dropped)
    }
  }

  /** Data files for an engine to open, until `release`; each is the one that was written (`Storage.lease`). */
  lease(
    files: readonly LeasedObject[],
    { signal, unchecked = false, fresh = false }: LeaseOptions = {},
  ): Promise<LeasedFiles> {
    const wanted = files.map(({ path, bytes }) => ({
      path,
      bytes,
      crc32c: unchecked ? undefined : checksumInName(path),
      fresh,
    }))
    return this.#storage.lease(wanted, signal)
  }

  dataFile(file: Omit<DataFile, 'path'>): DataFile {
    return { ...file, path: this.path(file.url) }
  }
}

const weight = (entries: ManifestEntry[]) =>
  entries.reduce((total, entry) => total + 1 + entry.file.columns.size, 0)

function touch<T>(cache: Map<string, T>, key: string): T | undefined {
  const found = cache.get(key)
  if (found !== undefined) {
    cache.delete(key)
    cache.set(key, found)
  }
  return found
}

function damagedFile(url: string, expected: string, found: string): LandfallError {
  return new LandfallError(
    'bad-data',
    'lake/damaged',
    `reading ${url}: expected crc32c ${expected}, found ${found}`,
    { hint: 'Run "landfall verify --repair", or restore the file', details: { file: url, expected, found } },
  )
}

function deleteFiles(url: string): LandfallError {
  return new LandfallError(
    'bad-data',
    'lake/unsupported',
    `${url} names delete files, which Landfall does not read`,
    {
      hint: 'Compact the table with the engine that wrote them (Spark: rewrite_position_delete_files, rewrite_data_files)',
    },
  )
}
