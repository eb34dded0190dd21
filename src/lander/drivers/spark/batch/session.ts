/**
 * Landing batches under one definition of the pipeline. The protocol is that of docs/formats/lander.md, with Spark's hands:
 *
 * 1. The range of offsets is judged (`judged.ts`). 2. The plan is made durable. 3. Spark stages each table's rows: Iceberg snapshots
 * that nobody sees (`spark.wap.id`). 4. Our catalog commits take them over, one per table, `events` last, under position and epoch.
 *
 * What a death leaves, whether of this process, of Spark, or of both:
 * - before 2: nothing. Views and caches die with Spark's session.
 * - after 2, before 4: staged snapshots that nothing names. The plan is executed again under another wap id; the commit that takes
 *   a table's rows lets go of all that was staged there with ids of ours.
 * - within 4: tables at the plan's end are skipped, the others are staged again. A suspended predecessor may stage, and cannot
 *   commit: its epoch is behind.
 */
import { randomBytes } from 'node:crypto'
import { isLandfallError } from '../../../../base/errors.ts'
import type { Lake, TableState } from '../../../../lake/lake.ts'
import { STAGED_PREFIX } from '../../../../lake/staged.ts'
import type { LogReader } from '../../../../log/log.ts'
import { type CompiledPipeline, EVENTS_TABLE } from '../../../../model/pipeline.ts'
import type { Plan } from '../../../../model/plan.ts'
import type { PlanFiles } from '../../../../model/plan-store.ts'
import type { Position } from '../../../../model/position.ts'
import { allDone } from '../../../all-done.ts'
import { type BatchPlan, savePlan } from '../../../batch-plan.ts'
import type { DeadReason } from '../../../dead-reasons.ts'
import { saveDefinition } from '../../../definitions.ts'
import type { ChunkCounts } from '../../../judge/judge.ts'
import { addCounts, differs, isAt, outcomeOf, targetOf } from '../../../landing.ts'
import type { LanderLogger } from '../../../logger.ts'
import { checkLog, checkTablePosition, landedTables, prepareTables } from '../../../tables.ts'
import type { Begun } from '../../../take-over.ts'
import type { SparkConnect } from '../connect/client.ts'
import type { KafkaPlace } from '../options.ts'
import { compileSparkSql, type SparkSql } from '../sql/compile.ts'
import { clear, type Judged, type JudgeParts, judgeRange, tableName } from './judged.ts'
import { type Ranges, rangesBetween } from './range.ts'
import type { ReadRecords } from './repeats.ts'

export interface BatchParts {
  spark: () => Promise<SparkConnect>
  log: LogReader
  lake: Lake
  kafka: KafkaPlace
  /** The catalog's name in Spark. */
  catalog: string
  directory: string
  plans: PlanFiles
  loadPlan(version: string): Promise<Plan | undefined>
  readRecords: ReadRecords
  logger: LanderLogger
  onDead?: (reason: DeadReason) => void
}

/** What Spark has staged, by its id; of a stream, by this micro-batch. */
interface Staged {
  wapId: string
  streamEpoch?: number
}

/** Statements that stage tables side by side. */
const STAGED_AT_ONCE = 2
/** Without it a write under `spark.wap.id` would be visible at once. */
const WAP_ENABLED = 'write.wap.enabled'

export class BatchSession {
  readonly pipeline: CompiledPipeline
  readonly epoch: number
  readonly states: Map<string, TableState>
  readonly #parts: BatchParts
  readonly #plans = new Map<string, Plan>()

  private constructor(
    parts: BatchParts,
    pipeline: CompiledPipeline,
    epoch: number,
    states: Map<string, TableState>,
  ) {
    this.#parts = parts
    this.pipeline = pipeline
    this.epoch = epoch
    this.states = states
  }

  /** Has the tables ready at `position` and lets Spark stage into them. `epoch` is that of `fence`. */
  static async open(
    parts: BatchParts,
    pipeline: CompiledPipeline,
    position: Position,
    epoch: number,
  ): Promise<BatchSession> {
    await saveDefinition(parts.plans, pipeline)
    const states = await prepareTables(pipeline, parts.lake, position, epoch)
    const session = new BatchSession(parts, pipeline, epoch, states)
    await session.#allowStaging()
    return session
  }

  get events(): TableState {
    return this.states.get(EVENTS_TABLE.name)!
  }

  /** Lands the records of `ranges`, which begin at `from`, as the next batch. */
  async land(from: Position, ranges: Ranges, to: Position): Promise<BatchPlan> {
    const { directory, log } = this.#parts
    const spark = await this.#parts.spark()
    const judged = await this.#judge(spark, from, ranges)
    // A topic that was deleted and made again meanwhile would have given other records under the same offsets.
    await checkLog(log, from)
    const { counts, tables } = judged
    const number = this.events.batch + 1
    const plan: BatchPlan = {
      version: 1,
      number,
      epoch: this.epoch,
      from,
      to,
      definition: this.pipeline.hash,
      tables,
      counts,
    }
    await savePlan(directory, plan)
    await this.#execute(spark, plan, judged)
    return plan
  }

  /** Lands what a predecessor has begun, by this (its own) definition. */
  async finish({ from, to, plan }: Begun): Promise<void> {
    if (plan !== undefined) return this.redo(plan)
    this.#parts.logger.info({ from, to }, 'finishing what was landed in part by an earlier lander')
    await this.land(from, rangesBetween(from, to), to)
  }

  /** Executes a plan that was not finished: judges its range again, by this (the plan's) definition. */
  async redo(plan: BatchPlan): Promise<void> {
    const { logger, log } = this.#parts
    logger.info(
      { batch: plan.number, from: plan.from, to: plan.to },
      `finishing batch ${plan.number} that was begun earlier`,
    )
    await this.refresh()
    const spark = await this.#parts.spark()
    const judged = await this.#judge(spark, plan.from, rangesBetween(plan.from, plan.to))
    await checkLog(log, plan.from)
    for (const { name, rows } of plan.tables) {
      if (isAt(this.states.get(name)!, plan)) continue
      const found = judged.tables.find((table) => table.name === name)?.rows ?? 0
      if (found !== rows) throw differs(plan, name, rows, found)
    }
    await this.#execute(spark, plan, judged)
  }

  /** Reads the tables again, after a failure that may have committed something. */
  async refresh(): Promise<void> {
    for (const name of this.states.keys()) {
      const state = await this.#parts.lake.load(name)
      if (state !== undefined) this.states.set(name, state)
    }
  }

  /** What a stream needs to judge as a batch does. */
  judging(spark: SparkConnect): JudgeParts {
    return {
      spark,
      kafka: this.#parts.kafka,
      pipeline: this.pipeline,
      compile: (versions) => this.#compile(versions),
      nameOf: (table) => this.#nameOf(table),
      states: this.states,
      readRecords: this.#parts.readRecords,
    }
  }

  /** Of these versions of plans, those that are known and that no statement of ours has been told yet. */
  async newPlans(versions: readonly string[]): Promise<string[]> {
    const told = new Set([...this.#plans.keys(), this.pipeline.plan.version])
    await this.#compile(versions)
    return [...this.#plans.keys()].filter((version) => !told.has(version))
  }

  /** Takes what a stream has staged of a table; the table stands at `to` then. */
  async takeEpoch(
    name: string,
    to: Position,
    counts: ChunkCounts,
    staged: Staged & { rows: number },
  ): Promise<void> {
    const number = this.events.batch + 1
    const from = this.states.get(name)!.position ?? to
    const { epoch, pipeline } = this
    const plan: BatchPlan = {
      version: 1,
      number,
      epoch,
      from,
      to,
      definition: pipeline.hash,
      tables: [],
      counts,
    }
    await this.#commit(plan, { name, rows: staged.rows }, staged)
  }

  async #judge(spark: SparkConnect, from: Position, ranges: Ranges): Promise<Judged> {
    const judged = await judgeRange(this.judging(spark), from, ranges)
    const { onDead } = this.#parts
    if (onDead && Object.values(judged.counts).some(({ dead }) => dead > 0)) {
      for (const reason of await judged.readReasons()) onDead(reason)
    }
    return judged
  }

  /** Stages every table that is not at the plan's end yet, then commits: all side by side, `events` last. */
  async #execute(spark: SparkConnect, plan: BatchPlan, judged: Judged): Promise<void> {
    const open = plan.tables.filter(({ name }) => !isAt(this.states.get(name)!, plan))
    for (const { name } of open) checkTablePosition(this.states.get(name)!, plan.from)
    const wapId = await this.#stage(spark, plan, judged, open)
    const cleared = clear(spark)
    // Its failure is that of the session, which the next batch finds.
    cleared.catch(() => {})
    const others = open.filter(({ name }) => name !== EVENTS_TABLE.name)
    await allDone(others.map((table) => this.#commit(plan, table, { wapId })))
    // It proves the batch for all tables.
    for (const table of open) if (table.name === EVENTS_TABLE.name) await this.#commit(plan, table, { wapId })
    await cleared
  }

  async #stage(
    spark: SparkConnect,
    plan: BatchPlan,
    judged: Judged,
    tables: readonly { name: string; rows: number }[],
  ): Promise<string> {
    // Never used before: what an earlier attempt has staged, or is about to, is not of this one.
    const wapId = `${STAGED_PREFIX}${plan.number}-${this.epoch}-${randomBytes(6).toString('hex')}`
    await spark.configure({ 'spark.wap.id': wapId })
    const left = tables.filter(({ rows }) => rows > 0)
    const work = async () => {
      for (let table = left.pop(); table !== undefined; table = left.pop())
        await spark.run(`INSERT INTO ${this.#nameOf(table.name)} ${judged.select(table.name)}`)
    }
    const workers = Array.from({ length: STAGED_AT_ONCE }, work)
    await allDone(workers)
    return wapId
  }

  async #commit(
    plan: BatchPlan,
    { name, rows }: { name: string; rows: number },
    staged: Staged,
  ): Promise<void> {
    const { lake, logger } = this.#parts
    const state = this.states.get(name)!
    const counters =
      name === EVENTS_TABLE.name ? { counters: addCounts(state.counters ?? {}, plan.counts) } : {}
    const commit = {
      expect: { position: state.position, epoch: this.epoch },
      position: targetOf(state, plan),
      batch: plan.number,
      definition: plan.definition,
      ...counters,
    }
    for (let attempt = 1; ; attempt++) {
      try {
        // The commit point of this table.
        const landed =
          rows === 0 && staged.streamEpoch === undefined
            ? await lake.commit(name, { ...commit, add: [] })
            : await lake.commitStaged(name, { ...commit, ...staged, rows })
        return void this.states.set(name, landed)
      } catch (error) {
        // Only staging again helps.
        if (isLandfallError(error, 'lake/nothing-staged')) throw error
        const landed = await outcomeOf({ lake, logger }, plan, this.epoch, name, error, attempt)
        if (landed !== undefined) return void this.states.set(name, landed)
      }
    }
  }

  async #compile(versions: readonly string[]): Promise<SparkSql> {
    for (const version of versions) {
      if (this.#plans.has(version)) continue
      const plan = await this.#parts.loadPlan(version)
      if (plan !== undefined) this.#plans.set(version, plan)
    }
    return compileSparkSql({ pipeline: this.pipeline, plans: this.#plans, logId: this.#parts.log.id })
  }

  async #allowStaging(): Promise<void> {
    const spark = await this.#parts.spark()
    for (const { name } of landedTables(this.pipeline)) {
      if (this.states.get(name)!.metadata.properties[WAP_ENABLED] === 'true') continue
      await spark.run(`ALTER TABLE ${this.#nameOf(name)} SET TBLPROPERTIES ('${WAP_ENABLED}' = 'true')`)
    }
  }

  #nameOf(table: string): string {
    return tableName(this.#parts.catalog, this.#parts.lake.catalog.namespace, table)
  }
}
