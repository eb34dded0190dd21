import { readAvro, writeAvro } from './avro.ts'
import type { ColumnStatistics, DataFile } from './lake.ts'
import type { PartitionSpec, Schema } from './metadata.ts'
import { encodeValue } from './single-value.ts'

/** Manifests and manifest lists, format version 2 (https://iceberg.apache.org/spec, "Manifests", "Manifest Lists"). */
export const entryStatus = { existing: 0, added: 1, deleted: 2 } as const

/** A data file as a manifest has it. `sequence` is resolved (inherited from the manifest where the entry has none). */
export interface ManifestEntry {
  status: number
  snapshotId: bigint
  sequence: number
  fileSequence: number
  file: Omit<DataFile, 'path'>
}

/** A manifest as the list has it. Counts are of files and rows by status. */
export interface ManifestFile {
  url: string
  bytes: number
  specId: number
  /** 0: data, 1: deletes. */
  content: number
  sequence: number
  minSequence: number
  addedSnapshotId: bigint
  addedFiles: number
  existingFiles: number
  deletedFiles: number
  addedRows: number
  existingRows: number
  deletedRows: number
  partitions: PartitionSummary[] | null
}

interface PartitionSummary {
  contains_null: boolean
  contains_nan: boolean | null
  lower_bound: Buffer | null
  upper_bound: Buffer | null
}

const optional = (type: unknown, id: number) => ({ type: ['null', type], default: null, 'field-id': id })

/** Iceberg's form of a map with int keys: an array of key and value. */
function intMap(name: string, id: number, keyId: number, valueId: number, valueType: string) {
  const fields = [
    { name: 'key', type: 'int', 'field-id': keyId },
    { name: 'value', type: valueType, 'field-id': valueId },
  ]
  const items = { type: 'record', name: `k${keyId}_v${valueId}`, fields }
  return { name, ...optional({ type: 'array', logicalType: 'map', items }, id) }
}

function entrySchema(spec: PartitionSpec) {
  const partition = spec.fields.map((field) => ({
    name: avroName(field.name),
    ...optional(field.transform === 'day' ? { type: 'int', logicalType: 'date' } : 'int', field['field-id']),
  }))
  const dataFile = [
    { name: 'content', type: 'int', 'field-id': 134 },
    { name: 'file_path', type: 'string', 'field-id': 100 },
    { name: 'file_format', type: 'string', 'field-id': 101 },
    { name: 'partition', 'field-id': 102, type: { type: 'record', name: 'r102', fields: partition } },
    { name: 'record_count', type: 'long', 'field-id': 103 },
    { name: 'file_size_in_bytes', type: 'long', 'field-id': 104 },
    intMap('column_sizes', 108, 117, 118, 'long'),
    intMap('value_counts', 109, 119, 120, 'long'),
    intMap('null_value_counts', 110, 121, 122, 'long'),
    intMap('lower_bounds', 125, 126, 127, 'bytes'),
    intMap('upper_bounds', 128, 129, 130, 'bytes'),
    { name: 'sort_order_id', ...optional('int', 140) },
  ]
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      { name: 'status', type: 'int', 'field-id': 0 },
      { name: 'snapshot_id', ...optional('long', 1) },
      { name: 'sequence_number', ...optional('long', 3) },
      { name: 'file_sequence_number', ...optional('long', 4) },
      { name: 'data_file', 'field-id': 2, type: { type: 'record', name: 'r2', fields: dataFile } },
    ],
  }
}

const listSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    { name: 'manifest_path', type: 'string', 'field-id': 500 },
    { name: 'manifest_length', type: 'long', 'field-id': 501 },
    { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
    { name: 'content', type: 'int', 'field-id': 517 },
    { name: 'sequence_number', type: 'long', 'field-id': 515 },
    { name: 'min_sequence_number', type: 'long', 'field-id': 516 },
    { name: 'added_snapshot_id', type: 'long', 'field-id': 503 },
    { name: 'added_files_count', type: 'int', 'field-id': 504 },
    { name: 'existing_files_count', type: 'int', 'field-id': 505 },
    { name: 'deleted_files_count', type: 'int', 'field-id': 506 },
    { name: 'added_rows_count', type: 'long', 'field-id': 512 },
    { name: 'existing_rows_count', type: 'long', 'field-id': 513 },
    { name: 'deleted_rows_count', type: 'long', 'field-id': 514 },
    {
      name: 'partitions',
      ...optional(
        {
          type: 'array',
          'element-id': 508,
          items: {
            type: 'record',
            name: 'r508',
            fields: [
              { name: 'contains_null', type: 'boolean', 'field-id': 509 },
              { name: 'contains_nan', ...optional('boolean', 518) },
              { name: 'lower_bound', ...optional('bytes', 510) },
              { name: 'upper_bound', ...optional('bytes', 511) },
            ],
          },
        },
        507,
      ),
    },
  ],
}

/** Avro names are `[A-Za-z_][A-Za-z0-9_]*`; other characters as Iceberg's Java writer escapes them. */
export function avroName(name: string): string {
  const escaped = name.replace(/[^A-Za-z0-9_]/gu, (c) => `_x${c.codePointAt(0)!.toString(16).toUpperCase()}`)
  return /^\d/.test(escaped) ? `_${escaped}` : escaped
}

function keyValues<T>(
  columns: Map<number, ColumnStatistics>,
  get: (column: ColumnStatistics) => T | undefined,
) {
  const pairs: { key: number; value: T }[] = []
  for (const [key, column] of columns) {
    const value = get(column)
    if (value !== undefined) pairs.push({ key, value })
  }
  return pairs.length > 0 ? pairs : null
}

function encodeEntry(entry: ManifestEntry, spec: PartitionSpec) {
  const { file } = entry
  // An added file inherits its sequence number from the manifest, so that a catalog may assign it.
  const inherits = entry.status === entryStatus.added
  return {
    status: entry.status,
    snapshot_id: entry.snapshotId,
    sequence_number: inherits ? null : BigInt(entry.sequence),
    file_sequence_number: inherits ? null : BigInt(entry.fileSequence),
    data_file: {
      content: 0,
      file_path: file.url,
      file_format: 'PARQUET',
      partition: Object.fromEntries(
        spec.fields.map((field) => [avroName(field.name), file.partition[field.name] ?? null]),
      ),
      record_count: BigInt(file.rows),
      file_size_in_bytes: BigInt(file.bytes),
      column_sizes: keyValues(file.columns, (column) => column.bytes),
      value_counts: keyValues(file.columns, (column) => column.values),
      null_value_counts: keyValues(file.columns, (column) => column.nulls),
      lower_bounds: keyValues(file.columns, (column) => column.lower),
      upper_bounds: keyValues(file.columns, (column) => column.upper),
      sort_order_id: null,
    },
  }
}

function partitionSummaries(entries: readonly ManifestEntry[], spec: PartitionSpec): PartitionSummary[] {
  return spec.fields.map((field) => {
    const values = entries.map((entry) => entry.file.partition[field.name] ?? null)
    const known = values.filter((value) => typeof value === 'number')
    let [low, high] = [known[0], known[0]]
    for (const value of known) {
      if (value < low!) low = value
      if (value > high!) high = value
    }
    return {
      contains_null: known.length < values.length,
      contains_nan: false,
      lower_bound: low === undefined ? null : encodeValue('int', low),
      upper_bound: high === undefined ? null : encodeValue('int', high),
    }
  })
}

/** The bytes of a manifest and its line in the list, for a snapshot of this id and sequence number. */
export function writeManifest(
  entries: readonly ManifestEntry[],
  where: {
    /** URL of a manifest of these bytes. */
    urlOf: (bytes: Buffer) => string
    schema: Schema
    spec: PartitionSpec
    snapshotId: bigint
    sequence: number
  },
): { bytes: Buffer; manifest: ManifestFile } {
  const { schema, spec } = where
  const records = entries.map((entry) => encodeEntry(entry, spec))
  const bytes = writeAvro(entrySchema(spec), records, {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: 'data',
  })
  const files = [0, 0, 0]
  const rows = [0, 0, 0]
  let minSequence = where.sequence
  for (const entry of entries) {
    files[entry.status]! += 1
    rows[entry.status]! += entry.file.rows
    if (entry.status === entryStatus.existing) minSequence = Math.min(minSequence, entry.sequence)
  }
  const manifest: ManifestFile = {
    url: where.urlOf(bytes),
    bytes: bytes.length,
    specId: spec['spec-id'],
    content: 0,
    sequence: where.sequence,
    minSequence,
    addedSnapshotId: where.snapshotId,
    addedFiles: files[entryStatus.added]!,
    existingFiles: files[entryStatus.existing]!,
    deletedFiles: files[entryStatus.deleted]!,
    addedRows: rows[entryStatus.added]!,
    existingRows: rows[entryStatus.existing]!,
    deletedRows: rows[entryStatus.deleted]!,
    partitions: partitionSummaries(entries, spec),
  }
  return { bytes, manifest }
}

const pairs = <T>(value: unknown) => (value ?? []) as { key: number; value: T }[]

function decodeColumns(file: Record<string, unknown>): Map<number, ColumnStatistics> {
  const columns = new Map<number, ColumnStatistics>()
  const column = (id: number) => {
    let found = columns.get(id)
    if (found === undefined) {
      found = { bytes: 0n, values: 0n, nulls: 0n }
      columns.set(id, found)
    }
    return found
  }
  for (const { key, value } of pairs<bigint>(file.column_sizes)) column(key).bytes = value
  for (const { key, value } of pairs<bigint>(file.value_counts)) column(key).values = value
  for (const { key, value } of pairs<bigint>(file.null_value_counts)) column(key).nulls = value
  for (const { key, value } of pairs<Buffer>(file.lower_bounds)) column(key).lower = Buffer.from(value)
  for (const { key, value } of pairs<Buffer>(file.upper_bounds)) column(key).upper = Buffer.from(value)
  return columns
}

/** Entries of a manifest with what they inherit from its line in the list filled in. */
export function readManifest(bytes: Buffer, manifest: ManifestFile, spec: PartitionSpec): ManifestEntry[] {
  return readAvro(bytes, manifest.url).map((record) => {
    const file = record.data_file as Record<string, unknown>
    const partition = file.partition as Record<string, number | string | bigint | null>
    const values: DataFile['partition'] = {}
    for (const field of spec.fields) {
      const value = partition[avroName(field.name)] ?? null
      values[field.name] = typeof value === 'bigint' ? Number(value) : value
    }
    return {
      status: record.status as number,
      snapshotId: (record.snapshot_id as bigint | null) ?? manifest.addedSnapshotId,
      sequence: Number((record.sequence_number as bigint | null) ?? manifest.sequence),
      fileSequence: Number((record.file_sequence_number as bigint | null) ?? manifest.sequence),
      file: {
        url: file.file_path as string,
        rows: Number(file.record_count),
        bytes: Number(file.file_size_in_bytes),
        partition: values,
        columns: decodeColumns(file),
      },
    }
  })
}

export function writeManifestList(
  manifests: readonly ManifestFile[],
  snapshot: { snapshotId: bigint; parentId: bigint | undefined; sequence: number },
): Buffer {
  const records = manifests.map((manifest) => ({
    manifest_path: manifest.url,
    manifest_length: BigInt(manifest.bytes),
    partition_spec_id: manifest.specId,
    content: manifest.content,
    sequence_number: BigInt(manifest.sequence),
    min_sequence_number: BigInt(manifest.minSequence),
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: BigInt(manifest.addedRows),
    existing_rows_count: BigInt(manifest.existingRows),
    deleted_rows_count: BigInt(manifest.deletedRows),
    partitions: manifest.partitions,
  }))
  return writeAvro(listSchema, records, {
    'snapshot-id': String(snapshot.snapshotId),
    'parent-snapshot-id': snapshot.parentId === undefined ? 'null' : String(snapshot.parentId),
    'sequence-number': String(snapshot.sequence),
    'format-version': '2',
  })
}

export function readManifestList(bytes: Buffer, url: string): ManifestFile[] {
  const copy = (value: unknown) => (value ? Buffer.from(value as Buffer) : null)
  return readAvro(bytes, url).map((record) => ({
    url: record.manifest_path as string,
    bytes: Number(record.manifest_length),
    specId: record.partition_spec_id as number,
    content: record.content as number,
    sequence: Number(record.sequence_number),
    minSequence: Number(record.min_sequence_number),
    addedSnapshotId: record.added_snapshot_id as bigint,
    addedFiles: record.added_files_count as number,
    existingFiles: record.existing_files_count as number,
    deletedFiles: record.deleted_files_count as number,
    addedRows: Number(record.added_rows_count),
    existingRows: Number(record.existing_rows_count),
    deletedRows: Number(record.deleted_rows_count),
    partitions:
      (record.partitions as PartitionSummary[] | null)?.map((summary) => ({
        contains_null: summary.contains_null,
        contains_nan: summary.contains_nan,
        lower_bound: copy(summary.lower_bound),
        upper_bound: copy(summary.upper_bound),
      })) ?? null,
  }))
}
