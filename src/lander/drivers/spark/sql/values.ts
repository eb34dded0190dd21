/** Column values out of marked JSON (json.ts), and the tests of docs/formats/types.md that need more than a comparison. */
import { parseDecimalType } from '../../../../model/check-event.ts'
import type { ColumnType } from '../../../../model/columns.ts'
import { asJson, asText, isString } from './json.ts'
import { literal } from './text.ts'

const TIME = String.raw`^ [0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])\z`
const DATE = String.raw`^ [0-9]{4}-[0-9]{2}-[0-9]{2}\z`
const YEAR_0 = `' 0000'`

/** The value of a property's column; right where the property fits, NULL for null and absent. */
export function valueOf(type: ColumnType, marked: string): string {
  switch (type) {
    case 'string':
      return `CASE WHEN ${isString(marked)} THEN substr(${marked}, 2) END`
    case 'int':
    case 'long':
    case 'double':
      return `try_cast(${marked} AS ${sparkType(type)})`
    case 'boolean':
      return `CASE ${marked} WHEN 'true ' THEN true WHEN 'false ' THEN false END`
    case 'json':
      return asJson(marked)
    case 'timestamptz':
      return `timestamp_micros(${microsOf(marked)})`
    default:
      return `try_cast(substr(${marked}, 2) AS ${sparkType(type)})`
  }
}

/** The value of a header's column: a typed one only when its text is an integer. */
export function headerValue(type: ColumnType, marked: string, request: string): string {
  const text = `coalesce(${asText(marked)}, ${request})`
  if (type === 'string') return text
  return `CASE WHEN ${text} RLIKE ${literal(String.raw`^-?[0-9]+\z`)} THEN try_cast(${text} AS ${sparkType(type)}) END`
}

export function sparkType(type: ColumnType): string {
  switch (type) {
    case 'string':
    case 'json':
      return 'STRING'
    case 'int':
      return 'INT'
    case 'long':
      return 'BIGINT'
    case 'double':
      return 'DOUBLE'
    case 'boolean':
      return 'BOOLEAN'
    case 'date':
      return 'DATE'
    case 'timestamptz':
      return 'TIMESTAMP'
    default: {
      const { precision, scale } = parseDecimalType(type)
      return `DECIMAL(${precision}, ${scale})`
    }
  }
}

/** Whether a marked value is an RFC 3339 time with an offset, on a day of the calendar. */
export function isTime(marked: string): string {
  return `(${marked} RLIKE ${literal(TIME)} AND ${isDay(marked)})`
}

export function isDate(marked: string): string {
  return `(${marked} RLIKE ${literal(DATE)} AND ${isDay(marked)})`
}

function isDay(marked: string): string {
  return `NOT startswith(${marked}, ${YEAR_0}) AND try_cast(substr(${marked}, 2, 10) AS DATE) IS NOT NULL`
}

/** Microseconds since 1970 of a marked time. The offset is taken off by hand: Spark knows none beyond 18 hours. */
export function microsOf(marked: string): string {
  const local = `try_cast(regexp_replace(substr(${marked}, 2), '(?:Z|[-+]..:..)\\\\z', 'Z') AS TIMESTAMP)`
  const minutes = `try_cast(substr(${marked}, -5, 2) AS INT) * 60 + try_cast(substr(${marked}, -2) AS INT)`
  const offset = `IF(endswith(${marked}, 'Z'), 0, IF(substr(${marked}, -6, 1) = '-', -60000000L, 60000000L) * (${minutes}))`
  return `unix_micros(${local}) - ${offset}`
}
