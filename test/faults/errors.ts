/**
 * Errors of the disk: EIO at syncs and at any operation, ENOSPC and EMFILE, for one operation or for a span of them, through opening, ingest,
 * landing and maintenance. What was answered stays true, what fails says so; and when the disk is well again, the same
 * directory opens, lands the rest, and adds up.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from './children.ts'
import { pipeline } from './pipeline.ts'

export interface ErrorsTask {
  directory: string
  pipeline: string
  count: number
  seed: number
}

export interface ErrorsReport {
  seed: number
  /** Cases: an error, or a span of them, and the recovery after it. */
  errors: number
  /** Those that the work went on through to its end. */
  survived: number
  /** Codes of the errors that ended the others. */
  told: Record<string, number>
}

const CASES_OF_A_PROCESS = 60

export async function runErrors(options: {
  count: number
  seed: number
  /** Processes at once. Default 1. */
  lanes?: number
  onProgress?: (report: ErrorsReport) => void
}): Promise<ErrorsReport> {
  const total: ErrorsReport = { seed: options.seed, errors: 0, survived: 0, told: {} }
  const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'landfall-errors-'))
  writeFileSync(join(scratch, 'pipeline.json'), JSON.stringify(pipeline))
  let begun = 0
  const lane = async () => {
    while (begun < options.count) {
      const number = begun / CASES_OF_A_PROCESS
      const count = Math.min(CASES_OF_A_PROCESS, options.count - begun)
      begun += CASES_OF_A_PROCESS
      add(total, await runSome(scratch, number, count, options.seed + number))
      options.onProgress?.(total)
    }
  }
  await Promise.all(Array.from({ length: options.lanes ?? 1 }, lane))
  rmSync(scratch, { recursive: true })
  return total
}

async function runSome(scratch: string, number: number, count: number, seed: number): Promise<ErrorsReport> {
  const directory = join(scratch, String(number))
  const task: ErrorsTask = { directory, pipeline: join(scratch, 'pipeline.json'), count, seed }
  const { code, output, errors } = await runChild('errors-child.ts', task, { root: directory, faults: [] })
  if (code !== 0) throw new Error(`errors of the disk, kept in ${directory}: ended with ${code}\n${errors}`)
  rmSync(directory, { recursive: true })
  return JSON.parse(output) as ErrorsReport
}

function add(total: ErrorsReport, { errors, survived, told }: ErrorsReport): void {
  total.errors += errors
  total.survived += survived
  for (const [code, times] of Object.entries(told)) total.told[code] = (total.told[code] ?? 0) + times
}
