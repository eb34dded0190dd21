/**
 * Mode stream: Structured Streaming judges and stages each table for itself, and our commits take what is staged, micro-batch by
 * micro-batch, under position and epoch. The streams carry no truth: what stands in the tables is all that counts.
 *
 * 1. Every table's query stages a snapshot per trigger, from the table's position on; each has micro-batches of its own.
 * 2. Before any is taken, the ids of everything between `events` and the furthest of them are looked at, as a batch does. The
 *    streams judge each record alone; when an id repeats, or a plan is named that they do not know, none is taken: a batch lands
 *    the range instead, and the streams begin anew behind it.
 *    A micro-batch for which Spark has not read just the records of its range is not taken either: the streams begin anew.
 * 3. Else each table takes its micro-batches: one commit each, to the end of its offsets. Without rows it takes none.
 * 4. `events` last: a micro-batch of it is taken when every other table has come at least so far. So a table is never behind `events`
 *    with rows between, and what stands ahead says so by its position: any lander leaves out what lies before it.
 *
 * What a death leaves, of this process, of Spark, or of both, at any point: tables at positions of their own, not behind `events`
 * unless nothing of theirs lies between; staged snapshots that no commit will take, because the next streams have another id (the
 * next commits drop them); checkpoints that nobody reads. The next lander, of any kind, begins at the positions. Queries of a process that
 * died go on staging in Spark until their session is found and ended (`left-behind.ts`), and change nothing.
 * Streams that would begin too often (`allowance.ts`) do not: batches land instead.
 * A micro-batch is never taken twice: its commit expects the table at the end of the one before. One that Spark staged twice (a lost
 * answer of the catalog) is not taken at all: the streams begin anew.
 */
import { randomBytes } from 'node:crypto'
import { LandfallError } from '../../../../base/errors.ts'
import type { TableState } from '../../../../lake/lake.ts'
import { findStaged, STREAM_PREFIX } from '../../../../lake/staged.ts'
import { EVENTS_TABLE } from '../../../../model/pipeline.ts'
import { covers, furthest, type Position, samePosition } from '../../../../model/position.ts'
import { allDone } from '../../../all-done.ts'
import type { ChunkCounts } from '../../../judge/judge.ts'
import { checkLog, DEAD_LETTERS_TABLE, landedTables } from '../../../tables.ts'
import { openPlan } from '../../../take-over.ts'
import {
  clear,
  countBy,
  countRecords,
  insideSql,
  lookAhead,
  readReasonsOf,
  tableName,
} from '../batch/judged.ts'
import { lagOf, nextRange, type Ranges, rangesBetween } from '../batch/range.ts'
import type { BatchParts, BatchSession } from '../batch/session.ts'
import type { SparkConnect } from '../connect/client.ts'
import { Allowance, QUERIES_PER_HOUR } from './allowance.ts'
import { checkRead, type StagedRange } from './check-read.ts'
import { type Epoch, TableStreams } from './table-streams.ts'

export interface StreamSettings {
  everyMs: number
  /** Records of a micro-batch at most. */
  rowsMax: number
  /** So many queries begin in an hour at most; batches land meanwhile. */
  queriesPerHour?: number
  /** Told where the log ends, each time that is asked. */
  onEnd(end: Position): void
}

/** So many micro-batches without rows are passed over, then the table's position is brought up to date. */
const EMPTY_MAX = 20

export class StreamSession {
  readonly #parts: BatchParts
  readonly #session: BatchSession
  readonly #settings: StreamSettings
  #streams: TableStreams | undefined
  /** Where each table stands, counting what has no rows of it. */
  readonly #reached = new Map<string, Position>()
  readonly #queued = new Map<string, Epoch[]>()
  readonly #allowance: Allowance
  #until: Position | undefined
  /** When the last batch was landed because no stream may begin; undefined while streams may. */
  #landedAt: number | undefined

  constructor(parts: BatchParts, session: BatchSession, settings: StreamSettings) {
    this.#parts = parts
    this.#session = session
    this.#settings = settings
    this.#allowance = new Allowance(settings.queriesPerHour ?? QUERIES_PER_HOUR)
  }

  get #events(): Position {
    return this.#session.events.position!
  }

  /**
   * Takes what has been staged since the last call; whether `events` has moved. Records at and behind `until` are left out. After a failure
   * the streams begin anew.
   */
  async step(until?: Position): Promise<boolean> {
    try {
      if (until !== this.#until) await this.stop()
      this.#until = until
      return await this.#step()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Ends the queries. What they have staged and nobody has taken is judged again by whoever lands next. */
  async stop(): Promise<void> {
    const streams = this.#streams
    this.#streams = undefined
    this.#queued.clear()
    await streams?.stop()
    if (streams) await this.#deleteCheckpoints().catch(() => {})
  }

  /** Ends the queries and brings all tables to where the furthest one stands. */
  async settle(): Promise<void> {
    await this.stop()
    const from = this.#events
    const to = [...this.#reached.values()].reduce(furthest, from)
    if (!covers(from, to)) await this.#landBatch(await this.#parts.spark(), from, to)
  }

  async #step(): Promise<boolean> {
    const spark = await this.#parts.spark()
    const end = await this.#parts.log.end()
    this.#settings.onEnd(end)
    const isNew = (partition: string) => !this.#streams!.partitions.has(Number(partition))
    if (this.#streams && Object.keys(end.next).some(isNew)) await this.stop()
    if (!this.#streams && !this.#allowance.allows(this.#session.states.size))
      return this.#landMeanwhile(spark, end)
    this.#streams ??= await this.#start(spark, end)
    const polled = await this.#streams.poll()
    const staged = [...polled].flatMap(([table, epochs]) => this.#queue(table, epochs))
    const ends = [...this.#queued.values()].flatMap((epochs) => epochs.map((epoch) => epoch.end))
    if (ends.length === 0) return false
    const from = this.#events
    const to = [...this.#reached.values(), ...ends].reduce(furthest, from)
    const ahead = await lookAhead(this.#session.judging(spark), from, rangesBetween(from, to))
    // A topic that was deleted and made again meanwhile would have given other records under the same offsets.
    await checkLog(this.#parts.log, from)
    const plans = await this.#session.newPlans(ahead.plans)
    if (ahead.repeats > 0 || plans.length > 0) return this.#landBatch(spark, from, to)
    await checkRead(spark, staged)
    const others = landedTables(this.#session.pipeline).filter(({ name }) => name !== EVENTS_TABLE.name)
    await allDone(others.map(({ name }) => this.#take(spark, name)))
    const moved = await this.#takeEvents(spark)
    await clear(spark)
    return moved
  }

  /** The micro-batches of a table, each with the range that it follows on what is there before it. */
  #queue(table: string, epochs: readonly Epoch[]): StagedRange[] {
    const queued = this.#queued.get(table) ?? []
    let from = queued.at(-1)?.end ?? this.#reached.get(table)!
    this.#queued.set(table, [...queued, ...epochs])
    return epochs.map((epoch) => {
      const ranges = rangesBetween(from, epoch.end)
      from = epoch.end
      return { table, epoch, ranges }
    })
  }

  async #start(spark: SparkConnect, end: Position): Promise<TableStreams> {
    const [parts, session] = [this.#parts, this.#session]
    const { everyMs, rowsMax } = this.#settings
    this.#landedAt = undefined
    await this.#finishLeft()
    await clear(spark)
    await checkLog(parts.log, this.#events)
    await this.#deleteCheckpoints()
    const wapId = `${STREAM_PREFIX}${session.epoch}-${randomBytes(6).toString('hex')}`
    this.#queued.clear()
    const judging = session.judging(spark)
    const tables = landedTables(session.pipeline).map((definition) => {
      const state = session.states.get(definition.name)!
      const from = state.position ? furthest(this.#events, state.position) : this.#events
      this.#reached.set(definition.name, from)
      return { definition, nameInSpark: judging.nameOf(definition.name), from }
    })
    this.#allowance.count(tables.length)
    return TableStreams.start({
      spark,
      kafka: parts.kafka,
      logId: parts.log.id,
      sql: await judging.compile([]),
      tables,
      partitions: Object.keys(end.next).map(Number),
      wapId,
      checkpoints: `${parts.lake.storage.url}/${this.#checkpoints}${wapId}`,
      ...(this.#until ? { until: this.#until } : {}),
      everyMs,
      rowsMax,
    })
  }

  /** What an attempt that failed has begun or committed. */
  async #finishLeft(): Promise<void> {
    const left = await openPlan(this.#parts, this.#session.epoch)
    await this.#session.refresh()
    if (left !== undefined) await this.#session.redo(left)
  }

  /** While no stream may begin: a batch of what is there, as often as a micro-batch would start. */
  async #landMeanwhile(spark: SparkConnect, end: Position): Promise<boolean> {
    if (this.#landedAt === undefined) this.#tellRest()
    else if (performance.now() - this.#landedAt < this.#settings.everyMs) return false
    this.#landedAt = performance.now()
    const before = this.#events
    await this.#finishLeft()
    const from = this.#events
    const { to } = nextRange(from, this.#until ?? end, this.#settings.rowsMax)
    const positions = [...this.#session.states.values()].flatMap(({ position }) => position ?? [])
    const furthestTo = positions.reduce(furthest, to)
    if (lagOf(from, furthestTo) === 0) return !samePosition(before, from)
    return this.#landBatch(spark, from, furthestTo)
  }

  #tellRest(): void {
    const { queriesPerHour = QUERIES_PER_HOUR } = this.#settings
    this.#parts.logger.warn(
      { queriesPerHour },
      `streams began anew too often (Spark keeps each query for an hour, ${queriesPerHour} at most): batches land until they may again`,
    )
  }

  /** Lands everything up to `to` as a batch does; the streams begin anew behind it. */
  async #landBatch(spark: SparkConnect, from: Position, to: Position): Promise<boolean> {
    await this.stop()
    await clear(spark)
    await this.#session.land(from, rangesBetween(from, to), to)
    return true
  }

  async #take(spark: SparkConnect, name: string): Promise<void> {
    const epochs = this.#queued.get(name) ?? []
    this.#queued.delete(name)
    if (epochs.length === 0) return
    const state = await this.#load(name)
    for (const { id, end } of epochs) {
      const { rows, snapshot } = this.#staged(state, id)
      const ranges = rangesBetween(this.#reached.get(name)!, end)
      if (rows > 0 && name === DEAD_LETTERS_TABLE.name) await this.#tellDead(spark, snapshot, ranges)
      if (rows > 0 || id % EMPTY_MAX === EMPTY_MAX - 1)
        await this.#session.takeEpoch(name, end, {}, { wapId: this.#streams!.wapId, streamEpoch: id, rows })
      this.#reached.set(name, end)
    }
  }

  async #takeEvents(spark: SparkConnect): Promise<boolean> {
    const { name } = EVENTS_TABLE
    const epochs = this.#queued.get(name) ?? []
    const others = [...this.#reached].filter(([table]) => table !== name).map(([, position]) => position)
    let moved = false
    for (;;) {
      const [epoch] = epochs
      if (epoch === undefined || !others.every((position) => covers(position, epoch.end))) break
      const { rows, snapshot } = this.#staged(await this.#load(name), epoch.id)
      const counts = await this.#count(spark, rangesBetween(this.#events, epoch.end), snapshot, rows)
      const staged = { wapId: this.#streams!.wapId, streamEpoch: epoch.id, rows }
      await this.#session.takeEpoch(name, epoch.end, counts, staged)
      this.#reached.set(name, epoch.end)
      epochs.shift()
      moved = true
    }
    if (epochs.length === 0) this.#queued.delete(name)
    return moved
  }

  /** No id repeats, so each record is in `events` or, landed before, in `dead_letters`. */
  async #count(spark: SparkConnect, ranges: Ranges, snapshot: bigint, rows: number): Promise<ChunkCounts> {
    const records = await countRecords(spark, ranges)
    const landed = await countBy(spark, this.#rowsOf(EVENTS_TABLE.name, snapshot, ranges))
    const sum = (counts: Record<number, number>) => Object.values(counts).reduce((all, n) => all + n, 0)
    const allLanded = sum(landed) === sum(records)
    const dead = allLanded ? {} : await countBy(spark, this.#rowsOf(DEAD_LETTERS_TABLE.name, null, ranges))
    const counts: ChunkCounts = {}
    for (const partition of Object.keys(records).map(Number)) {
      const of = { landed: landed[partition] ?? 0, dead: dead[partition] ?? 0 }
      counts[partition] = { records: records[partition]!, ...of, duplicate: 0 }
    }
    const isSound = Object.values(counts).every((of) => of.records === of.landed + of.dead)
    if (isSound && sum(landed) === rows) return counts
    const found = `${rows} events, of which ${sum(landed)} belong there, and ${sum(dead)} dead letters`
    throw new LandfallError('bug', 'lander/rows-lost', `of ${sum(records)} records streams staged ${found}`, {
      hint: 'None of these events was landed. Report this with the version of Landfall',
    })
  }

  async #tellDead(spark: SparkConnect, snapshot: bigint, ranges: Ranges): Promise<void> {
    const { onDead } = this.#parts
    if (onDead === undefined) return
    for (const reason of await readReasonsOf(spark, this.#rowsOf(DEAD_LETTERS_TABLE.name, snapshot, ranges)))
      onDead(reason)
  }

  /** Without a snapshot: as the table is now. */
  #rowsOf(table: string, snapshot: bigint | null, ranges: Ranges): string {
    const { catalog, lake } = this.#parts
    const name = tableName(catalog, lake.catalog.namespace, table)
    const version = snapshot === null ? '' : `VERSION AS OF ${snapshot} `
    return `SELECT * FROM ${name} ${version}WHERE ${insideSql(ranges)}`
  }

  #staged({ name, metadata }: TableState, id: number): { snapshot: bigint; rows: number } {
    const found = findStaged(metadata, this.#streams!.wapId, id)
    const [snapshot] = found
    if (snapshot !== undefined && found.length === 1)
      return { snapshot: snapshot['snapshot-id'], rows: Number(snapshot.summary['added-records'] ?? 0) }
    throw new LandfallError(
      'retry',
      'lake/nothing-staged',
      `${name} has ${found.length} snapshots of micro-batch ${id}, expected one`,
      {
        hint: 'The streams begin anew where the tables stand',
      },
    )
  }

  async #load(name: string): Promise<TableState> {
    return (await this.#parts.lake.load(name)) ?? this.#session.states.get(name)!
  }

  get #checkpoints(): string {
    return `_checkpoints/${this.#parts.lake.catalog.namespace}/`
  }

  async #deleteCheckpoints(): Promise<void> {
    const { storage } = this.#parts.lake
    for await (const { path } of storage.list(this.#checkpoints)) await storage.delete(path)
  }
}
