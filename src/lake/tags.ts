/**
 * Tags: a snapshot that bears a name stays, with all its files, until the name goes (Iceberg's `refs` of type `tag`).
 *
 * A tag is a commit of the metadata alone, by the same path and with the same conflicts as any other, so whoever may write the tables may
 * tag them while a lander commits. It moves no position and makes no snapshot (but see the REST catalog, whose every commit does). Durable
 * when it is committed; killed before, nothing happened.
 */
import { LandfallError } from '../base/errors.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import { findSnapshot, type MetadataUpdate, type SnapshotReference } from './metadata.ts'
import type { Attempt } from './table-writer.ts'

export interface Tag {
  name: string
  snapshotId: bigint
  /** Milliseconds since 1970: from then on maintenance, ours or another engine's, lets go of it. */
  untilMs: number
}

export interface TagChange {
  /** One that is there stays at least as long as it would have; `lake/tag-taken` when it names another snapshot. */
  set?: Tag
  /** Tags that are not there are gone already. */
  remove?: readonly string[]
}

/** Undefined: everything is so already. Throws `lake/no-snapshot` when the snapshot is not there, or not any more. */
export function changedTags(base: TableVersion, change: TagChange, nowMs: number): Attempt | undefined {
  const { metadata } = base
  const refs = { ...metadata.refs }
  const updates: MetadataUpdate[] = []
  for (const name of change.remove ?? []) {
    if (refs[name]?.type !== 'tag') continue
    delete refs[name]
    updates.push({ action: 'remove-snapshot-ref', 'ref-name': name })
  }
  const { set } = change
  const ref = set && referenceOf(base, set)
  if (ref && refs[set.name]?.['max-ref-age-ms'] !== ref['max-ref-age-ms']) {
    refs[set.name] = ref
    updates.push({ action: 'set-snapshot-ref', 'ref-name': set.name, ...ref })
  }
  if (updates.length === 0) return undefined
  const next = { ...metadata, refs, 'last-updated-ms': Math.max(nowMs, metadata['last-updated-ms'] + 1) }
  return { next, updates }
}

/** Iceberg counts the age of a tag from the time of its snapshot. */
function referenceOf({ name: table, metadata }: TableVersion, tag: Tag): SnapshotReference {
  const { name, snapshotId, untilMs } = tag
  const snapshot = findSnapshot(metadata, snapshotId)
  if (snapshot === undefined) throw noSnapshot(table, snapshotId)
  const there = metadata.refs[name]
  if (there !== undefined && there['snapshot-id'] !== snapshotId) {
    throw new LandfallError(
      'retry',
      'lake/tag-taken',
      `tag ${name} of ${table} names snapshot ${there['snapshot-id']}, not ${snapshotId}`,
      { hint: 'Read the snapshot that bears the tag', details: { table, tag: name } },
    )
  }
  const ageMs = Math.max(1, Math.ceil(untilMs) - snapshot['timestamp-ms'], there?.['max-ref-age-ms'] ?? 0)
  return { 'snapshot-id': snapshotId, type: 'tag', 'max-ref-age-ms': ageMs }
}

export function noSnapshot(table: string, id: bigint): LandfallError {
  return new LandfallError('fix-request', 'lake/no-snapshot', `table ${table} has no snapshot ${id}`, {
    hint: 'It has expired, or it is of another table',
  })
}
