/** From `tables` to definitions with resolved events and columns. */
import type { Column, ColumnType } from './columns.ts'
import type { HeaderColumn, TableInput } from './definition.ts'
import { checkHeader, headerColumnName } from './headers.ts'
import { COLUMN_NAME, checkKeys, refuse, suggest, TABLE_NAME } from './names.ts'
import { RESERVED_TABLES, type TableDefinition } from './pipeline.ts'
import type { Plan } from './plan.ts'

type AnyTableInput = TableInput<string>

export function compileTables(plan: Plan, tables: Record<string, AnyTableInput>): TableDefinition[] {
  return Object.entries(tables).map(([name, input]) => compileTable(plan, name, input))
}

function compileTable(plan: Plan, name: string, input: AnyTableInput): TableDefinition {
  const place = `tables.${name}`
  checkTableName(place, name)
  checkKeys(place, input, ['events', 'headers', 'rawEvent', 'columns', 'partition', 'codec'])
  const events = matchEvents(`${place}.events`, plan, input.events)
  const columns = chooseColumns(place, availableColumns(place, plan, events, input), input.columns)
  checkCases(place, columns)
  const codec = input.codec ?? 'snappy'
  if (codec !== 'snappy' && codec !== 'zstd')
    refuse('value', `${place}.codec`, `no codec ${String(codec)}`, 'Use snappy or zstd')
  return {
    name,
    events,
    columns,
    partition: choosePartition(`${place}.partition`, columns, input.partition),
    codec,
  }
}

function checkTableName(place: string, name: string): void {
  if ((RESERVED_TABLES as readonly string[]).includes(name)) {
    refuse('reserved-table', place, `every pipeline has a table ${name} of its own`, 'Choose another name')
  }
  if (TABLE_NAME.test(name)) return
  const lower = name.toLowerCase()
  refuse(
    'illegal-name',
    place,
    'a table name has lower-case letters, digits and _, and starts with a letter',
    TABLE_NAME.test(lower) ? `Write ${lower}` : 'Rename it',
  )
}

/** Names of the plan's events that a list or a pattern with `*` means, in plan order. */
function matchEvents(place: string, plan: Plan, events: readonly string[] | string): string[] {
  const known = Object.keys(plan.events)
  if (typeof events === 'string') {
    if (!events.includes('*')) {
      refuse(
        'value',
        place,
        `the text ${JSON.stringify(events)} is not a pattern`,
        `Write [${JSON.stringify(events)}], or a pattern such as "*${events}*"`,
      )
    }
    const parts = events.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const pattern = new RegExp(`^${parts.join('.*')}$`)
    const matched = known.filter((name) => pattern.test(name))
    if (matched.length === 0) {
      refuse(
        'no-event',
        place,
        `the pattern ${JSON.stringify(events)} matches no event`,
        `The plan has ${known.join(', ')}`,
      )
    }
    return matched
  }
  if (!Array.isArray(events) || events.length === 0) {
    refuse('value', place, 'expected a list of event names or a pattern', `Write ["${known[0]}"] or "*"`)
  }
  for (const name of events) {
    if (!known.includes(name))
      refuse(
        'unknown-event',
        place,
        `no event ${JSON.stringify(name)} in the plan`,
        suggest(String(name), known),
      )
  }
  return known.filter((name) => events.includes(name))
}

/** The default order: raw_event, timestamp, headers, event_type, properties in plan order. */
function availableColumns(place: string, plan: Plan, events: string[], input: AnyTableInput): Column[] {
  const columns: Column[] = []
  if (input.rawEvent !== false)
    columns.push({ name: 'raw_event', type: 'string', source: { from: 'raw_event' } })
  columns.push({ name: 'timestamp', type: 'timestamptz', source: { from: 'timestamp' } })
  columns.push(...headerColumns(`${place}.headers`, input.headers))
  columns.push({ name: 'event_type', type: 'string', source: { from: 'event_type' } })
  columns.push(...propertyColumns(place, plan, events))
  return columns
}

function headerColumns(place: string, headers: AnyTableInput['headers'] = []): Column[] {
  const choices: [string, HeaderColumn][] = Array.isArray(headers)
    ? headers.map((name: string) => [name, true])
    : Object.entries(headers as Record<string, HeaderColumn>)
  return choices.map(([name, choice]) => {
    const header = checkHeader(place, name)
    if (typeof choice === 'object') checkKeys(`${place}.${name}`, choice, ['column', 'type'])
    const column = headerColumnName(header, choice)
    if (!COLUMN_NAME.test(column))
      refuse(
        'illegal-name',
        place,
        `${JSON.stringify(column)} is not a column name`,
        'Use letters, digits, _ and -',
      )
    const type = (typeof choice === 'object' ? choice.type : undefined) ?? 'string'
    if (!['string', 'int', 'long'].includes(type))
      refuse('value', `${place}.${name}.type`, `no header type ${String(type)}`, 'Use string, int or long')
    return { name: column, type, source: { from: 'header', header } }
  })
}

function propertyColumns(place: string, plan: Plan, events: string[]): Column[] {
  const found = new Map<string, { type: ColumnType; event: string }>()
  for (const event of events) {
    for (const { name, type } of plan.events[event]!.properties) {
      const earlier = found.get(name)
      if (!earlier) found.set(name, { type, event })
      else if (earlier.type !== type) {
        refuse(
          'type-clash',
          place,
          `the property ${name} is ${earlier.type} in ${earlier.event} and ${type} in ${event}`,
          'Give it one type, rename one of them, or use two tables',
        )
      }
    }
  }
  return [...found].map(([name, { type }]) => ({ name, type, source: { from: 'property', property: name } }))
}

/** Columns that exist beside the default ones, for who names them. */
const EXTRA_COLUMNS: Column[] = [
  { name: 'event_id', type: 'string', source: { from: 'event_id' } },
  { name: 'received_at', type: 'timestamptz', source: { from: 'received_at' } },
]

function chooseColumns(place: string, available: Column[], chosen: readonly string[] | undefined): Column[] {
  if (!chosen) return available
  if (chosen.length === 0)
    refuse('value', `${place}.columns`, 'the list is empty', 'Name a column, or leave the list out')
  return chosen.map((name, i) => {
    const column = [...available, ...EXTRA_COLUMNS].find((candidate) => candidate.name === name)
    if (chosen.indexOf(name) < i)
      refuse('column-clash', `${place}.columns`, `the column ${name} stands twice`, 'Name it once')
    if (column) return column
    const known = available.map((candidate) => candidate.name)
    return refuse(
      'unknown-column',
      `${place}.columns`,
      `there is no column ${JSON.stringify(name)}`,
      name === 'raw_event' ? 'Take rawEvent: false away to keep it' : suggest(name, known),
    )
  })
}

/** Hive, Presto and Trino fold case: two columns that differ by it alone would be one. */
function checkCases(place: string, columns: Column[]): void {
  const seen = new Map<string, Column>()
  for (const column of columns) {
    const other = seen.get(column.name.toLowerCase())
    seen.set(column.name.toLowerCase(), column)
    if (!other) continue
    const header = [other, column].some((each) => each.source.from === 'header')
    refuse(
      'column-clash',
      header ? `${place}.headers` : place,
      `the columns ${origin(other)} and ${origin(column)} are equal${other.name === column.name ? '' : ' but for case'}`,
      header
        ? 'Give the header a column name of its own, as in { Type: "type_header" }'
        : 'Rename one of them',
    )
  }
}

function origin(column: Column): string {
  const kind = { header: ' (a header)', property: ' (a property)' }[column.source.from as string] ?? ''
  return `${column.name}${kind}`
}

function choosePartition(
  place: string,
  columns: Column[],
  input: AnyTableInput['partition'],
): TableDefinition['partition'] {
  if (input === false) return null
  if (input === undefined) {
    return columns.some((column) => column.name === 'timestamp')
      ? { column: 'timestamp', transform: 'day' }
      : null
  }
  checkKeys(place, input, ['column', 'transform'])
  const column = columns.find((candidate) => candidate.name === input.column)
  if (!column)
    refuse(
      'unknown-column',
      place,
      `the table has no column ${JSON.stringify(input.column)}`,
      suggest(
        input.column,
        columns.map((c) => c.name),
      ),
    )
  if (column.type !== 'timestamptz' && column.type !== 'date') {
    refuse(
      'value',
      place,
      `${column.name} is ${column.type}, not a time or a date`,
      'Partition by a timestamptz or date column',
    )
  }
  if (
    !['day', 'hour', 'month'].includes(input.transform) ||
    (column.type === 'date' && input.transform === 'hour')
  ) {
    refuse(
      'value',
      place,
      `no transform ${String(input.transform)} of a ${column.type}`,
      column.type === 'date' ? 'Use day or month' : 'Use hour, day or month',
    )
  }
  return { column: input.column, transform: input.transform }
}
