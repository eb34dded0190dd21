/**
 * The crash sweep: processes that are killed by SIGKILL at a chosen write, sync, rename, link, unlink, truncate or mkdir, before it, half way or
 * after it; and after each a process that recovers and holds the tables to the truth.
 *
 * Two ways to choose. The exhaustive one takes the same directory and the same work again for each operation of it, and kills
 * the recovery from it as well. The chained one lets each process go on where the one before was killed, so
 * what a crash leaves meets the next crash.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChildEnd, runChild } from './children.ts'
import { pipeline } from './pipeline.ts'
import { placeOf } from './places.ts'
import type { Death, Ended, Fault, FaultPlan, OperationKind } from './plan.ts'
import type { SweepTask } from './sweep-child.ts'

export interface SweepOptions {
  /** Crash points of chains, at least. */
  points: number
  /** Of the exhaustive sweep: every so many-th operation; 0: none. */
  every: number
  seed: number
  /** Processes at once. Default 2. */
  lanes?: number
  onProgress?: (report: SweepReport) => void
}

export interface SweepReport {
  seed: number
  /** Kills that hit. */
  points: number
  /** Recoveries that came to their end, each held to the truth. */
  verdicts: number
  lost: number
  doubled: number
  unrecoverable: number
  byMoment: Record<string, number>
  byPhase: Record<string, number>
  /** Place and kind of the operation → kills at it. */
  byOperation: Record<string, number>
}

/** Children of one directory: it must not grow for ever. */
const CHAIN_LENGTH = 40
/** Operations of one round of work and of a recovery, about. */
const WORK = 400
const RECOVERY = 130
const MOMENTS = ['before', 'half', 'after'] as const

export async function runSweep(options: SweepOptions): Promise<SweepReport> {
  const report: SweepReport = {
    seed: options.seed,
    points: 0,
    verdicts: 0,
    lost: 0,
    doubled: 0,
    unrecoverable: 0,
    byMoment: {},
    byPhase: {},
    byOperation: {},
  }
  const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'landfall-sweep-'))
  writeFileSync(join(scratch, 'pipeline.json'), JSON.stringify(pipeline))
  const sweep = new Sweep(scratch, options, report)
  await sweep.run()
  // Kept when something was wrong: then `run` has thrown.
  rmSync(scratch, { recursive: true, force: true })
  return report
}

class Sweep {
  readonly #scratch: string
  readonly #options: SweepOptions
  readonly #report: SweepReport
  #chains = 0
  #chained = 0

  constructor(scratch: string, options: SweepOptions, report: SweepReport) {
    this.#scratch = scratch
    this.#options = options
    this.#report = report
  }

  async run(): Promise<void> {
    const { lanes = 2, every, points } = this.#options
    const inLanes = (work: (lane: number) => Promise<void>) =>
      Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)))
    if (every > 0) await inLanes((lane) => this.#exhaust(lane, lanes))
    await inLanes(async () => {
      while (this.#chained < points) await this.#chain(this.#chains++)
    })
  }

  /** Children that go on where the one before was killed; at last one that is not. */
  async #chain(chain: number): Promise<void> {
    const runner = this.#runner(`chain-${chain}`, this.#options.seed + chain * 1000)
    for (let child = 0; child < CHAIN_LENGTH && this.#chained < this.#options.points; child++) {
      const number = chain * CHAIN_LENGTH + child
      // Every fourth in its recovery. The strides are coprime to the spans, so each number has its turn.
      const phase = child % 4 === 3 ? 'recover' : 'work'
      const at = 1 + (phase === 'work' ? (number * 137) % WORK : (number * 41) % RECOVERY)
      const fault: Fault = { at, phase, act: { kill: MOMENTS[number % 3]! } }
      if ((await runner.run([fault], 2)) !== undefined) this.#chained += 1
    }
    await runner.finish()
  }

  /**
   * Kills the same work on the same directory, which has some history, at each of its operations; and the recovery from it at one of its
   * own. Each lane takes its share. (Paths in a lake are absolute, so each lane has a directory and puts it back each time.)
   */
  async #exhaust(lane: number, lanes: number): Promise<void> {
    const runner = this.#runner(`exhaust-${lane}`, this.#options.seed)
    for (let child = 0; child < 6; child++) await runner.run([], 1)
    runner.save()
    const trace = join(this.#scratch, `${lane}.trace`)
    await runner.run([], 1, trace)
    const kinds = kindsOf(trace)
    const { work = 0, recover = 0 } = runner.operations
    for (let at = 1 + lane * this.#options.every; at <= work; at += lanes * this.#options.every) {
      const isWrite = kinds[recover + at - 1] === 'write'
      for (const moment of isWrite ? (['before', 'half'] as const) : (['before'] as const)) {
        runner.putBack()
        await runner.run([{ at, phase: 'work', act: { kill: moment } }], 1)
        await runner.run([{ at: 1 + (at % recover), phase: 'recover', act: { kill: moment } }], 0)
        await runner.run([], 0)
      }
    }
    runner.remove()
  }

  #runner(name: string, seed: number): Runner {
    return new Runner(this.#scratch, name, seed, this.#report, () => this.#options.onProgress?.(this.#report))
  }
}

/** Kinds of the operations that a trace records, in order. */
function kindsOf(trace: string): OperationKind[] {
  const lines = readFileSync(trace, 'utf8').split('\n').filter(Boolean)
  return lines.flatMap((line) => {
    const { step, made, emptied } = JSON.parse(line) as { step: string; made?: boolean; emptied?: boolean }
    if (step === 'open') return made === true || emptied === true ? ['create'] : []
    if (step === 'native') return []
    return [step as OperationKind]
  })
}

/** Runs one child after the other on a directory. */
class Runner {
  readonly #scratch: string
  readonly #name: string
  readonly #seed: number
  readonly #report: SweepReport
  readonly #onPoint: () => void
  #number = 0
  #saved = 0
  /** Operations of the last child that was not killed, by phase. */
  operations: Record<string, number> = {}

  constructor(scratch: string, name: string, seed: number, report: SweepReport, onPoint: () => void) {
    this.#scratch = scratch
    this.#name = name
    this.#seed = seed
    this.#report = report
    this.#onPoint = onPoint
    mkdirSync(this.directory, { recursive: true })
  }

  get directory(): string {
    return join(this.#scratch, this.#name)
  }

  /** Keeps what is there now … */
  save(): void {
    this.#saved = this.#number
    for (const end of ['', '.journal'])
      cpSync(`${this.directory}${end}`, `${this.directory}.saved${end}`, { recursive: true })
  }

  /** … and makes it so again. */
  putBack(): void {
    this.#number = this.#saved
    for (const end of ['', '.journal']) {
      rmSync(`${this.directory}${end}`, { recursive: true })
      cpSync(`${this.directory}.saved${end}`, `${this.directory}${end}`, { recursive: true })
    }
  }

  /** One child; undefined when it was not killed. */
  async run(faults: Fault[], rounds: number, trace?: string): Promise<Death | undefined> {
    const { directory } = this
    const number = this.#number++
    const reportFile = `${directory}.report`
    rmSync(reportFile, { force: true })
    const plan: FaultPlan = {
      root: directory,
      faults,
      report: reportFile,
      ...(trace === undefined ? {} : { trace }),
    }
    const task: SweepTask = {
      directory,
      journal: `${directory}.journal`,
      pipeline: join(this.#scratch, 'pipeline.json'),
      number,
      seed: this.#seed,
      rounds,
    }
    const ended = await runChild('sweep-child.ts', task, plan)
    if (ended.output.includes('true\n')) this.#report.verdicts += 1
    const told = existsSync(reportFile)
      ? (JSON.parse(readFileSync(reportFile, 'utf8').trim().split('\n').at(-1)!) as Death | Ended)
      : undefined
    if (ended.signal === 'SIGKILL' && told !== undefined && 'moment' in told) {
      this.#count(told)
      return told
    }
    if (ended.code !== 0 || told === undefined) throw new Error(this.#failure(plan, task, ended))
    this.operations = (told as Ended).operations
    return undefined
  }

  /** A child that is not killed, and lets its directory go. */
  async finish(): Promise<void> {
    await this.run([], 0)
    this.remove()
  }

  remove(): void {
    for (const end of ['', '.journal', '.report'])
      rmSync(`${this.directory}${end}`, { recursive: true, force: true })
  }

  #count(death: Death): void {
    const add = (to: Record<string, number>, key: string) => {
      to[key] = (to[key] ?? 0) + 1
    }
    const report = this.#report
    report.points += 1
    add(report.byMoment, death.moment)
    add(report.byPhase, death.phase)
    add(report.byOperation, `${placeOf(death.path)}: ${death.kind}`)
    this.#onPoint()
  }

  #failure(plan: FaultPlan, task: SweepTask, ended: ChildEnd): string {
    return [
      `child ${task.number} of ${this.directory} ended with ${ended.signal ?? ended.code}; the directory is kept`,
      `seed ${this.#report.seed}; its plan: ${JSON.stringify(plan.faults)}`,
      ended.errors,
    ].join('\n')
  }
}
