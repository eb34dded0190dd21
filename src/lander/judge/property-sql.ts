/**
 * One property of the plan in SQL: the column's value, and a test whether the event's field fits docs/formats/types.md.
 *
 * The test is **sound, not complete**: true means that it fits. Where being exact would cost every row a second parse, the
 * test says false and `checkEvent` decides (see judge.ts), so rare spellings cost time and never a verdict.
 */

import { parseDecimalType } from '../../model/check-event.ts'
import type { ColumnType } from '../../model/columns.ts'
import type { PlanProperty } from '../../model/plan.ts'
import { type FieldText, literal, pointer } from './field-text.ts'

export function modeOf(type: ColumnType): FieldText['mode'] {
  return type === 'string' ? 'text' : 'json'
}

export function duckdbType(type: ColumnType): string {
  switch (type) {
    case 'string':
    case 'json':
      return 'VARCHAR'
    case 'int':
      return 'INTEGER'
    case 'long':
      return 'BIGINT'
    case 'double':
      return 'DOUBLE'
    case 'boolean':
      return 'BOOLEAN'
    case 'date':
      return 'DATE'
    case 'timestamptz':
      return 'TIMESTAMPTZ'
    default: {
      const { precision, scale } = parseDecimalType(type)
      return `DECIMAL(${precision}, ${scale})`
    }
  }
}

/** The column's value. Right for a field that fits; anything for one that does not. */
export function valueSql(type: ColumnType, field: FieldText): string {
  const x = field.sql
  switch (type) {
    case 'string':
      return field.mode === 'text' ? x : `CASE WHEN starts_with(${x}, '"') THEN ${x}::JSON ->> '$' END`
    case 'json':
      return x
    case 'boolean':
      return `${x} = 'true'`
    case 'int':
    case 'long':
    case 'double':
      return `TRY_CAST(${x} AS ${duckdbType(type)})`
    default:
      // Times, dates and decimals are JSON strings; none that fits holds a quote or an escape.
      return `TRY_CAST(trim(${x}, '"') AS ${duckdbType(type)})`
  }
}

/** `value` is the SQL (or column) of `valueSql` for this property. */
export function fitsSql(property: PlanProperty, field: FieldText, value: string): string {
  const x = field.sql
  const fits = kindAndText(property, field, value)
  const anything = property.type === 'json' && property.jsonKind === undefined
  const path = pointer(property.name)
  if (property.required) {
    if (!property.nullable && !anything) return `CASE WHEN ${x} IS NOT NULL THEN ${fits} ELSE false END`
    return `CASE WHEN ${x} IS NOT NULL THEN ${fits} ELSE json_exists(raw, ${path}) END`
  }
  if (property.nullable || anything) return `CASE WHEN ${x} IS NOT NULL THEN ${fits} ELSE true END`
  const absent = `CASE WHEN contains(raw, 'null') THEN NOT json_exists(raw, ${path}) ELSE true END`
  return `CASE WHEN ${x} IS NOT NULL THEN ${fits} ELSE ${absent} END`
}

function kindAndText(property: PlanProperty, field: FieldText, value: string): string {
  const x = field.sql
  switch (property.type) {
    case 'string':
      return all([stringKind(property, field), 'NOT nul', ...stringText(property, value)])
    case 'int':
    case 'long':
      // Printed as it was read, so it was an integer, and it is inside the range.
      return all([`${value}::VARCHAR = ${x}`, ...integerBounds(property, value)])
    case 'double':
      return all([`isfinite(${value})`, ...doubleBounds(property, value)])
    case 'boolean':
      return `${x} IN ('true', 'false')`
    case 'json':
      if (property.jsonKind === undefined) return 'true'
      return `starts_with(${x}, '${property.jsonKind === 'array' ? '[' : '{'}')`
    case 'timestamptz':
      return timeFits(x, value)
    case 'date':
      return all([matches(x, '"[0-9]{4}-[0-9]{2}-[0-9]{2}"'), `${value} >= DATE '0001-01-01'`])
    default:
      return all([matches(x, decimalPattern(property.type)), `${value} IS NOT NULL`])
  }
}

/**
 * In mode `text` a number, boolean, array or object arrives as its JSON text. Only a text that looks like one of these is
 * asked for its kind, which costs a parse.
 */
function stringKind(property: PlanProperty, { mode, sql: x }: FieldText): string {
  if (mode === 'json') return `starts_with(${x}, '"')`
  if (property.oneOf?.every((text) => !looksLikeOther(text))) return 'true'
  const isString = `json_type(raw, ${pointer(property.name)}) = 'VARCHAR'`
  return (
    `CASE WHEN ${x} >= '-' AND ${x} < ':' THEN CASE WHEN regexp_full_match(${x}, '-?[0-9][-+.eE0-9]*') THEN ${isString} ELSE true END ` +
    `WHEN (${x} >= '[' AND ${x} < '\\') OR (${x} >= '{' AND ${x} < '|') OR ${x} IN ('true', 'false') THEN ${isString} ELSE true END`
  )
}

/** Whether a JSON value that is not a string could print as this text. */
export function looksLikeOther(text: string): boolean {
  return /^(-?[0-9]|\[|\{)/.test(text) || text === 'true' || text === 'false'
}

function stringText({ oneOf, minLength, maxLength }: PlanProperty, value: string): string[] {
  const tests: string[] = []
  if (oneOf) tests.push(oneOf.length > 0 ? `${value} IN (${oneOf.map(literal).join(', ')})` : 'false')
  if (minLength !== undefined) tests.push(`length(${value}) >= ${minLength}`)
  if (maxLength !== undefined) tests.push(`length(${value}) <= ${maxLength}`)
  return tests
}

const INT64_MAX = 2n ** 63n - 1n

function integerBounds({ minimum, maximum }: PlanProperty, value: string): string[] {
  const tests: string[] = []
  if (minimum !== undefined) {
    const least = BigInt(Math.ceil(minimum))
    tests.push(least > INT64_MAX ? 'false' : `${value} >= ${least < -INT64_MAX ? -INT64_MAX - 1n : least}`)
  }
  if (maximum !== undefined) {
    const most = BigInt(Math.floor(maximum))
    tests.push(most < -INT64_MAX ? 'false' : `${value} <= ${most > INT64_MAX ? INT64_MAX : most}`)
  }
  return tests
}

function doubleBounds({ minimum, maximum }: PlanProperty, value: string): string[] {
  const tests: string[] = []
  if (minimum !== undefined) tests.push(`${value} >= '${minimum}'::DOUBLE`)
  if (maximum !== undefined) tests.push(`${value} <= '${maximum}'::DOUBLE`)
  return tests
}

const TIME =
  '"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])"'

/** An RFC 3339 time (JSON text `x`) whose value is inside the years 1 to 9999. Year 0000 before a negative offset is left to `checkEvent`. */
export function timeFits(x: string, value: string): string {
  return all([
    matches(x, TIME),
    `NOT starts_with(${x}, '"0000')`,
    `${value} >= TIMESTAMPTZ '0001-01-01 00:00:00+00'`,
    `${value} < TIMESTAMPTZ '10000-01-01 00:00:00+00'`,
  ])
}

function decimalPattern(type: ColumnType): string {
  const { precision, scale } = parseDecimalType(type)
  const before = precision - scale
  const whole = before > 0 ? `(0+|0*[1-9][0-9]{0,${before - 1}})` : '0+'
  return `"-?${whole}${scale > 0 ? `(\\.[0-9]{1,${scale}})?` : ''}"`
}

function matches(x: string, pattern: string): string {
  return `regexp_full_match(${x}, ${literal(pattern)})`
}

function all(tests: string[]): string {
  return `(${tests.join(' AND ')})`
}
