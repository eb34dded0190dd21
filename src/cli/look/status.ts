import { type Counts, readLedger } from '../../ledger/ledger.ts'
import { ICEBERG_PREFIX } from '../../pipeline/paths.ts'
import type { Places } from '../../pipeline/places.ts'
import { hasLake, hasLog, openDataLake, openDataLog } from '../../pipeline/readers.ts'
import { readUpFile, type UpFile } from '../../pipeline/up-file.ts'
import { EXIT } from '../exit.ts'
import { sumText } from './ledger.ts'

interface Status {
  running: boolean
  up: UpFile | null
  /** Null when there is no log yet. */
  ledger: (Counts & { closes: boolean }) | null
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

async function ledgerOf(places: Places): Promise<Pick<Status, 'ledger' | 'batch'>> {
  if (!hasLog(places)) return { ledger: null, batch: null }
  await using log = await openDataLog(places)
  const { total, closes, batch } = await readLedger({
    log,
    ...(hasLake(places) ? { lake: await openDataLake(places) } : {}),
  })
  return { ledger: { ...total, closes }, batch: batch === 0 ? null : batch }
}

function formatStatus(data: string, { up, ledger, batch }: Status): string {
  const lines: string[] = []
  if (up === null) lines.push(`nothing runs on ${data}`)
  else {
    const processes = Object.entries(up.processes).map(([name, pid]) => `${name} ${pid}`)
    lines.push(`up since ${up.startedAt} (pid ${up.supervisor}; ${processes.join(', ')})`)
    lines.push(
      `events   ${up.http}`,
      `SQL      ${up.sql}`,
      `page     ${up.sql}/`,
      `Iceberg  ${up.sql}${ICEBERG_PREFIX}`,
    )
    lines.push(`pipeline ${up.pipeline}`)
  }
  if (ledger !== null) {
    lines.push(`ledger   ${sumText(ledger)}`)
    if (!ledger.closes) lines.push('         it does not close: "landfall ledger" says what does not add up')
    if (batch !== null) lines.push(`batch    ${batch}`)
  }
  return `${lines.join('\n')}\n`
}
