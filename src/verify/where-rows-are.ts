/** Which rows a data file holds, as exactly as the metadata can tell. */
import { property } from '../lake/lake.ts'
import type { ManifestEntry } from '../lake/manifest.ts'
import { currentSchema, type TableMetadata } from '../lake/metadata.ts'
import { parsePosition } from '../model/position.ts'
import type { OffsetRange } from './report.ts'

const DAY_MS = 86_400_000

export function whereRowsAre(
  metadata: TableMetadata,
  entry: ManifestEntry,
): { days: (string | null)[]; offsets: OffsetRange[] } {
  return { days: daysOf(entry), offsets: boundsOf(metadata, entry) ?? committedBy(metadata, entry) }
}

/** Partitions by day are told as days. */
function daysOf({ file }: ManifestEntry): (string | null)[] {
  return Object.entries(file.partition)
    .filter(([name]) => name.endsWith('_day'))
    .map(([, day]) => (typeof day === 'number' ? new Date(day * DAY_MS).toISOString().slice(0, 10) : null))
}

/** `events` and `dead_letters` know the place of each row: their statistics have the first and the last. */
function boundsOf(metadata: TableMetadata, { file }: ManifestEntry): OffsetRange[] | undefined {
  const { fields } = currentSchema(metadata)
  const column = (name: string) => {
    const field = fields.find((one) => one.name === name)
    return field && file.columns.get(field.id)
  }
  const [partition, offset] = [column('partition'), column('offset')]
  if (partition?.lower?.length !== 4 || offset?.lower?.length !== 8 || offset.upper?.length !== 8) return
  const [from, to] = [Number(offset.lower.readBigInt64LE()), Number(offset.upper.readBigInt64LE()) + 1]
  const [low, high] = [partition.lower.readInt32LE(), partition.upper!.readInt32LE()]
  // Of several partitions only the bounds over all are known.
  return Array.from({ length: Math.min(high - low + 1, 1024) }, (_, i) => ({ partition: low + i, from, to }))
}

/** The batch that brought the file: from where its snapshot's parent stood to where it stands. */
function committedBy(metadata: TableMetadata, { snapshotId }: ManifestEntry): OffsetRange[] {
  const find = (id: bigint | undefined) => metadata.snapshots.find((one) => one['snapshot-id'] === id)
  const snapshot = find(snapshotId)
  const positionOf = (text: string | undefined) => (text === undefined ? undefined : parsePosition(text))
  const to = positionOf(snapshot?.summary[property.position])
  const from = positionOf(find(snapshot?.['parent-snapshot-id'])?.summary[property.position])
  // A compaction moves nothing, and its files may hold rows of any batch before it.
  if (to === undefined || snapshot?.summary['operation'] !== 'append') return []
  if (from === undefined && snapshot['parent-snapshot-id'] !== undefined) return []
  return Object.entries(to.next).flatMap(([partition, next]) => {
    const first = from?.next[Number(partition)] ?? 0
    return next > first ? [{ partition: Number(partition), from: first, to: next }] : []
  })
}
