/** The process of errors.ts. `errors-child.ts TASK`; its answer is a JSON line on stdout. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isLandfallError, LandfallError } from '../../src/base/errors.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import type { ErrorsReport, ErrorsTask } from './errors.ts'
import { randomSource } from './events.ts'
import { hook } from './hook.ts'
import { Journal } from './journal.ts'
import { expectTruth } from './oracle.ts'
import type { Fault, OperationKind } from './plan.ts'
import { work } from './workload.ts'
import { clockAhead, openWorld, type World } from './world.ts'

const MINUTE = 60_000
/** Cases of one directory. */
const CHAIN_LENGTH = 30
const ROOM: readonly OperationKind[] = ['create', 'write', 'mkdir']
const CODES: readonly { error: string; kinds?: readonly OperationKind[] }[] = [
  { error: 'EIO', kinds: ['sync'] },
  { error: 'EIO' },
  { error: 'ENOSPC', kinds: ROOM },
  { error: 'EMFILE', kinds: ['create'] },
]

const task = JSON.parse(process.argv[2]!) as ErrorsTask
const pipeline = JSON.parse(readFileSync(task.pipeline, 'utf8')) as CompiledPipeline
const random = randomSource(task.seed)
const report: ErrorsReport = { seed: task.seed, errors: 0, survived: 0, told: {} }

for (let number = 0; number < task.count; number++) {
  const chain = Math.floor(number / CHAIN_LENGTH)
  const directory = join(task.directory, String(chain))
  if (number % CHAIN_LENGTH === 0) {
    mkdirSync(directory, { recursive: true })
    if (chain > 0) rmSync(join(task.directory, String(chain - 1)), { recursive: true })
  }
  await oneCase(number, directory, `${task.directory}-${chain}.journal`)
}
process.stdout.write(`${JSON.stringify(report)}\n`)

async function oneCase(number: number, directory: string, journalPath: string): Promise<void> {
  const { error, kinds } = CODES[number % CODES.length]!
  const fault: Fault = {
    at: 1 + Math.floor(random() * (kinds === undefined ? 300 : 80)),
    count: 1 + Math.floor(random() ** 3 * 30),
    ...(kinds === undefined ? {} : { kinds }),
    act: { error, half: random() < 0.5 },
  }
  const what = `case ${number} of seed ${task.seed}, ${JSON.stringify(fault)}, in ${directory}`
  const clock = clockAhead(number * 20 * MINUTE)
  hook!.fates.faults = [fault]
  const journal = new Journal(journalPath)
  let world: World | undefined
  try {
    world = await openWorld(directory, pipeline, clock)
    await work(world, journal, { name: String(number), rounds: 1, random })
    report.survived += 1
  } catch (failure) {
    const code = failure instanceof LandfallError ? failure.code : (failure as NodeJS.ErrnoException).code
    report.told[code ?? 'none'] = (report.told[code ?? 'none'] ?? 0) + 1
    // A disk that fails is no fault of the program's, and no damage: nothing was lost.
    const wrongly =
      failure instanceof LandfallError && (failure.kind === 'bug' || isLandfallError(failure, 'log/damaged'))
    if (wrongly || code === undefined) throw new Error(`${what}: ${String(failure)}`, { cause: failure })
  }
  // Closing may meet the error as well; what it leaves is recovered like the rest.
  await Promise.resolve(world?.[Symbol.asyncDispose]()).catch(() => {})
  hook!.fates.faults = []
  report.errors += 1
  await using again = await openWorld(directory, pipeline, clock)
  await again.lander.landToEnd()
  const { lake, reader: log, connection } = again
  await expectTruth({ lake, log, connection }, journal, what)
}
