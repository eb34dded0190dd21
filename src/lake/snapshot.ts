import { randomBytes, randomUUID } from 'node:crypto'
import { checksumOf, nameWithChecksum } from '../base/checksum.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import type { Storage } from '../storage/storage.ts'
import { trimSnapshots } from './expire.ts'
import type { DataFile } from './lake.ts'
import {
  entryStatus,
  type ManifestEntry,
  type ManifestFile,
  writeManifest,
  writeManifestList,
} from './manifest.ts'
import {
  currentSchema,
  findSnapshot,
  type MetadataUpdate,
  partitionSpec,
  type Snapshot,
  type TableMetadata,
} from './metadata.ts'
import type { TableFiles } from './table-files.ts'
import { byTier, TIER_FACTOR, tierOf } from './tiers.ts'

/** What a snapshot changes. */
export interface Change {
  operation: 'append' | 'replace'
  add: readonly DataFile[]
  /** URLs of live files that go. */
  remove: ReadonlySet<string>
  /** Keys of ours in the summary. */
  summary: Record<string, string>
  /** Table properties to set in the same metadata. */
  properties: Record<string, string>
  /** Of a repair. */
  lost?: LostManifests
}

/** Manifests that cannot be read go from the snapshot, with whatever they name. */
export interface LostManifests {
  /** `all`: not even their list can be read. */
  manifests: ReadonlySet<string> | 'all'
  /** What the table has afterwards, since what goes cannot be counted. */
  totals: { rows: number; files: number; bytes: number }
}

export interface SnapshotSettings {
  nowMs: number
  snapshotsMax: number
}

export interface StagedSnapshot {
  next: TableMetadata
  updates: MetadataUpdate[]
  /** Paths written for it, to be deleted when the commit is known not to have happened. */
  written: string[]
}

/**
 * Writes the manifests and the manifest list of a new snapshot on top of `base`, durable, and builds the metadata that
 * makes it current. Nothing is visible before that metadata is committed. Returns undefined when a file to remove is not
 * live any more.
 */
export async function stageSnapshot(
  storage: Storage,
  files: TableFiles,
  base: TableVersion,
  change: Change,
  settings: SnapshotSettings,
): Promise<StagedSnapshot | undefined> {
  const { metadata } = base
  const parent = findSnapshot(metadata)
  // Ids of 53 bits: readers that know only doubles keep every digit.
  const id = randomBytes(8).readBigUInt64BE() >> 11n
  const sequence = metadata['last-sequence-number'] + 1
  const stage = new Stage(storage, files, metadata, id, sequence)
  let manifests = (await manifestsOf(files, parent, change)).filter(
    (manifest) => manifest.addedFiles + manifest.existingFiles > 0,
  )
  const removed: ManifestEntry[] = []
  if (change.remove.size > 0) {
    manifests = await stage.removeFiles(manifests, change.remove, removed)
    if (removed.length !== change.remove.size) {
      await stage.undo()
      return undefined
    }
  }
  manifests = await stage.addFiles(manifests, change.add)
  const list = stage.writeList(manifests, parent)
  await stage.finish()
  const timestamp = Math.max(settings.nowMs, metadata['last-updated-ms'] + 1)
  const snapshot: Snapshot = {
    'snapshot-id': id,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': sequence,
    'timestamp-ms': timestamp,
    'manifest-list': list,
    summary: summarize(change, parent, removed),
    'schema-id': metadata['current-schema-id'],
  }
  return { ...nextMetadata(metadata, snapshot, change, settings), written: stage.written }
}

async function manifestsOf(files: TableFiles, parent: Snapshot | undefined, { lost }: Change) {
  if (lost?.manifests === 'all') return []
  const manifests = await files.manifests(parent)
  return lost === undefined
    ? manifests
    : manifests.filter(({ url }) => !(lost.manifests as ReadonlySet<string>).has(url))
}

/** Files written for one attempt. */
class Stage {
  readonly written: string[] = []
  readonly #writes: Promise<void>[] = []
  readonly #storage: Storage
  readonly #files: TableFiles
  readonly #metadata: TableMetadata
  readonly #id: bigint
  readonly #sequence: number
  readonly #uuid = randomUUID()
  #manifests = 0

  constructor(storage: Storage, files: TableFiles, metadata: TableMetadata, id: bigint, sequence: number) {
    this.#storage = storage
    this.#files = files
    this.#metadata = metadata
    this.#id = id
    this.#sequence = sequence
  }

  /**
   * Adds one manifest for new files, merged with those of its size tier when there are enough: the number of manifests
   * stays bounded and each entry is rewritten once per tier.
   */
  async addFiles(manifests: ManifestFile[], add: readonly DataFile[]): Promise<ManifestFile[]> {
    if (add.length === 0) return manifests
    const specId = this.#metadata['default-spec-id']
    const added = add.map(
      ({ path: _, ...file }): ManifestEntry => ({
        status: entryStatus.added,
        snapshotId: this.#id,
        sequence: this.#sequence,
        fileSequence: this.#sequence,
        file,
      }),
    )
    const merged = planMerge(
      manifests.filter((manifest) => manifest.content === 0 && manifest.specId === specId),
      add.length,
    )
    const existing: ManifestEntry[] = []
    for (const manifest of merged) {
      for (const entry of await this.#files.entries(this.#metadata, manifest)) {
        if (entry.status !== entryStatus.deleted) existing.push({ ...entry, status: entryStatus.existing })
      }
    }
    const manifest = this.#writeManifest([...added, ...existing], specId)
    return [manifest, ...manifests.filter((other) => !merged.has(other))]
  }

  /** Rewrites the manifests that name a file to remove; entries that go are pushed to `removed`. */
  async removeFiles(
    manifests: ManifestFile[],
    remove: ReadonlySet<string>,
    removed: ManifestEntry[],
  ): Promise<ManifestFile[]> {
    const kept: ManifestFile[] = []
    for (const manifest of manifests) {
      if (manifest.content !== 0) {
        kept.push(manifest)
        continue
      }
      const live = (await this.#files.entries(this.#metadata, manifest)).filter(
        (entry) => entry.status !== entryStatus.deleted,
      )
      if (!live.some((entry) => remove.has(entry.file.url))) {
        kept.push(manifest)
        continue
      }
      const entries = live.map((entry): ManifestEntry => {
        if (!remove.has(entry.file.url)) return { ...entry, status: entryStatus.existing }
        removed.push(entry)
        return { ...entry, status: entryStatus.deleted, snapshotId: this.#id }
      })
      kept.push(this.#writeManifest(entries, manifest.specId))
    }
    return kept
  }

  writeList(manifests: ManifestFile[], parent: Snapshot | undefined): string {
    const snapshot = { snapshotId: this.#id, parentId: parent?.['snapshot-id'], sequence: this.#sequence }
    const bytes = writeManifestList(manifests, snapshot)
    const url = this.#urlOf(`snap-${this.#id}-1-${this.#uuid}`, bytes)
    this.#write(url, bytes)
    this.#files.keepList(url, manifests)
    return url
  }

  /** Resolves when everything written is durable; the writes run side by side. */
  async finish(): Promise<void> {
    const results = await Promise.allSettled(this.#writes)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Takes back what was written, after it is certain that no commit names it. Best effort: maintenance finds the rest. */
  async undo(): Promise<void> {
    await Promise.allSettled(this.#writes)
    await Promise.allSettled(this.written.map((path) => this.#storage.delete(path)))
  }

  #writeManifest(entries: ManifestEntry[], specId: number): ManifestFile {
    const stem = `${this.#uuid}-m${this.#manifests++}`
    const { bytes, manifest } = writeManifest(entries, {
      urlOf: (bytes) => this.#urlOf(stem, bytes),
      schema: currentSchema(this.#metadata),
      spec: partitionSpec(this.#metadata, specId),
      snapshotId: this.#id,
      sequence: this.#sequence,
    })
    this.#write(manifest.url, bytes)
    this.#files.keepManifest(manifest.url, entries)
    return manifest
  }

  #urlOf(stem: string, bytes: Buffer): string {
    return `${this.#metadata.location}/metadata/${nameWithChecksum(stem, checksumOf(bytes), 'avro')}`
  }

  #write(url: string, bytes: Buffer): void {
    const path = this.#files.path(url)
    this.written.push(path)
    const write = this.#storage.write(path, bytes)
    // Its failure is reported by finish(); until then it must not count as unhandled.
    write.catch(() => {})
    this.#writes.push(write)
  }
}

/** Which manifests the new one of `added` files takes in: a whole tier when it is full, and the next if that fills it. */
export function planMerge(manifests: readonly ManifestFile[], added: number): Set<ManifestFile> {
  const tiers = byTier(manifests, liveFiles, 1)
  const merged = new Set<ManifestFile>()
  let size = added
  for (let tier = tierOf(size, 1); ; tier = tierOf(size, 1)) {
    const peers = (tiers.get(tier) ?? []).filter((manifest) => !merged.has(manifest))
    if (peers.length + 1 < TIER_FACTOR) return merged
    for (const peer of peers) {
      merged.add(peer)
      size += liveFiles(peer)
    }
  }
}

const liveFiles = (manifest: ManifestFile) => manifest.addedFiles + manifest.existingFiles

/** Iceberg's standard keys of a summary, beside ours. */
function summarize(
  change: Change,
  parent: Snapshot | undefined,
  removed: ManifestEntry[],
): Record<string, string> {
  const before = (key: string) => Number(parent?.summary[key] ?? 0)
  // What cannot be counted went from the total before to the total after.
  const totals = change.lost?.totals
  const delta = (key: string, added: number, gone: number, after: number | undefined) => ({
    added,
    removed: after === undefined ? gone : before(key) + added - after,
  })
  const rows = delta(
    'total-records',
    sum(change.add, (file) => file.rows),
    sum(removed, (entry) => entry.file.rows),
    totals?.rows,
  )
  const bytes = delta(
    'total-files-size',
    sum(change.add, (file) => file.bytes),
    sum(removed, (entry) => entry.file.bytes),
    totals?.bytes,
  )
  const count = delta('total-data-files', change.add.length, removed.length, totals?.files)
  const partitions = new Set([
    ...change.add.map((file) => JSON.stringify(file.partition)),
    ...removed.map((entry) => JSON.stringify(entry.file.partition)),
  ])
  const total = (key: string, { added, removed }: { added: number; removed: number }) =>
    String(before(key) + added - removed)
  const nonZero = (key: string, value: number) => (value === 0 ? {} : { [key]: String(value) })
  return {
    operation: change.operation,
    ...change.summary,
    ...nonZero('added-data-files', count.added),
    ...nonZero('added-records', rows.added),
    ...nonZero('added-files-size', bytes.added),
    ...nonZero('deleted-data-files', count.removed),
    ...nonZero('deleted-records', rows.removed),
    ...nonZero('removed-files-size', bytes.removed),
    'changed-partition-count': String(partitions.size),
    'total-records': total('total-records', rows),
    'total-files-size': total('total-files-size', bytes),
    'total-data-files': total('total-data-files', count),
    'total-delete-files': parent?.summary['total-delete-files'] ?? '0',
    'total-position-deletes': parent?.summary['total-position-deletes'] ?? '0',
    'total-equality-deletes': parent?.summary['total-equality-deletes'] ?? '0',
  }
}

const sum = <T>(items: readonly T[], get: (item: T) => number) =>
  items.reduce((total, item) => total + get(item), 0)

function nextMetadata(
  metadata: TableMetadata,
  snapshot: Snapshot,
  change: Change,
  settings: SnapshotSettings,
): Omit<StagedSnapshot, 'written'> {
  const id = snapshot['snapshot-id']
  const next: TableMetadata = {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': snapshot['timestamp-ms'],
    'current-snapshot-id': id,
    snapshots: [...metadata.snapshots, snapshot],
    'snapshot-log': [
      ...metadata['snapshot-log'],
      { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id },
    ],
    refs: { ...metadata.refs, main: { 'snapshot-id': id, type: 'branch' } },
    properties: { ...metadata.properties, ...change.properties },
  }
  const updates: MetadataUpdate[] = [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
  ]
  if (Object.keys(change.properties).length > 0) {
    updates.push({ action: 'set-properties', updates: change.properties })
  }
  const trimmed = trimSnapshots(next, { max: settings.snapshotsMax })
  if (trimmed.removed.length > 0)
    updates.push({ action: 'remove-snapshots', 'snapshot-ids': trimmed.removed })
  return { next: trimmed.metadata, updates }
}
