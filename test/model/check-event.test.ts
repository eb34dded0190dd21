import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkEvent } from '../../src/model/check-event.ts'
import { isProblem, scanObject } from '../../src/model/json-scan.ts'
import type { Plan, PlanProperty } from '../../src/model/plan.ts'

interface Vector {
  event: string
  property: PlanProperty
  verdict: 'landed' | 'dead'
  reason: string | null
  field: string | null
}

const file = new URL('../../docs/formats/type-vectors.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }

function planOf(...properties: PlanProperty[]): Plan {
  return { version: 'test', events: { e: { name: 'e', properties } } }
}

describe('the type vectors', () => {
  test('are at least 120, and every reason is among them', () => {
    expect(vectors.length).toBeGreaterThan(120)
    expect(new Set(vectors.map((vector) => vector.reason))).toEqual(
      new Set([null, 'malformed_json', 'missing', 'unknown_event_type', 'type', 'value', 'range']),
    )
  })

  test.each(
    vectors.map((vector) => [`${vector.property.type} ${vector.event.slice(0, 80)}`, vector] as const),
  )('%s', (_name, vector) => {
    const fault = checkEvent(planOf(vector.property), vector.event)
    expect({ reason: fault?.reason ?? null, field: fault?.field ?? null }).toEqual({
      reason: vector.reason,
      field: vector.field,
    })
  })
})

describe('checkEvent', () => {
  const long: PlanProperty = { name: 'v', type: 'long', required: true, nullable: false }

  test('says what was expected and what was found', () => {
    expect(checkEvent(planOf(long), '{"event_type":"e","v":true}')).toEqual({
      reason: 'type',
      field: 'v',
      detail: 'expected an integer, found true',
    })
    expect(checkEvent(planOf(long), '{"event_type":"e","v":}')?.detail).toBe(
      'an unexpected character at character 23',
    )
  })

  test('reports the first fault in plan order, not in document order', () => {
    const second: PlanProperty = { ...long, name: 'w' }
    expect(checkEvent(planOf(second, long), '{"event_type":"e","v":"x","w":"x"}')?.field).toBe('w')
  })

  test('walks a megabyte of nesting without recursion', () => {
    const deep = `{"event_type":"e","x":${'['.repeat(500_000)}${']'.repeat(500_000)},"v":1}`
    expect(checkEvent(planOf(long), deep)).toBeNull()
    expect(checkEvent(planOf(long), deep.slice(0, 600_000))?.reason).toBe('malformed_json')
  })
})

describe('scanObject', () => {
  test('finds the members JSON.parse finds, whatever the object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, indent) => {
        const text = JSON.stringify(object, null, indent)
        const members = scanObject(text)
        if (isProblem(members)) throw new Error(`${members.problem} at ${members.at}`)
        const found = members.map((member) => [
          member.name,
          JSON.parse(text.slice(member.start, member.end)) as unknown,
        ])
        expect(found).toEqual(Object.entries(JSON.parse(text) as object))
      }),
    )
  })

  test('refuses what JSON.parse refuses, wherever one character is changed', () => {
    const base = '{"a":[1,-2.5e3,{"b":"x\\u00e9"}],"c":{"d":null,"e":true},"f":"g"}'
    fc.assert(
      fc.property(fc.nat(base.length - 1), fc.constantFrom(...'{}[]",:\\ 0-.eEtu\n'), (index, character) => {
        const text = base.slice(0, index) + character + base.slice(index + 1)
        let parsed: unknown
        try {
          parsed = JSON.parse(text)
        } catch {
          parsed = undefined
        }
        const object = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
        // A name twice and a lone surrogate are the two things we refuse and JSON.parse does not.
        const members = scanObject(text)
        if (object && isProblem(members)) expect(members.problem).toMatch(/twice|surrogate/)
        else expect(isProblem(members)).toBe(!object)
      }),
      { numRuns: 2000 },
    )
  })
})
