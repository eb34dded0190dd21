import { type Refusals, readRefusals } from '../../collector/refusals-file.ts'
import { type Counts, type Ledger, readLedger, type TableLedger } from '../../ledger/ledger.ts'
import { type Places, topicOf } from '../../pipeline/places.ts'
import { hasLake, openDataLake, openDataLog } from '../../pipeline/readers.ts'
import { EXIT } from '../exit.ts'
import { styleOf } from '../style.ts'
import { formatTable } from '../table.ts'

export interface LedgerOptions {
  commits: boolean
  recount: boolean
  json: boolean
}

/** `landfall ledger`. Exit code 1 when it does not close. */
export async function showLedger(places: Places, options: LedgerOptions): Promise<void> {
  await using log = await openDataLog(places)
  const lake = hasLake(places) ? { lake: await openDataLake(places) } : {}
  const ledger = await readLedger({ log, ...lake, recount: options.recount })
  const refusals = await readRefusals(places.paths.state)
  const topic = topicOf(places)
  if (options.json) {
    const { commits, ...rest } = ledger
    const shown = { topic, ...rest, refusals: refusals ?? null, ...(options.commits ? { commits } : {}) }
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`)
  } else process.stdout.write(formatLedger(topic, ledger, refusals, options))
  if (!ledger.closes) process.exitCode = EXIT.failure
}

/** The sum in one line. */
export function sumText({ accepted, landed, dead, duplicate, pending }: Counts): string {
  return `${accepted} accepted = ${landed} landed + ${dead} dead letters + ${duplicate} duplicates + ${pending} pending`
}

function formatLedger(
  topic: string,
  ledger: Ledger,
  refusals: Refusals | undefined,
  { commits }: LedgerOptions,
): string {
  const parts = [formatPartitions(topic, ledger), formatTables(ledger.tables)]
  if (commits) parts.push(formatCommits(ledger))
  if (refusals !== undefined && refusals.refused.length > 0) parts.push(formatRefusals(refusals))
  parts.push(verdict(ledger))
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function verdict({ total, closes, findings, partitions }: Ledger): string {
  const lines = [sumText(total)]
  if (partitions.some(({ pendingIsExact }) => !pendingIsExact))
    lines.push('Pending is too much to be read: it counts offsets, some of which may have no record')
  const style = styleOf(process.stdout)
  if (closes) lines.push(style.green('The ledger closes'))
  else
    lines.push(
      style.red('The ledger does NOT close:'),
      ...findings.map(({ code, message }) => `  ${code}: ${message}`),
    )
  return lines.join('\n')
}

function formatPartitions(topic: string, { partitions, logId, total }: Ledger): string {
  const row = (name: string, of: Counts, rest: (number | null)[]) => [
    name,
    ...[of.accepted, of.landed, of.dead, of.duplicate, of.pending].map(String),
    ...rest.map((cell) => (cell === null ? '' : String(cell))),
  ]
  const rows = partitions.map((of) =>
    row(String(of.partition), of, [of.empty, of.begin, of.start, of.position, of.end]),
  )
  if (partitions.length !== 1) rows.push(row('all', total, []))
  const head = [
    'Partition',
    'Accepted',
    'Landed',
    'Dead',
    'Duplicates',
    'Pending',
    'Empty',
    'Begin',
    'Start',
    'Position',
    'End',
  ]
  return `Topic ${topic}, log ${logId}\n\n${formatTable(head, rows, { ...numbers(0, 10), spare: [6, 7, 8, 9] })}`
}

function formatTables(tables: readonly TableLedger[]): string {
  if (tables.length === 0) return ''
  const rows = tables.map((of) => [
    of.table,
    String(of.rows),
    String(of.files),
    String(of.batch),
    of.committedAt ?? '',
    of.snapshot ?? '',
    `${of.position === null ? '' : Object.values(of.position).join(',')}${of.ahead ? ' ahead' : ''}`,
  ])
  return formatTable(['Table', 'Rows', 'Files', 'Batch', 'Committed', 'Snapshot', 'Position'], rows, {
    ...numbers(1, 3),
    spare: [5, 3],
  })
}

function formatCommits({ commits, tables }: Ledger): string {
  const rows = commits.flatMap(({ batch, table, committedAt, snapshot, rows: added, ranges }) => {
    const own = [String(batch), table, committedAt, snapshot, String(added)]
    const cells = ranges.map(({ partition, from, to, records, landed, dead, duplicate }) => [
      ...own,
      ...[partition, from, to, records, landed, dead, duplicate].map(String),
    ])
    return cells.length === 0 ? [own] : cells
  })
  if (rows.length === 0)
    return tables.every(({ batch }) => batch === 0)
      ? 'There is no commit yet'
      : 'No commit is known any more: snapshots are kept for an hour'
  const head = [
    'Batch',
    'Table',
    'Committed',
    'Snapshot',
    'Rows',
    'Partition',
    'From',
    'To',
    'Records',
    'Landed',
    'Dead',
    'Duplicates',
  ]
  return formatTable(head, rows, {
    right: new Set([0, 4, 5, 6, 7, 8, 9, 10, 11]),
    spare: [3, 2],
  })
}

function formatRefusals({ since, until, refused }: Refusals): string {
  const rows = refused
    .toSorted((a, b) => a.status - b.status || (a.reason < b.reason ? -1 : 1))
    .map(({ reason, status, requests, events }) => [reason, String(status), String(requests), String(events)])
  return `Refused by this door from ${since} to ${until}\n\n${formatTable(['Reason', 'Status', 'Requests', 'Events'], rows, numbers(1, 3))}`
}

function numbers(from: number, to: number): { right: Set<number> } {
  return { right: new Set(Array.from({ length: to - from + 1 }, (_, i) => from + i)) }
}
