/** `landfall verify`. */
import { humanBytes } from '../../base/quantities.ts'
import type { Places } from '../../pipeline/places.ts'
import { hasLake } from '../../pipeline/readers.ts'
import { repairAll } from '../../verify/repair/repair.ts'
import type { Finding, OffsetRange, VerifyReport } from '../../verify/report.ts'
import { type Stage, verify } from '../../verify/verify.ts'
import { EXIT, usageError } from '../exit.ts'
import { openProgress, type Progress } from '../progress.ts'
import { styleOf } from '../style.ts'

export interface VerifyCommandOptions {
  repair: boolean
  json: boolean
}

const SHOWN: Record<Stage, { title: string; of: string }> = {
  log: { title: 'log', of: 'records' },
  files: { title: 'tables', of: 'bytes' },
  rows: { title: 'rows', of: 'tables' },
}

/** Exit code 1 when something is damaged and not repaired. */
export async function runVerify(places: Places, { repair, json }: VerifyCommandOptions): Promise<void> {
  if (!hasLake(places)) {
    throw usageError(
      `there are no tables in the data directory ${places.data}`,
      'Name another one with --data, or start a pipeline with "landfall up"',
    )
  }
  const progress = new Stages()
  const options = { onProgress: progress.show }
  let report: VerifyReport
  try {
    report = repair ? await repairAll(places, options) : await verify(places, options)
  } finally {
    progress.end()
  }
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report))
  if (!report.ok) process.exitCode = EXIT.failure
}

/** One bar after the other. */
class Stages {
  #stage: Stage | undefined
  #progress: Progress | undefined

  show = (stage: Stage, done: number, total: number): void => {
    if (this.#stage !== stage) {
      this.end()
      this.#stage = stage
      this.#progress = openProgress(SHOWN[stage].title, total, { of: SHOWN[stage].of })
    }
    this.#progress!.update(done)
  }

  end(): void {
    this.#progress?.end()
    this.#progress = undefined
  }
}

function formatReport(report: VerifyReport): string {
  const { findings, checked, unchecked, tables, ok } = report
  const kinds = Object.entries(checked).filter(([kind]) => kind !== 'log' && kind !== 'metadata')
  const files = kinds.reduce((sum, [, counted]) => sum + counted.files, 0)
  const bytes = kinds.reduce((sum, [, counted]) => sum + counted.bytes, 0)
  const lines = findings.map(formatFinding)
  if (unchecked.files > 0) {
    lines.push(
      `note: ${unchecked.files} data files (${humanBytes(unchecked.bytes)}) bear no checksum; sizes and rows were compared`,
    )
  }
  const rows = tables.map(({ table, rows }) => `${table} ${rows ?? '?'}`).join(', ')
  if (rows !== '') lines.push(`rows: ${rows}`)
  const damaged = findings.filter(({ level, repair }) => level === 'damage' && repair?.done !== true).length
  const repaired = findings.filter(({ repair }) => repair?.done === true).length
  const done = repaired === 0 ? '' : `, ${repaired} repaired`
  const sum = `${files} files, ${humanBytes(bytes)}: ${ok ? 'nothing is damaged' : `${damaged} damaged`}${done}`
  lines.push(ok ? sum : `${sum}. "landfall verify --repair" makes again what the log still has`)
  return `${lines.join('\n')}\n`
}

function formatFinding({ level, message, rows, days, offsets, repair }: Finding): string {
  const where = [
    ...(rows !== null && rows > 0 ? [`${rows} rows`] : []),
    ...(days.length > 0 ? [`of ${days.map((day) => day ?? 'no time').join(', ')}`] : []),
    ...(offsets.length > 0 ? [offsets.map(formatRange).join('; ')] : []),
  ]
  const first = `${level === 'damage' ? styleOf(process.stdout).red('DAMAGED') : 'note'}: ${message}${where.length > 0 ? ` (${where.join(', ')})` : ''}`
  if (repair === null) return first
  return `${first}\n  ${repair.done ? 'repaired' : 'NOT repaired'}: ${repair.message}`
}

function formatRange({ partition, from, to }: OffsetRange): string {
  return `offsets ${from} to ${to - 1} of partition ${partition}`
}
