/**
 * The tracking plan, compiled: which events exist, which properties each has, and of which type. It is plain data, so that
 * it can be stored beside the log (`plans/<version>.json`) and a record can be judged by the version it was sent under.
 */
import type { ColumnType } from './columns.ts'

export interface PlanProperty {
  name: string
  type: ColumnType
  /** The key must be there. */
  required: boolean
  /** JSON null is allowed. */
  nullable: boolean
  /** The text must be one of these (string columns). */
  oneOf?: string[]
  /** Numeric bounds, inclusive. */
  minimum?: number
  maximum?: number
  /** Bounds of a string's length in Unicode code points. */
  minLength?: number
  maxLength?: number
  /** Columns of type json: which kind of JSON value it must be; absent: any. */
  jsonKind?: 'array' | 'object'
}

export interface PlanEvent {
  name: string
  properties: PlanProperty[]
}

export interface Plan {
  /** First 16 hex digits of SHA-256 over the canonical JSON of `events`. */
  version: string
  events: Record<string, PlanEvent>
}
