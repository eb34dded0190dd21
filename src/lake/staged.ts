/**
 * Snapshots that another engine has staged (Iceberg's write-audit-publish: a snapshot with `wap.id` in its summary that no branch
 * names). Nothing of one is visible until a commit of ours takes its files; one that is left behind is only listed in the metadata.
 *
 * What a crash leaves: an engine that dies before its commit leaves files that nothing names (maintenance takes them); after it, a
 * staged snapshot, which the next commit to the table lets go of, or snapshot expiry does.
 */
import { LandfallError } from '../base/errors.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import type { DataFile, StagedCommit } from './lake.ts'
import { entryStatus } from './manifest.ts'
import type { MetadataUpdate, Snapshot, TableMetadata } from './metadata.ts'
import type { StagedSnapshot } from './snapshot.ts'
import type { TableFiles } from './table-files.ts'

/** Iceberg's keys (org.apache.iceberg.SnapshotSummary). */
export const WAP_ID = 'wap.id'
export const PUBLISHED_WAP_ID = 'published-wap-id'
/** Spark's number of a micro-batch, in what a stream commits (org.apache.iceberg.spark.source.SparkWrite). */
const STREAM_EPOCH = 'spark.sql.streaming.epochId'
/** Ids of ours begin so; what others stage is theirs. */
export const STAGED_PREFIX = 'landfall-'
/** … and those of streams so. */
export const STREAM_PREFIX = `${STAGED_PREFIX}stream-`

/**
 * The data files that the staged snapshot of this id has added. Throws `lake/nothing-staged` (kind `retry`) when there is no such
 * snapshot or more than one, and `lake/staged-rows` when it does not hold `rows` rows of new data files, and nothing else.
 */
export async function stagedFiles(
  files: TableFiles,
  { name, metadata }: TableVersion,
  { wapId, rows, streamEpoch }: Pick<StagedCommit, 'wapId' | 'rows' | 'streamEpoch'>,
): Promise<DataFile[]> {
  const found = findStaged(metadata, wapId, streamEpoch)
  const [snapshot] = found
  if (snapshot === undefined || found.length > 1) {
    throw new LandfallError(
      'retry',
      'lake/nothing-staged',
      `${name} has ${found.length} staged snapshots of ${wapId}, expected one`,
      {
        hint: 'Stage the rows again under another id',
      },
    )
  }
  const added: DataFile[] = []
  let strange = 0
  for (const manifest of await files.manifests(snapshot)) {
    if (manifest.addedSnapshotId !== snapshot['snapshot-id']) continue
    const usual = manifest.content === 0 && manifest.specId === metadata['default-spec-id']
    if (!usual) strange += 1
    for (const { status, snapshotId, file } of usual ? await files.entries(metadata, manifest) : []) {
      if (snapshotId !== snapshot['snapshot-id']) continue
      if (status === entryStatus.added) added.push(files.dataFile(file))
      else strange += 1
    }
  }
  const count = added.reduce((sum, file) => sum + file.rows, 0)
  if (count === rows && strange === 0) return added
  const what =
    strange > 0 ? `${count} rows and ${strange} changes that are no new data files` : `${count} rows`
  throw new LandfallError(
    'bug',
    'lake/staged-rows',
    `the staged snapshot ${wapId} of ${name} has ${what}, expected ${rows} rows`,
    {
      hint: 'Nothing was committed',
      details: { table: name, expected: rows, found: count },
    },
  )
}

/** Whether a commit took what a stream had staged: then the table may stand ahead of `events`, each at a position of its own. */
export function isOfStream({ summary }: Snapshot): boolean {
  return summary[PUBLISHED_WAP_ID]?.startsWith(STREAM_PREFIX) === true
}

/** What is staged under an id: of a stream, by this micro-batch. */
export function findStaged(metadata: TableMetadata, wapId: string, streamEpoch?: number): Snapshot[] {
  return unpublished(metadata).filter(
    ({ summary }) =>
      summary[WAP_ID] === wapId && (streamEpoch === undefined || epochOf(summary) === streamEpoch),
  )
}

const epochOf = (summary: Record<string, string>) => Number(summary[STREAM_EPOCH] ?? -1)

/**
 * The same commit, which also lets go of every staged snapshot of ours: of this batch and of those that were given up. Of a stream, what
 * it has staged since stays.
 */
export function withoutStaged(
  staged: StagedSnapshot,
  { wapId, streamEpoch = Number.POSITIVE_INFINITY }: Pick<StagedCommit, 'wapId' | 'streamEpoch'>,
): StagedSnapshot {
  const gone = unpublished(staged.next)
    .filter(({ summary }) => summary[WAP_ID]?.startsWith(STAGED_PREFIX))
    .filter(({ summary }) => summary[WAP_ID] !== wapId || epochOf(summary) <= streamEpoch)
    .map((snapshot) => snapshot['snapshot-id'])
  if (gone.length === 0) return staged
  const snapshots = staged.next.snapshots.filter((snapshot) => !gone.includes(snapshot['snapshot-id']))
  const update: MetadataUpdate = { action: 'remove-snapshots', 'snapshot-ids': gone }
  return { ...staged, next: { ...staged.next, snapshots }, updates: [...staged.updates, update] }
}

/** Staged snapshots that no branch and no history names. */
function unpublished(metadata: TableMetadata): Snapshot[] {
  const named = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
  if (metadata['current-snapshot-id'] !== undefined) named.add(metadata['current-snapshot-id'])
  for (const entry of metadata['snapshot-log']) named.add(entry['snapshot-id'])
  return metadata.snapshots.filter(
    (snapshot) => snapshot.summary[WAP_ID] !== undefined && !named.has(snapshot['snapshot-id']),
  )
}
