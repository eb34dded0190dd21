/**
 * What a pipeline file says. `definePipeline` (define-pipeline.ts) checks it at start and infers from it the types of
 * `track()`, of handlers, of the reducer and of rows.
 */
import type { Static, TObject, TProperties, TSchema } from 'typebox'
import type { CompiledPipeline } from './pipeline.ts'
import type { CheckedTables, NamedColumns, QuestionTables } from './question-names.ts'
import type { SimulateInput } from './simulate-input.ts'

/** Event name → TypeBox object schema. */
export type EventSchemas = Record<string, TObject<TProperties>>

/** The static type of one event's properties. */
export type EventProperties<E extends EventSchemas, N extends keyof E> = Static<E[N]>

/** One event as a reducer sees it: discriminated by `event_type`. */
export type EventOf<E extends EventSchemas> = {
  [N in keyof E & string]: { event_type: N } & Static<E[N]>
}[keyof E & string]

/** `track('purchase_sword', { type: 'sabre', cost: 6 })`: records an event of this request. Returns its event id. */
export type Track<E extends EventSchemas> = <N extends keyof E & string>(
  event: N,
  properties: Static<E[N]>,
) => string

/** Names between `:` and `/` of a route pattern: `GET /join_guild/:name` → `{ name: string }`. */
export type PathParameters<P extends string> = string extends P
  ? // biome-ignore lint/suspicious/noExplicitAny: which parameters there are is not known, as in a room that takes any pipeline.
    Record<string, any>
  : P extends `${string}:${infer Name}/${infer Rest}`
    ? { [K in Name]: string } & PathParameters<Rest>
    : P extends `${string}:${infer Name}`
      ? { [K in Name]: string }
      : Record<never, string>

export interface RouteRequest<P, B> {
  method: string
  path: string
  params: P
  query: Record<string, string>
  /** Lower-case names, as Node gives them. */
  headers: Readonly<Record<string, string | undefined>>
  body: B
}

/** What a handler returns: text, or anything with a status. Objects are sent as JSON. */
export type RouteAnswer =
  | string
  | { status?: number; headers?: Record<string, string>; text: string }
  | { status?: number; headers?: Record<string, string>; json: unknown }

export interface RouteContext<E extends EventSchemas, S> {
  track: Track<E>
  /** The state of this request's key, as of now: it already holds what earlier `track()` calls of this request did. */
  readonly state: Readonly<S>
}

export type RouteHandler<E extends EventSchemas, S, P, B> = (
  request: RouteRequest<P, B>,
  context: RouteContext<E, S>,
) => RouteAnswer | Promise<RouteAnswer>

/** A handler, or a handler with the schema of its JSON body; a body that does not fit is answered with 400. */
export type RouteDefinition<E extends EventSchemas, S, P, B> =
  | RouteHandler<E, S, P, unknown>
  | { body: B; handler: RouteHandler<E, S, P, B extends TSchema ? Static<B> : unknown> }

/** Route key → schema of its body. Inferred. */
export type BodySchemas = Record<string, unknown>

export interface StateDefinition<E extends EventSchemas, S> {
  /** Key of a request (guild, account); one key for the whole pipeline when absent. It becomes the record's key. */
  key?: (request: RouteRequest<Record<string, string>, unknown>) => string
  initial: S
  /** Pure: the state after the event. Must not change `state`. The event carries its merged headers too. */
  reduce: (state: Readonly<S>, event: EventOf<E>) => S
}

/** A header that becomes a column: its column name (the header's own name when it is just `true`). */
export type HeaderColumn = true | string | { column?: string; type?: 'string' | 'int' | 'long' }

export interface TableInput<N extends string> {
  /** Names, or a pattern such as `*purchase*`, or `*` for all. */
  events: readonly N[] | `${string}*${string}`
  /** Request headers as columns, in order, e.g. `{ Accept: true, Host: true, 'User-Agent': 'User_Agent' }`. */
  headers?: Record<string, HeaderColumn> | readonly string[]
  /** Keep the event's JSON in the column `raw_event` (default true). */
  rawEvent?: boolean
  /** Which columns, in this order; default: raw_event, timestamp, headers, event_type, properties of the plan. */
  columns?: readonly string[]
  /** Default: by day of `timestamp` where the table has it. `false`: none. */
  partition?: false | { column: string; transform: 'day' | 'hour' | 'month' }
  /** Parquet compression (default `snappy`). */
  codec?: 'snappy' | 'zstd'
}

export interface SourceInput {
  writeKey?: string
  mode?: 'collect' | 'reject'
  trustTime?: { field?: string; past?: string; future?: string }
  origins?: readonly string[]
  rateMax?: number
}

export interface QuestionInput<T = Record<string, NamedColumns>> {
  title: string
  /** Trino SQL; or a function that is given the tables, so that a misspelt table or column does not compile. */
  sql: string | ((tables: T) => string)
  chart?: 'table' | 'bar' | 'line' | 'pie' | 'number'
}

/** A type of a column, by Trino's name. */
export type ReferenceType =
  | 'boolean'
  | 'integer'
  | 'bigint'
  | 'double'
  | 'varchar'
  | 'date'
  | 'timestamp(6)'
  | 'timestamp(6) with time zone'
  | `decimal(${number}, ${number})`

export interface ReferenceInput {
  /** A `.csv` (with a first line of names) or `.parquet` file beside the pipeline file or below it. */
  file: string
  /** Which columns, in this order, and their types; default: all, with the types that their values seem to have. */
  columns?: Record<string, ReferenceType>
}

/** Names of the members; any name where the type is any, as of a pipeline whose routes nobody looks at. */
// biome-ignore lint/suspicious/noExplicitAny: any is what it is about.
type NamesOf<T> = 0 extends 1 & T ? any : keyof T & string

export interface PipelineDefinition<
  E extends EventSchemas,
  S,
  R extends BodySchemas,
  T = Record<string, TableInput<string>>,
> {
  name: string
  events: E
  tables: CheckedTables<T, keyof NoInfer<E> & string>
  /** Request headers merged into route events beside those that tables name, e.g. `['Accept']`. */
  headers?: readonly string[]
  /** Event property or request header that identifies a person. */
  subject?: string
  session?: string
  sources?: Record<string, SourceInput>
  state?: StateDefinition<NoInfer<E>, S>
  /** `METHOD /path/:parameter` → handler. */
  routes?: { [P in keyof R]: RouteDefinition<NoInfer<E>, NoInfer<S>, PathParameters<P & string>, R[P]> }
  duplicates?: { window?: string; volatile?: readonly string[] }
  /** How long the embedded log is kept at least (default 7 days) and at most how many bytes (default 16 GiB). */
  retention?: { age?: string; bytes?: number }
  questions?: Record<string, QuestionInput<QuestionTables<NoInfer<E>, NoInfer<T>>>>
  /** Name → Trino SQL that can be asked like a table. */
  views?: Record<string, string>
  /** Name → a file that can be asked like a table. */
  reference?: Record<string, ReferenceInput>
  /** What made-up players do (`landfall simulate`); without it everything is guessed from routes and events. */
  simulate?: SimulateInput<NamesOf<NoInfer<R>>, NamesOf<NoInfer<E>>>
  settings?: Record<string, unknown>
}

/** What `definePipeline` returns. `compiled` is data; `definition` holds the functions. */
// biome-ignore lint/suspicious/noExplicitAny: `Pipeline` alone means a pipeline of whatever events and state.
export interface Pipeline<E extends EventSchemas = any, S = any> {
  // biome-ignore lint/suspicious/noExplicitAny: the bodies' types matter to the handlers alone, the tables' to the questions.
  readonly definition: Readonly<PipelineDefinition<E, S, any, any>>
  readonly compiled: CompiledPipeline
}
