/**
 * A copy of a pipeline to be killed: `landfall up` with the pipeline's own file in a process of its own, with log, tables and state in a
 * scratch directory and ports of its own. It ends with this process, however that ends: over the channel between them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../base/errors.ts'
import { OWN_LANDER, ownPlaces } from '../../pipeline/places.ts'

export const VICTIMS = ['door', 'lander', 'query', 'supervisor', 'all'] as const
export type Victim = (typeof VICTIMS)[number]

/** `<data>/up.json`, as far as it matters here. */
export interface RunningProcesses {
  supervisor: number
  http: string
  sql: string
  processes: Partial<Record<'door' | 'lander' | 'query', number>>
}

export interface PipelineCopyOptions {
  /** Path of bin/landfall.js. */
  launcher: string
  /** Absolute path of the pipeline file. */
  pipeline: string
  /** The scratch directory. */
  data: string
  /** What runs on a data directory, if anything does. */
  readRunning: (data: string) => RunningProcesses | undefined
}

const STARTED_MAX_MS = 120_000
const OUTPUT_BYTES_MAX = 16 * 1024

export class PipelineCopy {
  readonly #options: PipelineCopyOptions
  #child: ChildProcess | undefined
  #output = ''
  /** They stay what they are when it is started again. */
  #addresses = ['--http', '127.0.0.1:0', '--sql', '127.0.0.1:0']
  http = ''

  constructor(options: PipelineCopyOptions) {
    this.#options = options
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const { launcher, pipeline, data } = this.#options
    const flags = [...ownFlags(data), ...this.#addresses]
    const child = spawn(process.execPath, [launcher, 'up', pipeline, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A Ctrl-C is for us; we end it.
      detached: true,
      // What a killed process leaves goes with the scratch directory.
      env: { ...withoutSettings(process.env), TMPDIR: data },
    })
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk) => void (this.#output = `${this.#output}${chunk}`.slice(-OUTPUT_BYTES_MAX)))
    }
    const { http, sql } = await this.#served(child)
    this.http = http
    this.#addresses = ['--http', new URL(http).host, '--sql', new URL(sql).host]
  }

  async #served(child: ChildProcess): Promise<RunningProcesses> {
    const until = performance.now() + STARTED_MAX_MS
    for (;;) {
      const running = this.#options.readRunning(this.#options.data)
      if (running !== undefined && running.supervisor === child.pid) return running
      if (this.hasEnded || performance.now() > until) {
        const found = child.exitCode ?? child.signalCode ?? `nothing for ${STARTED_MAX_MS / 1000} s`
        throw new LandfallError(
          'fix-config',
          'verify/not-up',
          `starting a copy of ${this.#options.pipeline}: expected it to serve, found ${found}: ${this.lastLine}`,
        )
      }
      await sleep(20)
    }
  }

  get hasEnded(): boolean {
    const child = this.#child
    return child === undefined || child.exitCode !== null || child.signalCode !== null
  }

  /** What it said last. */
  get lastLine(): string {
    return this.#output.trimEnd().split('\n').at(-1) ?? ''
  }

  /** SIGKILL. What the supervisor does not start again is started again here. Resolves when the signal is out, or it serves again. */
  async kill(victim: Victim): Promise<void> {
    if (victim !== 'supervisor' && victim !== 'all') return this.#killStage(victim)
    const child = this.#child!
    const gone = once(child, 'exit')
    const { processes = {} } = this.#options.readRunning(this.#options.data) ?? {}
    child.kill('SIGKILL')
    // Left alone, they would leave by themselves, with what they hold in order.
    if (victim === 'all') for (const pid of Object.values(processes)) signal(pid)
    await gone
    await this.start()
  }

  /** One that was killed just now is not there for a moment. */
  async #killStage(stage: 'door' | 'lander' | 'query'): Promise<void> {
    while (!this.hasEnded) {
      const pid = this.#options.readRunning(this.#options.data)?.processes[stage]
      if (pid !== undefined && signal(pid)) return
      await sleep(10)
    }
    throw new LandfallError('bug', 'verify/ended', `the copy ended by itself: ${this.lastLine}`)
  }

  /** Lands what was accepted and ends. With `hurry`, ends. */
  async stop({ hurry = false } = {}): Promise<void> {
    if (this.hasEnded) return
    const child = this.#child!
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    if (hurry) child.kill('SIGTERM')
    await gone
  }
}

/** False when there is no such process. */
function signal(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    // It has just ended.
    return false
  }
}

/** Whatever the pipeline's own settings say: nothing of the copy is outside of its directory. */
function ownFlags(data: string): string[] {
  const { log, storage, catalog } = ownPlaces(data)
  return ['--data', data, '--log', log, '--storage', storage, '--catalog', catalog, '--lander', OWN_LANDER]
}

/** Settings of the environment are for the pipeline itself: addresses, certificates, and where its parts are. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('LANDFALL_')))
}
