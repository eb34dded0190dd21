/** `landfall stack up`, `status` and `down`. */
import { resolve } from 'node:path'
import { type Advice, adviceOf, quoted } from '../../stack/advice.ts'
import { type EngineCache, openEngineCache } from '../../stack/cache.ts'
import { ALL_NAMES, COMBINATIONS, ENGINE_NAMES, expandNames } from '../../stack/engines.ts'
import {
  type EngineStatus,
  readStatus,
  stackDirectory,
  startEngines,
  stopEngines,
} from '../../stack/stack.ts'
import { EXIT, usageError } from '../exit.ts'
import { formatTable } from '../table.ts'
import { openStepReporter, type StepReporter } from './step-reporter.ts'

export interface StackOptions {
  data?: string
  json: boolean
}

const directoryOf = ({ data }: StackOptions) => resolve(data ?? stackDirectory())

/** Exit code 130 is a shell's for a command that Ctrl-C ended. */
const INTERRUPTED = 130

export async function runStackUp(
  names: readonly string[],
  options: StackOptions & { all: boolean },
): Promise<void> {
  const wanted = options.all ? ALL_NAMES : expandNames(names)
  if (wanted.length === 0) {
    const combinations = Object.entries(COMBINATIONS).map(([name, parts]) => `${name} (${parts.join(' ')})`)
    throw usageError(
      'no engine was named',
      `Give --all, or some of ${ENGINE_NAMES.join(', ')}; or ${combinations.join(', ')}`,
    )
  }
  const directory = directoryOf(options)
  const reporter = openStepReporter()
  const controller = new AbortController()
  const interrupt = () => controller.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt)
  try {
    await startEngines(directory, wanted, cacheFor(reporter, controller.signal), reporter)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    reporter.note('interrupted; what was up before stays so: landfall stack status')
    process.exitCode = INTERRUPTED
    return
  }
  await show(directory, options, reporter)
}

export async function runStackStatus(options: StackOptions): Promise<void> {
  const engines = await show(directoryOf(options), options, openStepReporter())
  if (engines.length === 0 || engines.some(({ condition }) => condition !== 'up'))
    process.exitCode = EXIT.failure
}

export async function runStackDown(
  names: readonly string[],
  options: StackOptions & { removeData: boolean },
): Promise<void> {
  const directory = directoryOf(options)
  const reporter = openStepReporter()
  const wanted = names.length === 0 ? undefined : expandNames(names)
  const stopped = await stopEngines(directory, wanted, options.removeData, reporter)
  if (options.json) process.stdout.write(`${JSON.stringify({ directory, stopped }, null, 2)}\n`)
  else if (stopped.length === 0) reporter.note(`nothing runs in ${directory}`)
}

function cacheFor(reporter: StepReporter, signal?: AbortSignal): EngineCache {
  return { ...openEngineCache((step) => reporter.step(step)), ...(signal && { signal }) }
}

async function show(
  directory: string,
  { json }: StackOptions,
  reporter: StepReporter,
): Promise<EngineStatus[]> {
  const engines = await readStatus(directory, cacheFor(reporter))
  const advice = adviceOf(engines)
  if (json) process.stdout.write(`${JSON.stringify({ directory, engines, ...advice }, null, 2)}\n`)
  else
    process.stdout.write(
      engines.length === 0 ? `no engine in ${directory}\n` : describe(directory, engines, advice),
    )
  return engines
}

function describe(directory: string, engines: readonly EngineStatus[], advice: Advice): string {
  const rows = engines.map(({ name, title, condition, ports, residentBytes }) => [
    name,
    condition,
    title,
    Object.entries(ports)
      .map(([what, port]) => `${what} ${port}`)
      .join(', '),
    residentBytes === 0 ? '' : `${(residentBytes / 1e6).toFixed(0)} MB`,
  ])
  const table = formatTable(['engine', 'is', 'what', 'ports', 'memory'], rows, { right: new Set([4]) })
  const broken = engines.filter(({ condition }) => condition === 'broken' || condition === 'silent')
  const lines = [table, `data and logs: ${directory}`]
  for (const { name, condition, directory: own } of broken)
    lines.push(
      `${name} ${condition === 'broken' ? 'lost a process' : 'does not answer'}: see ${own}/*.log; landfall stack up ${name} starts it again`,
    )
  const settings = Object.entries(advice.environment).map(
    ([name, value]) => `export ${name}=${quoted(value)}`,
  )
  const commands = [...Object.values(advice.commands), ...advice.questions]
  if (commands.length > 0)
    lines.push('', 'To use them:', ...[...settings, ...commands].map((line) => `  ${line}`))
  return `${lines.join('\n')}\n`
}
