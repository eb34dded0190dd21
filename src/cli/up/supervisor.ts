import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../base/errors.ts'
import { type DirectoryLock, waitForDirectoryLock } from '../../base/lock.ts'
import { makeNamedDirectory } from '../../base/named-directory.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import { removeUpFile, STAGES, type StageName, type UpFile, writeUpFile } from '../../pipeline/up-file.ts'
import type { Note, Report } from '../reporter.ts'
import { STAGE_COMMANDS } from './messages.ts'
import { type ChildEvents, SupervisedChild } from './supervised-child.ts'

export interface SupervisorOptions {
  /** Path of bin/landfall.js. */
  launcher: string
  /** Absolute path of the pipeline file. */
  pipeline: string
  data: string
  /** Flags of settings as they were given, passed on to every process. */
  flags: readonly string[]
  report: Report
}

/** How long processes that were told to hurry may take. */
const HURRY_MS = 2000
/** How long a restarted door waits for the others to take over a changed definition. */
const CHANGE_MS = 5000
/** Different reasons for dead letters that are told. */
const TOLD_MAX = 1000
/** A failure that repeats with every restart is said again after this time. */
const REPEAT_MS = 60_000

/**
 * Three processes, each restarted alone: the door answers on while the lander is down, and a query that dies takes nothing with
 * it. A stage that cannot start because of a mistake (its error says so) stops everything, because restarting would not mend it;
 * once it has worked, it is restarted for ever, with growing pauses.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #lock: DirectoryLock
  readonly #children: Record<StageName, SupervisedChild>
  readonly #up: UpFile
  readonly #failed = Promise.withResolvers<never>()
  readonly #told = new Set<string>()
  readonly #said = new Map<string, { text: string; at: number }>()
  #compiled: CompiledPipeline | undefined
  #serving = false
  #stopping: Promise<void> | undefined

  constructor(options: SupervisorOptions, lock: DirectoryLock) {
    this.#options = options
    this.#lock = lock
    this.#failed.promise.catch(() => {})
    const startedAt = new Date().toISOString()
    this.#up = {
      supervisor: process.pid,
      startedAt,
      pipeline: options.pipeline,
      http: '',
      sql: '',
      processes: {},
    }
    const child = (name: StageName) =>
      new SupervisedChild({
        name,
        launcher: options.launcher,
        args: () => this.#args(name),
        events: this.#events(),
      })
    this.#children = { door: child('door'), lander: child('lander'), query: child('query') }
  }

  /** Starts all three; resolves with their addresses when all are ready, rejects when one cannot start. */
  async start(): Promise<UpFile> {
    for (const name of STAGES) this.#children[name].start()
    await Promise.race([Promise.all(STAGES.map((name) => this.#children[name].ready)), this.#failed.promise])
    this.#serving = true
    this.#writeUp()
    return this.#up
  }

  /** What the door made of the pipeline file; undefined before it did. */
  get compiled(): CompiledPipeline | undefined {
    return this.#compiled
  }

  /** Rejects when a stage has a failure that no restart mends. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /**
   * Restarts the stages with a changed pipeline file, from the end of the flow to its beginning: the new tables exist
   * before the first event that the new plan allows. Rejects when a stage was stopped meanwhile.
   */
  async reload(compiled: CompiledPipeline): Promise<void> {
    this.#compiled = compiled
    for (const name of ['lander', 'query', 'door'] as const) await this.#children[name].restart()
  }

  /** The door has loaded the file. At a restart it may have found it changed: then the others change first. */
  async #onCompiled(compiled: CompiledPipeline): Promise<void> {
    const before = this.#compiled
    this.#compiled = compiled
    const { door, lander, query } = this.#children
    if (before === undefined) for (const child of [lander, query]) child.send({ type: 'pipeline', compiled })
    else if (JSON.stringify(before) !== JSON.stringify(compiled)) {
      this.#say('door', { level: 'info', text: 'the pipeline file has changed, and is taken over' })
      const changed = Promise.allSettled([lander.restart(), query.restart()])
      // A lander that cannot work with it says why; events go to the log all the same, and wait there.
      await Promise.race([changed, sleep(CHANGE_MS)])
    }
    door.send({ type: 'go' })
  }

  /** The door first, so that nothing new comes; then the lander, which lands what is there; then the query process. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    for (const name of STAGES) await this.#children[name].stop(false)
    removeUpFile(this.#options.data)
    this.#lock.release()
  }

  /** All at once, without landing what is pending; the next start lands it. */
  async hurry(): Promise<void> {
    const gone = Promise.all(STAGES.map((name) => this.#children[name].stop(true)))
    await Promise.race([gone, sleep(HURRY_MS)])
    this.kill()
    await gone
    await this.stop()
  }

  kill(): void {
    for (const name of STAGES) this.#children[name].kill()
  }

  #args(name: StageName): string[] {
    // An address that the system chose stays the same over restarts.
    const address = name === 'door' ? this.#up.http : name === 'query' ? this.#up.sql : ''
    const flag = name === 'door' ? '--http' : '--sql'
    const listen = address === '' ? [] : [flag, address.replace(/^https?:\/\//, '')]
    return [STAGE_COMMANDS[name], this.#options.pipeline, ...this.#options.flags, ...listen]
  }

  #events(): ChildEvents {
    return {
      onCompiled: (compiled) => void this.#onCompiled(compiled),
      onStarted: (name, pid) => {
        if (name !== 'door' && this.#compiled !== undefined) {
          this.#children[name].send({ type: 'pipeline', compiled: this.#compiled })
        }
        this.#up.processes[name] = pid
        this.#writeUp()
      },
      onReady: (name, address) => {
        if (name === 'door') this.#up.http = address ?? ''
        if (name === 'query') this.#up.sql = address ?? ''
        if (this.#serving) this.#say(name, { level: 'info', text: `${name} is back` })
      },
      onNote: (name, note) => this.#say(name, note),
      onFailed: (name, error, everReady) => this.#onFailed(name, error, everReady),
      onBroken: (name, how) => {
        const message = `the ${name} process does not start (${how}); its own message stands above`
        this.#failed.reject(new LandfallError('bug', 'up/broken', message))
      },
      onDied: (name, how, restartInMs) => {
        const when = restartInMs === 0 ? 'again' : `again in ${restartInMs} ms`
        const text = `${name} ended (${how}), starting it ${when}`
        const note: Note = { level: 'warn', text, fields: { how } }
        if (restartInMs === 0) this.#say(name, note)
        else this.#sayOnce(name, note)
      },
    }
  }

  #onFailed(name: StageName, error: LandfallError, everReady: boolean): void {
    // Started again, a door that was locked out would lock out the other one, which would do the same.
    const isOver = everReady ? error.code === 'log/fenced' : error.kind !== 'retry'
    if (isOver) this.#failed.reject(error)
    else
      this.#sayOnce(name, { level: 'error', text: `${name}: ${error.message}`, fields: { code: error.code } })
  }

  #say(stage: StageName, note: Note): void {
    if (note.once !== undefined) {
      if (this.#told.has(note.once) || this.#told.size >= TOLD_MAX) return
      this.#told.add(note.once)
    }
    this.#options.report({ level: note.level, text: note.text, fields: { stage, ...note.fields } })
  }

  #sayOnce(stage: StageName, note: Note): void {
    const key = `${stage} ${note.level}`
    const last = this.#said.get(key)
    if (last?.text === note.text && performance.now() - last.at < REPEAT_MS) return
    this.#said.set(key, { text: note.text, at: performance.now() })
    this.#say(stage, note)
  }

  #writeUp(): void {
    if (this.#serving && this.#stopping === undefined) writeUpFile(this.#options.data, this.#up)
  }
}

/** Takes the data directory, so that a second `landfall up` on it is told at once. */
export async function openSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  await makeNamedDirectory(options.data, 'the data directory', '--data')
  const lock = await waitForDirectoryLock(options.data, 'the data directory', 300)
  return new Supervisor(options, lock)
}
