/** From a pipeline's definition to plain data. Everything wrong in it is refused here, with its place and the remedy. */
import { canonicalJson, hashOf } from './canonical-json.ts'
import { compileNamed } from './compile-named.ts'
import { compilePlan } from './compile-plan.ts'
import { compileTables } from './compile-tables.ts'
import type { PipelineDefinition, QuestionInput, SourceInput, TableInput } from './definition.ts'
import { canonicalHeader, checkHeader } from './headers.ts'
import { checkKeys, isOwnName, PIPELINE_NAME, refuse, suggest } from './names.ts'
import type { CompiledPipeline, Question, SourceDefinition, TableDefinition } from './pipeline.ts'
import type { Plan } from './plan.ts'
import { questionText } from './question-names.ts'
import { checkRoutes } from './route-pattern.ts'
import { checkSimulate } from './simulate-input.ts'
import { parseDuration } from './time.ts'

// biome-ignore lint/suspicious/noExplicitAny: the compiler reads a definition whatever its types.
export type AnyDefinition = PipelineDefinition<any, any, any, any>

const OPTIONS = [
  'name',
  'events',
  'tables',
  'headers',
  'subject',
  'session',
  'sources',
  'routes',
  'state',
  'duplicates',
  'retention',
  'questions',
  'views',
  'reference',
  'simulate',
  'settings',
]

export function compilePipeline(definition: AnyDefinition): CompiledPipeline {
  checkKeys('', definition, OPTIONS)
  const { name } = definition
  if (typeof name !== 'string' || !PIPELINE_NAME.test(name)) {
    refuse(
      'illegal-name',
      'name',
      'a pipeline name has lower-case letters, digits, _ and -, and starts with a letter',
      'Write it as in name: "game"',
    )
  }
  checkKeys('events', definition.events, Object.keys(definition.events ?? {}))
  checkKeys('tables', definition.tables, Object.keys(definition.tables ?? {}))
  const plan = compilePlan(definition.events)
  const tables = compileTables(plan, definition.tables as Record<string, TableInput<string>>)
  const headers = namedHeaders(plan, tables, definition.headers ?? [])
  checkRoutes(definition.routes ?? {})
  checkState(definition.state)
  checkSimulate('simulate', definition.simulate, definition)
  const sources = compileSources(definition.sources ?? {})
  const duplicates = compileDuplicates(definition.duplicates ?? {})
  return {
    name,
    plan,
    tables,
    headers,
    subject: personField('subject', definition.subject, plan, headers),
    session: personField('session', definition.session, plan, headers),
    sources,
    duplicates,
    retention: compileRetention(definition.retention ?? {}),
    questions: compileQuestions(tables, definition.questions ?? {}),
    ...compileNamed(tables, definition.views ?? {}, definition.reference ?? {}),
    settings: { ...definition.settings },
    hash: hashOf({
      plan: plan.version,
      tables,
      headers,
      // Keys and limits decide who may send, not how a record lands; and a hash of a secret is not for a file.
      sources: sources.map(({ name: source, trustTime }) => ({ name: source, trustTime })),
      duplicates,
    }),
  }
}

/** The headers of all tables and of `headers`, each once, in this order. */
function namedHeaders(plan: Plan, tables: TableDefinition[], more: readonly string[]): string[] {
  const fromTables = tables.flatMap((table) =>
    table.columns.flatMap((column) =>
      column.source.from === 'header' ? [[`tables.${table.name}.headers`, column.source.header]] : [],
    ),
  )
  const named = [...fromTables, ...more.map((name) => ['headers', checkHeader('headers', name)])] as [
    string,
    string,
  ][]
  const properties = new Set(
    Object.values(plan.events).flatMap((event) => event.properties.map((property) => property.name)),
  )
  for (const [place, header] of named) {
    if (isOwnName(header.replaceAll('-', '_'))) {
      refuse(
        'reserved-name',
        place,
        `${header} is a name of Landfall's own and never comes from a header`,
        'Remove it',
      )
    }
    if (properties.has(header)) {
      refuse(
        'column-clash',
        place,
        `the header ${header} is also a property of the plan`,
        'Rename the property, or remove the header',
      )
    }
  }
  return [...new Set(named.map(([, header]) => header))]
}

function personField(place: string, field: string | undefined, plan: Plan, headers: string[]): string | null {
  if (field === undefined) return null
  const properties = Object.values(plan.events).flatMap((event) =>
    event.properties.map((property) => property.name),
  )
  if (properties.includes(field)) return field
  const header = canonicalHeader(field)
  if (headers.includes(header)) return header
  return refuse(
    'unknown-field',
    place,
    `${JSON.stringify(field)} is neither a property of an event nor a header that the pipeline names`,
    suggest(field, [...new Set([...properties, ...headers])]),
  )
}

function checkState(state: AnyDefinition['state']): void {
  if (state === undefined) return
  checkKeys('state', state, ['key', 'initial', 'reduce'])
  if (typeof state.reduce !== 'function')
    refuse('value', 'state.reduce', 'expected a function', 'Write reduce: (state, event) => …')
  try {
    canonicalJson(state.initial)
  } catch {
    refuse(
      'state-not-json',
      'state.initial',
      'the state is kept as JSON and this is not',
      'Use objects, lists, texts, numbers, true, false and null; a bigint as its text',
    )
  }
}

function duration(place: string, text: string | undefined, fallback: string): number {
  const ms = parseDuration(text ?? fallback)
  return (
    ms ??
    refuse(
      'duration',
      place,
      `${JSON.stringify(text)} is not a duration`,
      'Write it as in 7d, 12h, 30m, 30s or 500ms',
    )
  )
}

function compileSources(sources: Record<string, SourceInput>): SourceDefinition[] {
  const names = Object.keys(sources)
  const compiled = names.map((name) => compileSource(name, sources[name]!))
  for (const [i, source] of compiled.entries()) {
    const other = compiled.slice(0, i).find((earlier) => earlier.writeKey === source.writeKey)
    if (other) {
      refuse(
        'duplicate-key',
        `sources.${source.name}`,
        `the same write key as ${other.name}, so a sender could not be told apart`,
        'Give each source a key of its own',
      )
    }
  }
  return compiled.length > 0 ? compiled : [compileSource('default', {})]
}

function compileSource(name: string, input: SourceInput): SourceDefinition {
  const place = `sources.${name}`
  if (!PIPELINE_NAME.test(name))
    refuse('illegal-name', place, 'a source name has lower-case letters, digits, _ and -', 'Rename it')
  checkKeys(place, input, ['writeKey', 'mode', 'trustTime', 'origins', 'rateMax'])
  // A key from an environment variable that is not set must not open the door.
  if ('writeKey' in input && !(typeof input.writeKey === 'string' && /^[!-~]{8,256}$/.test(input.writeKey))) {
    refuse(
      'write-key',
      `${place}.writeKey`,
      'expected 8 to 256 visible ASCII characters',
      'Set it, or leave writeKey out to let anyone send',
    )
  }
  const mode = input.mode ?? 'collect'
  if (mode !== 'collect' && mode !== 'reject')
    refuse('value', `${place}.mode`, `no mode ${String(mode)}`, 'Use collect or reject')
  if (input.rateMax !== undefined && !(input.rateMax > 0))
    refuse('value', `${place}.rateMax`, 'expected events per second above 0', 'Leave it out for no limit')
  if (input.trustTime) checkKeys(`${place}.trustTime`, input.trustTime, ['field', 'past', 'future'])
  return {
    name,
    writeKey: input.writeKey ?? null,
    mode,
    trustTime: input.trustTime
      ? {
          field: input.trustTime.field ?? 'timestamp',
          pastMs: duration(`${place}.trustTime.past`, input.trustTime.past, '7d'),
          futureMs: duration(`${place}.trustTime.future`, input.trustTime.future, '5m'),
        }
      : null,
    origins: [...(input.origins ?? [])],
    rateMax: input.rateMax ?? null,
  }
}

function compileDuplicates(input: NonNullable<AnyDefinition['duplicates']>): CompiledPipeline['duplicates'] {
  checkKeys('duplicates', input, ['window', 'volatile'])
  return {
    windowMs: duration('duplicates.window', input.window, '7d'),
    volatile: [...(input.volatile ?? [])],
  }
}

function compileRetention(input: NonNullable<AnyDefinition['retention']>): CompiledPipeline['retention'] {
  checkKeys('retention', input, ['age', 'bytes'])
  const bytes = input.bytes ?? 16 * 2 ** 30
  if (!Number.isSafeInteger(bytes) || bytes < 2 ** 20)
    refuse(
      'value',
      'retention.bytes',
      `${String(bytes)} is not a number of bytes from 1048576 up`,
      'Write it as in 16 * 2 ** 30',
    )
  return { ageMs: duration('retention.age', input.age, '7d'), bytes }
}

const CHARTS = ['table', 'bar', 'line', 'pie', 'number'] as const

function compileQuestions(
  tables: readonly TableDefinition[],
  // biome-ignore lint/suspicious/noExplicitAny: which tables there are, the types of the definition know.
  questions: Record<string, QuestionInput<any>>,
): Question[] {
  return Object.entries(questions).map(([name, input]) => {
    const place = `questions.${name}`
    checkKeys(place, input, ['title', 'sql', 'chart'])
    const text = questionText(`${place}.sql`, input.sql, tables)
    const sql = typeof text === 'string' ? text.trim().replace(/;+$/, '').trimEnd() : ''
    if (sql === '')
      refuse('question', `${place}.sql`, 'there is no SQL', 'Write a SELECT over the tables of the pipeline')
    const chart = input.chart ?? 'table'
    if (!CHARTS.includes(chart))
      refuse('value', `${place}.chart`, `no chart ${String(chart)}`, `Use ${CHARTS.join(', ')}`)
    if (typeof input.title !== 'string' || input.title.trim() === '')
      refuse('question', `${place}.title`, 'there is no title', 'Say in a few words what is asked')
    return { name, title: input.title.trim(), sql, chart }
  })
}
