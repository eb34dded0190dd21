/**
 * Real engines on this machine, started and stopped together: a directory with a folder for each.
 *
 *   <stack>/lock                     held while engines are started or stopped
 *   <stack>/<engine>/engine.json     its ports, and its state once it was ready
 *   <stack>/<engine>/<process>.pid   see processes.ts
 *   <stack>/<engine>/…               its data, configuration and logs
 *
 * What runs is told by the pid files alone, which stand before an engine runs. So whatever happens to who started it (killed between
 * two engines, or in the middle of one), `stopEngines` finds every process. `engine.json` is written before the first process, so that a
 * later start takes the same ports; its state is written when the engine is ready, and is not there when that was never reached.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { makeFolder } from '../base/files.ts'
import { type DirectoryLock, lockDirectory } from '../base/lock.ts'
import type { EngineCache } from './cache.ts'
import { type Engine, type EngineRecipe, type EngineState, type Offer, probe, startEngine } from './engine.ts'
import { ENGINE_NAMES, loadEngine } from './engines.ts'
import { freePort, isPortFree } from './ports.ts'
import { residentBytes, runningProcesses, stopProcesses } from './processes.ts'

/** What `engine.json` holds. */
interface EngineFile {
  ports: Record<string, number>
  /** Names of its processes. */
  processes?: string[]
  /** Engines that it was told of. */
  with: string[]
  startedAt: string
  state?: EngineState
}

export interface EngineStatus {
  name: string
  title: string
  /** `silent`: its processes run, and it does not answer. `broken`: some of its processes have ended, or all of them without being asked to. */
  condition: 'up' | 'silent' | 'broken' | 'down'
  ports: Record<string, number>
  pids: Record<string, number>
  residentBytes: number
  startedAt: string
  directory: string
  state?: EngineState
  offer: Offer
}

/** Told while engines start and stop. */
export interface StackReporter {
  note(text: string): void
  /** Something takes a while: `starting kafka`. */
  begin(what: string): void
  end(what: string, elapsedMs: number): void
}

export function stackDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const data = environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share')
  return environment['LANDFALL_STACK'] || join(data, 'landfall', 'stack')
}

/** Starts engines, in this order, and resolves when each answers. Those that are up already are left as they are. */
export async function startEngines(
  directory: string,
  names: readonly string[],
  cache: EngineCache,
  reporter: StackReporter,
): Promise<void> {
  const lock = lockStack(directory)
  try {
    const engines = await Promise.all(names.map(loadEngine))
    const waiting: Engine[] = []
    for (const engine of engines) {
      if (isUp(directory, engine.name)) reporter.note(`${engine.name} is up already`)
      else waiting.push(engine)
    }
    checkMemory(waiting)
    const recipes: EngineRecipe[] = []
    for (const engine of waiting) recipes.push(await engine.provide(cache))
    for (const [index, engine] of waiting.entries())
      await startOne(directory, engine, recipes[index]!, cache.signal, reporter)
    tellWhoDoesNotKnow(
      directory,
      waiting,
      await Promise.all(runningNames(directory).map(loadEngine)),
      reporter,
    )
  } finally {
    lock.release()
  }
}

async function startOne(
  directory: string,
  engine: Engine,
  recipe: EngineRecipe,
  signal: AbortSignal | undefined,
  reporter: StackReporter,
): Promise<void> {
  const { name } = engine
  const startedAt = performance.now()
  const own = join(directory, name)
  // What is left of a start that did not get far, or of an engine that lost one of its processes.
  await stopProcesses(own)
  mkdirSync(own, { recursive: true })
  const engines = statesOf(directory, engine.uses ?? [])
  const ports = await choosePorts(engine, readEngineFile(own)?.ports ?? {}, reporter)
  const file: EngineFile = { ports, with: Object.keys(engines), startedAt: new Date().toISOString() }
  writeEngineFile(own, file)
  reporter.begin(`starting ${name}`)
  const state = await startEngine(name, recipe, own, ports, { engines, ...(signal && { signal }) })
  const processes = runningProcesses(own).map((one) => one.name)
  writeEngineFile(own, { ...file, processes, state })
  reporter.end(`${name} is up`, performance.now() - startedAt)
}

/** Stops engines, the last one first. Their data stays, unless it is to be removed. Resolves to the names of those that ran. */
export async function stopEngines(
  directory: string,
  names: readonly string[] | undefined,
  removeData: boolean,
  reporter: StackReporter,
): Promise<string[]> {
  if (!existsSync(directory)) return []
  const lock = lockStack(directory)
  try {
    const stopped: string[] = []
    for (const name of knownNames(directory).toReversed()) {
      if (names !== undefined && !names.includes(name)) continue
      const own = join(directory, name)
      if (runningProcesses(own).length > 0) {
        const startedAt = performance.now()
        reporter.begin(`stopping ${name}`)
        await stopProcesses(own)
        reporter.end(`${name} is down`, performance.now() - startedAt)
        stopped.push(name)
      }
      forgetStart(own)
      if (removeData) rmSync(own, { recursive: true, force: true, maxRetries: 5 })
    }
    return stopped
  } finally {
    lock.release()
  }
}

/** How each engine of a stack is. Nothing is fetched for it. */
export async function readStatus(directory: string, cache: EngineCache): Promise<EngineStatus[]> {
  return Promise.all(knownNames(directory).map((name) => statusOf(directory, name, cache)))
}

async function statusOf(directory: string, name: string, cache: EngineCache): Promise<EngineStatus> {
  const own = join(directory, name)
  const engine = await loadEngine(name)
  const file = readEngineFile(own)
  const running = runningProcesses(own)
  const { state } = file ?? {}
  return {
    name,
    title: engine.title,
    condition: await conditionOf(own, engine, cache),
    ports: file?.ports ?? {},
    pids: Object.fromEntries(running.map((one) => [one.name, one.pid])),
    residentBytes: running.reduce((sum, { pid }) => sum + residentBytes(pid), 0),
    startedAt: file?.startedAt ?? '',
    directory: own,
    ...(state && { state }),
    offer: (state && engine.offer?.(state)) ?? {},
  }
}

async function conditionOf(
  own: string,
  engine: Engine,
  cache: EngineCache,
): Promise<EngineStatus['condition']> {
  const file = readEngineFile(own)
  if (runningProcesses(own).length === 0) return file?.state === undefined ? 'down' : 'broken'
  if (!hasAllProcesses(own)) return 'broken'
  try {
    const recipe = await engine.provide({ ...cache, offline: true })
    return (await probe(recipe, file!.state!)) ? 'up' : 'silent'
  } catch {
    // Its programs have left the cache; it runs all the same.
    return 'up'
  }
}

function lockStack(directory: string): DirectoryLock {
  makeFolder(directory, 0o700)
  try {
    return lockDirectory(directory, 'the stack')
  } catch (cause) {
    throw new LandfallError(
      'retry',
      'stack/busy',
      `engines of ${directory} are being started or stopped right now`,
      {
        hint: 'Wait for the other landfall stack, or end it',
        cause,
      },
    )
  }
}

function isUp(directory: string, name: string): boolean {
  return hasAllProcesses(join(directory, name))
}

/** True once the engine has been ready, as long as all its processes run. */
function hasAllProcesses(own: string): boolean {
  const { processes } = readEngineFile(own) ?? {}
  const running = new Set(runningProcesses(own).map(({ name }) => name))
  return processes !== undefined && processes.length > 0 && processes.every((name) => running.has(name))
}

const knownNames = (directory: string) =>
  existsSync(directory) ? ENGINE_NAMES.filter((name) => readdirSync(directory).includes(name)) : []

const runningNames = (directory: string) => knownNames(directory).filter((name) => isUp(directory, name))

function statesOf(directory: string, names: readonly string[]): Record<string, EngineState> {
  const states: Record<string, EngineState> = {}
  for (const name of names) {
    const state = isUp(directory, name) ? readEngineFile(join(directory, name))?.state : undefined
    if (state !== undefined) states[name] = state
  }
  return states
}

/** An engine learns of others when it starts. */
function tellWhoDoesNotKnow(
  directory: string,
  started: readonly Engine[],
  running: readonly Engine[],
  reporter: StackReporter,
): void {
  for (const { name, uses } of running) {
    const known = readEngineFile(join(directory, name))?.with ?? []
    const news = started.map((one) => one.name).filter((one) => uses?.includes(one) && !known.includes(one))
    if (news.length === 0) continue
    const again = `landfall stack down ${name} && landfall stack up ${name}`
    reporter.note(`${name} was started before ${news.join(' and ')} and does not know of it: ${again}`)
  }
}

/** The ports of the last time, else those where people expect the engine; another where that is taken, and it is told. */
async function choosePorts(
  engine: Engine,
  last: Record<string, number>,
  reporter: StackReporter,
): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const [name, usual] of Object.entries(engine.ports)) {
    const wanted = last[name] ?? usual
    const taken = Object.values(ports)
    if ((await isPortFree(wanted)) && !taken.includes(wanted)) ports[name] = wanted
    else {
      do ports[name] = await freePort()
      while (taken.includes(ports[name]!))
      reporter.note(`${engine.name}: port ${wanted} (${name}) is taken, so it is ${ports[name]}`)
    }
  }
  return ports
}

function checkMemory(engines: readonly Engine[]): void {
  const needed = engines.reduce((sum, { memoryMb }) => sum + memoryMb, 0)
  const available = Math.floor(process.availableMemory() / 1e6)
  if (needed <= available) return
  const list = engines.map(({ name, memoryMb }) => `${name} ${memoryMb}`).join(', ')
  throw new LandfallError(
    'retry',
    'stack/memory',
    `these engines take about ${needed} MB of memory (${list}), and ${available} MB are available`,
    { hint: 'Start fewer, or end something else' },
  )
}

function readEngineFile(own: string): EngineFile | undefined {
  const path = join(own, 'engine.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as EngineFile) : undefined
}

function writeEngineFile(own: string, file: EngineFile): void {
  const path = join(own, 'engine.json')
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Keeps the ports for the next start. */
function forgetStart(own: string): void {
  const file = readEngineFile(own)
  if (file === undefined) return
  const { state: _, processes: __, ...rest } = file
  writeEngineFile(own, rest)
}
