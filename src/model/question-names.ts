/**
 * The tables that a question may name, by types and at start: `({ purchases }) => \`SELECT ${purchases.type} FROM ${purchases}\``.
 * In the text a table and its columns are quoted names. A name that is not there does not compile, and where types do not know it
 * (JavaScript, a list of headers that is no constant) it is refused at start.
 */
import type { EventSchemas, TableInput } from './definition.ts'
import { refuse, suggest } from './names.ts'
import { DEAD_LETTERS_COLUMNS, EVENTS_TABLE, type EventsColumn, type TableDefinition } from './pipeline.ts'

/** Column → its quoted name; the table itself, in a text, is its own. */
export type NamedColumns<C extends string = string> = { readonly [K in C]: string }

/** What the function of a question is given. */
export type QuestionTables<E extends EventSchemas, T> = {
  readonly [K in keyof T]: string extends K ? NamedColumns : NamedColumns<ColumnsOf<E, T[K]>>
} & {
  readonly events: NamedColumns<EventsColumn>
  readonly dead_letters: NamedColumns<(typeof DEAD_LETTERS_COLUMNS)[number]['name']>
}

/** As `compileTables` chooses them. */
type ColumnsOf<E extends EventSchemas, T> = T extends { columns: readonly (infer C extends string)[] }
  ? C
  :
      | (T extends { rawEvent: false } ? never : 'raw_event')
      | 'timestamp'
      | 'event_type'
      | HeadersOf<T>
      | PropertiesOf<E, EventsOf<keyof E, T>>

type EventsOf<N, T> = T extends { events: readonly (infer X)[] }
  ? Extract<N, X>
  : T extends { events: infer P extends string }
    ? Extract<N, Like<P>>
    : never

/** `*guild*` → `${string}guild${string}`. */
type Like<P extends string> = P extends `${infer A}*${infer B}` ? `${A}${string}${Like<B>}` : P

type HeadersOf<T> = T extends { headers: readonly (infer X extends string)[] }
  ? X
  : T extends { headers: infer H }
    ? { [K in keyof H & string]: HeaderColumnOf<K, H[K]> }[keyof H & string]
    : never

type HeaderColumnOf<K, V> = V extends string ? V : V extends { column: infer C extends string } ? C : K

type PropertiesOf<E extends EventSchemas, N> = N extends keyof E ? keyof E[N]['properties'] & string : never

/** Tables as written, each option held to what there is: inferring a table would let a misspelt one pass. */
export type CheckedTables<T, N extends string> = {
  [K in keyof T]: T[K] & TableInput<N> & { [X in Exclude<keyof T[K], keyof TableInput<N>>]: never }
}

/** The text of a question. Throws `model/unknown-table` and `model/unknown-column`. */
export function questionText(place: string, sql: unknown, tables: readonly TableDefinition[]): unknown {
  if (typeof sql !== 'function') return sql
  const all: Named[] = [...tables, EVENTS_TABLE, { name: 'dead_letters', columns: DEAD_LETTERS_COLUMNS }]
  const named = new Map(all.map((table) => [table.name, namedColumns(place, table)]))
  return sql(
    byName(
      (name) =>
        named.get(name) ??
        refuse(
          'unknown-table',
          place,
          `there is no table ${JSON.stringify(name)}`,
          suggest(name, [...named.keys()]),
        ),
    ),
  )
}

type Named = { name: string; columns: readonly { name: string }[] }

function namedColumns(place: string, { name: table, columns }: Named): unknown {
  // Names of headers may be written in other capitals than their columns have; to SQL they are the same.
  const known = new Map(columns.map(({ name }) => [name.toLowerCase(), name]))
  const columnOf = (name: string) =>
    known.get(name.toLowerCase()) ??
    refuse(
      'unknown-column',
      place,
      `the table ${table} has no column ${JSON.stringify(name)}`,
      suggest(name, [...known.values()]),
    )
  return byName((name) => quoted(columnOf(name)), quoted(table))
}

const quoted = (name: string) => `"${name}"`

function byName(find: (name: string) => unknown, text?: string): unknown {
  return new Proxy(
    {},
    {
      get: (_, key) =>
        typeof key === 'string' ? find(key) : key === Symbol.toPrimitive ? () => text : undefined,
    },
  )
}
