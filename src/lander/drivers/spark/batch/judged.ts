/**
 * Judges a range of offsets in Spark. The verdict is a function of the range, of the definition and of what landed before the range,
 * all of which stand still: so whatever Spark computes again (a lost block of its cache, a redo after a crash) comes out the same,
 * and the cache only spares work. Views of the session: `landfall_kafka` → `landfall_records` → `landfall_judged`, and
 * `landfall_faults` for records whose fate is known without their types. A session has none of them when a batch begins.
 */
import { LandfallError } from '../../../../base/errors.ts'
import type { TableState } from '../../../../lake/lake.ts'
import { HEALED_PREFIX } from '../../../../model/healed.ts'
import { type CompiledPipeline, EVENTS_TABLE } from '../../../../model/pipeline.ts'
import { nextOffset, type Position } from '../../../../model/position.ts'
import type { DeadReason } from '../../../dead-reasons.ts'
import type { ChunkCounts } from '../../../judge/judge.ts'
import { aheadIn, DEAD_LETTERS_TABLE, landedTables } from '../../../tables.ts'
import type { SparkConnect } from '../connect/client.ts'
import { tableOf } from '../connect/rows.ts'
import type { KafkaPlace } from '../options.ts'
import { quoteName } from '../server.ts'
import type { SparkSql } from '../sql/compile.ts'
import { kafkaRange, type Ranges } from './range.ts'
import { type Fault, judgeRepeats, type ReadRecords, type SharedId } from './repeats.ts'

const RECORDS = 'landfall_records'
const JUDGED = 'landfall_judged'
const FAULTS = 'landfall_faults'
const KAFKA = 'landfall_kafka'
/** Told at most per batch: a flood of broken events must not become a flood of messages. */
const REASONS_MAX = 100
/** Foreign producers may name any number of plans; so many are looked for. */
const PLANS_MAX = 500

export interface JudgeParts {
  spark: SparkConnect
  kafka: KafkaPlace
  pipeline: CompiledPipeline
  /** The statements for records that name these plans, among others that are not known. */
  compile(planVersions: readonly string[]): Promise<SparkSql>
  /** Where Spark finds a table of ours. */
  nameOf(table: string): string
  states: ReadonlyMap<string, TableState>
  readRecords: ReadRecords
}

export interface Judged {
  counts: ChunkCounts
  /** Tables with rows and how many, in the order of their commits; `events` always. */
  tables: { name: string; rows: number }[]
  /** The rows of a table: its columns, in order. */
  select(table: string): string
  /** Why events became dead letters: one per event, source, reason and field. */
  readReasons(): Promise<DeadReason[]>
}

/** Judges the records of `ranges`; everything before `from` has landed. `clear` when done. */
export async function judgeRange(parts: JudgeParts, from: Position, ranges: Ranges): Promise<Judged> {
  const { spark, kafka, pipeline } = parts
  await spark.view(KAFKA, kafkaRange(kafka, ranges))
  await cache(spark, RECORDS, (await parts.compile([])).recordsSql(KAFKA))
  const { records, since, plans, healed } = await summary(spark)
  const sql = await parts.compile(plans)
  const shared = records === 0 ? [] : await findShared(parts, from, since, healed)
  const faults = await judgeRepeats(pipeline, shared, parts.readRecords)
  if (faults.length > 0) await viewFaults(spark, faults)
  await cache(spark, JUDGED, sql.judgedSql(RECORDS, faults.length > 0 ? FAULTS : undefined))
  return count(parts, sql, ranges, records)
}

/** What keeps records from landing as they are judged alone: plans that they name, and ids that their partition has more than once. */
export async function lookAhead(
  parts: JudgeParts,
  from: Position,
  ranges: Ranges,
): Promise<{ records: number; plans: string[]; repeats: number }> {
  const { spark } = parts
  await spark.view(KAFKA, kafkaRange(parts.kafka, ranges))
  await cache(spark, RECORDS, (await parts.compile([])).recordsSql(KAFKA))
  const { records, since, plans, healed } = await summary(spark)
  const shared = records === 0 ? [] : await findShared(parts, from, since, healed)
  const faults = await judgeRepeats(parts.pipeline, shared, parts.readRecords)
  return { records, plans, repeats: faults.length }
}

/** After `lookAhead`: records per partition of these ranges, which lie inside its own. */
export async function countRecords(spark: SparkConnect, ranges: Ranges): Promise<Record<number, number>> {
  return countBy(spark, `SELECT partition FROM ${RECORDS} WHERE ${insideSql(ranges)}`)
}

/** After `lookAhead`: records in each of these ranges, which lie inside its own. */
export async function countEach(spark: SparkConnect, each: readonly Ranges[]): Promise<number[]> {
  if (each.length === 0) return []
  const counts = each.map((ranges, i) => `count_if(${insideSql(ranges)}) AS n${i}`)
  const [row] = await spark.query(`SELECT ${counts.join(', ')} FROM ${RECORDS}`)
  return each.map((_, i) => Number(row?.[`n${i}`] ?? 0))
}

/** Rows per partition. */
export async function countBy(spark: SparkConnect, select: string): Promise<Record<number, number>> {
  const rows = await spark.query(`SELECT partition, count(*) AS n FROM (${select}) GROUP BY partition`)
  return Object.fromEntries(rows.map(({ partition, n }) => [Number(partition), Number(n)]))
}

/** What lies inside ranges, as a condition. */
export function insideSql(ranges: Ranges): string {
  const inside = Object.entries(ranges).map(
    ([partition, { from, to }]) => `partition = ${partition} AND offset >= ${from} AND offset < ${to}`,
  )
  return inside.length === 0 ? 'false' : inside.join(' OR ')
}

interface Summary {
  records: number
  /** µs of the earliest `received_at`. */
  since: number
  plans: string[]
  /** Healed events are among them. */
  healed: boolean
}

async function summary(spark: SparkConnect): Promise<Summary> {
  const [read] = await spark.query(
    `SELECT count(*) AS n, min(unix_micros(received_at)) AS since, slice(array_sort(collect_set(plan) FILTER (WHERE plan RLIKE '^[0-9a-f]{16}$')), 1, ${PLANS_MAX}) AS plans, coalesce(bool_or(startswith(event_id, '${HEALED_PREFIX}')), false) AS healed FROM ${RECORDS}`,
  )
  const plans = [...((read?.['plans'] ?? []) as Iterable<string>)]
  return {
    records: Number(read?.['n'] ?? 0),
    since: Number(read?.['since'] ?? 0),
    plans,
    healed: read?.['healed'] === true,
  }
}

/** Lets go of the views and of what Spark keeps for them. */
export async function clear(spark: SparkConnect): Promise<void> {
  const views = [JUDGED, RECORDS, FAULTS, KAFKA]
  await Promise.all(views.map((view) => spark.run(`DROP VIEW IF EXISTS ${view}`)))
}

function readReasons(spark: SparkConnect, sql: SparkSql): Promise<DeadReason[]> {
  return readReasonsOf(spark, sql.tableSql(JUDGED, DEAD_LETTERS_TABLE))
}

/** Why these rows of `dead_letters` are dead: one per event, source, reason and field. */
export async function readReasonsOf(spark: SparkConnect, deadLetters: string): Promise<DeadReason[]> {
  const rows = await spark.query(
    `SELECT event_type AS event, coalesce(source, '') AS source, reason, field, coalesce(min(detail), '') AS detail
     FROM (${deadLetters}) GROUP BY event_type, source, reason, field ORDER BY ALL LIMIT ${REASONS_MAX}`,
  )
  return rows as unknown as DeadReason[]
}

function cache(spark: SparkConnect, view: string, select: string): Promise<void> {
  return spark.run(`CACHE LAZY TABLE ${view} OPTIONS ('storageLevel' 'MEMORY_AND_DISK') AS ${select}`)
}

/** Records of the range whose id their partition has more than once, and the landed ones they share it with. */
async function findShared(
  parts: JudgeParts,
  from: Position,
  sinceMicros: number,
  healed: boolean,
): Promise<SharedId[]> {
  const since = sinceMicros - parts.pipeline.duplicates.windowMs * 1000
  const landed = landedIds(parts, from, since, healed)
  const mine = `SELECT partition, offset, event_id, unix_micros(received_at) AS received, sha2(value, 256) AS digest, route, false AS landed FROM ${RECORDS}`
  const repeated = `SELECT partition, event_id FROM ${RECORDS} GROUP BY partition, event_id HAVING count(*) > 1`
  const query =
    landed === undefined
      ? `WITH ids AS (${repeated}) SELECT m.* FROM (${mine}) m LEFT SEMI JOIN ids i ON m.partition = i.partition AND m.event_id = i.event_id`
      : `WITH earlier AS (SELECT l.* FROM (${landed}) l LEFT SEMI JOIN ${RECORDS} r ON l.partition = r.partition AND l.event_id = r.event_id),
         ids AS (${repeated} UNION SELECT partition, event_id FROM earlier)
         SELECT m.* FROM (${mine}) m LEFT SEMI JOIN ids i ON m.partition = i.partition AND m.event_id = i.event_id
         UNION ALL SELECT * FROM earlier`
  return (await parts.spark.query(query)).map((row) => ({
    partition: Number(row['partition']),
    offset: Number(row['offset']),
    eventId: String(row['event_id']),
    receivedAt: Number(row['received']),
    digest: String(row['digest']),
    route: row['route'] === true,
    landed: row['landed'] === true,
  }))
}

/** What lies before a position, as a condition. */
export function beforeSql(position: Position): string {
  const before = Object.keys(position.next)
    .map(Number)
    .filter((partition) => nextOffset(position, partition) > 0)
    .map((partition) => `partition = ${partition} AND offset < ${nextOffset(position, partition)}`)
  return before.length === 0 ? 'false' : before.join(' OR ')
}

/** First records of their ids that landed before the range, inside the window (healed ones ever); undefined when nothing has landed. */
function landedIds(
  { states, nameOf }: JudgeParts,
  from: Position,
  since: number,
  healed: boolean,
): string | undefined {
  const before = beforeSql(from)
  const inWindow = `received_at >= timestamp_micros(${since})`
  // Only when it matters: without it, files of before the window are not looked at.
  const near = healed ? `(${inWindow} OR startswith(event_id, '${HEALED_PREFIX}'))` : inWindow
  const selects = [EVENTS_TABLE.name, DEAD_LETTERS_TABLE.name]
    .filter((table) => states.get(table)?.metadata['current-snapshot-id'] !== undefined)
    .map((table) => {
      const first = table === EVENTS_TABLE.name ? '' : ` AND reason <> 'id_conflict'`
      return `SELECT partition, offset, event_id, unix_micros(received_at) AS received, sha2(encode(raw_event, 'UTF-8'), 256) AS digest, false AS route, true AS landed
        FROM ${nameOf(table)} WHERE (${before}) AND ${near}${first}`
    })
  return selects.length === 0 ? undefined : selects.join(' UNION ALL ')
}

function viewFaults(spark: SparkConnect, faults: readonly Fault[]): Promise<void> {
  const column = <K extends keyof Fault>(name: K) => faults.map((fault) => fault[name])
  const data = tableOf({
    partition: ['int', column('partition')],
    offset: ['long', column('offset')],
    fate: ['string', column('fate')],
    reason: ['string', column('reason')],
    field: ['string', column('field')],
    detail: ['string', column('detail')],
  })
  return spark.view(FAULTS, { local_relation: { data } })
}

async function count(parts: JudgeParts, sql: SparkSql, ranges: Ranges, records: number): Promise<Judged> {
  const { spark, pipeline, states } = parts
  const rows = await spark.query(
    `SELECT partition, fate, event_type, count(*) AS n FROM ${JUDGED} GROUP BY partition, fate, event_type`,
  )
  const counts: ChunkCounts = {}
  const landed = new Map<string, number>()
  for (const { partition, fate, event_type: type, n } of rows) {
    const of = (counts[Number(partition)] ??= { records: 0, landed: 0, dead: 0, duplicate: 0 })
    of.records += Number(n)
    of[fate as 'landed' | 'dead' | 'duplicate'] += Number(n)
    if (fate === 'landed') landed.set(String(type), (landed.get(String(type)) ?? 0) + Number(n))
  }
  const sum = (of: 'records' | 'landed' | 'dead') =>
    Object.values(counts).reduce((total, count) => total + count[of], 0)
  if (sum('records') !== records) {
    throw new LandfallError(
      'bug',
      'lander/rows-lost',
      `judging ${records} records gave ${sum('records')} verdicts`,
      {
        hint: 'Nothing of them was landed. Report this with the version of Landfall',
      },
    )
  }
  const tables = landedTables(pipeline)
  const select = (name: string) => {
    const ahead = aheadIn(states.get(name)!, ranges)
    const judged = ahead ? `(SELECT * FROM ${JUDGED} WHERE NOT (${beforeSql(ahead)}))` : JUDGED
    return sql.tableSql(judged, tables.find((table) => table.name === name)!)
  }
  const own = new Map<string, number>()
  for (const { name } of tables) {
    if (aheadIn(states.get(name)!, ranges) === undefined) continue
    const [row] = await spark.query(`SELECT count(*) AS n FROM (${select(name)})`)
    own.set(name, Number(row!['n']))
  }
  const rowsOf = (name: string) => {
    const rows = own.get(name)
    if (rows !== undefined) return rows
    if (name === EVENTS_TABLE.name) return sum('landed')
    if (name === DEAD_LETTERS_TABLE.name) return sum('dead')
    const { events } = tables.find((table) => table.name === name)!
    return events.reduce((total, event) => total + (landed.get(event) ?? 0), 0)
  }
  return {
    counts,
    tables: tables
      .map(({ name }) => ({ name, rows: rowsOf(name) }))
      .filter(({ name, rows }) => rows > 0 || name === EVENTS_TABLE.name),
    readReasons: () => readReasons(spark, sql),
    select,
  }
}

/** `catalog.namespace.table` */
export function tableName(catalog: string, namespace: string, table: string): string {
  return [catalog, namespace, table].map(quoteName).join('.')
}
