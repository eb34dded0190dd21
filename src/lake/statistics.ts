import type { ColumnStatistics } from './lake.ts'
import type { PrimitiveType, Schema } from './metadata.ts'
import { encodeValue, lowerTextBound, upperTextBound } from './single-value.ts'

/** One row of `COPY … (RETURN_STATS)`: a file, as DuckDB's JSON form has it (maps are lists of key and value). */
export interface CopyStatistics {
  filename: string
  count: string
  file_size_bytes: string
  column_statistics: { key: string; value: { key: string; value: string }[] }[]
  partition_keys: { key: string; value: string | null }[] | null
}

/** Column statistics of a written file by field id, bounds in Iceberg's form. */
export function columnStatistics(row: CopyStatistics, schema: Schema): Map<number, ColumnStatistics> {
  const columns = new Map<number, ColumnStatistics>()
  const fields = new Map(schema.fields.map((field) => [field.name, field]))
  for (const { key, value } of row.column_statistics) {
    const field = fields.get(unquote(key))
    if (field === undefined) continue
    const found = new Map(value.map((item) => [item.key, item.value]))
    const statistics: ColumnStatistics = {
      bytes: BigInt(found.get('column_size_bytes') ?? 0),
      values: BigInt(found.get('num_values') ?? row.count),
      nulls: BigInt(found.get('null_count') ?? 0),
    }
    const min = found.get('min')
    const max = found.get('max')
    // A file with NaN gets no bounds: engines order NaN differently.
    if (min !== undefined && max !== undefined && found.get('has_nan') !== 'true') {
      Object.assign(statistics, bounds(field.type, min, max))
    }
    columns.set(field.id, statistics)
  }
  return columns
}

/** `"a ""b"` → `a "b`; a bare name stays. */
function unquote(key: string): string {
  return key.startsWith('"') ? key.slice(1, -1).replaceAll('""', '"') : key
}

/** Bounds from DuckDB's text of the smallest and the largest value; none where the text has no exact binary form. */
export function bounds(type: PrimitiveType, min: string, max: string): { lower?: Buffer; upper?: Buffer } {
  if (type === 'binary') return {}
  if (type === 'string') {
    const upper = upperTextBound(max)
    return { lower: lowerTextBound(min), ...(upper === undefined ? {} : { upper }) }
  }
  const low = readValue(type, min)
  const high = readValue(type, max)
  if (low === undefined || high === undefined) return {}
  // -0.0 sorts before 0.0 in Iceberg and equals it in SQL: take the wider side.
  const lower = encodeValue(type, type === 'double' && low === 0 ? -0 : low)
  const upper = encodeValue(type, type === 'double' && high === 0 ? 0 : high)
  return { lower, upper }
}

/** A value from its text in DuckDB's statistics; undefined when it lies outside what the binary form can say. */
function readValue(type: PrimitiveType, text: string): boolean | number | bigint | undefined {
  switch (type) {
    case 'boolean':
      return text === 'true' || text === '1'
    case 'int':
      return Number(text)
    case 'long':
      return BigInt(text)
    case 'double':
      return readDouble(text)
    case 'date':
      return readDays(text)
    case 'timestamptz':
      return readMicros(text)
    default:
      return readUnscaled(type, text)
  }
}

function readDouble(text: string): number | undefined {
  if (text === 'inf') return Number.POSITIVE_INFINITY
  if (text === '-inf') return Number.NEGATIVE_INFINITY
  const value = Number(text)
  return Number.isNaN(value) ? undefined : value
}

/** Days since 1970 of `2026-11-22` (years 1 to 9999; else undefined). */
function readDays(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  return Math.round(Date.parse(`${text}T00:00:00Z`) / 86_400_000)
}

/** Microseconds since 1970 of `2026-11-22 10:11:12.123456+00`; statistics are always in UTC, whatever the session's zone. */
function readMicros(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/.exec(text)
  if (match === null) return undefined
  return BigInt(Date.parse(`${match[1]}T${match[2]}Z`)) * 1000n + BigInt((match[3] ?? '').padEnd(6, '0'))
}

/** The unscaled value of `-12.340` under the type's scale. */
function readUnscaled(type: PrimitiveType, text: string): bigint | undefined {
  const scale = Number(/^decimal\(\d+, ?(\d+)\)$/.exec(type)?.[1])
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text)
  if (match === null || Number.isNaN(scale)) return undefined
  const fraction = match[3] ?? ''
  if (fraction.length > scale) return undefined
  const digits = BigInt(`${match[2]}${fraction.padEnd(scale, '0')}` || '0')
  return match[1] === '-' ? -digits : digits
}
