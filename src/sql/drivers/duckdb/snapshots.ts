/** Tables as they were: at one of the snapshots that are still kept. */
import { LandfallError } from '../../../base/errors.ts'
import { property, type TableState } from '../../../lake/lake.ts'
import { currentSchema, type Snapshot, type TableMetadata } from '../../../lake/metadata.ts'
import { parsePosition } from '../../../model/position.ts'
import type { Freshness } from '../../sql.ts'

/** The table with the columns that it had then. Throws `sql/unknown-snapshot`. */
export function atSnapshot(state: TableState, id: bigint): TableState {
  const snapshot = snapshotOf(state, id)
  const metadata: TableMetadata = { ...state.metadata, 'current-schema-id': snapshot['schema-id'] }
  return { ...state, metadata, schema: currentSchema(metadata) }
}

function snapshotOf({ name, metadata }: TableState, id: bigint): Snapshot {
  const snapshot = metadata.snapshots.find((each) => each['snapshot-id'] === id)
  if (snapshot) return snapshot
  throw new LandfallError(
    'fix-request',
    'sql/unknown-snapshot',
    `Iceberg snapshot ID does not exists: ${id}`,
    {
      hint: `SELECT snapshot_id FROM "${name}$snapshots" has those that are kept`,
    },
  )
}

/** How far an answer reaches that reads nothing but old snapshots: as far as the oldest of them. */
export function freshnessOf(wanted: readonly { state: TableState; snapshotId: bigint }[]): Freshness {
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
