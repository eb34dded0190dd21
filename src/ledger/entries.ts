/** The ledger as rows that may be summed: each record that was accepted is counted in one of them. */
import type { Refusals } from '../collector/refusals-file.ts'
import type { CommitEntry } from './commits.ts'
import type { Ledger, PartitionLedger } from './ledger.ts'

export interface LedgerRow {
  /** `earlier`: all commits whose snapshots are not kept any more. */
  entry: 'earlier' | 'commit' | 'pending' | 'refused' | 'finding'
  topic: string
  partition: number | null
  table_name: string | null
  batch: number | null
  snapshot_id: string | null
  /** RFC 3339 */
  committed_at: string | null
  /** Offsets [from, to). */
  from_offset: number | null
  to_offset: number | null
  accepted: number | null
  landed: number | null
  dead: number | null
  duplicates: number | null
  pending: number | null
  /** Rows that the table got. */
  added_rows: number | null
  /** Requests and events that a door refused. */
  refused: number | null
  /** Of a refusal its reason, of a finding what does not add up. */
  detail: string | null
}

export function ledgerRows(topic: string, ledger: Ledger, refusals: Refusals | undefined): LedgerRow[] {
  const commits = ledger.commits.flatMap((commit) => commitRows(topic, commit))
  return [
    ...ledger.partitions.flatMap((of) => earlierRow(topic, of, ledger.commits)),
    ...ledger.tables.flatMap((of) => {
      const added = ledger.commits
        .filter(({ table }) => table === of.table)
        .reduce((sum, { rows }) => sum + rows, 0)
      const isOther = of.table !== 'events' && of.rows > added
      return isOther ? [rowOf('earlier', topic, { table_name: of.table, added_rows: of.rows - added })] : []
    }),
    ...commits,
    ...ledger.partitions.map(({ partition, position, end, pending }) =>
      rowOf('pending', topic, {
        partition,
        from_offset: position,
        to_offset: end,
        ...NONE,
        accepted: pending,
        pending,
      }),
    ),
    ...(refusals?.refused ?? []).map(({ reason, status, requests, events }) =>
      rowOf('refused', topic, { refused: requests + events, detail: `${status} ${reason}` }),
    ),
    ...ledger.findings.map(({ code, table, partition, message }) =>
      rowOf('finding', topic, { table_name: table, partition, detail: `${code}: ${message}` }),
    ),
  ]
}

const NONE = { landed: 0, dead: 0, duplicates: 0, pending: 0 }

function commitRows(
  topic: string,
  { table, batch, snapshot, committedAt, rows, ranges }: CommitEntry,
): LedgerRow[] {
  const own = { table_name: table, batch, snapshot_id: snapshot, committed_at: committedAt }
  if (ranges.length === 0) return [rowOf('commit', topic, { ...own, added_rows: rows })]
  return ranges.map(({ partition, from, to, records, landed, dead, duplicate }) =>
    rowOf('commit', topic, {
      ...own,
      partition,
      from_offset: from,
      to_offset: to,
      accepted: records,
      landed,
      dead,
      duplicates: duplicate,
      pending: 0,
      added_rows: landed,
    }),
  )
}

/** What a partition had before the first commit that is known. */
function earlierRow(topic: string, of: PartitionLedger, commits: readonly CommitEntry[]): LedgerRow[] {
  const { partition, begin, position } = of
  const ranges = commits.flatMap((commit) => commit.ranges.filter((range) => range.partition === partition))
  const rest = (total: number, name: 'landed' | 'dead' | 'duplicate') =>
    total - ranges.reduce((sum, range) => sum + range[name], 0)
  const [landed, dead, duplicates] = [
    rest(of.landed, 'landed'),
    rest(of.dead, 'dead'),
    rest(of.duplicate, 'duplicate'),
  ]
  const accepted = landed + dead + duplicates
  if (accepted === 0) return []
  return [
    rowOf('earlier', topic, {
      partition,
      table_name: 'events',
      from_offset: begin,
      to_offset: ranges[0]?.from ?? position,
      accepted,
      landed,
      dead,
      duplicates,
      pending: 0,
      added_rows: landed,
    }),
  ]
}

function rowOf(entry: LedgerRow['entry'], topic: string, filled: Partial<LedgerRow>): LedgerRow {
  return {
    entry,
    topic,
    partition: null,
    table_name: null,
    batch: null,
    snapshot_id: null,
    committed_at: null,
    from_offset: null,
    to_offset: null,
    accepted: null,
    landed: null,
    dead: null,
    duplicates: null,
    pending: null,
    added_rows: null,
    refused: null,
    detail: null,
    ...filled,
  }
}
