/** Values of DuckDB as the seam has them: numbers and bigints, text as Trino prints it, arrays and objects. */
import {
  DuckDBBlobValue,
  type DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import { LandfallError } from '../../../base/errors.ts'
import type { Value } from '../../sql.ts'

const BIGINT_MAX = 2n ** 63n - 1n
const BIGINT_MIN = -(2n ** 63n)
/** What Date can print; outside, DuckDB prints itself. */
const DATE_RANGE_MS = 8.64e15

/** The rows of a chunk. */
export function rowsOf(chunk: DuckDBDataChunk): Value[][] {
  const columns: Value[][] = []
  for (let i = 0; i < chunk.columnCount; i++) columns.push(chunk.getColumnValues(i).map(valueOf))
  return Array.from({ length: chunk.rowCount }, (_, row) => columns.map((column) => column[row] ?? null))
}

function integerOf(value: bigint): number | bigint {
  if (value >= -9007199254740991n && value <= 9007199254740991n) return Number(value)
  if (value <= BIGINT_MAX && value >= BIGINT_MIN) return value
  throw new LandfallError('fix-request', 'sql/out-of-range', `the value ${value} does not fit bigint`, {
    hint: 'Cast to decimal(38, 0) or to double before adding up',
  })
}

export function valueOf(value: DuckDBValue): Value {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return integerOf(value)
  if (typeof value !== 'object') return value
  if (value instanceof DuckDBTimestampTZValue) return `${timestamp(value.micros, 6, value)} UTC`
  if (value instanceof DuckDBTimestampValue) return timestamp(value.micros, 6, value)
  if (value instanceof DuckDBTimestampMillisecondsValue) return timestamp(value.millis * 1000n, 3, value)
  if (value instanceof DuckDBTimestampSecondsValue) return timestamp(value.seconds * 1_000_000n, 0, value)
  if (value instanceof DuckDBTimestampNanosecondsValue) return nanoseconds(value)
  if (value instanceof DuckDBDateValue) return date(value)
  if (value instanceof DuckDBTimeValue) return timeOfDay(value.micros)
  if (value instanceof DuckDBIntervalValue) return interval(value)
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64')
  if (value instanceof DuckDBListValue) return value.items.map(valueOf)
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([key, item]) => [key, valueOf(item)]))
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(
      value.entries.map(({ key, value: item }) => [String(valueOf(key)), valueOf(item)]),
    )
  }
  const items = (value as { items?: readonly DuckDBValue[] }).items
  return items ? items.map(valueOf) : String(value)
}

/** `2021-07-30 18:43:03.611000`, with `digits` digits of the second's fraction (6 or fewer). */
function timestamp(micros: bigint, digits: number, value: object): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const ms = Number((micros - fraction) / 1000n)
  if (Math.abs(ms) > DATE_RANGE_MS) return String(value)
  const text = new Date(ms).toISOString().slice(0, -5).replace('T', ' ')
  return digits === 0 ? text : `${text}.${fraction.toString().padStart(6, '0').slice(0, digits)}`
}

function nanoseconds(value: DuckDBTimestampNanosecondsValue): string {
  const below = ((value.nanos % 1000n) + 1000n) % 1000n
  return `${timestamp((value.nanos - below) / 1000n, 6, value)}${below.toString().padStart(3, '0')}`
}

function date(value: DuckDBDateValue): string {
  const ms = value.days * 86_400_000
  return Math.abs(ms) > DATE_RANGE_MS ? String(value) : new Date(ms).toISOString().slice(0, -14)
}

function timeOfDay(micros: bigint): string {
  return timestamp(micros, 6, {}).slice(11)
}

/** `1 02:03:04.005`: Trino's interval day to second; months, which Trino keeps apart, count 30 days each. */
function interval(value: DuckDBIntervalValue): string {
  const total = BigInt(value.months * 30 + value.days) * 86_400_000n + value.micros / 1000n
  const size = total < 0n ? -total : total
  const days = size / 86_400_000n
  const time = new Date(Number(size % 86_400_000n)).toISOString().slice(11, -1)
  return `${total < 0n ? '-' : ''}${days} ${time}`
}
