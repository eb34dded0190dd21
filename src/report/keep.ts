/**
 * Keeps what a report has read: the snapshots of its batch bear a tag, so neither expiry nor the removal of files takes them, and the same
 * report can be made again.
 *
 * The tags of the other tables are committed first and that of `events` last: where it stands, what has none was empty. Killed before: tags of
 * the others, which go by their age; making the report again goes on from there. The others live an hour longer than that of `events`,
 * which is let go of first. At most `REPORTS_MAX` batches are kept: with the next, the oldest goes.
 */
import type { Lake } from '../lake/lake.ts'
import { findSnapshot, type TableMetadata } from '../lake/metadata.ts'
import { EVENTS_TABLE } from '../model/pipeline.ts'
import type { Frozen } from './frozen.ts'
import { reportTag } from './snapshots.ts'

export interface Kept {
  tag: string
  /** Milliseconds since 1970. */
  untilMs: number
}

const REPORTS_MAX = 100
const LONGER_MS = 3_600_000

/**
 * Tags the batch in every table until then (milliseconds since 1970), or longer when it was to be kept for longer already; the same batch
 * again is the same tag. Throws `lake/no-snapshot` when these are other tables than were asked, or the snapshots are gone.
 */
export async function keepReport(
  lake: Pick<Lake, 'load' | 'changeTags'>,
  frozen: Frozen,
  untilMs: number,
): Promise<Kept> {
  const name = reportTag(frozen.batch)
  const { name: proof } = EVENTS_TABLE
  const remove = excess((await lake.load(proof))?.metadata, name)
  if (remove.length > 0) await lake.changeTags(proof, { remove })
  for (const table of frozen.tables.values()) {
    const { snapshotId } = table
    if (table.name === proof) continue
    const set = snapshotId === null ? undefined : { name, snapshotId, untilMs: untilMs + LONGER_MS }
    await lake.changeTags(table.name, { remove, ...(set ? { set } : {}) })
  }
  const snapshotId = frozen.tables.get(proof)!.snapshotId!
  const { metadata } = await lake.changeTags(proof, { set: { name, snapshotId, untilMs } })
  const committedMs = findSnapshot(metadata, snapshotId)!['timestamp-ms']
  return { tag: name, untilMs: committedMs + metadata.refs[name]!['max-ref-age-ms']! }
}

/** Tags of the oldest batches, so that there is room for one more. */
function excess(events: TableMetadata | undefined, name: string): string[] {
  const batchOf = (tag: string) => Number(/^report-(\d+)$/.exec(tag)?.[1] ?? Number.NaN)
  const others = Object.keys(events?.refs ?? {}).filter((tag) => tag !== name && batchOf(tag) >= 0)
  return others.sort((a, b) => batchOf(b) - batchOf(a)).slice(REPORTS_MAX - 1)
}
