/**
 * A real engine of the field that runs on this machine without a container: what it is made of, how it starts, when it is ready. The
 * same recipe serves `landfall stack` and the tests.
 *
 *   export const kafka: Engine<KafkaState> = {
 *     name: 'kafka', title: 'Apache Kafka 4.3.1', ports: { broker: 9092, controller: 9093 }, memoryMb: 450,
 *     async provide(cache) {
 *       const java = provideJava('Kafka', { min: 17, max: 21 })
 *       const jars = await provideJars(cache, 'kafka', JARS)
 *       return { prepare: async ({ directory, ports }) => …, isReady: async ({ broker }) => … }
 *     },
 *   }
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import type { EngineCache } from './cache.ts'
import { areRunning, type EngineProcess, launch, runningProcesses, stopProcesses } from './processes.ts'

/** What is known of an engine that runs; JSON. */
export type EngineState = object

export interface Engine<State extends EngineState = EngineState> {
  /** One word: `kafka`. */
  name: string
  /** With its version: `Apache Kafka 4.3.1`. */
  title: string
  /** What listens, and the port where people expect it; below 32768. */
  ports: Record<string, number>
  /** What all its processes take together, resident, as it was measured; heaps are set in the recipe. */
  memoryMb: number
  /** Names of engines that it makes use of where they run; they are started before it. */
  uses?: readonly string[]
  /** Fetches what is not here yet. Throws one clear line when something cannot be had. */
  provide(cache: EngineCache): Promise<EngineRecipe<State>>
  /** What to give `landfall up` so that it uses this engine. */
  offer?(state: State): Offer
}

export interface Offer {
  /** Flags of `landfall up` and their values: `{ '--log': 'kafka://127.0.0.1:9092' }`. */
  flags?: Record<string, string>
  /** Credentials, which no URL carries: `{ AWS_ACCESS_KEY_ID: … }`. */
  environment?: Record<string, string>
  /** Where it answers SQL: `trino://landfall@127.0.0.1:8085/lake/default`. */
  sql?: string
  /** Addresses for people: `{ 'Web page': 'http://127.0.0.1:9870' }`. */
  addresses?: Record<string, string>
}

export interface EngineRecipe<State extends EngineState = EngineState> {
  /**
   * Writes what the engine needs into its directory (absolute; made, and kept between starts) and tells what to run. It is asked again
   * for every start, with the same directory and ports: what is there already (a formatted disk, a schema) stays.
   */
  prepare(place: Place): Promise<Prepared<State>>
  /** Resolves to true once the engine answers a real question. May reject while it does not. Asked several times a second. */
  isReady(state: State): Promise<boolean>
}

export interface Place {
  directory: string
  /** A port for each name of `Engine.ports`. */
  ports: Record<string, number>
  /** States of the engines of `uses` that run, by name. */
  engines: Record<string, EngineState>
}

export interface Prepared<State extends EngineState> {
  /** Started in this order, at once; each in a group of its own, in the engine's directory. */
  processes: readonly EngineProcess[]
  state: State
}

export interface StartOptions {
  engines?: Record<string, EngineState>
  /** Default: 5 minutes: a JVM on a machine that is busy with others takes long. */
  readyMaxMs?: number
  signal?: AbortSignal
}

const READY_MAX_MS = 5 * 60_000
/** The first questions to an engine that has just started are slow ones. */
const FIRST_PROBE_MAX_MS = 60_000
const PROBE_MAX_MS = 10_000
const LOOK_MS = 200

/** Starts an engine, or those of its processes that do not run, and waits until it is ready. When it does not get there, nothing of it is left running. */
export async function startEngine<State extends EngineState>(
  name: string,
  recipe: EngineRecipe<State>,
  directory: string,
  ports: Record<string, number>,
  options: StartOptions = {},
): Promise<State> {
  mkdirSync(directory, { recursive: true })
  const { processes, state } = await recipe.prepare({ directory, ports, engines: options.engines ?? {} })
  try {
    const running = runningProcesses(directory).map(({ name }) => name)
    for (const one of processes) if (!running.includes(one.name)) await launch(directory, one)
    await untilReady(name, recipe, directory, processes, state, options)
    return state
  } catch (error) {
    await stopProcesses(directory)
    throw error
  }
}

async function untilReady<State extends EngineState>(
  name: string,
  recipe: EngineRecipe<State>,
  directory: string,
  processes: readonly EngineProcess[],
  state: State,
  { readyMaxMs = READY_MAX_MS, signal }: StartOptions,
): Promise<void> {
  const until = performance.now() + readyMaxMs
  const names = processes.map((one) => one.name)
  for (;;) {
    signal?.throwIfAborted()
    if (!areRunning(directory, names)) throw notReady(name, 'ended at once', directory, names)
    if (await probe(recipe, state, FIRST_PROBE_MAX_MS)) return
    if (performance.now() > until)
      throw notReady(name, `was not ready after ${Math.round(readyMaxMs / 1000)} s`, directory, names)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** One question to the engine, given up after a while: a port may accept and nobody answer. */
export async function probe<State extends EngineState>(
  recipe: EngineRecipe<State>,
  state: State,
  maxMs: number = PROBE_MAX_MS,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, maxMs, false)))
  try {
    return await Promise.race([recipe.isReady(state), late])
  } catch {
    // It does not answer yet.
    return false
  } finally {
    clearTimeout(timer)
  }
}

function notReady(name: string, what: string, directory: string, names: readonly string[]): LandfallError {
  const logs = names.map((process) => join(directory, `${process}.log`)).filter((path) => existsSync(path))
  const words = logs.map((path) => lastLines(path)).join(' ')
  return new LandfallError('retry', 'stack/not-ready', `${name} ${what}: ${words || 'it said nothing'}`, {
    hint: `Its log: ${logs.join(', ')}`,
  })
}

/** The line that tells most of a log's end, on one line. */
function lastLines(path: string): string {
  const lines = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-200)
    .filter((line) => line.trim() !== '' && !/^\s+at |^\s*\.\.\. \d+ more/.test(line))
  const telling =
    lines.findLast((line) => /\b(ERROR|FATAL|Exception|Error:)/.test(line)) ?? lines.at(-1) ?? ''
  return telling.trim().slice(0, 400)
}
