/**
 * npm run bench [-- NAME… --pairs N --seconds S --events N --quick]
 *
 * Runs the benchmarks named (all when none is), prints their figures beside their goals, and appends one line to
 * history.jsonl. Exit code 0 also when a figure is short of its goal: a busy machine is no failure of the code. 1 when a
 * run was wrong.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from '../scripts/arguments.ts'
import type { Bench, Figure } from './harness.ts'
import { appendHistory, describeMachine, formatTable } from './report.ts'

const BENCHES: Record<string, () => Promise<Bench>> = {
  collector: async () => (await import('./collector.ts')).benchCollector,
  overload: async () => (await import('./overload.ts')).benchOverload,
  kafka: async () => (await import('./kafka.ts')).benchKafka,
  log: async () => (await import('./log.ts')).benchLog,
  lander: async () => (await import('./lander.ts')).benchLander,
  ids: async () => (await import('./ids.ts')).benchIds,
  why: async () => (await import('./why.ts')).benchWhy,
  query: async () => (await import('./query.ts')).benchQuery,
  door: async () => (await import('./door.ts')).benchDoor,
  trino: async () => (await import('./trino.ts')).benchTrino,
  spark: async () => (await import('./spark.ts')).benchSpark,
  fresh: async () => (await import('./fresh.ts')).benchFresh,
  combinations: async () => (await import('./combinations.ts')).benchCombinations,
  simulate: async () => (await import('./simulate.ts')).benchSimulate,
  start: async () => (await import('./start.ts')).benchStart,
}

const { values, positionals } = readArguments(
  'npm run bench [-- NAME… --pairs N --seconds S --events N --quick]',
  {
    allowPositionals: true,
    options: {
      pairs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      events: { type: 'string', default: '500000' },
      /** For a look while working: few, short samples, and nothing is kept. */
      quick: { type: 'boolean', default: false },
    },
  },
)

const names = positionals.length > 0 ? positionals : Object.keys(BENCHES)
const unknown = names.find((name) => !Object.hasOwn(BENCHES, name))
if (unknown !== undefined) {
  process.stderr.write(`bench: no benchmark ${unknown}; there are ${Object.keys(BENCHES).join(', ')}\n`)
  process.exit(2)
}

const settings = values.quick
  ? { pairs: 2, seconds: 1, events: Number(values.events) }
  : { pairs: Number(values.pairs), seconds: Number(values.seconds), events: Number(values.events) }
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const figures: Figure[] = []
const say = (line: string) => void process.stderr.write(`${line}\n`)

// Asked before our own load is in it.
const machine = describeMachine()
const { cpu, cores, memoryGiB, kernel, node, load } = machine
say(`${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, node ${node}, load ${load}`)
for (const name of names) {
  const bench = await BENCHES[name]!()
  // Not below /tmp, which may be memory: syncs would cost nothing.
  mkdirSync(join(root, '.cache'), { recursive: true })
  const directory = mkdtempSync(join(root, '.cache', `bench-${name}-`))
  try {
    figures.push(...(await bench({ ...settings, directory, say })))
  } catch (error) {
    // The others still have something to say.
    say(`${name}: ${(error as Error).message}`)
    process.exitCode = 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
process.stdout.write(`${formatTable(figures)}\n`)
if (values.quick)
  say(
    JSON.stringify(
      figures.map(({ name, samples, detail }) => ({ name, samples, detail })),
      null,
      1,
    ),
  )
else appendHistory(join(root, 'bench', 'history.jsonl'), machine, settings, figures)
