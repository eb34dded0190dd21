/**
 * A commit in the words of the REST catalog: what must hold, and what changes.
 *
 * The server compares no versions. It applies the updates to whatever is current, provided the requirements hold, and requirements can
 * name refs, schema and spec, but no properties. So a commit that only sets properties (a raised epoch, the fence of a sweep) would be seen
 * by nobody: a writer with an older base would still commit. Therefore every commit of ours moves `main`: one that brings no snapshot gets
 * an empty one (operation `replace`, the same manifests, our position and epoch in its summary). Then "main is where the base had it"
 * means "no commit of ours came between", and each commit has an id by which it is found again when its answer was lost.
 *
 * One kind is left out: letting go of old snapshots and tags. It takes nothing that another commit could build upon, so it may be overtaken unseen;
 * and it is due when tables are idle, where each empty snapshot would be the next to go.
 *
 * Commits of other engines are noticed when they changed `main`, schema or spec; properties that they set are kept.
 */
import { property } from '../../../lake/lake.ts'
import type { MetadataUpdate, TableMetadata } from '../../../lake/metadata.ts'
import { stageSnapshot } from '../../../lake/snapshot.ts'
import type { TableFiles } from '../../../lake/table-files.ts'
import type { Storage } from '../../../storage/storage.ts'
import type { TableVersion } from '../../catalog.ts'

export interface CommitRequest {
  requirements: Record<string, unknown>[]
  updates: MetadataUpdate[]
  /** Paths written for it, to be deleted when it has certainly not happened. */
  written: string[]
  /** Whether a version of the table has this commit in it. */
  isIn(metadata: TableMetadata): boolean
}

export async function commitRequest(
  storage: Storage,
  files: TableFiles,
  base: TableVersion,
  next: TableMetadata,
  updates: MetadataUpdate[],
): Promise<CommitRequest> {
  const requirements = requirementsOf(base.metadata)
  if (updates.every(({ action }) => action === 'remove-snapshots' || action === 'remove-snapshot-ref')) {
    const gone = updates.flatMap((update) =>
      update.action === 'remove-snapshots' ? update['snapshot-ids'] : [],
    )
    const names = updates.flatMap((update) =>
      update.action === 'remove-snapshot-ref' ? [update['ref-name']] : [],
    )
    const isIn = (metadata: TableMetadata) =>
      !gone.some((id) => hasSnapshot(id)(metadata)) && !names.some((name) => name in metadata.refs)
    return { requirements, updates, written: [], isIn }
  }
  const added = updates.find((update) => update.action === 'add-snapshot')
  if (added !== undefined) {
    return { requirements, updates, written: [], isIn: hasSnapshot(added.snapshot['snapshot-id']) }
  }
  const empty = await emptySnapshot(storage, files, { ...base, metadata: next })
  const isIn = hasSnapshot(empty.next['current-snapshot-id']!)
  return { requirements, updates: [...updates, ...empty.updates], written: empty.written, isIn }
}

const hasSnapshot = (id: bigint) => (metadata: TableMetadata) =>
  metadata.snapshots.some((snapshot) => snapshot['snapshot-id'] === id)

function requirementsOf(metadata: TableMetadata): Record<string, unknown>[] {
  const main = metadata.refs.main?.['snapshot-id'] ?? metadata['current-snapshot-id'] ?? null
  return [
    { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
    { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': main },
    { type: 'assert-current-schema-id', 'current-schema-id': metadata['current-schema-id'] },
    { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': metadata['last-column-id'] },
    { type: 'assert-default-spec-id', 'default-spec-id': metadata['default-spec-id'] },
  ]
}

/** Keys that a snapshot's summary has beside the table's properties. */
const OURS = [property.position, property.batch, property.counters, property.epoch, property.definition]

async function emptySnapshot(storage: Storage, files: TableFiles, base: TableVersion) {
  const { properties } = base.metadata
  const summary = Object.fromEntries(
    OURS.flatMap((key) => (properties[key] === undefined ? [] : [[key, properties[key]]])),
  )
  const change = {
    operation: 'replace' as const,
    add: [],
    remove: new Set<string>(),
    summary,
    properties: {},
  }
  const settings = { nowMs: Date.now(), snapshotsMax: Number.POSITIVE_INFINITY }
  return (await stageSnapshot(storage, files, base, change, settings))!
}
