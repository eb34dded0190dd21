/**
 * The verdict on one event: fits the plan, or why not. The grammar is docs/formats/types.md; the lander's SQL gives the same
 * verdicts, and docs/formats/type-vectors.json holds both to it.
 */
import { isProblem, type JsonKind, type JsonMember, scanObject } from './json-scan.ts'
import type { Plan, PlanProperty } from './plan.ts'
import { parseDate, parseTime, TIME_MAX_MICROS, TIME_MIN_MICROS } from './time.ts'

/** Why one event is refused. Persisted in `dead_letters.reason`. */
export type FaultReason = 'malformed_json' | 'missing' | 'unknown_event_type' | 'type' | 'range' | 'value'

export interface Fault {
  reason: FaultReason
  /** The property, or `event_type`; null when the document itself is at fault. */
  field: string | null
  /** One line: what was expected, what was found. */
  detail: string
}

/** The first fault of the event that `source` (JSON text) is, judged by the plan; null when it fits. */
export function checkEvent(plan: Plan, source: string): Fault | null {
  const members = scanObject(source)
  if (isProblem(members)) {
    return {
      reason: 'malformed_json',
      field: null,
      detail: `${members.problem} at character ${members.at + 1}`,
    }
  }
  const type = find(members, 'event_type')
  if (!type) return { reason: 'missing', field: 'event_type', detail: 'event_type is not there' }
  if (type.kind !== 'string') return wrongKind('event_type', 'a string', source, type)
  const name = textOf(source, type)
  if (!Object.hasOwn(plan.events, name)) {
    return {
      reason: 'unknown_event_type',
      field: 'event_type',
      detail: `no event ${quote(name)} in the plan`,
    }
  }
  for (const property of plan.events[name]!.properties) {
    const fault = checkProperty(property, source, find(members, property.name))
    if (fault) return fault
  }
  return null
}

function find(members: JsonMember[], name: string): JsonMember | undefined {
  for (const member of members) if (member.name === name) return member
  return undefined
}

function checkProperty(property: PlanProperty, source: string, member: JsonMember | undefined): Fault | null {
  const { name } = property
  if (!member)
    return property.required ? { reason: 'missing', field: name, detail: `${name} is not there` } : null
  const anything = property.type === 'json' && property.jsonKind === undefined
  if (anything || (member.kind === 'null' && property.nullable)) return null
  if (!kindsOf(property).includes(member.kind)) return wrongKind(name, expectedKind(property), source, member)
  const problem = checkText(property, source, member)
  return (
    problem && {
      reason: problem[0],
      field: name,
      detail: `expected ${problem[1]}, found ${shown(source, member)}`,
    }
  )
}

type Problem = readonly ['value' | 'range', expected: string] | null

function checkText(property: PlanProperty, source: string, member: JsonMember): Problem {
  switch (property.type) {
    case 'string':
      return checkString(property, textOf(source, member))
    case 'int':
    case 'long':
      return checkLong(property, source.slice(member.start, member.end))
    case 'double':
      return checkDouble(property, Number(source.slice(member.start, member.end)))
    case 'timestamptz':
      return checkTime(textOf(source, member))
    case 'date':
      return parseDate(textOf(source, member)) === undefined ? ['value', 'a date such as 2021-07-30'] : null
    case 'boolean':
    case 'json':
      return null
    default:
      return checkDecimal(property.type, textOf(source, member))
  }
}

function checkString(property: PlanProperty, text: string): Problem {
  if (text.includes('\0')) return ['value', 'a text without U+0000']
  if (property.oneOf && !property.oneOf.includes(text))
    return ['value', `one of ${property.oneOf.map(quote).join(', ')}`]
  const { minLength = 0, maxLength = Infinity } = property
  if (text.length < minLength) return ['range', `at least ${minLength} characters`]
  // Counting code points is only needed where UTF-16 units could mislead.
  if (text.length > maxLength || minLength > 0) {
    const length = [...text].length
    if (length < minLength) return ['range', `at least ${minLength} characters`]
    if (length > maxLength) return ['range', `at most ${maxLength} characters`]
  }
  return null
}

const INT64_MAX = 2n ** 63n - 1n

function checkLong(property: PlanProperty, text: string): Problem {
  // 15 digits and a sign are exact as a number.
  const value = text.length < 16 ? Number(text) : BigInt(text)
  if (typeof value === 'bigint' && (value > INT64_MAX || value < -INT64_MAX - 1n))
    return ['range', 'a 64-bit integer']
  return checkBounds(property, value)
}

function checkDouble(property: PlanProperty, value: number): Problem {
  return Number.isFinite(value) ? checkBounds(property, value) : ['range', 'a finite double']
}

function checkBounds({ minimum, maximum }: PlanProperty, value: number | bigint): Problem {
  if (minimum !== undefined && value < minimum) return ['range', `at least ${minimum}`]
  if (maximum !== undefined && value > maximum) return ['range', `at most ${maximum}`]
  return null
}

function checkTime(text: string): Problem {
  const micros = parseTime(text)
  if (micros === undefined)
    return ['value', 'an RFC 3339 time with an offset such as 2021-07-30T18:43:03.611Z']
  return micros < TIME_MIN_MICROS || micros > TIME_MAX_MICROS
    ? ['range', 'a time in the years 1 to 9999']
    : null
}

const DECIMAL_TEXT = /^-?0*(\d*?)(?:\.(\d+))?$/

function checkDecimal(type: string, text: string): Problem {
  if (!/^-?\d+(?:\.\d+)?$/.test(text)) return ['value', 'a decimal such as "12.50"']
  const { precision, scale } = parseDecimalType(type)
  const match = DECIMAL_TEXT.exec(text)!
  if ((match[2]?.length ?? 0) > scale) return ['range', `at most ${scale} digits after the point`]
  if (match[1]!.length > precision - scale)
    return ['range', `at most ${precision - scale} digits before the point`]
  return null
}

/** `decimal(10, 2)` → its numbers. */
export function parseDecimalType(type: string): { precision: number; scale: number } {
  const match = /^decimal\((\d+), (\d+)\)$/.exec(type)
  if (!match) throw new Error(`not a decimal type: ${type}`)
  return { precision: Number(match[1]), scale: Number(match[2]) }
}

const KINDS: Record<string, JsonKind[]> = {
  int: ['integer'],
  long: ['integer'],
  double: ['integer', 'number'],
  boolean: ['boolean'],
}

function kindsOf(property: PlanProperty): JsonKind[] {
  if (property.type === 'json') return [property.jsonKind ?? 'object']
  return KINDS[property.type] ?? ['string']
}

function expectedKind(property: PlanProperty): string {
  const [kind] = kindsOf(property)
  if (property.type === 'double') return 'a number'
  if (property.type.startsWith('decimal')) return 'a decimal as a JSON string'
  return kind === 'string' || kind === 'boolean' ? `a ${kind}` : `an ${kind}`
}

function wrongKind(field: string, expected: string, source: string, member: JsonMember): Fault {
  return { reason: 'type', field, detail: `expected ${expected}, found ${shown(source, member)}` }
}

/** A string member's text, unescaped. */
function textOf(source: string, member: JsonMember): string {
  const inner = source.slice(member.start + 1, member.end - 1)
  return inner.includes('\\') ? (JSON.parse(source.slice(member.start, member.end)) as string) : inner
}

function shown(source: string, member: JsonMember): string {
  const text = source.slice(member.start, member.end)
  if (member.kind === 'array' || member.kind === 'object') return `an ${member.kind}`
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text)
}
