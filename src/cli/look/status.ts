import type { Counters } from '../../lake/lake.ts'
import { property } from '../../lake/lake.ts'
import { parsePosition } from '../../model/position.ts'
import { ICEBERG_PREFIX } from '../../pipeline/paths.ts'
import type { Places } from '../../pipeline/places.ts'
import { hasLake, hasLog, openDataCatalog, openDataLog } from '../../pipeline/readers.ts'
import { EXIT } from '../exit.ts'
import { readUpFile, type UpFile } from '../up/up-file.ts'

/** The sum that must close: accepted = landed + dead + duplicate + pending. */
interface Ledger {
  accepted: number
  landed: number
  dead: number
  duplicate: number
  /** In the log and not committed yet; SQL sees most of them already. */
  pending: number
}

interface Status {
  running: boolean
  up: UpFile | null
  /** Null when there is no log yet. */
  ledger: Ledger | null
  /** Batch number of the newest commit; null before the first. */
  batch: number | null
}

/** `landfall status`. Exit code 1 when nothing runs on the data directory. */
export async function showStatus(places: Places, { json }: { json: boolean }): Promise<void> {
  const { data } = places
  const up = readUpFile(data)
  const status: Status = { running: up !== undefined, up: up ?? null, ...(await ledgerOf(places)) }
  process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : formatStatus(data, status))
  if (!status.running) process.exitCode = EXIT.failure
}

async function ledgerOf(places: Places): Promise<{ ledger: Ledger | null; batch: number | null }> {
  if (!hasLog(places)) return { ledger: null, batch: null }
  await using log = await openDataLog(places)
  // Tables first: the log's end, asked later, is never behind them.
  const version = hasLake(places) ? await (await openDataCatalog(places)).loadTable('events') : undefined
  const end = (await log.end()).next
  const properties = version?.metadata.properties ?? {}
  const counters = Object.values(JSON.parse(properties[property.counters] ?? '{}') as Counters)
  const total = (name: 'records' | 'landed' | 'dead' | 'duplicate') =>
    counters.reduce((sum, counts) => sum + counts[name], 0)
  const committed = properties[property.position]
  const next = committed === undefined ? (await log.start()).next : parsePosition(committed).next
  const pending = Object.entries(end).reduce(
    (sum, [partition, to]) => sum + to - (next[Number(partition)] ?? 0),
    0,
  )
  const [landed, dead, duplicate] = [total('landed'), total('dead'), total('duplicate')]
  const batch = properties[property.batch]
  return {
    ledger: { accepted: total('records') + pending, landed, dead, duplicate, pending },
    batch: batch === undefined ? null : Number(batch),
  }
}

function formatStatus(data: string, { up, ledger, batch }: Status): string {
  const lines: string[] = []
  if (up === null) lines.push(`nothing runs on ${data}`)
  else {
    const processes = Object.entries(up.processes).map(([name, pid]) => `${name} ${pid}`)
    lines.push(`up since ${up.startedAt} (pid ${up.supervisor}; ${processes.join(', ')})`)
    lines.push(`events   ${up.http}`, `SQL      ${up.sql}`, `Iceberg  ${up.sql}${ICEBERG_PREFIX}`)
    lines.push(`pipeline ${up.pipeline}`)
  }
  if (ledger !== null) {
    const { accepted, landed, dead, duplicate, pending } = ledger
    lines.push(
      `ledger   ${accepted} accepted = ${landed} landed + ${dead} dead letters + ${duplicate} duplicates + ${pending} pending`,
    )
    if (batch !== null) lines.push(`batch    ${batch}`)
  }
  return `${lines.join('\n')}\n`
}
