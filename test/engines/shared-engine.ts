/**
 * One engine per test run, shared by its test files, which are processes of their own. The first that asks starts it, under a lock;
 * a keeper process ends it when the run ends, however that comes about, and removes its directory.
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitForDirectoryLock } from '../../src/base/lock.ts'

/** The process whose end is the end of the run: vitest, which forks a process per test file; else this process. */
const RUN = process.env['VITEST'] ? process.ppid : process.pid
const START_MAX_MS = 5 * 60_000

export interface EngineRecipe<State> {
  name: string
  /** Writes what the engine needs into its directory; tells the command, its environment and what tests must know. */
  prepare(directory: string): Promise<{ command: string[]; env?: Record<string, string>; state: State }>
  /** Resolves to true once the engine answers. */
  isReady(state: State): Promise<boolean>
}

/** What `prepare` told, of the engine that runs; or why it does not. */
export async function shareEngine<State>(recipe: EngineRecipe<State>): Promise<State | { missing: string }> {
  const directory = join(tmpdir(), `landfall-engine-${recipe.name}-${RUN}`)
  mkdirSync(directory, { recursive: true })
  const lock = await waitForDirectoryLock(directory, `the ${recipe.name} of this test run`, START_MAX_MS)
  try {
    const file = join(directory, 'state.json')
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as State | { missing: string }
    const state = await start(recipe, directory)
    writeFileSync(`${file}.tmp`, JSON.stringify(state))
    renameSync(`${file}.tmp`, file)
    return state
  } finally {
    lock.release()
  }
}

async function start<State>(
  recipe: EngineRecipe<State>,
  directory: string,
): Promise<State | { missing: string }> {
  const { command, env, state } = await recipe.prepare(directory)
  const log = join(directory, 'engine.log')
  const output = openSync(log, 'w')
  const keeper = spawn(
    process.execPath,
    [join(import.meta.dirname, 'keep-engine.ts'), String(RUN), directory, ...command],
    { detached: true, stdio: ['ignore', output, output], env: { ...process.env, ...env } },
  )
  closeSync(output)
  keeper.unref()
  const until = performance.now() + START_MAX_MS
  const hasEnded = () => existsSync(join(directory, 'ended'))
  while (!hasEnded() && performance.now() < until) {
    if (await recipe.isReady(state).catch(() => false)) return state
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const words = readFileSync(log, 'utf8').trim().slice(-1500)
  return { missing: `${recipe.name} ${hasEnded() ? 'ended' : 'was not ready in time'}: ${words}` }
}

/** A port that is free now, below the range that the system gives to clients (one of those would be taken at any moment). */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}
