/** Trino's names for the types of DuckDB: those of the columns of answers. */
import type { DuckDBType } from '@duckdb/node-api'

/**
 * Names of simple types. HUGEINT and UBIGINT are what DuckDB makes of `sum(bigint)`, where Trino stays with bigint: they are
 * reported as bigint, and a value beyond it is an error, as in Trino.
 */
const SIMPLE: Record<string, string> = {
  BOOLEAN: 'boolean',
  TINYINT: 'tinyint',
  SMALLINT: 'smallint',
  INTEGER: 'integer',
  BIGINT: 'bigint',
  HUGEINT: 'bigint',
  UTINYINT: 'smallint',
  USMALLINT: 'integer',
  UINTEGER: 'bigint',
  UBIGINT: 'bigint',
  UHUGEINT: 'bigint',
  FLOAT: 'real',
  DOUBLE: 'double',
  VARCHAR: 'varchar',
  JSON: 'json',
  BLOB: 'varbinary',
  UUID: 'uuid',
  DATE: 'date',
  TIME: 'time(6)',
  'TIME WITH TIME ZONE': 'time(6) with time zone',
  TIMESTAMP: 'timestamp(6)',
  TIMESTAMP_S: 'timestamp(0)',
  TIMESTAMP_MS: 'timestamp(3)',
  TIMESTAMP_NS: 'timestamp(9)',
  'TIMESTAMP WITH TIME ZONE': 'timestamp(6) with time zone',
  INTERVAL: 'interval day to second',
  '"NULL"': 'unknown',
  SQLNULL: 'unknown',
}

interface NestedType {
  valueType?: DuckDBType
  keyType?: DuckDBType
  entryNames?: readonly string[]
  entryTypes?: readonly DuckDBType[]
  width?: number
  scale?: number
}

/** Trino's name for a type of an answer; what Trino does not know (unions, bit strings, enums) comes as varchar. */
export function trinoTypeOfAnswer(type: DuckDBType): string {
  if (type.alias === 'JSON') return 'json'
  const nested = type as NestedType
  if (nested.width !== undefined && nested.scale !== undefined)
    return `decimal(${nested.width}, ${nested.scale})`
  if (nested.keyType && nested.valueType) {
    return `map(${trinoTypeOfAnswer(nested.keyType)}, ${trinoTypeOfAnswer(nested.valueType)})`
  }
  if (nested.valueType) return `array(${trinoTypeOfAnswer(nested.valueType)})`
  if (nested.entryNames && nested.entryTypes) {
    const types = nested.entryTypes
    const fields = nested.entryNames.map((name, i) => `${fieldName(name)} ${trinoTypeOfAnswer(types[i]!)}`)
    return `row(${fields.join(', ')})`
  }
  return SIMPLE[String(type)] ?? 'varchar'
}

function fieldName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
