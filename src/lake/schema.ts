import { LandfallError } from '../base/errors.ts'
import type { ColumnType } from '../model/columns.ts'
import type { TableDefinition } from '../model/pipeline.ts'
import {
  currentSchema,
  type PartitionSpec,
  type PrimitiveType,
  partitionSpec,
  type Schema,
  type SchemaField,
  type TableMetadata,
} from './metadata.ts'

/** Iceberg's type of a column: JSON text is a string. */
export function icebergType(type: ColumnType): PrimitiveType {
  if (type === 'json') return 'string'
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  return decimal ? `decimal(${Number(decimal[1])}, ${Number(decimal[2])})` : (type as PrimitiveType)
}

/** DuckDB's name of an Iceberg type. */
export function duckdbType(type: PrimitiveType): string {
  switch (type) {
    case 'boolean':
      return 'BOOLEAN'
    case 'int':
      return 'INTEGER'
    case 'long':
      return 'BIGINT'
    case 'double':
      return 'DOUBLE'
    case 'date':
      return 'DATE'
    case 'timestamptz':
      return 'TIMESTAMP WITH TIME ZONE'
    case 'string':
      return 'VARCHAR'
    case 'binary':
      return 'BLOB'
    default:
      return type.toUpperCase()
  }
}

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A table's first schema: field ids 1, 2, 3 … in the order of the columns, all optional. */
export function createSchema(definition: TableDefinition): Schema {
  const fields = definition.columns.map((column, index) => ({
    id: index + 1,
    name: column.name,
    required: false,
    type: icebergType(column.type),
  }))
  return { type: 'struct', 'schema-id': 0, fields }
}

/** The partition spec of a definition; field ids from 1000 as Iceberg has them, names as Spark gives them (`timestamp_day`). */
export function createPartitionSpec(definition: TableDefinition, schema: Schema): PartitionSpec {
  const partition = definition.partition
  if (partition === null) return { 'spec-id': 0, fields: [] }
  const source = schema.fields.find((field) => field.name === partition.column)
  if (source === undefined || (source.type !== 'timestamptz' && source.type !== 'date')) {
    throw new LandfallError(
      'fix-config',
      'lake/bad-partition',
      `table ${definition.name} is partitioned by ${partition.column}, which is ${source ? source.type : 'not one of its columns'}`,
      { hint: 'Partition by a timestamptz or date column, or set partition: false' },
    )
  }
  let name = `${partition.column}_${partition.transform}`
  while (schema.fields.some((field) => field.name.toLowerCase() === name.toLowerCase())) name = `${name}_`
  const field = { 'source-id': source.id, 'field-id': 1000, name, transform: partition.transform }
  return { 'spec-id': 0, fields: [field] }
}

/**
 * The schema that the definition asks for, when it differs from the table's; undefined when it does not. Columns keep
 * their ids, new ones get the next ids. Throws `lake/breaking-change` when a column changed its type or is gone, or the
 * partition changed.
 */
export function evolveSchema(metadata: TableMetadata, definition: TableDefinition): Schema | undefined {
  const current = currentSchema(metadata)
  checkPartition(metadata, definition, current)
  const byName = new Map(current.fields.map((field) => [field.name, field]))
  let lastId = metadata['last-column-id']
  const fields: SchemaField[] = []
  for (const column of definition.columns) {
    const type = icebergType(column.type)
    const field = byName.get(column.name)
    if (field === undefined) {
      lastId += 1
      fields.push({ id: lastId, name: column.name, required: false, type })
    } else if (field.type !== type) {
      throw changedType(definition.name, field, type)
    } else {
      fields.push(field)
      byName.delete(column.name)
    }
  }
  const gone = [...byName.values()].find((field) => !fields.includes(field))
  if (gone !== undefined) throw removedColumn(definition.name, gone)
  const same =
    fields.length === current.fields.length &&
    fields.every((field, index) => field.id === current.fields[index]!.id)
  if (same) return undefined
  const schemaId = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1
  return { type: 'struct', 'schema-id': schemaId, fields }
}

function checkPartition(metadata: TableMetadata, definition: TableDefinition, schema: Schema): void {
  const found = partitionSpec(metadata).fields[0]
  const column = schema.fields.find((field) => field.id === found?.['source-id'])?.name
  const before = found === undefined ? 'none' : `${found.transform}(${column})`
  const asked = definition.partition
  const after = asked === null ? 'none' : `${asked.transform}(${asked.column})`
  if (before !== after) {
    throw new LandfallError(
      'fix-config',
      'lake/breaking-change',
      `table ${definition.name} is partitioned by ${before}, the pipeline asks for ${after}`,
      {
        hint: `Keep the partition ${before}, or give the table another name`,
        details: { table: definition.name, partition: before, asked: after },
      },
    )
  }
}

function changedType(table: string, field: SchemaField, asked: PrimitiveType): LandfallError {
  const successor = `${field.name}_${asked.replace(/\W+/g, '_').replace(/_$/, '')}`
  return new LandfallError(
    'fix-config',
    'lake/breaking-change',
    `column ${field.name} of table ${table} is ${field.type}, the pipeline asks for ${asked}`,
    {
      hint: `Keep ${mapping(field)} in the plan and send the new values under another name, e.g. { ${quoteProperty(successor)}: ${planType(asked)} }`,
      details: { table, column: field.name, found: field.type, asked, keep: mapping(field) },
    },
  )
}

function removedColumn(table: string, field: SchemaField): LandfallError {
  return new LandfallError(
    'fix-config',
    'lake/breaking-change',
    `column ${field.name} (${field.type}) of table ${table} is not in the pipeline any more`,
    {
      hint: `Keep it as optional in the plan: ${mapping(field)}, or give the table another name`,
      details: { table, column: field.name, found: field.type, asked: null, keep: mapping(field) },
    },
  )
}

const quoteProperty = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`)

/** The line of the plan that gives this column. */
function mapping(field: SchemaField): string {
  return `{ ${quoteProperty(field.name)}: Type.Optional(${planType(field.type)}) }`
}

function planType(type: PrimitiveType): string {
  switch (type) {
    case 'boolean':
      return 'Type.Boolean()'
    case 'int':
    case 'long':
      return 'Type.Integer()'
    case 'double':
      return 'Type.Number()'
    case 'date':
      return "Type.String({ format: 'date' })"
    case 'timestamptz':
      return "Type.String({ format: 'date-time' })"
    case 'string':
    case 'binary':
      return 'Type.String()'
    default:
      return `${type} (a decimal)`
  }
}
