/** The texts of SHOW CREATE, as Trino's Iceberg connector writes them. */
import type { TableState } from '../../lake/lake.ts'
import { partitionSpec } from '../../lake/metadata.ts'
import type { ResultColumn } from '../sql.ts'
import { quoteIdentifier, quoteText } from '../text.ts'

interface Name {
  catalog: string
  schema: string
  name: string
}

/** Quoted where it has to be. */
function identifier(name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) ? name : quoteIdentifier(name)
}

function fullName({ catalog, schema, name }: Name): string {
  return [catalog, schema, name].map(identifier).join('.')
}

/** `state`: of a table of the lake; other relations have no properties to show. */
export function createTableText(
  name: Name,
  columns: readonly ResultColumn[],
  state: TableState | undefined,
): string {
  const lines = columns.map((column) => `   ${identifier(column.name)} ${column.type}`)
  return `CREATE TABLE ${fullName(name)} (\n${lines.join(',\n')}\n)${state ? withProperties(tableProperties(state)) : ''}`
}

function tableProperties({ metadata, schema }: TableState): string[] {
  const { fields } = partitionSpec(metadata)
  const names = new Map(schema.fields.map((field) => [field.id, field.name]))
  const transforms = fields.map((field) => {
    const source = identifier(names.get(field['source-id']) ?? field.name)
    return quoteText(field.transform === 'identity' ? source : `${field.transform}(${source})`)
  })
  return [
    `format = 'PARQUET'`,
    `format_version = ${metadata['format-version']}`,
    `location = ${quoteText(metadata.location)}`,
    ...(transforms.length > 0 ? [`partitioning = ARRAY[${transforms.join(',')}]`] : []),
  ]
}

function withProperties(properties: readonly string[]): string {
  return `\nWITH (\n${properties.map((property) => `   ${property}`).join(',\n')}\n)`
}

export function createViewText(name: Name, sql: string): string {
  return `CREATE VIEW ${fullName(name)} SECURITY INVOKER AS\n${sql}`
}

export function createSchemaText(catalog: string, schema: string): string {
  return `CREATE SCHEMA ${identifier(catalog)}.${identifier(schema)}`
}
