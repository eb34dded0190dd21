import { type ChildProcess, fork } from 'node:child_process'
import type { LandfallError } from '../../base/errors.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { StageName } from '../../pipeline/up-file.ts'
import type { Note } from '../reporter.ts'
import { type FromChild, type FromSupervisor, fromWireError, SUPERVISED } from './messages.ts'

const BACKOFF_FIRST_MS = 100
const BACKOFF_MAX_MS = 5000
/** A child that was ready for this long was well: it is started again at once. */
const HEALTHY_AFTER_MS = 1000

/**
 * V8's young generation, MiB a half; it grows to what survives in it. With 8 the requests of 2,560 clients go over into the old
 * generation: the door took 248 MiB for 23,000 a second, with 32 it takes 152 for 26,000; with 64 it takes 216 and does no more. At 256 clients
 * it makes no difference to the rate, and 10 MiB. One value for all stages, because compiled code is cached per set of V8's flags.
 */
export const SEMI_SPACE_MIB = 32

/**
 * glibc gives each thread an arena of its own, which keeps what was freed in it. The door's threads only sync files, so one
 * arena serves it as fast; the lander's and the query's do allocate side by side.
 */
const ENVIRONMENT: Partial<Record<StageName, Record<string, string>>> = { door: { MALLOC_ARENA_MAX: '1' } }

export interface ChildEvents {
  /** The door has loaded the pipeline file and waits for `go`. */
  onCompiled(compiled: CompiledPipeline): void
  /** Each time the stage is ready, with where it listens. */
  onReady(name: StageName, address: string | null): void
  onNote(name: StageName, note: Note): void
  /** The stage said why it ends; `everReady` tells a wrong start from a later failure. */
  onFailed(name: StageName, error: LandfallError, everReady: boolean): void
  /** It ended without being asked to and is started again in `restartInMs`. */
  onDied(name: StageName, how: string, restartInMs: number): void
  /** It ended by itself before it was ever ready, and did not say why: starting it again would not mend it. */
  onBroken(name: StageName, how: string): void
  onStarted(name: StageName, pid: number): void
}

export interface ChildOptions {
  name: StageName
  /** Path of bin/landfall.js. */
  launcher: string
  args: () => string[]
  events: ChildEvents
}

/** One process of the pipeline, kept alive until it is told to stop. */
export class SupervisedChild {
  readonly name: StageName
  readonly #options: ChildOptions
  #process: ChildProcess | undefined
  #ready = Promise.withResolvers<void>()
  #everReady = false
  #readyAt: number | undefined
  #saidWhy = false
  #stopping = false
  #failures = 0
  #restart: NodeJS.Timeout | undefined
  #gone = Promise.withResolvers<void>()

  constructor(options: ChildOptions) {
    this.name = options.name
    this.#options = options
    // Whoever waits hears of it; nobody has to.
    this.#ready.promise.catch(() => {})
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Resolves when the stage is ready, whichever incarnation gets there; rejects when `stop` came first. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  start(): void {
    const child = fork(this.#options.launcher, this.#options.args(), {
      stdio: ['ignore', 2, 'inherit', 'ipc'],
      execArgv: [`--max-semi-space-size=${SEMI_SPACE_MIB}`, ...process.execArgv],
      // What is set outside stays.
      env: { ...ENVIRONMENT[this.name], ...process.env, [SUPERVISED]: '1' },
    })
    this.#process = child
    this.#readyAt = undefined
    this.#saidWhy = false
    this.#gone = Promise.withResolvers()
    if (child.pid !== undefined) this.#options.events.onStarted(this.name, child.pid)
    child.on('message', (message: FromChild) => this.#hear(message))
    child.on('error', (error) =>
      this.#options.events.onNote(this.name, { level: 'error', text: error.message }),
    )
    // `close` comes after the last message has been heard; `exit` may come before.
    child.on('close', (code, signal) => {
      this.#forgive()
      if (signal === null && !this.#everReady && !this.#saidWhy && !this.#stopping) {
        this.#options.events.onBroken(this.name, `exit code ${code}`)
      }
      this.#ended(signal ?? `exit code ${code}`)
    })
  }

  /** Reaches the process that is there now, if any. */
  send(message: FromSupervisor): void {
    if (this.#process?.connected) this.#process.send(message, () => {})
  }

  /** Asks the stage to finish what it accepted and end; with `hurry`, now. Resolves when it has gone. */
  async stop(hurry: boolean): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    this.#ready.reject(new Error(`${this.name} was stopped`))
    if (this.#process === undefined) return
    this.send({ type: 'stop', hurry })
    await this.#gone.promise
  }

  /** For a process that does not leave even in a hurry. */
  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  /** Stops gracefully and starts anew, e.g. with a changed pipeline file. Resolves when ready. */
  async restart(): Promise<void> {
    await this.stop(false)
    this.#stopping = false
    this.#failures = 0
    this.#ready = Promise.withResolvers()
    this.#ready.promise.catch(() => {})
    this.start()
    await this.ready
  }

  #hear(message: FromChild): void {
    const { events } = this.#options
    if (message.type === 'compiled') events.onCompiled(message.compiled)
    if (message.type === 'note') events.onNote(this.name, message.note)
    if (message.type === 'failed') {
      this.#saidWhy = true
      events.onFailed(this.name, fromWireError(message.error), this.#everReady)
    }
    if (message.type === 'ready') {
      this.#everReady = true
      this.#readyAt = performance.now()
      this.#ready.resolve()
      events.onReady(this.name, message.address)
    }
  }

  /** A child that could serve is back soon however often it is killed; only one that cannot even start waits longer each time. */
  #forgive(): void {
    if (this.#readyAt === undefined) return
    const well = performance.now() - this.#readyAt > HEALTHY_AFTER_MS
    this.#failures = well ? 0 : Math.min(this.#failures, 1)
  }

  #ended(how: string): void {
    this.#process = undefined
    this.#gone.resolve()
    if (this.#stopping) return
    const delay =
      this.#failures === 0 ? 0 : Math.min(BACKOFF_FIRST_MS * 2 ** (this.#failures - 1), BACKOFF_MAX_MS)
    this.#failures += 1
    this.#options.events.onDied(this.name, how, delay)
    // onDied may have decided to stop everything.
    if (!this.#stopping) this.#restart = setTimeout(() => this.start(), delay)
  }
}
