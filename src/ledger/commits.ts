/** What each commit did, from the snapshots that the tables still know (an hour, and a hundred, as the lake keeps them). */
import { type Counters, property, type TableState } from '../lake/lake.ts'
import type { Snapshot, TableMetadata } from '../lake/metadata.ts'
import { type Position, parsePosition } from '../model/position.ts'

/** Records of one partition that one commit of `events` decided. */
export interface CommittedRange {
  partition: number
  /** Offsets [from, to). */
  from: number
  to: number
  records: number
  landed: number
  dead: number
  duplicate: number
}

export interface CommitEntry {
  table: string
  batch: number
  snapshot: string
  /** RFC 3339 */
  committedAt: string
  /** Rows that it added to the table. */
  rows: number
  /** Only `events`. */
  ranges: CommittedRange[]
}

/** Where the history of a table begins; undefined when it does not say. */
export function beginOf(table: TableState | undefined): Position | undefined {
  const text = table?.metadata.properties[property.begin]
  return text === undefined ? undefined : parsePosition(text)
}

/** Snapshots from the current one back, as far as they are known. */
export function historyOf(metadata: TableMetadata): Snapshot[] {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
  const history: Snapshot[] = []
  let snapshot = byId.get(metadata['current-snapshot-id'] ?? -1n)
  while (snapshot !== undefined) {
    history.push(snapshot)
    snapshot = byId.get(snapshot['parent-snapshot-id'] ?? -1n)
  }
  return history
}

/** Its commits, oldest first. The oldest snapshot that is known is left out unless it is the table's first: what it added to is gone. */
export function commitsOf(state: TableState, begin: Position | undefined): CommitEntry[] {
  const history = historyOf(state.metadata)
  const commits: CommitEntry[] = []
  for (const [i, snapshot] of history.entries()) {
    const before = history[i + 1]
    const isFirst = snapshot['parent-snapshot-id'] === undefined
    if ((before === undefined && !isFirst) || !isCommit(snapshot, before)) continue
    commits.push({
      table: state.name,
      batch: Number(snapshot.summary[property.batch] ?? 0),
      snapshot: String(snapshot['snapshot-id']),
      committedAt: new Date(snapshot['timestamp-ms']).toISOString(),
      rows: Number(snapshot.summary['added-records'] ?? 0),
      ranges: rangesOf(snapshot, before, begin),
    })
  }
  return commits.reverse()
}

/** Compaction repeats the position of the snapshot before it. */
function isCommit({ summary }: Snapshot, before: Snapshot | undefined): boolean {
  return (
    summary['operation'] !== 'replace' && summary[property.position] !== before?.summary[property.position]
  )
}

function rangesOf(
  snapshot: Snapshot,
  before: Snapshot | undefined,
  begin: Position | undefined,
): CommittedRange[] {
  const counters = countersOf(snapshot)
  const position = positionOf(snapshot)
  if (counters === undefined || position === undefined) return []
  const earlier = (before && countersOf(before)) ?? {}
  const from = (before && positionOf(before)) ?? begin
  return Object.entries(position.next).flatMap(([key, to]) => {
    const partition = Number(key)
    const now = counters[partition] ?? NOTHING
    const then = earlier[partition] ?? NOTHING
    const range = {
      partition,
      from: from?.next[partition] ?? 0,
      to,
      records: now.records - then.records,
      landed: now.landed - then.landed,
      dead: now.dead - then.dead,
      duplicate: now.duplicate - then.duplicate,
    }
    return range.to === range.from && range.records === 0 ? [] : [range]
  })
}

const NOTHING = { records: 0, landed: 0, dead: 0, duplicate: 0 }

function countersOf({ summary }: Snapshot): Counters | undefined {
  const text = summary[property.counters]
  return text === undefined ? undefined : (JSON.parse(text) as Counters)
}

export function positionOf({ summary }: Snapshot): Position | undefined {
  const text = summary[property.position]
  return text === undefined ? undefined : parsePosition(text)
}
