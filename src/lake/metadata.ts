/**
 * Iceberg table metadata, format version 2, as its JSON has it (https://iceberg.apache.org/spec, "Table Metadata").
 * 64-bit ids are bigint here and bare digits in the file.
 */
export type PrimitiveType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'date'
  | 'timestamptz'
  | 'string'
  | 'binary'
  | `decimal(${number}, ${number})`

export interface SchemaField {
  id: number
  name: string
  required: boolean
  type: PrimitiveType
  doc?: string
}

export interface Schema {
  type: 'struct'
  'schema-id': number
  fields: SchemaField[]
}

export interface PartitionField {
  'source-id': number
  'field-id': number
  name: string
  transform: 'identity' | 'hour' | 'day' | 'month'
}

export interface PartitionSpec {
  'spec-id': number
  fields: PartitionField[]
}

export interface Snapshot {
  'snapshot-id': bigint
  'parent-snapshot-id'?: bigint
  'sequence-number': number
  'timestamp-ms': number
  'manifest-list': string
  summary: Record<string, string>
  'schema-id': number
}

export interface SnapshotReference {
  'snapshot-id': bigint
  type: 'branch' | 'tag'
}

export interface TableMetadata {
  'format-version': 2
  'table-uuid': string
  location: string
  'last-sequence-number': number
  'last-updated-ms': number
  'last-column-id': number
  'current-schema-id': number
  schemas: Schema[]
  'default-spec-id': number
  'partition-specs': PartitionSpec[]
  'last-partition-id': number
  properties: Record<string, string>
  'current-snapshot-id'?: bigint
  snapshots: Snapshot[]
  'snapshot-log': { 'timestamp-ms': number; 'snapshot-id': bigint }[]
  'metadata-log': { 'timestamp-ms': number; 'metadata-file': string }[]
  'sort-orders': { 'order-id': number; fields: unknown[] }[]
  'default-sort-order-id': number
  refs: Record<string, SnapshotReference>
}

/** A change in the words of the REST catalog's `TableUpdate` (https://iceberg.apache.org/rest-catalog-spec). */
export type MetadataUpdate =
  | { action: 'add-snapshot'; snapshot: Snapshot }
  | { action: 'set-snapshot-ref'; 'ref-name': string; type: 'branch' | 'tag'; 'snapshot-id': bigint }
  | { action: 'remove-snapshot-ref'; 'ref-name': string }
  | { action: 'remove-snapshots'; 'snapshot-ids': bigint[] }
  | { action: 'set-properties'; updates: Record<string, string> }
  | { action: 'remove-properties'; removals: string[] }
  | { action: 'add-schema'; schema: Schema; 'last-column-id': number }
  | { action: 'set-current-schema'; 'schema-id': number }
