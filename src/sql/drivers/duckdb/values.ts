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
import type { KnownType } from './dialect/sql-type.ts'
import { offsetMs } from './zone-offset.ts'

const BIGINT_MAX = 2n ** 63n - 1n
const BIGINT_MIN = -(2n ** 63n)
/** What Date can print; outside, DuckDB prints itself. */
const DATE_RANGE_MS = 8.64e15

/** The rows of a chunk; `types` where the statement tells them. */
export function rowsOf(chunk: DuckDBDataChunk, types: readonly KnownType[]): Value[][] {
  const columns: Value[][] = []
  for (let i = 0; i < chunk.columnCount; i++) {
    const type = types.length === chunk.columnCount ? types[i] : undefined
    columns.push(chunk.getColumnValues(i).map((value) => valueOf(value, type)))
  }
  return Array.from({ length: chunk.rowCount }, (_, row) => columns.map((column) => column[row] ?? null))
}

function integerOf(value: bigint): number | bigint {
  if (value >= -9007199254740991n && value <= 9007199254740991n) return Number(value)
  if (value <= BIGINT_MAX && value >= BIGINT_MIN) return value
  throw new LandfallError('fix-request', 'sql/out-of-range', `the value ${value} does not fit bigint`, {
    hint: 'Cast to decimal(38, 0) or to double before adding up',
  })
}

export function valueOf(value: DuckDBValue, type?: KnownType): Value {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return integerOf(value)
  if (typeof value !== 'object')
    return type?.base === 'real' && typeof value === 'number' ? shortestReal(value) : value
  if (value instanceof DuckDBTimestampTZValue) return zonedTimestamp(value, type)
  if (value instanceof DuckDBTimestampValue) return timestamp(value.micros, digitsOf(type), value)
  if (value instanceof DuckDBTimestampMillisecondsValue) return timestamp(value.millis * 1000n, 3, value)
  if (value instanceof DuckDBTimestampSecondsValue) return timestamp(value.seconds * 1_000_000n, 0, value)
  if (value instanceof DuckDBTimestampNanosecondsValue) return nanoseconds(value)
  if (value instanceof DuckDBDateValue) return date(value)
  if (value instanceof DuckDBTimeValue) return timeOfDay(value.micros, digitsOf(type))
  if (value instanceof DuckDBIntervalValue) return intervalText(value, type)
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64')
  if (value instanceof DuckDBListValue) return value.items.map((item) => valueOf(item, type?.inner[0]))
  if (value instanceof DuckDBStructValue) {
    const entries = Object.entries(value.entries)
    return Object.fromEntries(entries.map(([key, item], i) => [key, valueOf(item, type?.inner[i])]))
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(
      value.entries.map(({ key, value: item }) => [
        String(valueOf(key, type?.inner[0])),
        valueOf(item, type?.inner[1]),
      ]),
    )
  }
  const items = (value as { items?: readonly DuckDBValue[] }).items
  return items ? items.map((item) => valueOf(item)) : String(value)
}

/** The number with the fewest digits that is this real: 0.1, where its double is 0.10000000149011612. */
function shortestReal(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
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

function timeOfDay(micros: bigint, digits: number): string {
  return timestamp(micros, digits, {}).slice(11)
}

/** Digits of a second's fraction that a value of the type shows. */
function digitsOf(type: KnownType): number {
  return Math.min(6, type?.numbers[0] ?? 6)
}

/** As seen in the zone that the statement names, else in UTC. */
function zonedTimestamp(value: DuckDBTimestampTZValue, type: KnownType): string {
  const zone = type?.zone ?? 'UTC'
  const local = zone === 'UTC' ? value.micros : value.micros + BigInt(offsetMs(zone, value.micros)) * 1000n
  return `${timestamp(local, digitsOf(type), value)} ${zone}`
}

function intervalText(value: DuckDBIntervalValue, type: KnownType): string {
  if (type?.base !== 'interval year to month') return interval(value)
  const months = Math.abs(value.months)
  return `${value.months < 0 ? '-' : ''}${Math.floor(months / 12)}-${months % 12}`
}

/** `1 02:03:04.005`: Trino's interval day to second; months, which Trino keeps apart, count 30 days each. */
function interval(value: DuckDBIntervalValue): string {
  const total = BigInt(value.months * 30 + value.days) * 86_400_000n + value.micros / 1000n
  const size = total < 0n ? -total : total
  const days = size / 86_400_000n
  const time = new Date(Number(size % 86_400_000n)).toISOString().slice(11, -1)
  return `${total < 0n ? '-' : ''}${days} ${time}`
}
