/**
 * A pipeline and its plans → Spark SQL (Spark 4.1). Pure text; the tables it makes equal those of the DuckDB lander row by row, but for
 * what docs/reference/spark.md lists.
 *
 *   kafka ──recordsSql──▶ records ──judgedSql──▶ judged ──tableSql──▶ the columns of one Iceberg table
 *
 * Each is a SELECT; make views of the first two, and keep what `judged` gives when more than one table is made of it. No window, no
 * join but that with `faults`, no aggregation: a streaming relation may take the same way.
 */
import type { Column } from '../../../../model/columns.ts'
import {
  type CompiledPipeline,
  DEAD_LETTERS_COLUMNS,
  EVENTS_TABLE,
  type TableDefinition,
} from '../../../../model/pipeline.ts'
import type { Plan } from '../../../../model/plan.ts'
import { DEAD_LETTERS_TABLE } from '../../../tables.ts'
import { member } from './json.ts'
import { judgedSelect } from './judged.ts'
import { recordsSelect } from './records.ts'
import { identifier, literal } from './text.ts'
import { headerValue, sparkType, valueOf } from './values.ts'

/** Settings that the statements need in the session that runs them. */
export const sparkSettings: Readonly<Record<string, string>> = {
  'spark.sql.session.timeZone': 'UTC',
  'spark.sql.ansi.enabled': 'true',
  'spark.sql.ansi.doubleQuotedIdentifiers': 'false',
  'spark.sql.caseSensitive': 'true',
  'spark.sql.timestampType': 'TIMESTAMP_LTZ',
  'spark.sql.parser.escapedStringLiterals': 'false',
}

export interface SparkSqlInput {
  pipeline: CompiledPipeline
  /** Every plan that records may name, by version. Records of other versions are judged by the pipeline's own. */
  plans: ReadonlyMap<string, Plan>
  /** The log's id: ids of foreign records come from it. */
  logId: string
}

export interface SparkSql {
  /**
   * Records, from the name of a relation with the columns of Spark's Kafka source (`includeHeaders` on): partition int, offset
   * bigint, received_at and happened_at timestamp, event_id, is_read, plan, source, route, request, value binary. See records.ts.
   */
  recordsSql(kafka: string): string
  /**
   * One row per record: partition, offset, received_at, event_id, plan (the version it was judged by), plan_version (that it names),
   * source, event_type, raw, ts, fields, request, request_headers, fate (`landed` · `dead` · `duplicate`), reason, field, detail.
   * `faults` is the name of a small relation of verdicts that came from elsewhere: partition, offset, fate (`dead` · `duplicate`), reason,
   * field, detail.
   */
  judgedSql(records: string, faults?: string): string
  /** The columns of an Iceberg table (`events` and `dead_letters` too) in their order, from the name of the relation that `judgedSql` is. */
  tableSql(judged: string, table: TableDefinition): string
}

export function compileSparkSql({ pipeline, plans, logId }: SparkSqlInput): SparkSql {
  const known = new Map([...plans, [pipeline.plan.version, pipeline.plan]])
  return {
    recordsSql: (kafka) => recordsSelect(kafka, logId),
    judgedSql: (records, faults) => judgedSelect(pipeline, [...known.values()], records, faults),
    tableSql(judged, table) {
      if (table.name === DEAD_LETTERS_TABLE.name) return deadLettersSelect(judged)
      if (table.name === EVENTS_TABLE.name)
        return `${select(EVENTS_TABLE, known)} FROM ${judged} WHERE fate = 'landed'`
      const events = table.events.map(literal).join(', ')
      return `${select(table, known)} FROM ${judged} WHERE fate = 'landed' AND event_type IN (${events})`
    },
  }
}

function select(table: TableDefinition, plans: ReadonlyMap<string, Plan>): string {
  const columns = table.columns.map(
    (column) => `${columnSql(table, column, plans)} AS ${identifier(column.name)}`,
  )
  return `SELECT ${columns.join(',\n')}\n`
}

function columnSql(table: TableDefinition, column: Column, plans: ReadonlyMap<string, Plan>): string {
  const { source, type } = column
  switch (source.from) {
    case 'raw_event':
      return 'raw'
    case 'timestamp':
      return 'ts'
    case 'header':
      return headerValue(type, member('fields', source.header), `request[${literal(source.header)}]`)
    case 'property':
      return propertySql(table, column, source.property, plans)
    default:
      return source.from
  }
}

/** Filled from the events that declare the property with that type, under the plan of the record. */
function propertySql(
  table: TableDefinition,
  { type }: Column,
  property: string,
  plans: ReadonlyMap<string, Plan>,
): string {
  const value = valueOf(type, member('fields', property))
  const declaring = new Map<string, string[]>()
  let isEverywhere = true
  for (const { version, events } of plans.values()) {
    for (const name of table.events) {
      if (!Object.hasOwn(events, name)) continue
      const declares = events[name]!.properties.some((each) => each.name === property && each.type === type)
      if (declares) declaring.set(name, [...(declaring.get(name) ?? []), version])
      else isEverywhere = false
    }
  }
  if (isEverywhere) return value
  const byVersions = Map.groupBy(declaring, ([, versions]) => versions.map(literal).join(', '))
  const conditions = [...byVersions].map(
    ([versions, names]) =>
      `plan IN (${versions}) AND event_type IN (${names.map(([name]) => literal(name)).join(', ')})`,
  )
  if (conditions.length === 0) return `CAST(NULL AS ${sparkType(type)})`
  return `CASE WHEN ${conditions.join(' OR ')} THEN ${value} END`
}

function deadLettersSelect(judged: string): string {
  const columns = DEAD_LETTERS_COLUMNS.map(({ name }) => {
    if (name === 'raw_event') return 'raw AS raw_event'
    if (name === 'event_type') return `CASE WHEN reason <> 'malformed_json' THEN event_type END AS event_type`
    return name
  })
  return `SELECT ${columns.join(', ')} FROM ${judged} WHERE fate = 'dead'`
}
