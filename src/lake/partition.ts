import type { ColumnStatistics } from './lake.ts'
import type { PartitionField, PartitionSpec, PrimitiveType, Schema } from './metadata.ts'
import { quoteName } from './schema.ts'

const DAY_MICROS = 86_400_000_000n
const HOUR_MICROS = 3_600_000_000n

export type PartitionValues = Record<string, number | string | null>

/** SQL for a partition value: whole months, days or hours since 1970 in UTC, rounded down. */
export function partitionExpression(field: PartitionField, schema: Schema): string {
  const source = schema.fields.find((column) => column.id === field['source-id'])
  if (source === undefined) throw new Error(`partition field ${field.name} has no column`)
  const column = quoteName(source.name)
  const local = source.type === 'timestamptz' ? `timezone('UTC', ${column})` : `CAST(${column} AS TIMESTAMP)`
  if (field.transform === 'identity') throw new Error('identity partitions are not written')
  return `datediff('${field.transform}', TIMESTAMP '1970-01-01', ${local})`
}

/**
 * The one partition that all rows of a file belong to, told from its statistics alone; undefined when there are
 * several or it cannot be told.
 */
export function singlePartition(
  spec: PartitionSpec,
  schema: Schema,
  columns: Map<number, ColumnStatistics>,
): PartitionValues | undefined {
  const values: PartitionValues = {}
  for (const field of spec.fields) {
    const source = schema.fields.find((column) => column.id === field['source-id'])
    const statistics = columns.get(field['source-id'])
    if (source === undefined || statistics === undefined) return undefined
    if (statistics.nulls === statistics.values) {
      values[field.name] = null
      continue
    }
    if (statistics.nulls > 0n || !statistics.lower || !statistics.upper) return undefined
    const low = transformBound(field, source.type, statistics.lower)
    if (low !== transformBound(field, source.type, statistics.upper)) return undefined
    values[field.name] = low
  }
  return values
}

function transformBound(field: PartitionField, type: PrimitiveType, bound: Buffer): number {
  const micros = type === 'date' ? BigInt(bound.readInt32LE()) * DAY_MICROS : bound.readBigInt64LE()
  return transformMicros(field.transform, micros)
}

function transformMicros(transform: PartitionField['transform'], micros: bigint): number {
  if (transform === 'hour') return floorDivide(micros, HOUR_MICROS)
  if (transform === 'day') return floorDivide(micros, DAY_MICROS)
  const date = new Date(floorDivide(micros, 1000n))
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
}

function floorDivide(a: bigint, b: bigint): number {
  const quotient = a / b
  return Number(a % b < 0n ? quotient - 1n : quotient)
}

/** Milliseconds since 1970 at which a partition value's time is over; undefined where it has none. */
export function partitionEndMs(
  field: PartitionField | undefined,
  value: number | string | null | undefined,
): number | undefined {
  if (field === undefined || typeof value !== 'number') return undefined
  if (field.transform === 'hour') return (value + 1) * 3_600_000
  if (field.transform === 'day') return (value + 1) * 86_400_000
  if (field.transform === 'month') return Date.UTC(1970, value + 1, 1)
  return undefined
}
