/** Landing under one definition of the pipeline: its tables (taken over), its judge, its ids. */
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { syncFile } from '../base/files.ts'
import type { TableState } from '../lake/lake.ts'
import { findSnapshot } from '../lake/metadata.ts'
import type { ParquetFile } from '../lake/parquet.ts'
import { isOfStream } from '../lake/staged.ts'
import type { LogReader } from '../log/log.ts'
import { type CompiledPipeline, EVENTS_TABLE } from '../model/pipeline.ts'
import { loadPlan, type PlanFiles } from '../model/plan-store.ts'
import { covers, furthest, nextOffset, type Position } from '../model/position.ts'
import { type BatchPlan, savePlan } from './batch-plan.ts'
import { type DeadReason, readDeadReasons } from './dead-reasons.ts'
import { saveDefinition } from './definitions.ts'
import { Duplicates } from './duplicates/duplicates.ts'
import { EarlierRecords } from './duplicates/earlier-records.ts'
import { HealedEvents } from './healed-events.ts'
import { type Chunk, Intake } from './intake.ts'
import { Judge } from './judge/judge.ts'
import { executePlan, type LandingParts } from './landing.ts'
import type { ScratchColumns } from './scratch.ts'
import type { LanderSettings } from './settings.ts'
import { endsOf, type JudgedChunk, type SpoolWriter } from './spool-writer.ts'
import { aheadIn, DEAD_LETTERS_TABLE, landedTables, prepareTables } from './tables.ts'
import type { Begun } from './take-over.ts'

export interface SessionParts extends LandingParts {
  log: LogReader
  /** Two chunks are under way at once, each at a desk; `connection` is that of the commits, so that all can work at once. */
  desks: [DeskConnections, DeskConnections]
  /** Looks up earlier records. */
  lookup: DuckDBConnection
  spool: SpoolWriter
  settings: LanderSettings
  directory: string
  plans: PlanFiles
  onDead?: (reason: DeadReason) => void
}

/** Two connections that share tables which no other desk sees: a chunk's tables are written by both. */
export interface DeskConnections {
  judging: DuckDBConnection
  writing: DuckDBConnection
}

/** Where one chunk is judged and then written. */
interface Desk extends DeskConnections {
  judge: Judge
}

/** A chunk on its desk, not judged yet. */
export interface PreparedChunk {
  chunk: Chunk
  desk: Desk
  columns: ScratchColumns
}

/** A chunk with its verdicts, not written yet. */
export interface Verdict extends Pick<JudgedChunk, 'ranges' | 'counts' | 'rows' | 'bytes'> {
  desk: Desk
  landedTypes: Set<string>
  hasDead: boolean
}

export class Session {
  readonly pipeline: CompiledPipeline
  readonly epoch: number
  readonly states: Map<string, TableState>
  readonly duplicates: Duplicates
  readonly intake: Intake
  readonly #parts: SessionParts
  readonly #healed: HealedEvents
  readonly #desks: [Desk, Desk]
  #syncing: Promise<void> = Promise.resolve()
  #chunks = 0
  /** Where what a predecessor has begun ends, while that is finished. */
  #finishing: Position | undefined

  private constructor(
    parts: SessionParts,
    pipeline: CompiledPipeline,
    taken: { epoch: number; states: Map<string, TableState> },
    duplicates: Duplicates,
  ) {
    this.#parts = parts
    this.pipeline = pipeline
    this.epoch = taken.epoch
    this.states = taken.states
    const { log, lake, lookup, desks, settings } = parts
    this.duplicates = duplicates
    this.#healed = new HealedEvents(lake, lookup)
    this.intake = new Intake(log.id, this.duplicates, {
      bytes: settings.chunkBytes,
      rows: settings.batchRows,
    })
    const load = (version: string) => loadPlan(parts.plans, version)
    const deskOf = (connections: DeskConnections, number: number): Desk => ({
      ...connections,
      judge: new Judge(connections.judging, pipeline, load, parts.directory, `scratch-${number}`),
    })
    this.#desks = [deskOf(desks[0], 0), deskOf(desks[1], 1)]
  }

  /** Has the tables ready at `position`, remembers the ids before it, and begins the spool there. `epoch` is that of `fence`. */
  static async open(
    parts: SessionParts,
    pipeline: CompiledPipeline,
    position: Position,
    epoch: number,
  ): Promise<Session> {
    await saveDefinition(parts.plans, pipeline)
    const { log, lake, lookup, settings, logger } = parts
    const states = await prepareTables(pipeline, lake, position, epoch)
    const duplicates = await Duplicates.open(
      {
        pipeline,
        lake,
        connection: lookup,
        earlier: new EarlierRecords(log, lake, lookup),
        directory: join(parts.directory, 'ids'),
        memoryBytes: settings.idsMemoryBytes,
        logger,
      },
      states.get(EVENTS_TABLE.name)!,
      position,
    )
    try {
      const session = new Session(parts, pipeline, { epoch, states }, duplicates)
      session.intake.begin(position)
      await parts.spool.reset(position, session.epoch)
      return session
    } catch (error) {
      await duplicates.close()
      throw error
    }
  }

  /** Lets go of what is open on disk. */
  close(): Promise<void> {
    return this.duplicates.close()
  }

  get events(): TableState {
    return this.states.get(EVENTS_TABLE.name)!
  }

  /**
   * Decides which records of a chunk repeat an earlier one, and lays it on a desk. One at a time, in the order of the log; the chunk two
   * before it must be judged.
   */
  async prepare(chunk: Chunk): Promise<PreparedChunk> {
    const desk = this.#desks[this.#chunks++ % 2]!
    const { scratch, faults, healed } = chunk
    // Offsets without a record.
    if (scratch.rows === 0) return { chunk, desk, columns: new Set() }
    for (const { row, detail } of await this.duplicates.resolve(chunk)) {
      faults.set(row, { reason: 'id_conflict', field: 'event_id', detail })
    }
    if (healed.size > 0) await this.#healed.resolve(scratch, healed)
    // A repeat of a dead letter is a duplicate, and not a second dead letter.
    for (const row of faults.keys()) if (scratch.kindOf(row).fate === 'duplicate') faults.delete(row)
    return { chunk, desk, columns: await desk.judge.prepare(scratch) }
  }

  /** Judges a chunk. One at a time, in the order of the log; the chunk two before it must be written. */
  async judge({ chunk, desk, columns }: PreparedChunk): Promise<Verdict> {
    const { scratch, faults, ranges } = chunk
    const { rows, valueBytes: bytes } = scratch
    if (rows === 0) return { desk, ranges, counts: {}, landedTypes: new Set(), hasDead: false, rows, bytes }
    const { counts, landedTypes } = await desk.judge.judge(scratch, faults, columns)
    scratch.release()
    return { desk, ranges, counts, landedTypes, hasDead: faults.size > 0, rows, bytes }
  }

  /** Writes the rows of a judged chunk, typed, into files of the spool. Not visible to queries yet. */
  async write(verdict: Verdict): Promise<JudgedChunk> {
    const { desk, ranges, counts, rows, bytes } = verdict
    const id = this.#parts.spool.nextId()
    const files = await this.#writeTables(id, verdict)
    await desk.judge.clear()
    await this.#tellDead(desk, files)
    this.#syncAhead([...files.values()].flat())
    return { id, ranges, counts, files, rows, bytes }
  }

  /**
   * Files that will be data files as they are go to the disk while the next chunks are made, so that landing, which syncs them in earnest,
   * finds little left to wait for. One at a time; what fails here is told there.
   */
  #syncAhead(files: readonly ParquetFile[]): void {
    for (const { location, bytes } of files) {
      if (bytes < this.#parts.adoptBytes) continue
      this.#syncing = this.#syncing.then(() => syncFile(location)).catch(() => {})
    }
  }

  /** Writes the tables of the judged chunk that have rows, two at a time. */
  async #writeTables(id: string, verdict: Verdict): Promise<Map<string, ParquetFile[]>> {
    const { desk, landedTypes, hasDead } = verdict
    const { spool } = this.#parts
    const tables = landedTables(this.pipeline).filter((table) => {
      if (table === DEAD_LETTERS_TABLE) return hasDead
      return table === EVENTS_TABLE
        ? landedTypes.size > 0
        : table.events.some((name) => landedTypes.has(name))
    })
    const files = new Map<string, ParquetFile[]>(tables.map(({ name }) => [name, []]))
    // The last one, `events`, is the largest: it goes first.
    const left = [...tables]
    const work = async (connection: DuckDBConnection) => {
      for (let table = left.pop(); table !== undefined; table = left.pop()) {
        const state = this.states.get(table.name)!
        const isDead = table === DEAD_LETTERS_TABLE
        const select = desk.judge.select(
          isDead ? 'dead_letters' : table === EVENTS_TABLE ? 'events' : table,
          this.#isWhole(state) ? undefined : aheadIn(state, verdict.ranges),
        )
        files.set(table.name, await spool.write(connection, id, state, select))
      }
    }
    // Both have come to their end before a failure is told: nothing goes on behind it.
    const [one, other] = await Promise.allSettled([work(desk.judging), work(desk.writing)])
    if (one.status === 'rejected') throw one.reason
    if (other.status === 'rejected') throw other.reason
    for (const [name, written] of files) if (written.length === 0) files.delete(name)
    return files
  }

  async #tellDead(desk: Desk, files: Map<string, ParquetFile[]>): Promise<void> {
    const { onDead } = this.#parts
    const dead = files.get(DEAD_LETTERS_TABLE.name)
    if (onDead === undefined || dead === undefined) return
    const { schema } = this.states.get(DEAD_LETTERS_TABLE.name)!
    for (const reason of await readDeadReasons(desk.judging, schema, dead)) onDead(reason)
  }

  /**
   * Of a table that a batch has brought to the end of what is being finished, the spool has all rows (they do not land again): queries read it
   * at an older snapshot. One that a stream has brought there they read as it is.
   */
  #isWhole({ position, metadata }: TableState): boolean {
    if (this.#finishing === undefined || position === undefined) return false
    const snapshot = findSnapshot(metadata)
    return covers(position, this.#finishing) && !(snapshot && isOfStream(snapshot))
  }

  /** Makes the plan of a batch durable. Its end is that of the chunks; `least`: at least this, where offsets without a record end it. */
  async plan(from: Position, chunks: readonly JudgedChunk[], least = from): Promise<BatchPlan> {
    const { directory } = this.#parts
    const to = furthest(from, least)
    const counts: BatchPlan['counts'] = {}
    for (const chunk of chunks) {
      Object.assign(to.next, endsOf(chunk))
      for (const [partition, count] of Object.entries(chunk.counts)) {
        const sum = (counts[Number(partition)] ??= { records: 0, landed: 0, dead: 0, duplicate: 0 })
        for (const key of ['records', 'landed', 'dead', 'duplicate'] as const) sum[key] += count[key]
      }
    }
    const tables = landedTables(this.pipeline)
      .map(({ name }) => ({ name, rows: rowsOf(chunks, name) }))
      .filter(({ name, rows }) => rows > 0 || name === EVENTS_TABLE.name)
    const number = this.events.batch + 1
    const definition = this.pipeline.hash
    const plan: BatchPlan = { version: 1, number, epoch: this.epoch, from, to, definition, tables, counts }
    await savePlan(directory, plan)
    return plan
  }

  async land(plan: BatchPlan, chunks: readonly JudgedChunk[]): Promise<void> {
    await executePlan(this.#parts, plan, this.epoch, chunks, this.states)
    this.duplicates.committed(plan.to)
    this.#healed.committed(plan.to)
    await this.#parts.spool.committed(chunks, plan.to)
  }

  /** Lands what a predecessor has begun: reads the range again, judges it by this (its own) definition, and leaves out what has landed. */
  async finish({ from, to, plan }: Begun): Promise<void> {
    const what = plan === undefined ? 'what was landed in part' : `batch ${plan.number}`
    this.#parts.logger.info({ batch: plan?.number, from, to }, `finishing ${what} of an earlier lander`)
    this.#finishing = to
    try {
      const chunks = await this.#judgeRange(from, to)
      await this.land(plan ?? (await this.plan(from, chunks, to)), chunks)
    } finally {
      // The next session opens the same ids.
      await this.close()
    }
  }

  async #judgeRange(from: Position, to: Position): Promise<JudgedChunk[]> {
    const chunks: JudgedChunk[] = []
    const remaining = new Map<number, number>()
    for (const [partition, end] of Object.entries(to.next)) {
      if (end > nextOffset(from, Number(partition))) remaining.set(Number(partition), end)
    }
    for await (const batch of this.#parts.log.read({ from, follow: false })) {
      const end = remaining.get(batch.partition)
      if (end === undefined) continue
      const cursor = batch.cursor()
      while (!this.intake.take(batch, cursor, { to: end })) chunks.push(await this.#judgeChunk())
      if (batch.next >= end) remaining.delete(batch.partition)
      if (remaining.size === 0) break
    }
    if (!this.intake.isEmpty) chunks.push(await this.#judgeChunk())
    return chunks
  }

  async #judgeChunk(): Promise<JudgedChunk> {
    return this.write(await this.judge(await this.prepare(this.intake.cut())))
  }
}

function rowsOf(chunks: readonly JudgedChunk[], table: string): number {
  return chunks.reduce(
    (sum, chunk) => sum + (chunk.files.get(table) ?? []).reduce((rows, file) => rows + file.rows, 0),
    0,
  )
}
