/** Literals: numbers with Trino's types, texts, `date '…'`, `interval '…' day`, `X'…'`. */

import { quoteText } from '../../../text.ts'
import { type Expression, notSupported, Refusal } from './context.ts'
import type { Fragment } from './fragments.ts'
import {
  BIGINT,
  DATE,
  DAY_TO_SECOND,
  DOUBLE,
  decimal,
  duckdbTypeName,
  INTEGER,
  JSON_TYPE,
  type SqlType,
  simple,
  VARBINARY,
  YEAR_TO_MONTH,
} from './sql-type.ts'
import { hasWord, need, type SyntaxNode, wordsOf } from './syntax-tree.ts'

export function plain(text: Fragment, type: SqlType | undefined, node: SyntaxNode): Expression {
  return { text: { text, place: node.start }, type, plain: true, weight: 1 }
}

const INTEGER_MAX = 2147483647n
const BIGINT_MAX = 9223372036854775807n

export function numericLiteral(node: SyntaxNode): Expression {
  const number = need(node, 'integerLiteral', 'decimalLiteral', 'doubleLiteral')
  const written = number.parts.map(wordsOf).join('')
  const text = written.replaceAll('_', '')
  if (number.rule === 'doubleLiteral') return plain(`CAST('${text}' AS DOUBLE)`, DOUBLE, node)
  if (number.rule === 'decimalLiteral') return decimalLiteral(text, node)
  const value = BigInt(text.replace('-', '')) * (text.startsWith('-') ? -1n : 1n)
  if (value > BIGINT_MAX || value < -BIGINT_MAX - 1n) {
    throw new Refusal('sql/syntax', `Invalid numeric literal: ${text}`, node.start)
  }
  const type = value > INTEGER_MAX || value < -INTEGER_MAX - 1n ? BIGINT : INTEGER
  return { ...plain(String(value), type, node), literal: String(value) }
}

function decimalLiteral(text: string, node: SyntaxNode): Expression {
  const digits = text.replace('-', '')
  const [whole = '', fraction = ''] = digits.split('.')
  const precision = Math.max(1, whole.replace(/^0+/, '').length + fraction.length)
  if (precision > 38) throw new Refusal('sql/invalid-literal', `Invalid decimal literal: ${text}`, node.start)
  return plain(
    `CAST('${text}' AS DECIMAL(${precision},${fraction.length}))`,
    decimal(precision, fraction.length),
    node,
  )
}

/** The value of a `string`. */
export function stringValue(node: SyntaxNode): string {
  const inner = node.rule === 'string' || node.rule === 'stringLiteral' ? stringNode(node) : node
  const text = wordsOf(inner.parts[0]!)
  if (inner.rule !== 'unicodeStringLiteral') return text.slice(1, -1).replaceAll("''", "'")
  const escape = inner.parts.length > 2 ? wordsOf(inner.parts[2]!).slice(1, -1) : '\\'
  return decodeUnicode(text.slice(text.indexOf("'") + 1, -1).replaceAll("''", "'"), escape, inner)
}

function stringNode(node: SyntaxNode): SyntaxNode {
  const inner = need(node, 'string', 'basicStringLiteral', 'unicodeStringLiteral')
  return inner.rule === 'string' ? stringNode(inner) : inner
}

function decodeUnicode(text: string, escape: string, node: SyntaxNode): string {
  const mark = escape.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = new RegExp(`${mark}(${mark}|\\+[0-9a-fA-F]{6}|[0-9a-fA-F]{4})|${mark}`, 'g')
  return text.replace(pattern, (whole, found?: string) => {
    if (found === escape) return escape
    const point = Number.parseInt(found?.replace('+', '') ?? 'x', 16)
    if (!(point <= 0x10ffff))
      throw new Refusal('sql/invalid-literal', `Invalid Unicode escape: ${whole}`, node.start)
    return String.fromCodePoint(point)
  })
}

export function textLiteral(value: string, node: SyntaxNode): Expression {
  const type = simple('varchar', Array.from(value).length)
  // DuckDB's literals hold every character, a NUL included, only when it is written as a number.
  const text = value.includes('\0')
    ? value.split('\0').map(quoteText).join(' || chr(0) || ')
    : quoteText(value)
  return { ...plain(value.includes('\0') ? `(${text})` : text, type, node), literal: value }
}

export function binaryLiteral(node: SyntaxNode): Expression {
  const hex = wordsOf(node).slice(2, -1).replace(/\s+/g, '')
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) {
    throw new Refusal('sql/syntax', 'Binary literal can only contain pairs of hexadecimal digits', node.start)
  }
  return plain(`from_hex('${hex}')`, VARBINARY, node)
}

const ZONE = /\s*([+-]\d{2}:\d{2}|Z|UTC|[A-Za-z]+\/[A-Za-z_/+-]+)$/i

/** `date '2020-01-01'`, `decimal '1.10'`, `json '{}'` … */
export function typeConstructor(node: SyntaxNode, timeZone: string): Expression {
  const name = node.parts.length > 2 ? 'double' : wordsOf(node.parts[0]!).toLowerCase()
  const value = stringValue(node.parts.at(-1)!)
  const text = quoteText(value)
  switch (name) {
    case 'date':
      if (!isDate(value)) throw invalid(node, value)
      return plain(`DATE ${text}`, DATE, node)
    case 'timestamp':
      return timestampLiteral(value, node, timeZone)
    case 'time':
      return plain(`TIME ${text}`, simple('time', fractionDigits(value)), node)
    case 'decimal':
      return decimalLiteral(value.trim(), node)
    case 'char':
      return plain(text, simple('char', Array.from(value).length), node)
    case 'json':
      return plain(`CAST(${text} AS JSON)`, JSON_TYPE, node)
    case 'double':
    case 'real':
    case 'bigint':
    case 'integer':
    case 'smallint':
    case 'tinyint':
    case 'boolean':
    case 'uuid':
    case 'varchar': {
      const type = simple(name)
      return plain(`CAST(${text} AS ${duckdbTypeName(type)})`, type, node)
    }
    default:
      throw new Refusal('sql/type-mismatch', `Unknown type: ${name}`, node.start)
  }
}

function invalid(node: SyntaxNode, value: string): Refusal {
  return new Refusal(
    'sql/invalid-literal',
    `'${value}' is not a valid ${wordsOf(node.parts[0]!).toUpperCase()} literal`,
    node.start,
  )
}

function isDate(value: string): boolean {
  const [, year, month, day] = /^\s*([+-]?\d{4,})-(\d{1,2})-(\d{1,2})\s*$/.exec(value) ?? []
  if (year === undefined) return false
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
}

function fractionDigits(value: string): number {
  return /\.(\d+)/.exec(value)?.[1]?.length ?? 0
}

function timestampLiteral(value: string, node: SyntaxNode, timeZone: string): Expression {
  if (!/^\s*[+-]?\d{4,}-\d{1,2}-\d{1,2}/.test(value)) throw invalid(node, value)
  const zone = /\d:\d/.test(value) || /^\S+\s+[A-Za-z]/.test(value) ? ZONE.exec(value)?.[1] : undefined
  const local = zone === undefined ? value : value.slice(0, value.length - ZONE.exec(value)![0].length)
  const digits = fractionDigits(local)
  if (digits > 6) throw notSupported(`a timestamp with ${digits} digits of a second`, node)
  const text = `TIMESTAMP ${quoteText(local.trim())}`
  if (zone === undefined) return plain(text, simple('timestamp', digits), node)
  const type = {
    ...simple('timestamp with time zone', digits),
    zone: zone.toUpperCase() === 'Z' ? 'UTC' : zone,
  }
  return plain(`timezone(${quoteText(duckdbZone(type.zone ?? timeZone))}, ${text})`, type, node)
}

/** DuckDB knows zones by name; an offset is one of `Etc/GMT…` when it is whole hours, with the sign turned round. */
export function duckdbZone(zone: string): string {
  const offset = /^([+-])(\d{2}):(\d{2})$/.exec(zone)
  if (!offset) return zone
  const [, sign, hours, minutes] = offset
  if (hours === '00' && minutes === '00') return 'UTC'
  return minutes === '00' ? `Etc/GMT${sign === '+' ? '-' : '+'}${Number(hours)}` : `GMT${zone}`
}

const MILLISECONDS: Record<string, number> = {
  DAY: 86_400_000,
  HOUR: 3_600_000,
  MINUTE: 60_000,
  SECOND: 1000,
}
const FIELDS = ['DAY', 'HOUR', 'MINUTE', 'SECOND']

export function intervalLiteral(node: SyntaxNode): Expression {
  const value = stringValue(need(node, 'string', 'basicStringLiteral', 'unicodeStringLiteral'))
  const [from = '', to = ''] = node.parts
    .filter(({ rule }) => rule === 'intervalField')
    .map((field) => wordsOf(field).toUpperCase())
  const sign = hasWord(node, '-') ? -1 : 1
  const bad = () => new Refusal('sql/invalid-literal', `Invalid INTERVAL ${from} value: ${value}`, node.start)
  if (from === 'YEAR' || from === 'MONTH') {
    const months = /^\s*(-)?(\d+)(?:-(\d+))?\s*$/.exec(value)
    if (!months || (months[3] !== undefined && to === '')) throw bad()
    const count = Number(months[2]) * (from === 'YEAR' ? 12 : 1) + Number(months[3] ?? 0)
    return plain(`to_months(${sign * (months[1] ? -1 : 1) * count})`, YEAR_TO_MONTH, node)
  }
  const ms = daySecondValue(value, from, to)
  if (ms === undefined) throw bad()
  const total = sign * ms
  // Whole days stay days, so that a date keeps its kind of arithmetic.
  return plain(
    total % 86_400_000 === 0 ? `to_days(${total / 86_400_000})` : `to_milliseconds(${total})`,
    DAY_TO_SECOND,
    node,
  )
}

/** Milliseconds of `1 02:03:04.005` read from one field to another. */
function daySecondValue(value: string, from: string, to: string): number | undefined {
  const fields = FIELDS.slice(
    FIELDS.indexOf(from),
    to === '' ? FIELDS.indexOf(from) + 1 : FIELDS.indexOf(to) + 1,
  )
  const negative = value.trim().startsWith('-')
  const numbers = value.trim().replace(/^-/, '').split(/[ :]/)
  if (numbers.length > fields.length || numbers.some((number) => !/^\d+(\.\d+)?$/.test(number)))
    return undefined
  const ms = numbers.reduce(
    (sum, number, i) => sum + Math.round(Number(number) * MILLISECONDS[fields[i]!]!),
    0,
  )
  return negative ? -ms : ms
}
