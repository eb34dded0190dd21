/** From what was read to the ledger: sums, and everything that does not add up. Pure. */
import { property, type TableState } from '../lake/lake.ts'
import { findSnapshot, type Snapshot } from '../lake/metadata.ts'
import { isOfStream } from '../lake/staged.ts'
import { covers, nextOffset, type Position } from '../model/position.ts'
import { beginOf, type CommitEntry, commitsOf, historyOf, positionOf } from './commits.ts'
import type { Counts, Finding, Ledger, PartitionLedger, Reading, TableLedger } from './ledger.ts'

/** `moved`: a table is so far ahead that `events` has probably been committed since it was read. */
export function account(reading: Reading): { ledger: Ledger; moved: boolean } {
  const { events, tables, logId } = reading
  const findings: Finding[] = []
  const partitions = accountPartitions(reading, findings)
  const total = sumOf(partitions)
  const commits = [...tables, ...(events ? [events] : [])].flatMap((state) =>
    commitsOf(state, beginOf(state)),
  )
  if (events !== undefined) {
    checkCommits(commits, reading.consecutive, findings)
    for (const state of [...tables, events]) checkTable(state, logId, findings)
    checkRows(events, total.landed, findings)
  }
  const ahead = tables.filter(({ position }) => position && !covers(positionOfEvents(reading), position))
  const moved = ahead.some((state) => isFarAhead(state, reading))
  for (const state of ahead) if (isFarAhead(state, reading)) findings.push(aheadFinding(state, events))
  const deadLetters = tables.find(({ name }) => name === 'dead_letters')
  checkDead(deadLetters, positionOfEvents(reading), total.dead, findings)
  const ledger: Ledger = {
    closes: findings.length === 0,
    findings,
    logId,
    batch: events?.batch ?? 0,
    total,
    partitions,
    tables: [...tables, ...(events ? [events] : [])].map((state) =>
      tableLedger(state, ahead.includes(state)),
    ),
    commits: commits.sort(
      (a, b) => a.batch - b.batch || Number(a.table === 'events') - Number(b.table === 'events'),
    ),
  }
  return { ledger, moved }
}

/** Before the first commit nothing has landed. */
function positionOfEvents({ events, start }: Reading): Position {
  return events?.position ?? start
}

function accountPartitions(reading: Reading, findings: Finding[]): PartitionLedger[] {
  const { start, end, logId } = reading
  const position = positionOfEvents(reading)
  if (position.logId !== logId) {
    const message = `events stands in log ${position.logId}, and this is log ${logId}`
    findings.push({ code: 'wrong-log', table: 'events', partition: null, message })
  }
  const own = position.logId === logId
  const known = own ? [start, position, end] : [position]
  const partitions = [...new Set(known.flatMap(({ next }) => Object.keys(next).map(Number)))].sort(
    (a, b) => a - b,
  )
  return partitions.map((partition) => accountPartition(reading, partition, own, findings))
}

function accountPartition(
  reading: Reading,
  partition: number,
  own: boolean,
  findings: Finding[],
): PartitionLedger {
  const { events, consecutive, counted } = reading
  const { records, landed, dead, duplicate } = events?.counters?.[partition] ?? {
    records: 0,
    landed: 0,
    dead: 0,
    duplicate: 0,
  }
  const position = nextOffset(positionOfEvents(reading), partition)
  const start = own ? nextOffset(reading.start, partition) : position
  const end = own ? nextOffset(reading.end, partition) : position
  const told = events === undefined ? reading.start : beginOf(events)
  const begin = told === undefined ? null : nextOffset(told, partition)
  const find = (code: Finding['code'], message: string) =>
    findings.push({ code, table: 'events', partition, message })

  if (records !== landed + dead + duplicate)
    find(
      'counters',
      `${records} records were counted, and ${landed} landed + ${dead} dead + ${duplicate} duplicates are ${landed + dead + duplicate}`,
    )
  if (start > position)
    find('log-trimmed', `the log has let go of offsets ${position} to ${start - 1} before they were landed`)
  if (end < position)
    find('log-behind', `the tables have offsets up to ${position - 1}, and the log ends before ${end}`)
  const passed = position - (begin ?? position - records)
  if (records > passed || (consecutive && records < passed))
    find('records', `offsets ${begin} to ${position - 1} have passed, and ${records} records were counted`)
  checkCounted(counted?.landed?.[partition], { passed, records, begin, start, position }, find)

  const offsets = Math.max(0, end - Math.max(start, position))
  const pending = counted?.pending?.[partition] ?? offsets
  const emptyLanded = Math.max(0, passed - records)
  // What is accepted is told by the log alone where it can be: the sum is then a proof.
  const accepted = consecutive && begin !== null && own ? end - begin : records + pending
  return {
    partition,
    begin,
    start,
    end,
    position,
    accepted,
    landed,
    dead,
    duplicate,
    pending,
    empty: emptyLanded + offsets - pending,
    pendingIsExact: consecutive || counted?.pending !== undefined || offsets === 0,
  }
}

/** The records that the log still has, against those that were counted when they landed. */
function checkCounted(
  found: number | undefined,
  {
    passed,
    records,
    begin,
    start,
    position,
  }: { passed: number; records: number; begin: number | null; start: number; position: number },
  find: (code: Finding['code'], message: string) => void,
): void {
  if (found === undefined) return
  const whole = begin !== null && start <= begin
  const emptyInLog = position - Math.max(start, begin ?? start) - found
  if (whole ? found !== records : emptyInLog > passed - records)
    find(
      'records',
      `the log has ${found} records from offset ${Math.max(start, begin ?? start)} to ${position - 1}, and ${records} were counted since ${begin ?? 'the first'}`,
    )
}

function sumOf(partitions: readonly PartitionLedger[]): Counts {
  const sum = (name: keyof Counts) => partitions.reduce((total, of) => total + of[name], 0)
  return {
    accepted: sum('accepted'),
    landed: sum('landed'),
    dead: sum('dead'),
    duplicate: sum('duplicate'),
    pending: sum('pending'),
  }
}

function checkRows(events: TableState, landed: number, findings: Finding[]): void {
  const rows = rowsOf(findSnapshot(events.metadata))
  if (rows === landed) return
  findings.push({
    code: 'rows',
    table: 'events',
    partition: null,
    message: `events has ${rows} rows, and ${landed} landed`,
  })
}

/** Up to the position of `events` it must hold exactly the dead. Where a stream has brought it ahead, that lies between two snapshots. */
function checkDead(
  state: TableState | undefined,
  position: Position,
  dead: number,
  findings: Finding[],
): void {
  const history = state === undefined ? [] : historyOf(state.metadata)
  const provedAt = history.findIndex((snapshot) => {
    const at = positionOf(snapshot)
    return at !== undefined && covers(position, at)
  })
  const least = provedAt < 0 ? 0 : rowsOf(history[provedAt])
  const ahead = history.slice(0, provedAt < 0 ? undefined : provedAt)
  const most = ahead.some(isOfStream) || (provedAt < 0 && isCut(history)) ? rowsOf(history[0]) : least
  if (dead >= least && dead <= most) return
  const rows = least === most ? String(least) : `${least} to ${most}`
  findings.push({
    code: 'dead-letters',
    table: 'dead_letters',
    partition: null,
    message: `dead_letters has ${rows} rows, and ${dead} records are dead`,
  })
}

/** Older snapshots have expired. */
const isCut = (history: readonly Snapshot[]) => history.at(-1)?.['parent-snapshot-id'] !== undefined

/** A batch commits its tables before `events`, a stream lets them go ahead; anything else means that `events` was put back. */
function isFarAhead(state: TableState, reading: Reading): boolean {
  const position = positionOfEvents(reading)
  if (state.position?.logId !== position.logId) return false
  const ahead = historyOf(state.metadata).filter((snapshot) => {
    const at = positionOf(snapshot)
    return at !== undefined && !covers(position, at)
  })
  return state.batch !== (reading.events?.batch ?? 0) + 1 && !ahead.some(isOfStream)
}

function aheadFinding(state: TableState, events: TableState | undefined): Finding {
  const message = `${state.name} stands ahead of events, at batch ${state.batch}, and events is at batch ${events?.batch ?? 0}`
  return { code: 'table-ahead', table: state.name, partition: null, message }
}

function checkTable(state: TableState, logId: string, findings: Finding[]): void {
  const { name, metadata, position } = state
  const find = (code: Finding['code'], message: string) =>
    findings.push({ code, table: name, partition: null, message })
  if (position !== undefined && position.logId !== logId && name !== 'events')
    find('wrong-log', `${name} stands in log ${position.logId}, and this is log ${logId}`)
  const snapshot = findSnapshot(metadata)
  if (snapshot === undefined) return
  if (metadata.properties[property.position] !== snapshot.summary[property.position])
    find('table-inconsistent', `the newest snapshot of ${name} is not a commit of ours`)
  const history = historyOf(metadata)
  for (const [i, { summary, 'snapshot-id': id }] of history.entries()) {
    const before = history[i + 1]
    if (before === undefined && isCut(history)) break
    const rows =
      rowsOf(before) + Number(summary['added-records'] ?? 0) - Number(summary['deleted-records'] ?? 0)
    if (rows !== rowsOf(history[i]))
      find('rows', `snapshot ${id} of ${name} should leave ${rows} rows, and leaves ${rowsOf(history[i])}`)
  }
}

/** Each commit for itself: its records by verdict, and its rows of `events`. */
function checkCommits(commits: readonly CommitEntry[], consecutive: boolean, findings: Finding[]): void {
  for (const { table, batch, rows, ranges } of commits) {
    if (table !== 'events') continue
    const landed = ranges.reduce((sum, range) => sum + range.landed, 0)
    const find = (partition: number | null, message: string) =>
      findings.push({ code: 'commit', table, partition, message: `batch ${batch}: ${message}` })
    if (landed !== rows) find(null, `${landed} records landed, and ${rows} rows were added`)
    for (const { partition, from, to, records } of ranges) {
      if (records > to - from || (consecutive && records < to - from))
        find(partition, `offsets ${from} to ${to - 1} passed, and ${records} records were counted`)
    }
  }
}

function rowsOf(snapshot: Snapshot | undefined): number {
  return Number(snapshot?.summary['total-records'] ?? 0)
}

function tableLedger(state: TableState, ahead: boolean): TableLedger {
  const snapshot = findSnapshot(state.metadata)
  return {
    table: state.name,
    rows: rowsOf(snapshot),
    files: Number(snapshot?.summary['total-data-files'] ?? 0),
    batch: state.batch,
    snapshot: snapshot === undefined ? null : String(snapshot['snapshot-id']),
    committedAt: snapshot === undefined ? null : new Date(snapshot['timestamp-ms']).toISOString(),
    position: state.position?.next ?? null,
    ahead,
  }
}
