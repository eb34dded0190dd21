/**
 * The types of columns, by Iceberg's names. `docs/formats/types.md` has the grammar that decides which JSON values
 * fit which type.
 */
export type ColumnType =
  | 'string'
  | 'int'
  | 'long'
  | 'double'
  | 'boolean'
  | 'date'
  | 'timestamptz'
  | `decimal(${number}, ${number})`
  /** JSON text of an array or object: a string column in Iceberg. */
  | 'json'

/** Where the value of a column comes from. */
export type ColumnSource =
  | { from: 'raw_event' }
  | { from: 'timestamp' }
  | { from: 'event_type' }
  | { from: 'event_id' }
  | { from: 'received_at' }
  | { from: 'partition' }
  | { from: 'offset' }
  /** A request header, by its usual capitals (`User-Agent`). */
  | { from: 'header'; header: string }
  /** A property of the plan. */
  | { from: 'property'; property: string }

export interface Column {
  name: string
  type: ColumnType
  source: ColumnSource
}
