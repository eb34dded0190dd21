import { LandfallError } from '../../base/errors.ts'
import type { Lake } from '../../lake/lake.ts'
import { loadPlan } from '../../lander/batch-plan.ts'
import { loadDefinition } from '../../lander/definitions.ts'
import { type LanderStatus, readLanderStatus } from '../../lander/status.ts'
import type { RowPlace } from '../../ledger/event-tables.ts'
import { type Asked, type EventPath, PATHS_MAX, why } from '../../ledger/why.ts'
import type { TableDefinition } from '../../model/pipeline.ts'
import type { Places } from '../../pipeline/places.ts'
import { openPlans } from '../../pipeline/plans.ts'
import { hasLake, openDataLake, openDataLog } from '../../pipeline/readers.ts'
import { EXIT, usageError } from '../exit.ts'
import { formatTable } from '../table.ts'

/** `landfall why EVENT_ID|RECEIPT`. Exit code 1 when nothing of it was ever accepted. */
export async function showWhy(places: Places, text: string, { json }: { json: boolean }): Promise<void> {
  const asked = parseAsked(text)
  await using log = await openDataLog(places)
  for (const one of asked) if ('logId' in one && one.logId !== log.id) throw otherLog(one.logId, log.id)
  const lake = hasLake(places) ? await openDataLake(places) : undefined
  const definition = lake && (await landedDefinition(places, lake))
  const known = definition === undefined ? {} : { definition }
  const paths: EventPath[] = []
  for (const one of asked)
    paths.push(...(await why({ log, asked: one, ...(lake ? { lake } : {}), ...known })))
  const status = await readLanderStatus(places.paths.lander)
  const lander = paths.some(({ verdict }) => verdict === 'pending') ? landerText(status) : null
  if (json) process.stdout.write(`${JSON.stringify({ asked: text, lander, paths }, null, 2)}\n`)
  else process.stdout.write(format(text, asked, paths, lander))
  if (paths.every(({ verdict }) => verdict === 'unknown' || verdict === 'empty'))
    process.exitCode = EXIT.failure
}

const RECEIPT =
  /^(kafka:[^/,;\s]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(\d{1,9})\/(\d{1,15})(?:;count=(\d{1,9}))?$/
const EVENT_ID = /^[!-~]{1,128}$/

/** An event id, or the header `Landfall-Receipt` as it stands, which has one entry per partition. */
export function parseAsked(text: string): Asked[] {
  const receipts = text.split(/,\s*/).map((part) => RECEIPT.exec(part.trim()))
  if (receipts.every((match) => match !== null)) {
    return receipts.map((match) => {
      const [, logId = '', partition, offset, count = '1'] = match!
      return { logId, partition: Number(partition), offset: Number(offset), count: Number(count) }
    })
  }
  if (EVENT_ID.test(text)) return [{ id: text }]
  throw usageError(
    `${JSON.stringify(text.slice(0, 80))} is neither an event id nor a receipt`,
    'An id has 1 to 128 visible ASCII characters; a receipt is what Landfall-Receipt said: <log id>/<partition>/<offset>',
  )
}

function otherLog(given: string, own: string): LandfallError {
  return new LandfallError(
    'fix-request',
    'log/wrong-log',
    `the receipt is of log ${given}, and this is log ${own}`,
    {
      hint: 'Name the data directory or the log that it comes from, with --data or --log',
    },
  )
}

/** The tables of the definition that landed last; undefined when the lander is elsewhere. */
async function landedDefinition(
  places: Places,
  { storage }: Lake,
): Promise<readonly TableDefinition[] | undefined> {
  try {
    const plan = await loadPlan(places.paths.lander)
    return plan && (await loadDefinition(openPlans(places, storage), plan.definition)).tables
  } catch {
    return undefined
  }
}

function landerText(status: LanderStatus | undefined): string | null {
  if (status === undefined) return null
  const failing = status.error === null ? '' : `: ${status.error}`
  return isAlive(status.pid) ? `the lander runs${failing}` : `the lander does not run${failing}`
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function format(
  text: string,
  asked: readonly Asked[],
  paths: readonly EventPath[],
  lander: string | null,
): string {
  if (paths.length === 0)
    return `never seen: no row of events or dead_letters, and no record that is still to land, has the id ${text}\n`
  const wanted = asked.reduce((sum, one) => sum + ('id' in one ? 0 : one.count), 0)
  const rest =
    wanted > paths.length
      ? `\n${wanted - paths.length} more belong to the receipt: ask for them by their own offsets\n`
      : ''
  const more =
    wanted === 0 && paths.length === PATHS_MAX ? `\nthe first ${PATHS_MAX} of this id are shown\n` : ''
  return `${paths.map((path) => formatPath(path, lander)).join('\n')}${rest}${more}`
}

function formatPath(path: EventPath, lander: string | null): string {
  const { partition, offset, receipt, inLog, verdict } = path
  const kept =
    verdict === 'unknown' || verdict === 'empty'
      ? ''
      : inLog
        ? ', which the log still has'
        : ', which the log has let go of'
  const lines: [string, string | null][] = [
    ['event', path.eventId && `${path.eventId}${path.eventType === null ? '' : `, ${path.eventType}`}`],
    ['received', path.receivedAt],
    ['durable', kept === '' ? null : `at partition ${partition}, offset ${offset}${kept}`],
    ['receipt', receipt],
    ['batch', path.batch && `${path.batch.number}, committed ${path.batch.committedAt}`],
    [verdict, verdictText(path, lander)],
    [
      'missing',
      path.missing.length === 0
        ? null
        : `no row of it was found in ${path.missing.join(', ')}: "landfall ledger" says whether the tables add up`,
    ],
  ]
  const told = lines.filter(([, text]) => text !== null).map(([name, text]) => `${name.padEnd(9)} ${text}`)
  const tables = path.tables.length === 0 ? [] : ['', formatTables(path.tables)]
  return `${[...told, ...tables].join('\n')}\n`
}

function verdictText(
  { verdict, dead, first, waiting, tables, offset, batch }: EventPath,
  lander: string | null,
): string {
  const repeats =
    first === null ? null : `offset ${first.offset}, received ${first.receivedAt}, receipt ${first.receipt}`
  switch (verdict) {
    case 'landed':
      return `in ${tables.map(({ table }) => table).join(', ')}${batch === null ? '; the commit is older than the snapshots that are kept' : ''}`
    case 'dead':
      return `${dead!.reason}${dead!.field === null ? '' : ` of ${dead!.field}`}${dead!.detail === null ? '' : `: ${dead!.detail}`}${repeats === null ? '' : ` (${repeats})`}`
    case 'duplicate':
      return repeats === null
        ? 'of an earlier record; which one, the log can no longer tell'
        : `of ${repeats}`
    case 'pending':
      return `${waiting!.ahead} offsets land before it, of ${waiting!.behind} that wait${lander === null ? '' : `; ${lander}`}`
    case 'empty':
      return `no record stands at offset ${offset}: a mark of a transaction, or compaction took it`
    case 'unknown':
      return `offset ${offset} lies outside of what was ever accepted here`
  }
}

function formatTables(tables: readonly RowPlace[]): string {
  const rows = tables.map(({ table, file, snapshot, committedAt, batch, compacted }) => [
    table,
    snapshot,
    batch === null ? '' : String(batch),
    committedAt === null ? 'snapshot not kept' : `${committedAt}${compacted ? ' (compaction)' : ''}`,
    file,
  ])
  return formatTable(['Table', 'Snapshot', 'Batch', 'Committed', 'File'], rows, { right: new Set([1, 2]) })
}
