/** Where a pipeline's events are, so that an analysis can be asked by the names of the pipeline file. */
import { LandfallError } from '../../base/errors.ts'
import type { ColumnType } from '../../model/columns.ts'
import {
  type CompiledPipeline,
  DEAD_LETTERS_COLUMNS,
  EVENTS_TABLE,
  type TableDefinition,
} from '../../model/pipeline.ts'
import { nearestName } from '../../sql/text.ts'
import type { EventSource, Field, MemberType, TimeField } from './source.ts'

const EVENTS = EVENTS_TABLE.name

/**
 * Events of a table of the pipeline, with its subject, session and time. Default: `events`, which has every event; there the fields are
 * members of `raw_event`, and a header that travelled beside an event of `/v1/events` is not among them.
 * Throws `report/no-subject` where the pipeline or the table has none.
 */
export function eventSource(
  pipeline: CompiledPipeline,
  table: string = EVENTS,
  more: Pick<EventSource, 'at' | 'where' | 'since' | 'until'> = {},
): EventSource {
  if (pipeline.subject === null)
    throw noSubject(
      `pipeline ${pipeline.name} does not say who a person is`,
      'Add subject to the pipeline file: the property or header that identifies a person',
    )
  const subject = find(pipeline, table, pipeline.subject)
  if (!subject)
    throw noSubject(
      `table ${table} has no column of ${pipeline.subject}, the subject of pipeline ${pipeline.name}`,
      `Ask ${EVENTS}, or add the column to the table`,
    )
  const session = pipeline.session === null ? undefined : find(pipeline, table, pipeline.session)
  return {
    table,
    subject,
    time: timeField(pipeline, table),
    event: { column: 'event_type' },
    ...(session ? { session } : {}),
    ...more,
  }
}

/** A property, header or column by its name, in this table. Throws `report/unknown-field` with the nearest name. */
export function fieldOf(pipeline: CompiledPipeline, table: string, name: string): Field {
  const field = find(pipeline, table, name)
  if (field) return field
  const names = fieldNames(pipeline, table)
  const near = nearestName(name, names)
  throw new LandfallError(
    'fix-request',
    'report/unknown-field',
    `${table} has no field ${JSON.stringify(name)}`,
    {
      hint: near === undefined ? `There are: ${names.join(', ')}` : `Did you mean ${near}?`,
    },
  )
}

/** Every name that `fieldOf` knows in a table. */
export function fieldNames(pipeline: CompiledPipeline, table: string = EVENTS): string[] {
  const definition = definitionOf(pipeline, table)
  if (definition) return definition.columns.map(({ name }) => name)
  const columns = (table === EVENTS ? EVENTS_TABLE.columns : DEAD_LETTERS_COLUMNS).map(({ name }) => name)
  return [...new Set([...columns, ...Object.keys(memberTypes(pipeline))])]
}

function find(pipeline: CompiledPipeline, table: string, name: string): Field | undefined {
  const definition = definitionOf(pipeline, table)
  if (definition) {
    const of = definition.columns.find(({ source }) =>
      source.from === 'header'
        ? source.header.toLowerCase() === name.toLowerCase()
        : source.from === 'property' && source.property === name,
    )
    const column = of ?? definition.columns.find((each) => each.name.toLowerCase() === name.toLowerCase())
    return column && { column: column.name }
  }
  const columns: readonly { name: string }[] = table === EVENTS ? EVENTS_TABLE.columns : DEAD_LETTERS_COLUMNS
  const types = memberTypes(pipeline)
  if (Object.hasOwn(types, name)) return { member: name, type: types[name]! }
  return columns.some((each) => each.name === name) ? { column: name } : undefined
}

function definitionOf(pipeline: CompiledPipeline, table: string): TableDefinition | undefined {
  const definition = pipeline.tables.find(({ name }) => name === table)
  if (definition || table === EVENTS || table === 'dead_letters') return definition
  const near = nearestName(table, [EVENTS, ...pipeline.tables.map(({ name }) => name)])
  throw new LandfallError(
    'fix-request',
    'report/unknown-table',
    `pipeline ${pipeline.name} has no table ${JSON.stringify(table)}`,
    near === undefined ? {} : { hint: `Did you mean ${near}?` },
  )
}

/** Members of `raw_event`: properties of the plan, headers, and what names a person or a visit. */
function memberTypes({ plan, headers, subject, session }: CompiledPipeline): Record<string, MemberType> {
  const types: Record<string, MemberType> = Object.create(null) as Record<string, MemberType>
  for (const { properties } of Object.values(plan.events))
    for (const { name, type } of properties) types[name] ??= memberType(type)
  for (const name of [...headers, subject, session]) if (name !== null) types[name] ??= 'varchar'
  return types
}

function memberType(type: ColumnType): MemberType {
  if (type === 'int' || type === 'long') return 'bigint'
  return type === 'string' || type === 'json' || type === 'timestamptz' ? 'varchar' : type
}

function timeField({ sources, tables }: CompiledPipeline, table: string): TimeField {
  const definition = tables.find(({ name }) => name === table)
  const own = definition?.columns.find(({ source }) => source.from === 'timestamp')
  if (own) return { column: own.name }
  if (definition)
    return {
      column: definition.columns.find(({ source }) => source.from === 'received_at')?.name ?? 'timestamp',
    }
  // Which source an event came from is not in `events`: the widest bounds of the first trusted field.
  const trusted = sources.flatMap(({ trustTime }) => (trustTime === null ? [] : [trustTime]))
  if (trusted.length === 0) return { column: 'received_at' }
  const field = trusted[0]!.field
  const same = trusted.filter((one) => one.field === field)
  return {
    trusted: field,
    received: 'received_at',
    pastMs: Math.max(...same.map(({ pastMs }) => pastMs)),
    futureMs: Math.max(...same.map(({ futureMs }) => futureMs)),
  }
}

function noSubject(message: string, hint: string): LandfallError {
  return new LandfallError('fix-config', 'report/no-subject', message, { hint })
}
