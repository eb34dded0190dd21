import { findSnapshot, type TableMetadata } from './metadata.ts'

/** Which snapshots stay: the current one, those that a ref names, and of the others the newest ones. */
export interface SnapshotRetention {
  /** At most so many, refs apart. */
  max: number
  /** Snapshots before this time (milliseconds since 1970) go. */
  before?: number
}

/**
 * Metadata without the snapshots that retention lets go. Files are not touched: those that no snapshot names any more are
 * found and unlinked by maintenance after their grace time.
 */
export function trimSnapshots(
  metadata: TableMetadata,
  retention: SnapshotRetention,
): { metadata: TableMetadata; removed: bigint[] } {
  const current = metadata['current-snapshot-id']
  const named = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
  const others = metadata.snapshots.filter(({ 'snapshot-id': id }) => id === current || !named.has(id))
  const excess = others.length - retention.max
  const gone = new Set<bigint>()
  others.forEach((snapshot, index) => {
    const old = retention.before !== undefined && snapshot['timestamp-ms'] < retention.before
    if (snapshot['snapshot-id'] !== current && (index < excess || old)) gone.add(snapshot['snapshot-id'])
  })
  if (gone.size === 0) return { metadata, removed: [] }
  // The log must not have gaps: it begins after its last entry whose snapshot is gone.
  const log = metadata['snapshot-log']
  const lastGap = log.findLastIndex((entry) => gone.has(entry['snapshot-id']))
  const trimmed = {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => !gone.has(snapshot['snapshot-id'])),
    'snapshot-log': log.slice(lastGap + 1),
  }
  return { metadata: trimmed, removed: [...gone] }
}

/** Metadata without the tags and branches that are older than they say they may be; `main` stays. Their snapshots are for `trimSnapshots`. */
export function trimRefs(
  metadata: TableMetadata,
  nowMs: number,
): { metadata: TableMetadata; removed: string[] } {
  const removed = Object.entries(metadata.refs)
    .filter(([name, { 'snapshot-id': id, 'max-ref-age-ms': ageMs }]) => {
      const snapshot = findSnapshot(metadata, id)
      return name !== 'main' && ageMs !== undefined && snapshot && nowMs - snapshot['timestamp-ms'] > ageMs
    })
    .map(([name]) => name)
  if (removed.length === 0) return { metadata, removed }
  const refs = Object.fromEntries(Object.entries(metadata.refs).filter(([name]) => !removed.includes(name)))
  return { metadata: { ...metadata, refs }, removed }
}
