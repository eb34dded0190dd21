/**
 * The crash test for users: a copy of a pipeline runs on scratch data with all its real processes, is sent events, and has one of its
 * processes killed (SIGKILL), or all at once, at random moments. Then everything lands, and the sum is made: nothing that was answered with
 * success may be missing, nothing may be there twice, and the ledger must close. The pipeline's own data is never touched.
 *
 * The seed decides victims, pauses and what is sent; how the machine runs in between is left to chance.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../base/errors.ts'
import { type Ledger, readLedger } from '../../ledger/ledger.ts'
import type { Pipeline } from '../../model/definition.ts'
import type { SimulateInput } from '../../model/simulate-input.ts'
import { ownPlaces, type Places } from '../../pipeline/places.ts'
import { openDataEngine } from '../../pipeline/query.ts'
import { openDataLake, openDataLog } from '../../pipeline/readers.ts'
import { createRandom, type Random } from '../../simulate/random.ts'
import { type Audit, audit } from './audit.ts'
import { Load, type Requests } from './load.ts'
import { PipelineCopy, type PipelineCopyOptions, VICTIMS, type Victim } from './pipeline-copy.ts'

export interface KillTestOptions extends Omit<PipelineCopyOptions, 'pipeline' | 'data'> {
  /** Absolute path of the pipeline file … */
  path: string
  /** … and what is in it. */
  pipeline: Pipeline
  /** How its routes are called (`load.json`). */
  hints: SimulateInput
  kills: number
  seed: number
  onKill?: (kill: Kill, done: number) => void
  /** What goes on between kills. */
  onStep?: (text: string) => void
  /** Ends the test early, with everything it started. */
  signal?: AbortSignal
}

export interface Kill {
  victim: Victim
  /** From the kill to the first success of a request that was sent after it; with the supervisor's own start, where that was killed. */
  doorBackMs: number
}

export interface KillReport {
  /** Nothing lost, nothing doubled, the ledger closes, nothing pending. */
  passed: boolean
  seed: number
  kills: Kill[]
  requests: Requests
  /** Events that were answered with success. */
  answered: number
  audit: Audit
  ledger: Ledger
  /** The scratch directory, kept when something is wrong; null: removed. */
  data: string | null
}

const PAUSE_MIN_MS = 100
const PAUSE_MAX_MS = 500
/** Much longer than any recovery: beyond it the door is not coming back. */
const DOOR_BACK_MAX_MS = 120_000
/** Nothing landed for so long, though something is pending. */
const STANDSTILL_MS = 120_000
const IDS_MAX = 100_000_000

/** Throws when the copy does not start or does not come back; what it lost or doubled is told in the report. */
export async function runKillTest(options: KillTestOptions): Promise<KillReport> {
  const data = await mkdtemp(join(tmpdir(), 'landfall-kill-'))
  let report: KillReport | undefined
  try {
    report = await runOn(data, options)
    return report
  } finally {
    if (report === undefined || report.passed) {
      await rm(data, { recursive: true, force: true })
      if (report !== undefined) report.data = null
    }
  }
}

async function runOn(data: string, options: KillTestOptions): Promise<KillReport> {
  const { path, pipeline, seed, onStep = () => {} } = options
  const copy = new PipelineCopy({ ...options, pipeline: path, data })
  const places = ownPlaces(data)
  let load: Load | undefined
  try {
    onStep('starting a copy of the pipeline')
    await copy.start()
    load = new Load({ ...options, address: () => copy.http })
    const kills = await killAgainAndAgain(copy, load, options)
    onStep('waiting until everything has landed')
    await load.stop(DOOR_BACK_MAX_MS)
    await landed(places, copy, options.signal)
    await copy.stop()
    const ledger = await ledgerOf(places)
    await using engine = await openDataEngine(places, { rowsMax: IDS_MAX })
    const found = await audit(engine, pipeline.compiled.tables, load.answered)
    const inOrder = found.tables.every(({ missing, extra }) => missing === 0 && extra === 0)
    const passed =
      found.lost.length === 0 &&
      found.doubled.length === 0 &&
      inOrder &&
      ledger.closes &&
      ledger.total.pending === 0
    return {
      passed,
      seed,
      kills,
      requests: load.requests,
      answered: load.answered.size,
      audit: found,
      ledger,
      data,
    }
  } finally {
    await load?.stop(0).catch(() => {})
    await copy.stop({ hurry: true })
  }
}

async function killAgainAndAgain(
  copy: PipelineCopy,
  load: Load,
  { kills, seed, onKill, signal }: KillTestOptions,
): Promise<Kill[]> {
  const random = createRandom(seed)
  const done: Kill[] = []
  await answersAgain(copy, load)
  while (done.length < kills) {
    await sleep(pauseOf(random))
    signal?.throwIfAborted()
    const victim = random.pick(VICTIMS)
    const killedAt = performance.now()
    await copy.kill(victim)
    await answersAgain(copy, load)
    const kill = { victim, doorBackMs: Math.round(performance.now() - killedAt) }
    done.push(kill)
    onKill?.(kill, done.length)
  }
  return done
}

const pauseOf = (random: Random) => PAUSE_MIN_MS + random.next() * (PAUSE_MAX_MS - PAUSE_MIN_MS)

async function answersAgain(copy: PipelineCopy, load: Load): Promise<void> {
  if (await load.answers(DOOR_BACK_MAX_MS)) return
  throw new LandfallError(
    'bug',
    'verify/door-not-back',
    `no request was answered with success for ${DOOR_BACK_MAX_MS / 1000} s; the copy said: ${copy.lastLine}`,
  )
}

/** Resolves when nothing is pending, or when nothing has landed for a long time: the report tells. */
async function landed(places: Places, copy: PipelineCopy, signal?: AbortSignal): Promise<void> {
  let pending = Number.POSITIVE_INFINITY
  let since = performance.now()
  while (pending > 0 && performance.now() - since < STANDSTILL_MS) {
    await sleep(250)
    signal?.throwIfAborted()
    const now = (await ledgerOf(places)).total.pending
    if (now < pending) since = performance.now()
    pending = now
  }
  if (copy.hasEnded)
    throw new LandfallError('bug', 'verify/ended', `the copy ended by itself: ${copy.lastLine}`)
}

async function ledgerOf(places: Places): Promise<Ledger> {
  await using log = await openDataLog(places)
  // Awaited here: the log is closed behind it.
  return await readLedger({ log, lake: await openDataLake(places) })
}
