/** The `$` tables of an Iceberg table (`"purchases$snapshots"`), with the columns of Trino's Iceberg connector. */
import type { PinnedFile, TableState } from '../../lake/lake.ts'
import { type Snapshot, type TableMetadata } from '../../lake/metadata.ts'
import { decodeValue } from '../../lake/single-value.ts'
import type { ResultColumn, Value } from '../sql.ts'
import { columnsOf } from './metadata-table.ts'

export interface TableMetadataTable {
  columns(state: TableState): readonly ResultColumn[]
  /** `files`: those of the current snapshot. */
  rows(state: TableState, files: readonly PinnedFile[]): Value[][]
  needsFiles: boolean
}

const COUNTS = 'map(integer, bigint)'
const BOUNDS = 'map(integer, varchar)'

function ofMetadata(columns: string, rows: (metadata: TableMetadata) => Value[][]): TableMetadataTable {
  const known = columnsOf(columns)
  return { columns: () => known, rows: ({ metadata }) => rows(metadata), needsFiles: false }
}

export const TABLE_METADATA: Readonly<Record<string, TableMetadataTable>> = {
  snapshots: ofMetadata(
    `committed_at timestamp(3) with time zone, snapshot_id bigint, parent_id bigint, operation, manifest_list,
     summary map(varchar, varchar)`,
    ({ snapshots }) => snapshots.map(snapshotRow),
  ),
  history: ofMetadata(
    'made_current_at timestamp(3) with time zone, snapshot_id bigint, parent_id bigint, is_current_ancestor boolean',
    historyRows,
  ),
  refs: ofMetadata(
    `name, type, snapshot_id bigint, max_reference_age_in_ms bigint, min_snapshots_to_keep integer,
     max_snapshot_age_in_ms bigint`,
    ({ refs }) =>
      Object.entries(refs).map(([name, ref]) => [
        name,
        ref.type.toUpperCase(),
        ref['snapshot-id'],
        ref['max-ref-age-ms'] ?? null,
        ref['min-snapshots-to-keep'] ?? null,
        ref['max-snapshot-age-ms'] ?? null,
      ]),
  ),
  properties: ofMetadata('key, value', ({ properties }) => [
    ...Object.entries(properties),
    ['write.format.default', 'PARQUET'],
  ]),
  files: {
    columns: (state) => [
      ...columnsOf(
        `content integer, file_path, file_format, record_count bigint, file_size_in_bytes bigint, column_sizes ${COUNTS},
         value_counts ${COUNTS}, null_value_counts ${COUNTS}, nan_value_counts ${COUNTS}, lower_bounds ${BOUNDS},
         upper_bounds ${BOUNDS}, key_metadata varbinary, split_offsets array(bigint), equality_ids array(integer)`,
      ),
      ...partitionColumn(state),
    ],
    rows: (state, files) => files.map((file) => fileRow(state, file)),
    needsFiles: true,
  },
  partitions: {
    columns: (state) => [
      ...partitionColumn(state),
      ...columnsOf('record_count bigint, file_count bigint, total_size bigint'),
    ],
    rows: partitionRows,
    needsFiles: true,
  },
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

function snapshotRow(snapshot: Snapshot): Value[] {
  const { operation = null, ...summary } = snapshot.summary
  return [
    time(snapshot['timestamp-ms']),
    snapshot['snapshot-id'],
    snapshot['parent-snapshot-id'] ?? null,
    operation,
    snapshot['manifest-list'],
    summary,
  ]
}

function historyRows(metadata: TableMetadata): Value[][] {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
  const ancestors = new Set<bigint>()
  let at = metadata['current-snapshot-id']
  while (at !== undefined && !ancestors.has(at)) {
    ancestors.add(at)
    at = byId.get(at)?.['parent-snapshot-id']
  }
  return metadata['snapshot-log'].map((entry) => {
    const id = entry['snapshot-id']
    const parent = byId.get(id)?.['parent-snapshot-id'] ?? null
    return [time(entry['timestamp-ms']), id, parent, ancestors.has(id)]
  })
}

/** A row of the values by which the table is partitioned; nothing when it is not. */
function partitionColumn({ metadata, schema }: TableState): ResultColumn[] {
  const fields = specFields(metadata)
  if (fields.length === 0) return []
  const types = fields.map((field) => {
    const source = schema.fields.find(({ id }) => id === field['source-id'])
    const type =
      field.transform === 'day'
        ? 'date'
        : field.transform === 'identity'
          ? trinoName(source?.type)
          : 'integer'
    return `"${field.name}" ${type}`
  })
  return [{ name: 'partition', type: `row(${types.join(', ')})` }]
}

function trinoName(type: string | undefined): string {
  return type === 'long' ? 'bigint' : type === 'int' ? 'integer' : type === 'date' ? 'date' : 'varchar'
}

function specFields(metadata: TableMetadata) {
  const spec = metadata['partition-specs'].find((one) => one['spec-id'] === metadata['default-spec-id'])
  return spec?.fields ?? []
}

function partitionValue({ metadata }: TableState, file: PinnedFile): Value[] {
  const fields = specFields(metadata)
  if (fields.length === 0) return []
  const values = fields.map(({ name, transform }) => {
    const value = file.partition[name] ?? null
    return [
      name,
      transform === 'day' && value !== null ? time(Number(value) * 86_400_000).slice(0, 10) : value,
    ]
  })
  return [Object.fromEntries(values) as Value]
}

function fileRow(state: TableState, file: PinnedFile): Value[] {
  const types = new Map(state.schema.fields.map(({ id, type }) => [id, type]))
  const counts = (pick: 'bytes' | 'values' | 'nulls') =>
    Object.fromEntries(Array.from(file.columns, ([id, column]) => [id, column[pick]]))
  const bounds = (pick: 'lower' | 'upper') =>
    Object.fromEntries(
      Array.from(file.columns).flatMap(([id, column]) => {
        const type = types.get(id)
        const bound = column[pick]
        return type === undefined || bound === undefined ? [] : [[id, decodeValue(type, bound)]]
      }),
    )
  return [
    0,
    file.url,
    'PARQUET',
    file.rows,
    file.bytes,
    counts('bytes'),
    counts('values'),
    counts('nulls'),
    {},
    bounds('lower'),
    bounds('upper'),
    null,
    null,
    null,
    ...partitionValue(state, file),
  ]
}

function partitionRows(state: TableState, files: readonly PinnedFile[]): Value[][] {
  const groups = new Map<string, { partition: Value[]; rows: number; files: number; bytes: number }>()
  for (const file of files) {
    const partition = partitionValue(state, file)
    const key = JSON.stringify(partition)
    const group = groups.get(key) ?? { partition, rows: 0, files: 0, bytes: 0 }
    groups.set(key, group)
    group.rows += file.rows
    group.files++
    group.bytes += file.bytes
  }
  return Array.from(groups.values(), ({ partition, rows, files: count, bytes }) => [
    ...partition,
    rows,
    count,
    bytes,
  ])
}
