/** Tables as they were: at one of the snapshots that are still kept. */
import { LandfallError } from '../../../base/errors.ts'
import { property, type TableState } from '../../../lake/lake.ts'
import { currentSchema, type Snapshot, type TableMetadata } from '../../../lake/metadata.ts'
import { parsePosition } from '../../../model/position.ts'
import type { Version } from '../../names/namespace.ts'
import type { Freshness } from '../../sql.ts'

/** A table as it was, with the columns that it had then. */
export interface Then {
  state: TableState
  snapshotId: bigint
}

/** Throws `sql/unknown-snapshot`. */
export function atVersion(now: TableState, version: Version): Then {
  const snapshotId = typeof version === 'bigint' ? version : referenced(now, version)
  const snapshot = snapshotOf(now, snapshotId)
  const metadata: TableMetadata = { ...now.metadata, 'current-schema-id': snapshot['schema-id'] }
  return { snapshotId, state: { ...now, metadata, schema: currentSchema(metadata) } }
}

/** The snapshot of a tag or branch. The messages of both are Trino's. */
function referenced({ name, metadata: { refs } }: TableState, reference: string): bigint {
  if (Object.hasOwn(refs, reference)) return refs[reference]!['snapshot-id']
  throw unknownSnapshot(
    `Cannot find snapshot with reference name: ${reference}`,
    `SELECT name FROM "${name}$refs"`,
  )
}

function snapshotOf({ name, metadata }: TableState, id: bigint): Snapshot {
  const snapshot = metadata.snapshots.find((each) => each['snapshot-id'] === id)
  if (snapshot) return snapshot
  throw unknownSnapshot(
    `Iceberg snapshot ID does not exists: ${id}`,
    `SELECT snapshot_id FROM "${name}$snapshots"`,
  )
}

function unknownSnapshot(message: string, query: string): LandfallError {
  return new LandfallError('fix-request', 'sql/unknown-snapshot', message, {
    hint: `${query} has those that are kept`,
  })
}

/** How far an answer reaches that reads nothing but old snapshots: as far as the oldest of them. */
export function freshnessOf(wanted: readonly Then[]): Freshness {
  const found = wanted.map(({ state, snapshotId }) => {
    const { summary, 'timestamp-ms': committedAt } = snapshotOf(state, snapshotId)
    const position = summary[property.position]
    return {
      position: position === undefined ? undefined : parsePosition(position),
      batch: Number(summary[property.batch] ?? 0),
      committedAt,
    }
  })
  const { position, batch, committedAt } = found.reduce((oldest, each) =>
    each.batch < oldest.batch ? each : oldest,
  )
  return { position, end: position, behind: false, batch, committedAt }
}
