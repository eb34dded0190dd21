/** SHOW STATS: what the files of a table's newest snapshot say of its columns. Rows that are not committed yet are not counted. */
import type { ColumnStatistics, PinnedFile, TableState } from '../../lake/lake.ts'
import type { PrimitiveType, SchemaField } from '../../lake/metadata.ts'
import { decodeValue } from '../../lake/single-value.ts'
import type { Value } from '../sql.ts'
import { columnsOf } from './metadata-table.ts'

export const STATS_COLUMNS = columnsOf(
  'column_name, data_size double, distinct_values_count double, nulls_fraction double, row_count double, low_value, high_value',
)

export function statsRows({ schema }: TableState, files: readonly PinnedFile[]): Value[][] {
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  const columns = schema.fields.map((field) => columnRow(field, files, rows))
  return [...columns, [null, null, null, null, rows, null, null]]
}

function columnRow({ id, name, type }: SchemaField, files: readonly PinnedFile[], rows: number): Value[] {
  const known = files.flatMap((file) => file.columns.get(id) ?? [])
  // A file from before the column has nothing but nulls in it.
  const withColumn = files.reduce((sum, file) => sum + (file.columns.has(id) ? file.rows : 0), 0)
  const nulls = known.reduce((sum, column) => sum + Number(column.nulls), rows - withColumn)
  const bytes = known.reduce((sum, column) => sum + Number(column.bytes), 0)
  const isText = type === 'string' || type === 'binary'
  const [low, high] = boundsOf(type, known)
  return [name, isText && rows > 0 ? bytes : null, null, rows === 0 ? null : nulls / rows, null, low, high]
}

/** As text, of the types that have an order of numbers; null unless every file with values has bounds. */
function boundsOf(type: PrimitiveType, known: readonly ColumnStatistics[]): [string | null, string | null] {
  const filled = known.filter((column) => column.values > column.nulls)
  if (!isOrdered(type) || filled.length === 0) return [null, null]
  const all = filled.map(({ lower, upper }) => ({ lower, upper }))
  if (all.some(({ lower, upper }) => !lower || !upper)) return [null, null]
  const lows = all.map(({ lower }) => decodeValue(type, lower!))
  const highs = all.map(({ upper }) => decodeValue(type, upper!))
  return [
    lows.reduce((a, b) => (isBelow(type, b, a) ? b : a)),
    highs.reduce((a, b) => (isBelow(type, a, b) ? b : a)),
  ]
}

function isOrdered(type: PrimitiveType): boolean {
  return ['int', 'long', 'double', 'date'].includes(type) || type.startsWith('decimal')
}

function isBelow(type: PrimitiveType, a: string, b: string): boolean {
  if (type === 'date') return a < b
  return type === 'int' || type === 'long' ? BigInt(a) < BigInt(b) : Number(a) < Number(b)
}
