import fc from 'fast-check'
import { type TSchema, Type } from 'typebox'
import { expect, test } from 'vitest'
import { canonicalJson, hashOf } from '../../src/model/canonical-json.ts'
import { Decimal } from '../../src/model/decimal.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'

const schema: fc.Arbitrary<TSchema> = fc.oneof(
  fc.constant(Type.String()),
  fc.nat(9).map((minLength) => Type.String({ minLength, maxLength: minLength + 3 })),
  fc.integer().map((minimum) => Type.Integer({ minimum })),
  fc.constant(Type.Number()),
  fc.constant(Type.Boolean()),
  fc.constant(Type.String({ format: 'date-time' })),
  fc.constant(Type.Union([Type.String({ format: 'date' }), Type.Null()])),
  fc.tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38)).map(([p, s]) => Decimal(p, Math.min(p, s))),
  fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }).map((texts) => Type.Enum(texts)),
  fc.constant(Type.Array(Type.String())),
)

const name = fc
  .stringMatching(/^[a-z][a-z0-9_]{2,8}$/)
  .filter((text) => !['timestamp', 'raw_event', 'event_type', 'event_id', 'events', 'ledger'].includes(text))
const optional = fc.tuple(schema, fc.boolean()).map(([type, may]) => (may ? Type.Optional(type) : type))
const definition = fc.record({
  name,
  // Each name has one type, so that any table may hold any events.
  properties: fc.dictionary(name, optional, { maxKeys: 6 }),
  events: fc.dictionary(name, fc.array(fc.nat(5), { maxLength: 6 }), { minKeys: 1, maxKeys: 5 }),
  tables: fc.dictionary(name, fc.uniqueArray(fc.constantFrom('Host', 'Accept', 'User-Agent')), {
    maxKeys: 3,
  }),
})

type Parts = typeof definition extends fc.Arbitrary<infer T> ? T : never

function compile(parts: Parts): CompiledPipeline {
  const properties = Object.entries(parts.properties)
  const eventOf = (picks: number[]) =>
    Object.fromEntries(picks.flatMap((i) => (properties[i] ? [properties[i]] : [])))
  const events = Object.fromEntries(
    Object.entries(parts.events).map(([event, picks]) => [event, Type.Object(eventOf(picks))]),
  )
  const tables = Object.fromEntries(
    Object.entries(parts.tables).map(([table, headers]) => [table, { events: '*' as const, headers }]),
  )
  return definePipeline({ name: parts.name, events, tables }).compiled
}

test('compiling the same definition twice gives the same data, and it survives JSON', () => {
  fc.assert(
    fc.property(definition, (parts) => {
      const once = compile(parts)
      expect(compile(parts)).toEqual(once)
      expect(JSON.parse(JSON.stringify(once))).toEqual(once)
      expect(hashOf(JSON.parse(JSON.stringify(once.plan.events)))).toBe(once.plan.version)
    }),
  )
})

test('a table has each property of its events once, after event_type', () => {
  fc.assert(
    fc.property(definition, (parts) => {
      const compiled = compile(parts)
      const properties = new Set(
        Object.values(compiled.plan.events).flatMap((event) => event.properties.map((p) => p.name)),
      )
      for (const table of compiled.tables) {
        const columns = table.columns.map((column) => column.name)
        expect(columns.slice(columns.indexOf('event_type') + 1)).toEqual([...properties])
        expect(new Set(columns.map((column) => column.toLowerCase())).size).toBe(columns.length)
      }
    }),
  )
})

test('canonical JSON does not depend on the order of keys, and is JSON of the same value', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, shuffled(member)]),
    )
  }
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as unknown
      expect(canonicalJson(shuffled(plain))).toBe(canonicalJson(plain))
      expect(JSON.parse(canonicalJson(plain))).toEqual(plain)
    }),
  )
})

test('canonical JSON refuses what JSON has not', () => {
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    5n,
    () => 1,
    undefined,
    new Map(),
    new Date(0),
    [undefined],
  ]) {
    expect(() => canonicalJson(value)).toThrow(TypeError)
  }
  expect(canonicalJson({ b: 1, a: { d: [2, null], c: 'x' }, e: undefined })).toBe(
    '{"a":{"c":"x","d":[2,null]},"b":1}',
  )
})
