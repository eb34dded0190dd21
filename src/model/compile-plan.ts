/** From TypeBox schemas (JSON Schema as it stands) to the tracking plan. docs/formats/types.md has the table of types. */
import { hashOf } from './canonical-json.ts'
import type { ColumnType } from './columns.ts'
import { decimalTypeOf } from './decimal.ts'
import { COLUMN_NAME, EVENT_NAME, isOwnName, refuse } from './names.ts'
import type { Plan, PlanEvent, PlanProperty } from './plan.ts'

/** The parts of JSON Schema that we read. */
interface JsonSchema {
  type?: string | string[]
  format?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  $comment?: string
  [keyword: string]: unknown
}

type Facts = Omit<PlanProperty, 'name' | 'required' | 'nullable'>

export function compilePlan(events: Record<string, unknown>): Plan {
  const compiled: Record<string, PlanEvent> = {}
  for (const [name, schema] of Object.entries(events))
    compiled[name] = compileEvent(name, schema as JsonSchema)
  if (Object.keys(compiled).length === 0)
    refuse('value', 'events', 'there is none', 'Declare at least one event')
  return { version: hashOf(compiled), events: compiled }
}

function compileEvent(name: string, schema: JsonSchema): PlanEvent {
  const place = `events.${name}`
  if (!EVENT_NAME.test(name)) {
    refuse(
      'illegal-name',
      place,
      'an event name has letters, digits and _ . : / - and blanks inside, at most 128',
      'Rename it',
    )
  }
  if (schema?.type !== 'object' || schema.anyOf) {
    refuse(
      'unsupported-type',
      place,
      'an event is an object',
      'Write Type.Object({ … }), empty for an event without properties',
    )
  }
  const required = new Set(schema.required)
  const properties = Object.entries(schema.properties ?? {}).map(([property, type]) => {
    checkPropertyName(`${place}.${property}`, property)
    return compileProperty(`${place}.${property}`, property, type, required.has(property))
  })
  return { name, properties }
}

function checkPropertyName(place: string, name: string): void {
  if (isOwnName(name)) {
    const hint =
      name.toLowerCase() === 'timestamp'
        ? "Leave it out: the column timestamp is made here, and a client's own time is taken by sources.NAME.trustTime"
        : 'Rename it: Landfall fills the column of that name'
    refuse('reserved-name', place, `${name} is a name of Landfall's own`, hint)
  }
  if (!COLUMN_NAME.test(name)) {
    refuse(
      'illegal-name',
      place,
      'a property name has letters, digits, _ and -, and starts with a letter or _',
      'Rename it',
    )
  }
}

function compileProperty(place: string, name: string, schema: JsonSchema, required: boolean): PlanProperty {
  const { type, nullable } = withoutNull(schema)
  return { name, required, nullable, ...factsOf(place, type) }
}

/** `Type.Union([T, Type.Null()])` and `{ type: ['string', 'null'] }` → T, nullable. */
function withoutNull(schema: JsonSchema): { type: JsonSchema; nullable: boolean } {
  if (Array.isArray(schema.type)) {
    const rest = schema.type.filter((type) => type !== 'null')
    return {
      type: { ...schema, type: rest.length === 1 ? rest[0]! : rest },
      nullable: rest.length < schema.type.length,
    }
  }
  if (!schema.anyOf) return { type: schema, nullable: false }
  const rest = schema.anyOf.filter((member) => member.type !== 'null')
  return {
    type: rest.length === 1 ? rest[0]! : { ...schema, anyOf: rest },
    nullable: rest.length < schema.anyOf.length,
  }
}

function factsOf(place: string, schema: JsonSchema): Facts {
  const texts = literalTexts(schema)
  if (texts) return { type: 'string', oneOf: texts }
  if ('const' in schema || 'enum' in schema || schema.anyOf) return unsupported(place, schema)
  switch (schema.type) {
    case 'string':
      return stringFacts(place, schema)
    case 'integer':
      return { type: 'long', ...bounds(place, schema, true) }
    case 'number':
      return { type: 'double', ...bounds(place, schema, false) }
    case 'boolean':
      return plain(place, schema, 'boolean')
    case 'array':
      return { type: 'json', jsonKind: 'array' }
    case 'object':
      return { type: 'json', jsonKind: 'object' }
    default:
      if (isUnknown(schema)) return { type: 'json' }
      return unsupported(place, schema)
  }
}

function unsupported(place: string, schema: JsonSchema): never {
  return refuse('unsupported-type', place, `no column type for ${describe(schema)}`, REMEDY)
}

const REMEDY =
  'Use String, Integer, Number, Boolean, Literal texts and unions of them, Decimal(p, s), Array, Object, Unknown; Optional and Union with Null where it may be absent'

function literalTexts(schema: JsonSchema): string[] | undefined {
  const members = schema.anyOf ? schema.anyOf.map((member) => member.const) : (schema.enum ?? [schema.const])
  return members.length > 0 && members.every((member) => typeof member === 'string') ? members : undefined
}

function stringFacts(place: string, schema: JsonSchema): Facts {
  const decimal = decimalTypeOf(schema)
  if (decimal) return { type: decimal }
  if (schema.format === 'date-time') return plain(place, schema, 'timestamptz', ['format'])
  if (schema.format === 'date') return plain(place, schema, 'date', ['format'])
  onlyKeywords(place, schema, ['minLength', 'maxLength'])
  return { type: 'string', ...pick(schema, 'minLength'), ...pick(schema, 'maxLength') }
}

function bounds(place: string, schema: JsonSchema, integer: boolean): Partial<Facts> {
  onlyKeywords(place, schema, ['minimum', 'maximum'])
  for (const keyword of ['minimum', 'maximum']) {
    const bound = schema[keyword]
    if (bound === undefined || (integer ? Number.isSafeInteger(bound) : Number.isFinite(bound))) continue
    refuse(
      'value',
      place,
      `${keyword} ${String(bound)} is not an exact ${integer ? 'integer' : 'number'}`,
      'Give a smaller bound, or none',
    )
  }
  return { ...pick(schema, 'minimum'), ...pick(schema, 'maximum') }
}

function plain(place: string, schema: JsonSchema, type: ColumnType, keywords: string[] = []): Facts {
  onlyKeywords(place, schema, keywords)
  return { type }
}

/** Keywords that describe and do not restrict. */
const ANNOTATIONS = [
  'type',
  'title',
  'description',
  'examples',
  'default',
  '$comment',
  '$id',
  'readOnly',
  'writeOnly',
  'deprecated',
]

/** A restriction that the lander could not judge alike must not be declared, or it would hold at one door only. */
function onlyKeywords(place: string, schema: JsonSchema, allowed: string[]): void {
  for (const keyword of Object.keys(schema)) {
    if (ANNOTATIONS.includes(keyword) || allowed.includes(keyword)) continue
    refuse(
      'unsupported-type',
      place,
      `the keyword ${keyword} is not checked for ${String(schema.type)}`,
      allowed.length > 0 ? `Remove it; checked are ${allowed.join(', ')}` : 'Remove it',
    )
  }
}

function pick<K extends 'minimum' | 'maximum' | 'minLength' | 'maxLength'>(
  schema: JsonSchema,
  keyword: K,
): { [P in K]?: number } {
  const value = schema[keyword]
  return (typeof value === 'number' ? { [keyword]: value } : {}) as { [P in K]?: number }
}

function isUnknown(schema: JsonSchema): boolean {
  return Object.keys(schema).every((keyword) => ANNOTATIONS.includes(keyword) && keyword !== 'type')
}

function describe(schema: JsonSchema): string {
  const text = JSON.stringify(schema) ?? 'undefined'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
