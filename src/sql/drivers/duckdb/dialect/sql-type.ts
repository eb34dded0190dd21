/**
 * Types as Trino knows them, beside the DuckDB type that holds their values. Where the translator does not know a type it is
 * undefined, and what depends on it is left to DuckDB.
 */
export interface SqlType {
  /** `bigint`, `varchar`, `decimal`, `timestamp with time zone`, `array`, `map`, `row` … */
  base: string
  /** Precision and scale, length, digits of a second's fraction. */
  numbers: readonly number[]
  /** Element; key and value; fields. */
  inner: readonly SqlType[]
  /** Of a row: names of its fields, '' for one without. */
  names: readonly string[]
  /** Of a timestamp with time zone: the zone it is seen in, where the statement names it. */
  zone?: string
}

export type KnownType = SqlType | undefined

export function simple(base: string, ...numbers: number[]): SqlType {
  return { base, numbers, inner: [], names: [] }
}

export const BOOLEAN = simple('boolean')
export const INTEGER = simple('integer')
export const BIGINT = simple('bigint')
export const DOUBLE = simple('double')
export const REAL = simple('real')
export const VARCHAR = simple('varchar')
export const VARBINARY = simple('varbinary')
export const DATE = simple('date')
export const JSON_TYPE = simple('json')
export const UNKNOWN = simple('unknown')
export const DAY_TO_SECOND = simple('interval day to second')
export const YEAR_TO_MONTH = simple('interval year to month')

export const decimal = (precision: number, scale: number): SqlType => simple('decimal', precision, scale)
export const array = (element: KnownType): SqlType => ({
  base: 'array',
  numbers: [],
  inner: element ? [element] : [],
  names: [],
})
export const map = (key: KnownType, value: KnownType): SqlType => ({
  base: 'map',
  numbers: [],
  inner: key && value ? [key, value] : [],
  names: [],
})
export const row = (names: readonly string[], inner: readonly SqlType[]): SqlType => ({
  base: 'row',
  numbers: [],
  inner,
  names,
})

const INTEGERS = ['tinyint', 'smallint', 'integer', 'bigint']
/** Decimal digits an integer type may need. */
const DIGITS: Record<string, number> = { unknown: 1, tinyint: 3, smallint: 5, integer: 10, bigint: 19 }

export const isInteger = (type: KnownType): boolean => INTEGERS.includes(type?.base ?? '')
export const isFloating = (type: KnownType): boolean => type?.base === 'double' || type?.base === 'real'
export const isDecimal = (type: KnownType): boolean => type?.base === 'decimal'
export const isNumeric = (type: KnownType): boolean => isInteger(type) || isFloating(type) || isDecimal(type)
export const isText = (type: KnownType): boolean => type?.base === 'varchar' || type?.base === 'char'
export const isInterval = (type: KnownType): boolean => type?.base.startsWith('interval') ?? false
export const isTime = (type: KnownType): boolean => /^(date|time)/.test(type?.base ?? '')
export const isZoned = (type: KnownType): boolean => type?.base === 'timestamp with time zone'

/** A decimal that holds every value of an exact type. */
export function asDecimal(type: KnownType): SqlType | undefined {
  if (isDecimal(type)) return type
  const digits = DIGITS[type?.base ?? '']
  return digits === undefined ? undefined : decimal(digits, 0)
}

/** Trino's name for a type, as `typeof` and errors have it; in the columns of an answer numbers are separated by `, `. */
export function typeName(type: SqlType, separator = ','): string {
  const { base, numbers, inner, names } = type
  if (base === 'row') {
    const fields = inner.map((field, i) => `${fieldName(names[i])}${typeName(field, separator)}`)
    return `row(${fields.join(', ')})`
  }
  if (inner.length > 0) return `${base}(${inner.map((each) => typeName(each, separator)).join(', ')})`
  if (numbers.length === 0) return base
  // A length stands behind the first word: timestamp(3) with time zone.
  return base.replace(/^\w+/, (word) => `${word}(${numbers.join(separator)})`)
}

function fieldName(name: string | undefined): string {
  if (!name) return ''
  return /^[a-z_][a-z0-9_]*$/.test(name) ? `${name} ` : `"${name.replaceAll('"', '""')}" `
}

const DUCKDB: Record<string, string> = {
  real: 'FLOAT',
  varbinary: 'BLOB',
  char: 'VARCHAR',
  varchar: 'VARCHAR',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  'time with time zone': 'TIMETZ',
  'timestamp with time zone': 'TIMESTAMPTZ',
  'interval day to second': 'INTERVAL',
  'interval year to month': 'INTERVAL',
  unknown: 'INTEGER',
}

/** The DuckDB type that holds values of a type. */
export function duckdbTypeName(type: SqlType): string {
  const { base, numbers, inner, names } = type
  if (base === 'array') return `${duckdbTypeName(inner[0] ?? UNKNOWN)}[]`
  if (base === 'map') return `MAP(${inner.map(duckdbTypeName).join(', ')})`
  if (base === 'row') {
    const fields = inner.map((field, i) => `"${structField(names, i)}" ${duckdbTypeName(field)}`)
    return `STRUCT(${fields.join(', ')})`
  }
  if (base === 'decimal') return `DECIMAL(${numbers.join(', ')})`
  return DUCKDB[base] ?? base.toUpperCase()
}

/** DuckDB wants every field of a struct to have a name. */
export function structField(names: readonly string[], index: number): string {
  return (names[index] || `field${index}`).replaceAll('"', '""')
}

/** The type two branches of an expression have together, as far as it is known. */
export function commonType(left: KnownType, right: KnownType): KnownType {
  if (!left || !right) return undefined
  if (left.base === 'unknown') return right
  if (right.base === 'unknown' || typeName(left) === typeName(right)) return left
  if (isText(left) && isText(right)) return VARCHAR
  if (isNumeric(left) && isNumeric(right)) return commonNumber(left, right)
  if (left.base === right.base && left.inner.length === right.inner.length && left.inner.length > 0) {
    const inner = left.inner.map((type, i) => commonType(type, right.inner[i]))
    return inner.every((type) => type !== undefined) ? { ...left, inner: inner as SqlType[] } : undefined
  }
  if (left.base === right.base)
    return { ...left, numbers: [Math.max(left.numbers[0] ?? 0, right.numbers[0] ?? 0)] }
  return [right, left].find(isZoned) ?? [right, left].find(({ base }) => base === 'timestamp')
}

function commonNumber(left: SqlType, right: SqlType): KnownType {
  if (left.base === 'double' || right.base === 'double') return DOUBLE
  if (left.base === 'real' || right.base === 'real') return REAL
  if (isInteger(left) && isInteger(right)) {
    return INTEGERS.indexOf(left.base) > INTEGERS.indexOf(right.base) ? left : right
  }
  const [[p1 = 0, s1 = 0], [p2 = 0, s2 = 0]] = [asDecimal(left)!.numbers, asDecimal(right)!.numbers]
  const scale = Math.max(s1, s2)
  return decimal(Math.min(38, Math.max(p1 - s1, p2 - s2) + scale), scale)
}
