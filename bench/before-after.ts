/**
 * npm run bench:before-after -- COMMIT [--pairs 8] [--seconds 3] [--events 500000]
 *
 * What a change cost: the collector and the lander of a commit beside those of this tree, in turns, with the benchmarks of this
 * tree and the flags of `landfall up` on both sides. Rates tell what a user sees; CPU what it takes, which a busy machine
 * changes less. The commit is unpacked and installed below `.cache`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from '../scripts/arguments.ts'
import { Child } from './child.ts'
import { BATCH, BATCH_CONNECTIONS, batch, type Door, type Load, loadDoor, single } from './collector.ts'
import { type BenchOptions, comparePairs, type Figure, median } from './harness.ts'
import type { DoorAnswer, DoorSettings } from './processes/door.ts'
import type { Landed, LandSettings } from './processes/land.ts'
import { appendHistory, describeMachine, formatTable } from './report.ts'

const root = join(import.meta.dirname, '..')
const cache = join(root, '.cache')

/** After ÷ before: no less than this of the rate, no more than this of the CPU. */
const RATE_MIN = 0.95
const CPU_MAX = 1.05
const ARCHIVE_MAX = 256 * 1024 * 1024

const { values, positionals } = readArguments(
  'npm run bench:before-after -- COMMIT [--pairs 8] [--seconds 3] [--events 500000]',
  {
    allowPositionals: true,
    options: {
      pairs: { type: 'string', default: '8' },
      seconds: { type: 'string', default: '3' },
      events: { type: 'string', default: '500000' },
    },
  },
)
if (positionals.length !== 1) {
  process.stderr.write('before-after: name one commit to compare this tree with\n')
  process.exit(2)
}

const machine = describeMachine()
const commit = shortNameOf(positionals[0]!)
mkdirSync(cache, { recursive: true })
const directory = mkdtempSync(join(cache, 'before-after-'))
const options = {
  pairs: Number(values.pairs),
  seconds: Number(values.seconds),
  events: Number(values.events),
  directory,
  say: (line: string) => void process.stderr.write(`${line}\n`),
}
try {
  const before = unpack(commit)
  const figures = [...(await compareDoors(before, options)), ...(await compareLanders(before, options))]
  process.stdout.write(`${formatTable(figures)}\n`)
  const { pairs, seconds, events } = options
  appendHistory(
    join(root, 'bench/history.jsonl'),
    machine,
    { pairs, seconds, events, before: commit },
    figures,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function shortNameOf(commit: string): string {
  const words = ['rev-parse', '--short', '--verify', '--quiet', `${commit}^{commit}`]
  const { status, stdout } = spawnSync('git', words, { cwd: root, encoding: 'utf8' })
  if (status === 0) return stdout.trim()
  process.stderr.write(`before-after: ${commit} is no commit of this repository\n`)
  process.exit(2)
}

/** The benchmarks' directory in a copy of that commit; they are this tree's, so that both sides are measured alike. */
function unpack(commit: string): string {
  const copy = join(cache, `at-${commit}`)
  if (!existsSync(join(copy, 'node_modules'))) {
    options.say(`before-after: installing ${commit}`)
    mkdirSync(copy, { recursive: true })
    const files = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: ARCHIVE_MAX })
    execFileSync('tar', ['-x'], { cwd: copy, input: files })
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: copy,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  const benches = join(copy, 'bench')
  rmSync(benches, { recursive: true, force: true })
  cpSync(import.meta.dirname, benches, { recursive: true })
  return benches
}

async function compareDoors(before: string, options: BenchOptions): Promise<Figure[]> {
  await using load = await Child.start<Parameters<Load['ask']>[0], Awaited<ReturnType<Load['ask']>>>(
    'load',
    {},
  )
  const settings = (side: string): DoorSettings => ({
    directory: join(options.directory, side),
    durable: true,
    mode: 'collect',
  })
  await using old = await Child.start<{ do: 'count' }, DoorAnswer>('door', settings('door-before'), before)
  await using now = await Child.start<{ do: 'count' }, DoorAnswer>('door', settings('door-after'))
  const orders = [
    { name: 'single requests, 256 connections', request: single, connections: 256, each: 1 },
    { name: `batches of ${BATCH}`, request: batch(), connections: BATCH_CONNECTIONS, each: BATCH },
  ]
  const figures: Figure[] = []
  for (const { name, request, connections, each } of orders) {
    options.say(`before-after: collector, ${name}`)
    const cpu = { before: [] as number[], after: [] as number[] }
    const side = (door: Door, into: number[]) => async () => {
      const from = await door.ask({ do: 'count' })
      const rate = await loadDoor(load, door, { request, connections, seconds: options.seconds }, each)()
      const to = await door.ask({ do: 'count' })
      into.push(((to.cpuSeconds - from.cpuSeconds) * 1e6) / (to.events - from.events))
      return rate
    }
    // The first seconds compile the code.
    await side(old, [])()
    await side(now, [])()
    figures.push(
      ...(await compared(
        `collector, ${name}`,
        options.pairs,
        side(now, cpu.after),
        side(old, cpu.before),
        cpu,
      )),
    )
  }
  return figures
}

async function compareLanders(before: string, options: BenchOptions): Promise<Figure[]> {
  options.say(`before-after: lander, ${options.events} events`)
  const settings = (side: string): LandSettings => {
    const directory = join(options.directory, side)
    mkdirSync(directory)
    return { directory, events: options.events }
  }
  await using old = await Child.start<{ do: 'land' }, Landed>('land', settings('lander-before'), before)
  await using now = await Child.start<{ do: 'land' }, Landed>('land', settings('lander-after'))
  const cpu = { before: [] as number[], after: [] as number[] }
  const side = (lander: Child<{ do: 'land' }, Landed>, into: number[]) => async () => {
    const landed = await lander.ask({ do: 'land' })
    into.push((landed.cpuSeconds * 1e6) / options.events)
    return landed.perSecond
  }
  await side(old, [])()
  await side(now, [])()
  return await compared('lander', options.pairs, side(now, cpu.after), side(old, cpu.before), cpu)
}

async function compared(
  name: string,
  pairs: number,
  after: () => Promise<number>,
  before: () => Promise<number>,
  cpu: { before: number[]; after: number[] },
): Promise<Figure[]> {
  const rates = await comparePairs(pairs, after, before)
  const ratios = cpu.after.map((value, i) => value / cpu.before[i]!)
  return [
    {
      name: `${name}: rate after ÷ before`,
      value: rates.ratio,
      unit: '×',
      goal: { is: 'at least', value: RATE_MIN },
      samples: rates.ratios,
      detail: { afterPerSecond: rates.of, beforePerSecond: rates.against },
    },
    {
      name: `${name}: CPU of an event after ÷ before`,
      value: median(ratios),
      unit: '×',
      goal: { is: 'at most', value: CPU_MAX },
      samples: ratios,
      detail: { afterMicroseconds: median(cpu.after), beforeMicroseconds: median(cpu.before) },
    },
  ]
}
