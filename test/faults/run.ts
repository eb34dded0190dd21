/**
 * `npm run test:faults`: the quick profile, which is part of `npm test`. With `--long` everything, for hours:
 *
 *   npm run test:faults -- --long [--only NAME,…] [--seed N] [--scale 0.01] [--lanes 2] [--json FILE]
 *
 * `--scale` takes a part of the long profile's numbers, `--lanes` so many processes at once. A failure names its seed and
 * keeps its directory.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from '../../scripts/arguments.ts'
import { runPlanted } from '../planted/run-planted.ts'
import { runSimulation } from '../simulation/run-simulation.ts'
import { ownMounts, runDiskFull } from './disk-full.ts'
import { runErrors } from './errors.ts'
import { runFlips } from './flips.ts'
import { runOverload } from './overload.ts'
import { runPowerCuts } from './power-cut.ts'
import { runSweep } from './sweep.ts'

/** Numbers of one part; a part that finds something wrong throws, or has `wrong` above 0. */
type Figures = Record<string, unknown> & { wrong?: number }

interface Part {
  run(seed: number, scale: number, tell: (text: string) => void, lanes: number): Promise<Figures>
}

const PARTS: Record<string, Part> = {
  sweep: {
    run: async (seed, scale, tell, lanes) => ({
      ...(await runSweep({
        seed,
        lanes,
        points: Math.ceil(10_000 * scale),
        every: Math.ceil(1 / scale),
        onProgress: ({ points, verdicts }) => tell(`${points} crash points, ${verdicts} verdicts`),
      })),
    }),
  },
  power: {
    run: async (seed, scale, tell) => ({
      ...(await runPowerCuts({
        seed,
        cuts: Math.ceil(1000 * scale),
        onProgress: ({ cuts }) => tell(`${cuts} power cuts`),
      })),
    }),
  },
  errors: {
    run: async (seed, scale, tell, lanes) => ({
      ...(await runErrors({
        seed,
        lanes,
        count: Math.ceil(2000 * scale),
        onProgress: ({ errors }) => tell(`${errors} errors of the disk`),
      })),
    }),
  },
  flips: {
    run: async (seed, scale, tell) => ({
      ...(await runFlips({
        seed,
        count: Math.ceil(10_000 * scale),
        onProgress: (done) => tell(`${done} flips`),
      })),
    }),
  },
  full: {
    async run(_seed, scale, tell) {
      const flags = ownMounts()
      if (flags === undefined) throw new Error('unshare and mount are not allowed here')
      tell('a full disk')
      const report = await runDiskFull(flags, 120_000 * scale)
      const isRight = report.lost === 0 && report.doubled === 0 && report.closes && !report.restarted
      return { ...report, wrong: isRight ? 0 : 1 }
    },
  },
  overload: {
    run: async (_seed, scale, tell) => ({ ...(await runOverload(Math.ceil(5 * scale), tell)) }),
  },
  simulation: {
    async run(seed, scale, tell, lanes) {
      const options = { from: seed, seeds: Math.ceil(10_000 * scale), lanes }
      const { seeds, records, failures } = await runSimulation(options, (report) =>
        tell(`${report.seeds} seeds`),
      )
      for (const failure of failures) process.stderr.write(`${JSON.stringify(failure)}\n`)
      return { from: seed, seeds, records, wrong: failures.length }
    },
  },
  planted: {
    async run(_seed, _scale, tell) {
      const { planted, caught, missed } = await runPlanted(undefined, tell)
      for (const { name, why } of missed) process.stderr.write(`${name}: ${why}\n`)
      return { planted, caught, wrong: missed.length }
    },
  },
}

const root = join(import.meta.dirname, '../..')
const { values } = readArguments(
  'npm run test:faults [-- --long --only NAME,… --seed N --scale 0.01 --lanes 2 --json FILE]',
  {
    options: {
      long: { type: 'boolean', default: false },
      only: { type: 'string' },
      seed: { type: 'string' },
      scale: { type: 'string', default: '1' },
      lanes: { type: 'string', default: '2' },
      json: { type: 'string' },
    },
  },
)

if (values.long) await runLong()
else {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/faults', 'test/simulation'], {
    cwd: root,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
}

async function runLong(): Promise<void> {
  const names = values.only === undefined ? Object.keys(PARTS) : values.only.split(',')
  const unknown = names.filter((name) => PARTS[name] === undefined)
  const [scale, lanes] = [Number(values.scale), Number(values.lanes)]
  if (unknown.length > 0 || !(scale > 0 && scale <= 1) || !(lanes >= 1)) {
    const parts = Object.keys(PARTS).join(', ')
    process.stderr.write(
      `test:faults: --only takes ${parts}; --scale a number above 0 and up to 1; --lanes a number from 1\n`,
    )
    process.exitCode = 2
    return
  }
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const figures: Record<string, unknown> = { seed }
  for (const name of names) {
    const began = performance.now()
    try {
      const found = await PARTS[name]!.run(seed, scale, teller(name), lanes)
      figures[name] = { ...found, seconds: Math.round((performance.now() - began) / 1000) }
      if ((found.wrong ?? 0) > 0) process.exitCode = 1
    } catch (error) {
      process.stderr.write(
        `\n${name}, --seed ${seed}: ${error instanceof Error ? error.stack : String(error)}\n`,
      )
      figures[name] = { failed: error instanceof Error ? error.message : String(error) }
      process.exitCode = 1
    }
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`)
  }
  process.stdout.write(`${JSON.stringify(figures, null, 1)}\n`)
}

/** One line that is written over on a terminal, elsewhere a line now and then. */
function teller(name: string): (text: string) => void {
  const everyMs = process.stderr.isTTY ? 200 : 30_000
  let told = performance.now()
  return (text) => {
    if (performance.now() - told < everyMs) return
    told = performance.now()
    process.stderr.write(process.stderr.isTTY ? `\r${name}: ${text}\x1b[K` : `${name}: ${text}\n`)
  }
}
