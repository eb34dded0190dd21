import type { TableMetadata } from './metadata.ts'

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
  const named = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
  const current = metadata['current-snapshot-id']
  if (current !== undefined) named.add(current)
  const excess = metadata.snapshots.length - retention.max
  const gone = new Set<bigint>()
  metadata.snapshots.forEach((snapshot, index) => {
    const id = snapshot['snapshot-id']
    const old = retention.before !== undefined && snapshot['timestamp-ms'] < retention.before
    if (!named.has(id) && (index < excess || old)) gone.add(id)
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
