import { checkSeal, sealJson, withoutSeal } from '../base/sealed-json.ts'

/**
 * Iceberg table metadata, format version 2, as its JSON has it (https://iceberg.apache.org/spec, "Table Metadata").
 * 64-bit ids are bigint here and bare digits in the file (`parseMetadata`, `formatMetadata`).
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
  /** The reference goes when its snapshot is older (milliseconds); default: never. `main` stays always. */
  'max-ref-age-ms'?: number
  /** Of a branch. */
  'min-snapshots-to-keep'?: number
  'max-snapshot-age-ms'?: number
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
  | ({ action: 'set-snapshot-ref'; 'ref-name': string } & SnapshotReference)
  | { action: 'remove-snapshot-ref'; 'ref-name': string }
  | { action: 'remove-snapshots'; 'snapshot-ids': bigint[] }
  | { action: 'set-properties'; updates: Record<string, string> }
  | { action: 'remove-properties'; removals: string[] }
  | { action: 'add-schema'; schema: Schema; 'last-column-id': number }
  | { action: 'set-current-schema'; 'schema-id': number }

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

/** JSON text with bare digits for bigints, as Iceberg has its 64-bit ids. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? rawJson(item.toString()) : item))
}

/** The reverse: numbers under a key that ends in `snapshot-id` become bigints without losing a digit. */
export function parseJson(text: string): unknown {
  const revive: Reviver = (key, value, context) =>
    typeof value === 'number' && key.endsWith('snapshot-id') && context.source !== undefined
      ? BigInt(context.source)
      : value
  return JSON.parse(text, revive as (this: unknown, key: string, value: unknown) => unknown)
}

/** A metadata file: sealed by a last field, which readers of Iceberg do not know and other writers do not keep. */
export function formatMetadata(metadata: TableMetadata): string {
  return sealJson(formatJson(metadata))
}

/** Reads a metadata file. Throws on bytes that are not such a file, or not the one that was sealed. */
export function parseMetadata(bytes: Buffer): TableMetadata {
  checkSeal(bytes)
  return completeMetadata(parseJson(bytes.toString()))
}

/** Metadata as `parseJson` gives it; what other writers leave out is filled in, what they know more stays. */
export function completeMetadata(parsed: unknown): TableMetadata {
  const value = parsed as TableMetadata
  if (value?.['format-version'] !== 2) {
    throw new Error(`expected Iceberg format-version 2, found ${JSON.stringify(value?.['format-version'])}`)
  }
  const current = value['current-snapshot-id']
  const metadata = {
    ...withoutSeal(value),
    properties: value.properties ?? {},
    snapshots: value.snapshots ?? [],
    'snapshot-log': value['snapshot-log'] ?? [],
    'metadata-log': value['metadata-log'] ?? [],
    refs: value.refs ?? {},
  }
  // Some writers say "none" as null or -1.
  if (current === undefined || current === null || BigInt(current) === -1n)
    delete metadata['current-snapshot-id']
  return metadata
}

export function currentSchema(metadata: TableMetadata): Schema {
  const schema = metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id'])
  if (schema === undefined) throw new Error(`no schema ${metadata['current-schema-id']} in the metadata`)
  return schema
}

export function partitionSpec(metadata: TableMetadata, id = metadata['default-spec-id']): PartitionSpec {
  const spec = metadata['partition-specs'].find((spec) => spec['spec-id'] === id)
  if (spec === undefined) throw new Error(`no partition spec ${id} in the metadata`)
  return spec
}

/** The snapshot of an id (default: the current one); undefined when there is none. */
export function findSnapshot(
  metadata: TableMetadata,
  id = metadata['current-snapshot-id'],
): Snapshot | undefined {
  return id === undefined ? undefined : metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)
}
