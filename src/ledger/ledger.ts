/**
 * The ledger: does the sum add up? Of every record that the log has accepted since the tables began it says what became of it:
 *
 *   accepted = landed + dead + duplicate + pending
 *
 * Everything comes from what is durable: the log's start and end, and of each table one version of its metadata, in which position,
 * counters and rows stand together. No process is asked, so it holds while any of them is dead.
 *
 * It is read in an order in which nothing that happens meanwhile can make it look wrong:
 * 1. The log's **start**. The log is trimmed up to the position of `events` at most, so a start that is read first is never beyond
 *    the position that is read after it.
 * 2. **`events`**, one version: its position, counters and rows are of one commit.
 * 3. The **other tables**. They are committed before `events`, so each is at least there, and may be ahead: it is then taken at its
 *    newest snapshot that the position of `events` covers.
 * 4. The log's **end**. Nothing lands before it is durable, so an end that is read last is never behind a position.
 * A table that is ahead by more than one batch means that `events` has moved since 2: read again.
 */
import type { Lake, TableState } from '../lake/lake.ts'
import { property } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import { EVENTS_TABLE } from '../model/pipeline.ts'
import type { Position } from '../model/position.ts'
import { account } from './account.ts'
import { beginOf, type CommitEntry } from './commits.ts'
import { countRecords } from './count-records.ts'

/** Numbers of records. */
export interface Counts {
  /** landed + dead + duplicate + pending, when it closes. */
  accepted: number
  landed: number
  dead: number
  duplicate: number
  /** In the log and not committed yet; SQL sees most of them already. */
  pending: number
}

export interface PartitionLedger extends Counts {
  partition: number
  /** Where the tables began; null when they do not say (they were made by an older version). */
  begin: number | null
  /** What the log still has: [start, end). */
  start: number
  end: number
  /** Offset that lands next: everything before it has landed, is dead or is a duplicate. */
  position: number
  /** Offsets without a record (marks of transactions, what compaction took) between begin and end. */
  empty: number
  /** Whether `pending` counts records; false: there are too many to read, and it counts offsets, some of which may have no record. */
  pendingIsExact: boolean
}

export interface TableLedger {
  table: string
  rows: number
  files: number
  /** Of the newest commit; 0 before the first. */
  batch: number
  /** Null before the first commit. */
  snapshot: string | null
  /** RFC 3339 */
  committedAt: string | null
  /** partition → offset that lands next. A table without rows since stays behind. */
  position: Record<number, number> | null
  /** It has rows that `events` does not have yet: a batch or a stream is between its commits. */
  ahead: boolean
}

/** Something that does not add up. */
export interface Finding {
  code:
    | 'counters'
    | 'records'
    | 'rows'
    | 'dead-letters'
    | 'commit'
    | 'table-ahead'
    | 'table-inconsistent'
    | 'wrong-log'
    | 'log-trimmed'
    | 'log-behind'
  table: string | null
  partition: number | null
  /** One line: what was expected and what was found. */
  message: string
}

export interface Ledger {
  closes: boolean
  /** What does not add up; empty when it closes. */
  findings: Finding[]
  logId: string
  /** Number of the newest batch; 0 before the first. */
  batch: number
  total: Counts
  partitions: PartitionLedger[]
  tables: TableLedger[]
  /** Commits whose snapshots are still known, oldest first; of `events` with their counts per partition. */
  commits: CommitEntry[]
}

/** What was read, in the order above: what a ledger is computed from. */
export interface Reading {
  logId: string
  /** See `LogReader.consecutive`. */
  consecutive: boolean
  start: Position
  events: TableState | undefined
  /** All other tables of the pipeline. */
  tables: readonly TableState[]
  end: Position
  /** Records in the log before and behind the position of `events`, by partition, where they were counted by reading them. */
  counted?: Counted
}

export interface Counted {
  /** From the later of begin and start to the position. */
  landed?: Record<number, number>
  pending?: Record<number, number>
}

export interface LedgerOptions {
  log: LogReader
  /** Absent: no lander has ever run, and everything is pending. */
  lake?: Lake
  /** Read the log again and count the records of everything that it still has (default: only what is pending, and only where offsets may have none). */
  recount?: boolean
  /** Beyond so many pending offsets they are not read (default 1,000,000). */
  pendingReadMax?: number
  signal?: AbortSignal
}

const ATTEMPTS_MAX = 20
const PENDING_READ_MAX = 1_000_000

/** Throws only what log and lake throw; what does not add up is told in `findings`. */
export async function readLedger(options: LedgerOptions): Promise<Ledger> {
  for (let attempt = 1; ; attempt++) {
    const reading = await takeReading(options.log, options.lake)
    const { ledger, moved } = account(reading)
    if (moved && attempt < ATTEMPTS_MAX && options.lake && (await hasMoved(options.lake, reading.events)))
      continue
    const counted = await count(options, reading, ledger)
    return counted === undefined ? ledger : account({ ...reading, counted }).ledger
  }
}

async function takeReading(log: LogReader, lake: Lake | undefined): Promise<Reading> {
  const start = await log.start()
  const events = await lake?.load(EVENTS_TABLE.name)
  const tables = lake ? await readTables(lake) : []
  const end = await log.end()
  return { logId: log.id, consecutive: log.consecutive, start, events, tables, end }
}

/** The tables that Landfall has made, but for `events`; others may lie in the same namespace. */
export async function readTables(lake: Lake): Promise<TableState[]> {
  const names = (await lake.listTables()).filter((name) => name !== EVENTS_TABLE.name).sort()
  const states = await Promise.all(names.map((name) => lake.load(name)))
  return states.filter(
    (state) => state?.metadata.properties[property.formatVersion] !== undefined,
  ) as TableState[]
}

async function hasMoved(lake: Lake, events: TableState | undefined): Promise<boolean> {
  const now = await lake.load(EVENTS_TABLE.name)
  return now?.metadata['current-snapshot-id'] !== events?.metadata['current-snapshot-id']
}

/** Counts records by reading them, where that was asked for or where offsets alone do not tell. */
async function count(
  { log, recount = false, pendingReadMax = PENDING_READ_MAX, signal }: LedgerOptions,
  { start, end, events }: Reading,
  ledger: Ledger,
): Promise<Counted | undefined> {
  if (ledger.findings.some(({ code }) => code === 'wrong-log' || code.startsWith('log-'))) return undefined
  const position = events?.position ?? start
  const pending =
    recount || (!log.consecutive && ledger.total.pending <= pendingReadMax)
      ? await countRecords(log, position, end, signal)
      : undefined
  const landed = recount
    ? await countRecords(log, laterOf(start, beginOf(events)), position, signal)
    : undefined
  if (pending === undefined && landed === undefined) return undefined
  return { ...(landed ? { landed } : {}), ...(pending ? { pending } : {}) }
}

function laterOf(start: Position, begin: Position | undefined): Position {
  const next = { ...start.next }
  for (const [partition, offset] of Object.entries(begin?.next ?? {}))
    next[Number(partition)] = Math.max(next[Number(partition)] ?? 0, offset)
  return { logId: start.logId, next }
}
