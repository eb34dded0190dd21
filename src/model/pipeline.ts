/**
 * A pipeline, compiled from its definition (`definePipeline`): plain data that every room reads. The functions of the
 * definition (handlers, reducer) stay in `definition`; only the collector calls them.
 */
import type { Column } from './columns.ts'
import type { Plan } from './plan.ts'

export interface TableDefinition {
  name: string
  /** Names of the events that land here, resolved from a list, a pattern or `*`. */
  events: string[]
  columns: Column[]
  /** A `timestamptz` or `date` column and how its values are grouped into files; null: not partitioned. */
  partition: { column: string; transform: 'day' | 'hour' | 'month' } | null
  codec: 'snappy' | 'zstd'
}

export interface SourceDefinition {
  name: string
  /** Key that must be sent (`Authorization: Bearer …`, or `?key=` for a beacon); null: anyone on an allowed address. */
  writeKey: string | null
  mode: 'collect' | 'reject'
  /** Take `timestamp` from this property of the event when it is an RFC 3339 time with an offset inside the bounds. */
  trustTime: { field: string; pastMs: number; futureMs: number } | null
  /** Origins that may send from a browser; `*` for all. */
  origins: string[]
  /** Events per second this source may send, or null. */
  rateMax: number | null
}

export interface Question {
  name: string
  title: string
  sql: string
  chart: 'table' | 'bar' | 'line' | 'pie' | 'number'
}

/** A query that is asked like a table. */
export interface ViewDefinition {
  name: string
  sql: string
}

/** A file that is asked like a table, and never written. */
export interface ReferenceDefinition {
  name: string
  /** As the pipeline file has it, below its folder; who opens it makes it absolute (`referencePath`). */
  file: string
  format: 'csv' | 'parquet'
  /** Column → Trino's type, in the order they are shown; null: all of the file, with the types it seems to have. */
  columns: Record<string, string> | null
}

export interface CompiledPipeline {
  name: string
  plan: Plan
  /** The pipeline's own tables; `events` and `dead_letters` are not among them. */
  tables: TableDefinition[]
  /** Request headers the pipeline names, with their usual capitals: merged into route events, kept beside `/v1/events`. */
  headers: string[]
  /** Field or header that identifies a person. */
  subject: string | null
  session: string | null
  /** Always at least one; the first is the default source. */
  sources: SourceDefinition[]
  duplicates: { windowMs: number; volatile: string[] }
  retention: { ageMs: number; bytes: number }
  questions: Question[]
  views: ViewDefinition[]
  reference: ReferenceDefinition[]
  settings: Record<string, unknown>
  /** First 16 hex digits of SHA-256 over plan, tables, headers, sources and duplicates: what decides how records land. */
  hash: string
}

/** Tables that every pipeline has, and names a pipeline cannot use. */
export const RESERVED_TABLES = ['events', 'dead_letters', 'ledger'] as const

const EVENTS_COLUMNS = [
  { name: 'event_id', type: 'string', source: { from: 'event_id' } },
  { name: 'partition', type: 'int', source: { from: 'partition' } },
  { name: 'offset', type: 'long', source: { from: 'offset' } },
  { name: 'received_at', type: 'timestamptz', source: { from: 'received_at' } },
  { name: 'event_type', type: 'string', source: { from: 'event_type' } },
  { name: 'raw_event', type: 'string', source: { from: 'raw_event' } },
] as const satisfies Column[]

export type EventsColumn = (typeof EVENTS_COLUMNS)[number]['name']

/** Every landed event, once. Committed last, so its position proves the batch for all tables. */
export const EVENTS_TABLE: TableDefinition = {
  name: 'events',
  events: ['*'],
  columns: [...EVENTS_COLUMNS],
  partition: { column: 'received_at', transform: 'day' },
  codec: 'snappy',
}

/** A column of `dead_letters`; these come from the verdict, not from the event. */
export const DEAD_LETTERS_COLUMNS = [
  { name: 'event_id', type: 'string' },
  { name: 'partition', type: 'int' },
  { name: 'offset', type: 'long' },
  { name: 'received_at', type: 'timestamptz' },
  /** `malformed_json` · `missing` · `unknown_event_type` · `type` · `range` · `value` · `id_conflict` */
  { name: 'reason', type: 'string' },
  /** The property or header at fault, where there is one. */
  { name: 'field', type: 'string' },
  /** What was expected and what was found, in one line. */
  { name: 'detail', type: 'string' },
  { name: 'event_type', type: 'string' },
  { name: 'plan_version', type: 'string' },
  { name: 'source', type: 'string' },
  { name: 'raw_event', type: 'string' },
  /** JSON object of the request headers that travelled beside the event (only `/v1/events`), so that a healed event has them again. */
  { name: 'request_headers', type: 'string' },
] as const
