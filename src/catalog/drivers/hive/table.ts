/**
 * A table of the lake as a metastore has it: an external table whose parameter `metadata_location` names the current metadata file. All
 * else is for those who only read the metastore: columns, location, size. As Iceberg's own writers leave it.
 */
import {
  currentSchema,
  findSnapshot,
  type PrimitiveType,
  type TableMetadata,
} from '../../../lake/metadata.ts'
import {
  bool,
  i32,
  string,
  strings,
  struct,
  structOf,
  structs,
  string as text,
  texts,
  textsAt,
} from './struct.ts'
import type { ThriftStruct } from './thrift.ts'

/** Fields of the struct Table. */
const table = {
  name: 1,
  database: 2,
  owner: 3,
  created: 4,
  retention: 6,
  storage: 7,
  partitions: 8,
  parameters: 9,
  type: 12,
}

export const METADATA_LOCATION = 'metadata_location'
const PREVIOUS_METADATA_LOCATION = 'previous_metadata_location'
/** Iceberg's property: Hive itself is to query the table, so it needs Iceberg's classes there. */
const FOR_HIVE = 'engine.hive.enabled'
const HANDLER = 'storage_handler'

export function parametersOf(from: ThriftStruct): Record<string, string> {
  return textsAt(from, table.parameters)
}

export function isIceberg(from: ThriftStruct): boolean {
  return parametersOf(from)['table_type']?.toUpperCase() === 'ICEBERG'
}

export interface HiveTableParts {
  database: string
  name: string
  owner: string
  metadata: TableMetadata
  metadataLocation: string
}

export function newTable(parts: HiveTableParts, nowMs: number): ThriftStruct {
  const made = structOf({
    [table.name]: string(parts.name),
    [table.database]: string(parts.database),
    [table.owner]: string(parts.owner),
    [table.created]: i32(Math.floor(nowMs / 1000)),
    5: i32(Math.floor(nowMs / 1000)),
    [table.retention]: i32(2_147_483_647),
    [table.partitions]: structs([]),
    [table.type]: string('EXTERNAL_TABLE'),
  })
  return withMetadata(made, parts.metadata, parts.metadataLocation)
}

/** The table as the metastore gave it, with the next metadata. Whatever else it has, stays. */
export function withMetadata(from: ThriftStruct, metadata: TableMetadata, location: string): ThriftStruct {
  const before = parametersOf(from)
  const previous = before[METADATA_LOCATION]
  const forHive = metadata.properties[FOR_HIVE] === 'true'
  const { [HANDLER]: _, ...kept } = before
  const parameters: Record<string, string> = {
    ...kept,
    EXTERNAL: 'TRUE',
    table_type: 'ICEBERG',
    uuid: metadata['table-uuid'],
    [METADATA_LOCATION]: location,
    ...(previous === undefined ? {} : { [PREVIOUS_METADATA_LOCATION]: previous }),
    ...(forHive ? { [HANDLER]: `${HIVE}.HiveIcebergStorageHandler` } : {}),
    ...statistics(metadata),
  }
  return new Map(from)
    .set(table.storage, struct(storageOf(metadata, forHive)))
    .set(table.parameters, texts(parameters))
}

function statistics(metadata: TableMetadata): Record<string, string> {
  const summary = findSnapshot(metadata)?.summary ?? {}
  const named = { numFiles: 'total-data-files', numRows: 'total-records', totalSize: 'total-files-size' }
  return Object.fromEntries(Object.entries(named).map(([name, key]) => [name, summary[key] ?? '0']))
}

const HIVE = 'org.apache.iceberg.mr.hive'
/** What every Hive can load, and none can read rows with: whoever knows nothing of Iceberg sees columns and gets an error for rows. */
const PLAIN = {
  input: 'org.apache.hadoop.mapred.FileInputFormat',
  output: 'org.apache.hadoop.mapred.FileOutputFormat',
  serde: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe',
}
const BY_ICEBERG = {
  input: `${HIVE}.HiveIcebergInputFormat`,
  output: `${HIVE}.HiveIcebergOutputFormat`,
  serde: `${HIVE}.HiveIcebergSerDe`,
}

function storageOf(metadata: TableMetadata, forHive: boolean): ThriftStruct {
  const classes = forHive ? BY_ICEBERG : PLAIN
  const columns = currentSchema(metadata).fields.map(({ name, type, doc }) =>
    structOf({ 1: text(name), 2: text(hiveType(type)), ...(doc === undefined ? {} : { 3: text(doc) }) }),
  )
  return structOf({
    1: structs(columns),
    2: string(metadata.location),
    3: string(classes.input),
    4: string(classes.output),
    5: bool(false),
    6: i32(0),
    7: struct(structOf({ 2: string(classes.serde), 3: texts({}) })),
    8: strings([]),
    9: structs([]),
    10: texts({}),
  })
}

export function hiveType(type: PrimitiveType): string {
  switch (type) {
    case 'long':
      return 'bigint'
    case 'timestamptz':
      return 'timestamp with local time zone'
    default:
      // boolean, int, double, date, string, binary and decimal have the same name in both; Hive's decimal has no space.
      return type.replaceAll(' ', '')
  }
}
