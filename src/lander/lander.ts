/**
 * The lander: which events belong in which table?
 *
 * Promises: every record of the log becomes exactly one of landed, dead (with a reason) or duplicate, and a landed event is in
 * every table it matches exactly once, whatever is killed and whenever. The verdict depends on the log and on the definition
 * of the pipeline alone. Events that a query asks for are in the spool at once; tables are committed in batches, `events` last,
 * so that its position proves the batch for all. One lander at a time: taking over fences the predecessor.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type Clock, systemClock } from '../base/clock.ts'
import { formatError } from '../base/errors.ts'
import { makeDirectory } from '../base/files.ts'
import { type DirectoryLock, waitForDirectoryLock } from '../base/lock.ts'
import type { Lake } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import type { PlanFiles } from '../model/plan-store.ts'
import { AskWatcher } from './ask.ts'
import type { DeadReason } from './dead-reasons.ts'
import { diskWatch } from './disk.ts'
import { type LandReport, reportBetween } from './land-report.ts'
import { type LanderLogger, SILENT } from './logger.ts'
import { Pump } from './pump.ts'
import { type DeskConnections, Session, type SessionParts } from './session.ts'
import { LANDER_DEFAULTS, type LanderSettings } from './settings.ts'
import { SpoolWriter } from './spool-writer.ts'
import { type LanderStatus, StatusFile } from './status.ts'
import { landedTables } from './tables.ts'
import { takeOver } from './take-over.ts'

export interface LanderOptions {
  pipeline: CompiledPipeline
  log: LogReader
  lake: Lake
  /** `lander/`: plan, lock, status. */
  directory: string
  spoolDirectory: string
  /** The plans that records were sent under. */
  plans: PlanFiles
  settings?: Partial<LanderSettings>
  clock?: Clock
  logger?: LanderLogger
  /** How long to wait for a predecessor that is just leaving (default 10 s). */
  lockWaitMs?: number
  /** Told of the reasons for dead letters of each chunk. */
  onDead?: (reason: DeadReason) => void
}

export interface Lander extends AsyncDisposable {
  /** Lands what comes until the signal; then what is taken in, if that is done within the grace. Throws when it must not go on. */
  run(signal: AbortSignal): Promise<void>
  /** Lands everything up to the log's end as of now. */
  landToEnd(options?: {
    signal?: AbortSignal
    onProgress?: (report: LandReport) => void
  }): Promise<LandReport>
  status(): LanderStatus
}

/** Takes over: locks the directory, fences a predecessor, finishes its batch, begins the spool. */
export async function openLander(options: LanderOptions): Promise<Lander> {
  const { directory, spoolDirectory, log, lake } = options
  await makeDirectory(directory)
  await mkdir(spoolDirectory, { recursive: true })
  const lock = await waitForDirectoryLock(directory, 'The lander', options.lockWaitMs ?? 10_000)
  const settings = { ...LANDER_DEFAULTS, ...options.settings }
  let instance: DuckDBInstance | undefined
  try {
    instance = await openDuckdb(directory, settings)
    const parts: SessionParts = {
      log,
      lake,
      settings,
      directory,
      plans: options.plans,
      adoptBytes: settings.adoptBytes,
      retryMs: settings.retryMs,
      desks: [await openDesk(instance, 'desk_0'), await openDesk(instance, 'desk_1')],
      lookup: await connect(instance),
      connection: await connect(instance),
      spool: new SpoolWriter(spoolDirectory, log.id),
      logger: options.logger ?? SILENT,
      ...(options.onDead ? { onDead: options.onDead } : {}),
    }
    const session = await takeOver(parts, options.pipeline, (...session) => Session.open(parts, ...session))
    return new DuckdbLander(options, parts, session, instance, lock)
  } catch (error) {
    instance?.closeSync()
    lock.release()
    throw error
  }
}

async function openDuckdb(directory: string, settings: LanderSettings): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    threads: String(settings.threads),
    memory_limit: `${Math.ceil(settings.memoryBytes / 1e6)}MB`,
    temp_directory: join(directory, 'tmp'),
    preserve_insertion_order: 'false',
    // A scratch file is read once, and the next one has the same name.
    enable_external_file_cache: 'false',
  })
}

async function connect(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  return connection
}

/** The schema is the desk's own, so its tables have the same names at every desk. */
async function openDesk(instance: DuckDBInstance, schema: string): Promise<DeskConnections> {
  const judging = await connect(instance)
  await judging.run(`CREATE SCHEMA ${schema}; USE ${schema}`)
  const writing = await connect(instance)
  await writing.run(`USE ${schema}`)
  return { judging, writing }
}

class DuckdbLander implements Lander {
  readonly #options: LanderOptions
  readonly #parts: SessionParts
  readonly #session: Session
  readonly #instance: DuckDBInstance
  readonly #lock: DirectoryLock
  readonly #clock: Clock
  readonly #statusFile: StatusFile
  readonly #ask: AskWatcher
  readonly #pump: Pump
  readonly #disk: () => { spool: boolean; commit: boolean }
  #progress: (() => void) | undefined
  #maintained = 0
  #committedAt: number | null = null
  #error: string | null = null
  #running: Promise<void> | undefined
  #closed = false

  constructor(
    options: LanderOptions,
    parts: SessionParts,
    session: Session,
    instance: DuckDBInstance,
    lock: DirectoryLock,
  ) {
    this.#options = options
    this.#parts = parts
    this.#session = session
    this.#instance = instance
    this.#lock = lock
    this.#clock = options.clock ?? systemClock()
    const { settings, spool, log } = parts
    const reserves = { spool: settings.reserveSpool, commit: settings.reserveCommit }
    this.#disk = diskWatch(options.directory, reserves, () => this.#clock.monotonicMs())
    this.#statusFile = new StatusFile(options.directory, () => this.status())
    this.#pump = new Pump(
      {
        session,
        log,
        spool,
        settings,
        clock: this.#clock,
        disk: this.#disk,
        afterBatch: () => this.#afterBatch(),
        onChange: () => this.#statusFile.touch(),
      },
      spool.end,
    )
    this.#ask = new AskWatcher(spool.directory, settings.askPollMs, () => void this.#answer())
    this.#statusFile.touch()
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#move({ follow: true, signal })
  }

  async landToEnd(
    options: { signal?: AbortSignal; onProgress?: (report: LandReport) => void } = {},
  ): Promise<LandReport> {
    const before = this.#session.events
    const report = () => reportBetween(before, this.#session.events)
    this.#progress = () => options.onProgress?.(report())
    await this.#move({ follow: false, signal: options.signal ?? new AbortController().signal })
    this.#progress = undefined
    return report()
  }

  status(): LanderStatus {
    const { events, duplicates, epoch } = this.#session
    const disk = this.#disk()
    const full = disk.commit
      ? disk.spool
        ? null
        : 'little disk left: no chunks for queries'
      : 'disk full: nothing is landed'
    return {
      version: 1,
      pid: process.pid,
      logId: this.#parts.log.id,
      epoch,
      batch: events.batch,
      position: this.#pump.position,
      counters: events.counters ?? {},
      spooled: this.#parts.spool.end,
      pending: this.#pump.pendingRows,
      committedAt: this.#committedAt,
      ids: { count: duplicates.ids, bytes: duplicates.bytes, spilled: duplicates.spilled },
      error: this.#error ?? full,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#ask.close()
    await this.#running?.catch(() => {})
    await this.#statusFile.flush()
    await this.#session.close()
    const { desks, lookup, connection } = this.#parts
    for (const { judging, writing } of desks) {
      judging.closeSync()
      writing.closeSync()
    }
    lookup.closeSync()
    connection.closeSync()
    this.#instance.closeSync()
    this.#lock.release()
  }

  async #move(options: { follow: boolean; signal: AbortSignal }): Promise<void> {
    this.#running = this.#pump.run(options)
    try {
      await this.#running
    } catch (error) {
      this.#error = formatError(error)
      throw error
    } finally {
      await this.#statusFile.flush()
    }
  }

  /** A query waits: it gets everything that is durable now, so that all who ask at once are answered by one chunk. */
  async #answer(): Promise<void> {
    try {
      this.#pump.ask(await this.#parts.log.end())
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'the end of the log could not be read')
    }
  }

  /** Between batches: maintenance of one table, in turn. Its failure delays nothing that lands. */
  async #afterBatch(): Promise<void> {
    this.#committedAt = Math.floor(this.#clock.nowMicros() / 1000)
    this.#progress?.()
    if (!this.#parts.settings.maintain || !this.#disk().spool) return
    const tables = landedTables(this.#options.pipeline)
    const table = tables[this.#maintained++ % tables.length]!.name
    try {
      await this.#parts.lake.maintain(this.#parts.connection, table)
    } catch (error) {
      this.#parts.logger.warn({ err: error, table }, `maintenance of ${table} failed`)
    }
  }
}
