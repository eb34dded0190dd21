/**
 * The statements that judge a chunk and take its tables out of it, as text. Pure: pipeline, plans and kinds of rows in, SQL out.
 *
 * `judged` has one row per record: kind, ok (null for rows that are not judged), and a struct v of row, "offset", received (µs),
 * event_id, raw, event_type, ts, h (request headers of what does not fit), and the value of each header column (h0 …) and property column
 * (p0 …) of the pipeline's tables.
 * What is in a struct DuckDB stores without counting its distinct values, which nobody asks for here.
 */
import type { Column, ColumnType } from '../../model/columns.ts'
import {
  type CompiledPipeline,
  DEAD_LETTERS_COLUMNS,
  EVENTS_TABLE,
  type TableDefinition,
} from '../../model/pipeline.ts'
import type { Plan, PlanProperty } from '../../model/plan.ts'
import { nextOffset, type Position } from '../../model/position.ts'
import type { RowKind, ScratchColumns } from '../scratch.ts'
import { FieldTexts, identifier, literal, pointer } from './field-text.ts'
import { duckdbType, fitsSql, looksLikeOther, modeOf, timeFits, valueSql } from './property-sql.ts'

interface ValueColumn {
  name: string
  column: Column
}

/** What all chunks of one pipeline share: which columns `judged` has. */
export class JudgedColumns {
  readonly headers: ValueColumn[] = []
  readonly properties: ValueColumn[] = []
  readonly #names = new Map<string, string>()

  constructor(pipeline: CompiledPipeline) {
    for (const table of pipeline.tables) {
      for (const column of table.columns) {
        if (column.source.from === 'header') this.#add(this.headers, 'h', column, column.source.header)
        if (column.source.from === 'property') this.#add(this.properties, 'p', column, column.source.property)
      }
    }
  }

  /** Its name in `judged`. */
  nameOf(column: Column): string {
    const { source } = column
    if (source.from === 'header') return this.#names.get(keyOf('h', source.header, column.type))!
    if (source.from === 'property') return this.#names.get(keyOf('p', source.property, column.type))!
    throw new Error(`column ${column.name} is not from the event`)
  }

  /** The column that already has a property's value, in the rows of events that declare it. */
  find({ name, type }: PlanProperty): string | undefined {
    return this.#names.get(keyOf('p', name, type))
  }

  #add(to: ValueColumn[], prefix: string, column: Column, field: string): void {
    const key = keyOf(prefix, field, column.type)
    if (this.#names.has(key)) return
    const name = `${prefix}${to.length}`
    this.#names.set(key, name)
    to.push({ name, column })
  }
}

function keyOf(prefix: string, field: string, type: ColumnType): string {
  return JSON.stringify([prefix, field, type])
}

export interface JudgeInput {
  /** The scratch file, and which columns it has; see scratch.ts. */
  file: string
  has: ScratchColumns
  /** Fail on values that are no JSON; else they do not fit. */
  strict: boolean
  kinds: RowKind[]
  /** Which of the kinds this statement takes. */
  chosen: number[]
  plan: Plan
}

/** SELECT of the rows of `judged` for the kinds that are judged by one plan. */
export function judgeSelect(pipeline: CompiledPipeline, columns: JudgedColumns, input: JudgeInput): string {
  const { plan } = input
  const events = Object.values(plan.events)
  const fields = new FieldTexts()
  fields.need('event_type', 'text')
  for (const { column } of columns.headers)
    if (column.source.from === 'header') fields.need(column.source.header, 'text')
  for (const event of events)
    for (const property of event.properties) fields.need(property.name, modeOf(property.type))
  const trusted = trustedSources(pipeline, input)
  for (const { field } of trusted) fields.need(field, 'json')
  const { struct, columns: texts } = fields.seal(input.strict)

  const type =
    fields.get('event_type').mode === 'text' ? fields.get('event_type').sql : fields.asText('event_type')
  const values = columns.properties.map(
    ({ name, column }) => `${propertyColumn(column, plan, fields, 'event_type')} AS ${name}`,
  )
  const hasHeaders = input.has.has('h')
  const headers = columns.headers.map(
    ({ name, column }) => `${headerColumn(column, fields, hasHeaders)} AS ${name}`,
  )
  const kind = input.has.has('kind') ? 'kind' : '0'
  const happened = input.has.has('happened') ? 'happened' : 'received'
  const some = input.chosen.length === input.kinds.length ? '' : ` WHERE kind IN (${input.chosen.join(', ')})`
  const made = [...columns.headers, ...columns.properties].map(({ name }) => name)
  const kept = ['row', 'offset', 'received', 'event_id', 'raw', 'event_type', 'ts', ...made]
  const stored = kept.map((name) => `${literal(name)}: ${identifier(name)}`)
  // Whoever lands has them in columns; only a dead letter needs them as they came.
  stored.push(`'h': ${hasHeaders ? 'CASE WHEN ok THEN NULL ELSE h END' : 'NULL::VARCHAR'}`)
  return [
    `SELECT kind, ok, {${stored.join(', ')}} AS v`,
    `FROM (SELECT *, ${okSql(columns, plan, fields, input)} AS ok`,
    `FROM (SELECT *${[...headers, ...values, `${timestampSql(trusted, fields, happened)} AS ts`].map((sql) => `, ${sql}`).join('')}`,
    `FROM (SELECT *, ${type} AS event_type, contains(raw, '\\u0000') AS nul`,
    `FROM (SELECT * EXCLUDE (s), make_timestamptz(${happened}) AS rt, ${texts.join(', ')}`,
    `FROM (SELECT file_row_number::INTEGER AS "row", ${kind}::SMALLINT AS kind, "offset"::BIGINT AS "offset", received::BIGINT AS received, ${happened === 'happened' ? 'happened::BIGINT AS happened, ' : ''}event_id, ${hasHeaders ? `nullif(h, '') AS h, ` : ''}raw, ${struct}`,
    `FROM read_parquet(${literal(input.file)}, file_row_number = true, hive_partitioning = false)${some})))))`,
  ].join('\n')
}

function okSql(
  columns: JudgedColumns,
  plan: Plan,
  fields: FieldTexts,
  { kinds, chosen }: JudgeInput,
): string {
  const branches = Object.values(plan.events).map(({ name, properties }) => {
    const tests = properties.map((property) => {
      const field = fields.get(property.name)
      return fitsSql(property, field, columns.find(property) ?? `(${valueSql(property.type, field)})`)
    })
    if (looksLikeOther(name)) tests.unshift(`json_type(raw, '/event_type') = 'VARCHAR'`)
    return `WHEN ${literal(name)} THEN ${tests.length > 0 ? tests.join(' AND ') : 'true'}`
  })
  const verdict =
    branches.length > 0 ? `coalesce(CASE event_type ${branches.join(' ')} ELSE false END, false)` : 'false'
  const judged = chosen.filter((id) => kinds[id]!.fate === 'judge')
  if (judged.length === chosen.length) return verdict
  return judged.length === 0
    ? 'NULL::BOOLEAN'
    : `CASE WHEN kind IN (${judged.join(', ')}) THEN ${verdict} END`
}

/** The property as a column: filled from the events that declare it with that type under this plan. */
function propertyColumn(column: Column, plan: Plan, fields: FieldTexts, eventType: string): string {
  const { source, type } = column
  if (source.from !== 'property') throw new Error(`column ${column.name} is no property`)
  const events = Object.values(plan.events)
  const declaring = events.filter((event) =>
    event.properties.some((property) => declares(property, source.property, type)),
  )
  if (declaring.length === 0) return `NULL::${duckdbType(type)}`
  const value = valueSql(type, fields.get(source.property))
  if (declaring.length === events.length) return value
  const names = declaring.map((event) => literal(event.name)).join(', ')
  return `CASE WHEN ${eventType} IN (${names}) THEN ${value} END`
}

function declares(property: PlanProperty, name: string, type: ColumnType): boolean {
  return property.name === name && property.type === type
}

/** The event's own field, else the request header that travelled beside it; a typed one only when its text is an integer. */
function headerColumn(column: Column, fields: FieldTexts, hasHeaders: boolean): string {
  const { source, type } = column
  if (source.from !== 'header') throw new Error(`column ${column.name} is no header`)
  const own = fields.asText(source.header)
  const text = hasHeaders
    ? `coalesce(${own}, CASE WHEN h IS NOT NULL THEN TRY(json_extract_string(h, ${pointer(source.header)})) END)`
    : own
  if (type === 'string') return text
  return `CASE WHEN regexp_full_match(${text}, '-?[0-9]+') THEN TRY_CAST(${text} AS ${duckdbType(type)}) END`
}

interface TrustedSource {
  kinds: number[]
  field: string
  pastMs: number
  futureMs: number
}

function trustedSources(pipeline: CompiledPipeline, { kinds, chosen }: JudgeInput): TrustedSource[] {
  const trusted: TrustedSource[] = []
  for (const source of pipeline.sources) {
    if (source.trustTime === null) continue
    const isDefault = source === pipeline.sources[0]
    const ids = chosen.filter(
      (id) => kinds[id]!.source === source.name || (isDefault && kinds[id]!.source === null),
    )
    if (ids.length > 0) trusted.push({ kinds: ids, ...source.trustTime })
  }
  return trusted
}

/** `timestamp`: received_at (a healed event's: its letter's), or the client's time where its source is trusted and the time lies inside the bounds. */
function timestampSql(trusted: TrustedSource[], fields: FieldTexts, received: string): string {
  const branches = trusted.map(({ kinds, field, pastMs, futureMs }) => {
    const text = fields.get(field)
    const time = valueSql('timestamptz', text)
    const inside = `epoch_us(${time}) BETWEEN ${received} - ${pastMs * 1000} AND ${received} + ${futureMs * 1000}`
    return `WHEN kind IN (${kinds.join(', ')}) THEN CASE WHEN ${timeFits(text.sql, `(${time})`)} AND ${inside} THEN ${time} ELSE rt END`
  })
  return branches.length === 0 ? 'rt' : `CASE ${branches.join(' ')} ELSE rt END`
}

/** SELECT of a pipeline's table out of `judged`. */
export function tableSelect(columns: JudgedColumns, table: TableDefinition, kinds: RowKind[]): string {
  const selected = table.columns.map(
    (column) => `${columnSql(columns, column, kinds)} AS ${identifier(column.name)}`,
  )
  return `SELECT ${selected.join(', ')} FROM judged WHERE ok AND v.event_type IN (${table.events.map(literal).join(', ')})`
}

/** SELECT of `events` out of `judged`. */
export function eventsSelect(columns: JudgedColumns, kinds: RowKind[]): string {
  const selected = EVENTS_TABLE.columns.map(
    (column) => `${columnSql(columns, column, kinds)} AS ${identifier(column.name)}`,
  )
  return `SELECT ${selected.join(', ')} FROM judged WHERE ok`
}

function columnSql(columns: JudgedColumns, column: Column, kinds: RowKind[]): string {
  switch (column.source.from) {
    case 'raw_event':
      return 'v.raw'
    case 'timestamp':
      return 'v.ts'
    case 'event_type':
      return 'v.event_type'
    case 'event_id':
      return 'v.event_id'
    case 'received_at':
      return 'make_timestamptz(v.received)'
    case 'partition':
      return byKind(kinds, (kind) => `${kind.partition}`)
    case 'offset':
      return 'v."offset"'
    default:
      return `v.${columns.nameOf(column)}`
  }
}

/** SELECT of `dead_letters` out of `judged` and `faults` (row, reason, field, detail, raw where the record's bytes are no text). */
export function deadLettersSelect(kinds: RowKind[], currentPlan: string, defaultSource: string): string {
  const from: Record<(typeof DEAD_LETTERS_COLUMNS)[number]['name'], string> = {
    event_id: 'v.event_id',
    partition: byKind(kinds, (kind) => `${kind.partition}`),
    offset: 'v."offset"',
    received_at: 'make_timestamptz(v.received)',
    reason: 'f.reason',
    field: 'f.field',
    detail: 'f.detail',
    event_type: `CASE WHEN f.reason <> 'malformed_json' THEN v.event_type END`,
    plan_version: byKind(kinds, (kind) => literal(kind.plan ?? currentPlan)),
    source: byKind(kinds, (kind) => literal(kind.source ?? defaultSource)),
    raw_event: 'coalesce(f.raw, v.raw)',
    request_headers: 'v.h',
  }
  const selected = DEAD_LETTERS_COLUMNS.map(({ name }) => `${from[name]} AS ${identifier(name)}`)
  return `SELECT ${selected.join(', ')} FROM judged JOIN faults AS f ON v."row" = f."row"`
}

/** The rows of `judged` at or behind a position, as a condition. */
export function behindSql(kinds: RowKind[], from: Position): string {
  return byKind(kinds, ({ partition }) => `v."offset" >= ${nextOffset(from, partition)}`)
}

function byKind(kinds: RowKind[], of: (kind: RowKind) => string): string {
  const values = kinds.map(of)
  if (values.every((value) => value === values[0])) return values[0] ?? 'NULL'
  return `CASE kind ${values.map((value, id) => `WHEN ${id} THEN ${value}`).join(' ')} END`
}
