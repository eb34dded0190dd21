/**
 * Runs seeds of the simulation in processes of their own, some hundred in each.
 *
 *   node test/simulation/run-simulation.ts FROM COUNT          # what add up says a line in the end
 *   node test/simulation/seeds.ts SEED 1                       # one seed again
 *   node test/simulation/seeds.ts 0 1 --actions '[…]'          # the fewest actions that a failure named
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { SeedResult } from './seeds.ts'

export interface SimulationReport {
  /** Seeds that were run to their end. */
  seeds: number
  /** Records that went through, all together. */
  records: number
  failures: SeedResult[]
}

const SEEDS_OF_A_PROCESS = 200

export async function runSimulation(
  { seeds, from, lanes = 1 }: { seeds: number; from: number; lanes?: number },
  tell: (report: SimulationReport) => void = () => {},
): Promise<SimulationReport> {
  const report: SimulationReport = { seeds: 0, records: 0, failures: [] }
  let next = from
  const lane = async () => {
    while (next < from + seeds) {
      const first = next
      next = Math.min(first + SEEDS_OF_A_PROCESS, from + seeds)
      await runSome(first, next - first, report)
      tell(report)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return report
}

async function runSome(from: number, count: number, report: SimulationReport): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'seeds.ts'), `${from}`, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let done = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const result = JSON.parse(line) as SeedResult
    done += 1
    report.seeds += 1
    report.records += result.records
    if (result.failure !== undefined) report.failures.push(result)
  }
  const [code] = await closed
  if (done === count) return
  const error = `the process of seeds ${from} to ${from + count - 1} ended with ${code} in seed ${from + done}`
  report.failures.push({ seed: from + done, records: 0, failure: { error, actions: [] } })
}

if (import.meta.main) {
  const [from, seeds] = process.argv.slice(2).map(Number)
  const report = await runSimulation({ from: from!, seeds: seeds! })
  for (const failure of report.failures) process.stdout.write(`${JSON.stringify(failure)}\n`)
  process.stdout.write(
    `simulation: ${report.seeds} seeds, ${report.records} records, ${report.failures.length} that do not add up\n`,
  )
  process.exitCode = report.failures.length === 0 ? 0 : 1
}
