/**
 * Engines for tests, by the recipes of src/stack.
 *
 * `shareEngine`: one per test run, shared by its test files, which are processes of their own. The first that asks starts it, under a
 * lock. `startPrivateEngine`: one for a test that kills it. A keeper process ends each when the run ends, however that comes about, and
 * removes its directory.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitForDirectoryLock } from '../../src/base/lock.ts'
import { type Engine, type EngineRecipe, type EngineState, startEngine } from '../../src/stack/engine.ts'
import { freePort } from '../../src/stack/ports.ts'
import { killProcess, runningProcesses, stopProcesses } from '../../src/stack/processes.ts'
import { orMissing } from './artifacts.ts'
import { engineCache } from './cache.ts'

export { freePort }

/** The process whose end is the end of the run: vitest, which forks a process per test file; else this process. */
const RUN = process.env['VITEST'] ? process.ppid : process.pid
const START_MAX_MS = 30 * 60_000

/** States of other engines that this one is to use: `{ s3, hdfs }`. */
export type Others = Record<string, EngineState>

/** The state of the engine that this run has started, or starts now; or why it cannot be had. */
export async function shareEngine<State extends EngineState>(
  engine: Engine<State>,
  engines: Others = {},
): Promise<State | { missing: string }> {
  const directory = join(tmpdir(), `landfall-engine-${engine.name}-${RUN}`)
  mkdirSync(directory, { recursive: true })
  const lock = await waitForDirectoryLock(directory, `the ${engine.name} of this test run`, START_MAX_MS)
  try {
    const file = join(directory, 'shared.json')
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as State | { missing: string }
    keep(directory)
    const state = await orMissing(async () => {
      const recipe = await engine.provide(engineCache())
      return startEngine(engine.name, recipe, directory, await freePorts(engine), { engines })
    })
    writeFileSync(`${file}.tmp`, JSON.stringify(state))
    renameSync(`${file}.tmp`, file)
    return state
  } finally {
    lock.release()
  }
}

export interface PrivateEngine<State> {
  state: State
  directory: string
  /** Ends it, or one of its processes, at once (or by another signal); resolves when it is gone. Its data stays. */
  kill(signal?: NodeJS.Signals, process?: string): Promise<void>
  /** Starts it again, on the same data and ports. Only after `kill`. */
  restart(): Promise<void>
  /** Ends it and removes its directory. */
  [Symbol.asyncDispose](): Promise<void>
}

/** An engine for one test file alone. */
export async function startPrivateEngine<State extends EngineState>(
  engine: Engine<State>,
  engines: Others = {},
): Promise<PrivateEngine<State> | { missing: string }> {
  return orMissing(async () => {
    const recipe: EngineRecipe<State> = await engine.provide(engineCache())
    const directory = mkdtempSync(join(tmpdir(), `landfall-engine-${engine.name}-own-`))
    keep(directory)
    const ports = await freePorts(engine)
    const start = () => startEngine(engine.name, recipe, directory, ports, { engines })
    return {
      state: await start(),
      directory,
      async kill(signal = 'SIGKILL', name) {
        const names = name === undefined ? runningProcesses(directory).map((one) => one.name) : [name]
        await Promise.all(names.map((one) => killProcess(directory, one, signal)))
      },
      async restart() {
        await start()
      },
      async [Symbol.asyncDispose]() {
        await stopProcesses(directory)
        rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
      },
    }
  })
}

async function freePorts(engine: Engine): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const name of Object.keys(engine.ports)) ports[name] = await freePort()
  return ports
}

/** Sees to it that the engine in `directory` ends with this run. */
export function keep(directory: string): void {
  const keeper = [join(import.meta.dirname, 'keep-engine.ts'), String(RUN), directory]
  spawn(process.execPath, keeper, { detached: true, stdio: 'ignore' }).unref()
}
