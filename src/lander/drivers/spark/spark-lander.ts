/**
 * The lander on Spark: this process plans and commits, a Spark Connect server reads the log, judges and writes. The same
 * promises as the lander within (lander.ts), but no spool: a query is as fresh as the last commit.
 *
 * Spark keeps nothing that matters: a server that is killed, or a session that is lost, costs the batch that was under way, which is
 * done again by its plan (batch/session.ts) once the server answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type Clock, systemClock } from '../../../base/clock.ts'
import { formatError, isLandfallError, LandfallError } from '../../../base/errors.ts'
import { makeDirectory } from '../../../base/files.ts'
import { type DirectoryLock, waitForDirectoryLock } from '../../../base/lock.ts'
import { loadPlan as loadTrackingPlan } from '../../../model/plan-store.ts'
import { type Position, samePosition } from '../../../model/position.ts'
import { EarlierRecords } from '../../duplicates/earlier-records.ts'
import { type LandReport, reportBetween } from '../../land-report.ts'
import type { Lander } from '../../lander.ts'
import { type LanderLogger, SILENT } from '../../logger.ts'
import { LANDER_DEFAULTS, type LanderSettings } from '../../settings.ts'
import { type LanderStatus, StatusFile } from '../../status.ts'
import { landedTables } from '../../tables.ts'
import { openPlan, takeOver } from '../../take-over.ts'
import { lagOf, nextRange } from './batch/range.ts'
import { type BatchParts, BatchSession } from './batch/session.ts'
import type { SparkConnect } from './connect/client.ts'
import { Due } from './due.ts'
import type { SparkLanderOptions } from './options.ts'
import { openSession } from './server.ts'
import { succeedSession } from './stream/left-behind.ts'
import { StreamSession } from './stream/stream-session.ts'

/** Landing up to an end gives up when a batch fails for this long; following goes on as long as it is wanted. */
const PATIENCE_MS = 180_000
const BACKOFF_MAX_MS = 10_000
/** How often streams are asked what they have staged. */
const LOOK_MS = 500

/** Takes over: locks the directory, fences a predecessor, finishes its batch. */
export async function openSparkLander(options: SparkLanderOptions): Promise<Lander> {
  const { directory, log, lake } = options
  await makeDirectory(directory)
  const lock = await waitForDirectoryLock(directory, 'The lander', options.lockWaitMs ?? 10_000)
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' })
  const server = new Server(options)
  try {
    const connection = await instance.connect()
    await connection.run(`SET TimeZone = 'UTC'`)
    const earlier = new EarlierRecords(log, lake, connection)
    const parts: BatchParts = {
      spark: () => server.session(),
      log,
      lake,
      kafka: options.kafka,
      catalog: options.catalog.name,
      directory,
      plans: options.plans,
      loadPlan: (version) => loadTrackingPlan(options.plans, version),
      readRecords: (partition, offsets) => earlier.read(partition, offsets),
      logger: options.logger ?? SILENT,
      ...(options.onDead ? { onDead: options.onDead } : {}),
    }
    await server.session()
    const session = await takeOver(parts, options.pipeline, (...session) =>
      BatchSession.open(parts, ...session),
    )
    return new SparkLander(options, parts, session, { server, instance, connection, lock })
  } catch (error) {
    await server.close()
    instance.closeSync()
    lock.release()
    throw error
  }
}

/** The session of the Spark server, made anew when it is lost. */
class Server {
  readonly #options: SparkLanderOptions
  #session: Promise<SparkConnect> | undefined

  constructor(options: SparkLanderOptions) {
    this.#options = options
  }

  session(): Promise<SparkConnect> {
    this.#session ??= this.#open()
    return this.#session
  }

  async #open(): Promise<SparkConnect> {
    const { spark, catalog, directory } = this.#options
    const session = await openSession(spark, catalog)
    await succeedSession(directory, session, spark)
    return session
  }

  /** Ends the session with all that runs in it. */
  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    const spark = await session?.catch(() => undefined)
    await spark?.interrupt().catch(() => {})
    await spark?.close()
  }
}

interface Held {
  server: Server
  instance: DuckDBInstance
  connection: DuckDBConnection
  lock: DirectoryLock
}

class SparkLander implements Lander {
  readonly #options: SparkLanderOptions
  readonly #parts: BatchParts
  readonly #session: BatchSession
  readonly #stream: StreamSession | undefined
  readonly #held: Held
  readonly #settings: LanderSettings
  readonly #clock: Clock
  readonly #logger: LanderLogger
  readonly #statusFile: StatusFile
  #end: Position
  #maintained = 0
  #committedAt: number | null = null
  #error: string | null = null
  #running: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: SparkLanderOptions, parts: BatchParts, session: BatchSession, held: Held) {
    this.#options = options
    this.#parts = parts
    this.#session = session
    this.#held = held
    this.#end = this.#position
    this.#settings = { ...LANDER_DEFAULTS, ...options.settings }
    const { batchRows: rowsMax } = this.#settings
    const onEnd = (end: Position) => this.#see(end)
    this.#stream = options.stream && new StreamSession(parts, session, { ...options.stream, rowsMax, onEnd })
    this.#clock = options.clock ?? systemClock()
    this.#logger = parts.logger
    this.#statusFile = new StatusFile(options.directory, () => this.status())
    this.#statusFile.touch()
  }

  /** Everything before it has landed. */
  get #position(): Position {
    return this.#session.events.position!
  }

  run(signal: AbortSignal): Promise<void> {
    if (this.#stream) return this.#move(() => this.#follow(this.#stream!, signal))
    return this.#move(async () => {
      const due = new Due(this.#parts.log, this.#settings, this.#clock, (end) => this.#see(end))
      for (;;) {
        const end = await this.#retrying(signal, Number.POSITIVE_INFINITY, () =>
          due.next(this.#position, signal),
        )
        if (end === undefined) return
        await this.#landWithin(end, signal)
      }
    })
  }

  landToEnd(
    options: { signal?: AbortSignal; onProgress?: (report: LandReport) => void } = {},
  ): Promise<LandReport> {
    const signal = options.signal ?? new AbortController().signal
    const before = this.#session.events
    const report = () => reportBetween(before, this.#session.events)
    return this.#move(async () => {
      const end = await this.#retrying(signal, PATIENCE_MS, () => this.#parts.log.end())
      if (end === undefined) return report()
      this.#see(end)
      const progress = () => options.onProgress?.(report())
      if (this.#stream) await this.#follow(this.#stream, signal, { end, progress })
      while (lagOf(this.#position, end) > 0 && !signal.aborted) {
        await this.#retrying(signal, PATIENCE_MS, () => this.#landBatch(end))
        progress()
      }
      return report()
    })
  }

  status(): LanderStatus {
    const { events, epoch } = this.#session
    return {
      version: 1,
      pid: process.pid,
      logId: this.#parts.log.id,
      epoch,
      batch: events.batch,
      position: this.#position,
      counters: events.counters ?? {},
      spooled: this.#position,
      pending: lagOf(this.#position, this.#end),
      committedAt: this.#committedAt,
      ids: { count: 0, bytes: 0, spilled: 0 },
      error: this.#error,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const { server, instance, connection, lock } = this.#held
    await server.close()
    await this.#running.catch(() => {})
    await this.#statusFile.flush()
    connection.closeSync()
    instance.closeSync()
    lock.release()
  }

  async #move<Result>(work: () => Promise<Result>): Promise<Result> {
    const running = work()
    this.#running = running
    try {
      return await running
    } catch (error) {
      this.#error = formatError(error)
      throw error
    } finally {
      await this.#statusFile.flush()
    }
  }

  #see(end: Position): void {
    this.#end = end
    this.#statusFile.touch()
  }

  /** Lands a batch; told to stop meanwhile, it is given the grace, then Spark is told to stop: the plan says how to go on. */
  #landWithin(end: Position, signal: AbortSignal): Promise<void> {
    return this.#withGrace(signal, () => this.#landBatch(end))
  }

  async #withGrace(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const onAbort = () => {
      timer = setTimeout(() => void this.#held.server.close(), this.#settings.graceMs)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#retrying(signal, Number.POSITIVE_INFINITY, work)
    } catch (error) {
      if (!signal.aborted || !(error instanceof LandfallError) || error.kind !== 'retry') throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      clearTimeout(timer)
    }
  }

  /** Takes what the streams stage, until told to stop or until `end` has landed. */
  async #follow(
    stream: StreamSession,
    signal: AbortSignal,
    until?: { end: Position; progress: () => void },
  ): Promise<void> {
    const pause = Math.min(LOOK_MS, this.#options.stream!.everyMs)
    const patience = until ? PATIENCE_MS : Number.POSITIVE_INFINITY
    while (!signal.aborted && (until === undefined || lagOf(this.#position, until.end) > 0)) {
      const moved = await this.#retrying(signal, patience, () => stream.step(until?.end))
      if (moved) await this.#landed()
      if (moved) until?.progress()
      else await sleep(pause, undefined, { signal }).catch(() => {})
    }
    if (until) await stream.stop()
    else await this.#withGrace(signal, () => stream.settle())
  }

  async #landed(): Promise<void> {
    this.#committedAt = Math.floor(this.#clock.nowMicros() / 1000)
    this.#error = null
    this.#statusFile.touch()
    await this.#maintain()
  }

  /** One batch: that of a plan which an earlier attempt has left, else the next one. */
  async #landBatch(end: Position): Promise<void> {
    const session = this.#session
    const left = await openPlan(this.#parts, this.#session.epoch)
    if (left !== undefined) await session.redo(left)
    else {
      if (await this.#isLanded()) return
      const from = this.#position
      const { ranges, to } = nextRange(from, end, this.#settings.batchRows)
      // An attempt that failed behind its last commit.
      if (lagOf(from, to) === 0) return
      await session.land(from, ranges, to)
    }
    await this.#landed()
  }

  /** An attempt that failed may have committed `events` all the same; then what we know is brought up to it. */
  async #isLanded(): Promise<boolean> {
    const events = await this.#parts.lake.load('events')
    if (events?.position === undefined || events.epoch !== this.#session.epoch) return false
    if (events.batch === this.#session.events.batch && samePosition(events.position, this.#position))
      return false
    await this.#session.refresh()
    return true
  }

  /** Again after what may be better next time: a new session is made for it. */
  async #retrying<Result>(
    signal: AbortSignal,
    patienceMs: number,
    work: () => Promise<Result>,
  ): Promise<Result | undefined> {
    const until = this.#clock.monotonicMs() + patienceMs
    for (let failures = 1; ; failures++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof LandfallError) || error.kind !== 'retry') throw error
        if (this.#clock.monotonicMs() > until) throw error
        if (isLandfallError(error, 'lake/position-moved') || this.#closed || signal.aborted) throw error
        this.#error = formatError(error)
        this.#statusFile.touch()
        this.#logger.warn({ err: error, failures }, `landing failed; trying again: ${formatError(error)}`)
        await this.#held.server.close()
        await sleep(Math.min(BACKOFF_MAX_MS, 250 * 2 ** failures), undefined, { signal }).catch(() => {})
        if (signal.aborted) return undefined
      }
    }
  }

  /** Between batches: maintenance of one table, in turn. Its failure delays nothing that lands. */
  async #maintain(): Promise<void> {
    if (!this.#settings.maintain) return
    const tables = landedTables(this.#options.pipeline)
    const table = tables[this.#maintained++ % tables.length]!.name
    try {
      await this.#parts.lake.maintain(this.#held.connection, table)
    } catch (error) {
      this.#logger.warn({ err: error, table }, `maintenance of ${table} failed`)
    }
  }
}
