import type { Random } from './random.ts'

/** The words of JSON Schema that decide a value. */
interface Schema {
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  format?: string
  pattern?: string
  default?: unknown
  examples?: unknown[]
}

const WORDS = ['amber', 'basalt', 'cedar', 'delta', 'ember', 'flint', 'garnet', 'harbor']

/** A value that fits a schema (TypeBox schemas are JSON Schema): `examples` and `default` first, then the type. */
export function valueOf(schema: Schema, random: Random, name = ''): unknown {
  if (schema.const !== undefined) return schema.const
  const choices = schema.enum ?? schema.examples ?? schema.anyOf
  if (choices && choices.length > 0) {
    const choice = random.pick<unknown>(choices)
    return choices === schema.anyOf ? valueOf(choice as Schema, random, name) : choice
  }
  if (schema.default !== undefined) return schema.default
  switch (schema.type) {
    case 'object':
      return objectOf(schema, random)
    case 'array':
      return Array.from({ length: Math.max(1, schema.minItems ?? 1) }, () =>
        valueOf(schema.items ?? {}, random, name),
      )
    case 'integer':
      return wholeNumber(schema, random)
    case 'number':
      return Math.round((numberBase(schema) + random.next() * numberSpan(schema)) * 100) / 100
    case 'boolean':
      return random.below(2) === 1
    case 'null':
      return null
    default:
      return textOf(schema, random, name)
  }
}

function objectOf(schema: Schema, random: Random): Record<string, unknown> {
  const required = new Set(schema.required)
  const object: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    // Optional properties are there half of the time.
    if (required.has(name) || random.below(2) === 1) object[name] = valueOf(property, random, name)
  }
  return object
}

const numberBase = ({ minimum }: Schema) => minimum ?? 1
const numberSpan = (schema: Schema) =>
  Math.min((schema.maximum ?? numberBase(schema) + 99) - numberBase(schema), 99)

function wholeNumber(schema: Schema, random: Random): number {
  return Math.ceil(numberBase(schema)) + random.below(Math.floor(numberSpan(schema)) + 1)
}

function textOf(schema: Schema, random: Random, name: string): string {
  const { pattern, minLength = 0, maxLength, format } = schema
  if (format === 'date-time') return `2026-01-${10 + random.below(20)}T12:00:00Z`
  if (format === 'date') return `2026-01-${10 + random.below(20)}`
  // Money and other exact numbers travel as text with a pattern of digits.
  if (pattern && /\\d|0-9/.test(pattern)) {
    const amount = `${1 + random.below(99)}`
    return new RegExp(pattern).test(amount) ? amount : `${amount}.${10 + random.below(90)}`
  }
  return wordOf(random, name).padEnd(minLength, 'x').slice(0, maxLength)
}

/** One of eight values for a route parameter or a text property of this name, so that counts by it are worth looking at. */
export function wordOf(random: Random, name: string): string {
  return name === '' ? random.pick(WORDS) : `${name}_${random.pick(WORDS)}`
}
