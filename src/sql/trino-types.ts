/**
 * Trino's type names, read and written: `decimal(3, 2)`, `array(row(a integer, b varchar))`. An answer's columns carry them as
 * text; at the wire they also travel as `typeSignature`.
 */
import type { Value } from './sql.ts'

/** A parsed type name. Numbers and nested types stand in `arguments`; fields of a `row` carry their names. */
export interface TrinoType {
  raw: string
  arguments: (number | TrinoType | { name: string; type: TrinoType })[]
}

const LONGEST_VARCHAR = 2147483647
/** The seconds of a time and their fraction, before a zone or the end. */
const SECONDS = /(:[0-9]{2})(?:\.([0-9]+))?(?=[ +-]|$)/

/** Parses a type name as Trino prints it. An unknown name is taken as it stands. */
export function parseTrinoType(text: string): TrinoType {
  const open = text.indexOf('(')
  if (open < 0) return { raw: text.trim(), arguments: [] }
  const close = matchingParenthesis(text, open)
  const raw = `${text.slice(0, open).trim()}${text.slice(close + 1).trimEnd()}`
  const parts = splitArguments(text.slice(open + 1, close))
  return { raw, arguments: parts.map((part) => parseArgument(raw, part)) }
}

function parseArgument(raw: string, part: string): TrinoType['arguments'][number] {
  if (/^[0-9]+$/.test(part)) return Number(part)
  if (raw !== 'row') return parseTrinoType(part)
  const quoted = /^"((?:[^"]|"")*)"\s+(.*)$/s.exec(part)
  if (quoted) return { name: quoted[1]!.replaceAll('""', '"'), type: parseTrinoType(quoted[2]!) }
  const plain = /^([^\s(]+)\s+(.*)$/s.exec(part)
  return plain
    ? { name: plain[1]!, type: parseTrinoType(plain[2]!) }
    : { name: '', type: parseTrinoType(part) }
}

/** A type as Trino prints it: `decimal(5, 2)`, `row(a integer, "b c" varchar)`, `timestamp(3) with time zone`. */
export function formatTrinoType({ raw, arguments: parts }: TrinoType): string {
  if (parts.length === 0) return raw
  const texts = parts.map((part) => {
    if (typeof part === 'number') return String(part)
    if ('raw' in part) return formatTrinoType(part)
    const name = /^[a-z_][a-z0-9_]*$/i.test(part.name) ? part.name : `"${part.name.replaceAll('"', '""')}"`
    return part.name === '' ? formatTrinoType(part.type) : `${name} ${formatTrinoType(part.type)}`
  })
  // The precision of a time stands before its zone.
  const [head, ...rest] = raw.split(' ')
  return [`${head}(${texts.join(', ')})`, ...rest].join(' ')
}

/** Calls back for every character outside double quotes, with the depth of parentheses before it. */
function scan(
  text: string,
  from: number,
  visit: (character: string, index: number, depth: number) => boolean,
): number {
  let depth = 0
  let quoted = false
  for (let i = from; i < text.length; i++) {
    const character = text[i]!
    if (character === '"') quoted = !quoted
    if (quoted) continue
    if (character === ')') depth--
    if (visit(character, i, depth)) return i
    if (character === '(') depth++
  }
  return text.length
}

function matchingParenthesis(text: string, open: number): number {
  return scan(text, open, (character, i, depth) => i > open && character === ')' && depth === 0)
}

function splitArguments(text: string): string[] {
  const parts: string[] = []
  let from = 0
  scan(text, 0, (character, i, depth) => {
    if (character === ',' && depth === 0) {
      parts.push(text.slice(from, i).trim())
      from = i + 1
    }
    return false
  })
  parts.push(text.slice(from).trim())
  return parts
}

/** A type as lists of columns show it: `decimal(9,2)`, where the columns of an answer have `decimal(9, 2)`. */
export function listedType(type: string): string {
  return type.replaceAll(/(?<=\(\d+), (?=\d+\))/g, ',')
}

export interface TypeSignature {
  rawType: string
  arguments: { kind: string; value: unknown }[]
}

/** The `typeSignature` of a column, as Trino's clients decode it. */
export function typeSignature(type: TrinoType): TypeSignature {
  if (type.raw === 'varchar' && type.arguments.length === 0) {
    return { rawType: 'varchar', arguments: [{ kind: 'LONG', value: LONGEST_VARCHAR }] }
  }
  return { rawType: type.raw, arguments: type.arguments.map(signatureArgument) }
}

function signatureArgument(argument: TrinoType['arguments'][number]): { kind: string; value: unknown } {
  if (typeof argument === 'number') return { kind: 'LONG', value: argument }
  if ('raw' in argument) return { kind: 'TYPE', value: typeSignature(argument) }
  const fieldName = argument.name === '' ? {} : { fieldName: { name: argument.name } }
  return { kind: 'NAMED_TYPE', value: { ...fieldName, typeSignature: typeSignature(argument.type) } }
}

/** True for types whose values are JSON numbers of up to 64 bits. */
export function isInteger(type: TrinoType): boolean {
  return ['bigint', 'integer', 'smallint', 'tinyint'].includes(type.raw)
}

export function isFloating(type: TrinoType): boolean {
  return type.raw === 'double' || type.raw === 'real'
}

/** The element, key and value, or field types within a type; names for a row. */
export function innerTypes(type: TrinoType): { name: string; type: TrinoType }[] {
  return type.arguments.flatMap((argument) => {
    if (typeof argument === 'number') return []
    return 'raw' in argument ? [{ name: '', type: argument }] : [argument]
  })
}

/**
 * What makes a value as the wire has it: rows become positional arrays, odd floating numbers text; 64-bit integers stay bigint.
 * Undefined for types whose values are so already. `parametric`: the client knows times with a precision; for others they have
 * milliseconds, whatever they were.
 */
export function wireConverter(type: TrinoType, parametric: boolean): ((value: Value) => Value) | undefined {
  if (type.raw === 'real')
    return (value) => (Number.isFinite(value) ? shortestReal(value as number) : String(value))
  if (isFloating(type)) return (value) => (Number.isFinite(value) ? value : String(value))
  if (!parametric && /^time(stamp)?\b/.test(type.raw)) {
    return (value) =>
      String(value).replace(
        SECONDS,
        (_, seconds, fraction = '') => `${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}`,
      )
  }
  const inner = innerTypes(type)
  const converters = inner.map((field) => wireConverter(field.type, parametric))
  const convert = (value: Value | undefined, i: number): Value =>
    value === null || value === undefined ? null : (converters[i]?.(value) ?? value)
  if (type.raw === 'row') {
    const names = inner.map((field, i) => field.name || `field${i}`)
    return (value) => names.map((name, i) => convert((value as { [key: string]: Value })[name], i))
  }
  if (converters.every((converter) => converter === undefined)) return undefined
  if (type.raw === 'array') return (value) => (value as Value[]).map((item) => convert(item, 0))
  if (type.raw !== 'map') return undefined
  return (value) => {
    const entries = Object.entries(value as { [key: string]: Value })
    return Object.fromEntries(entries.map(([key, item]) => [keyText(key, converters[0]), convert(item, 1)]))
  }
}

/** The number of the fewest digits that is this 32-bit one: 0.1, not 0.10000000149011612. */
function shortestReal(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

/** Keys of a map are text on the wire, whatever they are. */
function keyText(key: string, converter: ((value: Value) => Value) | undefined): string {
  return converter ? String(converter(key)) : key
}

/** The reverse of `wireConverter`. */
export function fromWireValue(value: Value, type: TrinoType): Value {
  if (value === null) return null
  if (isFloating(type) && typeof value === 'string') return Number(value)
  if (typeof value !== 'object') return value
  const inner = innerTypes(type)
  if (Array.isArray(value)) {
    if (type.raw !== 'row') return value.map((item) => fromWireValue(item, inner[0]?.type ?? type))
    const fields = inner.map(
      (field, i) => [field.name || `field${i}`, fromWireValue(value[i] ?? null, field.type)] as const,
    )
    return Object.fromEntries(fields)
  }
  const valueType = inner[1]?.type ?? type
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromWireValue(item, valueType)]))
}
