import { isUtf8 } from 'node:buffer'
import { expect, test } from 'vitest'
import { type Framing, JsonScanner, padded, STRIDE, span } from '../../src/collector/scan-events.ts'
import { testSeed } from '../support/seed.ts'

const LIMITS = { depthMax: 128, eventsMax: 10_000, eventBytesMax: 1024 * 1024 }

function scan(
  text: string | Buffer,
  framing: Framing = 'either',
  limits = LIMITS,
  subject: string | null = 'user',
) {
  const bytes = Buffer.from(text)
  const scanner = new JsonScanner(limits, subject)
  const ok = scanner.scan(padded([bytes], bytes.length), bytes.length, framing)
  const field = (i: number, slot: number) => {
    const [start, end] = [scanner.spans[i * STRIDE + slot]!, scanner.spans[i * STRIDE + slot + 1]!]
    return start < 0 ? undefined : bytes.toString('utf8', start, end)
  }
  const events = Array.from({ length: ok ? scanner.count : 0 }, (_, i) => ({
    text: field(i, span.start)!,
    type: field(i, span.typeStart),
    id: field(i, span.idStart),
    subject: field(i, span.subjectStart),
  }))
  return { ok, events, fault: scanner.fault }
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Lone surrogates anywhere, and names twice at the top: what the format excludes and JSON.parse does not. */
function excluded(text: string): boolean {
  const lone = (value: unknown): boolean =>
    typeof value === 'string'
      ? !value.isWellFormed()
      : Array.isArray(value)
        ? value.some(lone)
        : typeof value === 'object' &&
          value !== null &&
          Object.entries(value).some(([k, v]) => lone(k) || lone(v))
  return lone(JSON.parse(text)) || hasEscapeOfHalfAPair(text) || namesTwice(text)
}

/** Also where a later member of the same name hides the value from JSON.parse. */
function hasEscapeOfHalfAPair(text: string): boolean {
  for (const [literal] of text.matchAll(/"(?:[^"\\]|\\.)*"/gs)) {
    if (!(JSON.parse(literal) as string).isWellFormed()) return true
  }
  return false
}

/** By brute force: renames one top-level name at a time in a tokenised text and counts distinct names. */
function namesTwice(text: string): boolean {
  const seen = new Set<string>()
  let depth = 0
  let expectName = false
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs)) {
    if (token === '{' || token === '[') {
      depth++
      expectName = token === '{' && depth === 1
    } else if (token === '}' || token === ']') depth--
    else if (token === ',') expectName = depth === 1
    else if (token.startsWith('"') && expectName && depth === 1) {
      const name = JSON.parse(token) as string
      if (seen.has(name)) return true
      seen.add(name)
      expectName = false
    }
  }
  return false
}

function expected(bytes: Buffer): boolean {
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return false
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !excluded(text)
}

const SEEDS = [
  '{"event_type":"purchase_sword","type":"sabre","cost":6,"event_id":"a-1","user":"u1"}',
  '{ "event\\u005ftype" : "x" , "a" : [ 1 , -2.5e+3 , true , false , null , { "b" : "\\"\\\\\\/\\b\\f\\n\\r\\t" } ] }',
  '{"a":1,"\\u0061b":2,"":0,"\u00e9\u4e2d\ud83d\ude00":"\\ud83d\\ude00","n":[[],[{}],{"c":{"d":[]}}]}',
  '{"k1":0,"k2":-0,"k3":0.0,"k4":1e400,"k5":1E-2,"k6":123456789012345678901234567890}',
  '{"user":12,"event_id":"","event_type":null,"z":"\\u0000","__proto__":{"x":1}}',
]
const BITS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '1',
  'e',
  '.',
  '-',
  '+',
  ' ',
  '\t',
  '\r',
  'a',
  'n',
  't',
  'u',
  '\\u',
  '\\ud83d',
  '\\ude00',
  'true',
  'null',
  '"a":',
  '"event_type":',
  '\u0001',
  '\u007f',
  '\u00e9',
  '\ud83d\ude00',
  '1e',
  '00',
  ',,',
]

function mutate(random: () => number): Buffer {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  let text = pick(SEEDS)
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
    const at = Math.floor(random() * (text.length + 1))
    const cut = Math.floor(random() * 4)
    text =
      random() < 0.3
        ? text.slice(0, at) + text.slice(at + cut)
        : text.slice(0, at) + pick(BITS) + text.slice(at + (random() < 0.5 ? cut : 0))
  }
  const bytes = Buffer.from(text)
  if (random() < 0.02 && bytes.length > 0)
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
  return bytes
}

test('says of 200,000 mutated events what JSON.parse says, but for what the format excludes', () => {
  const seed = testSeed(48)
  const random = randomOf(seed)
  let valid = 0
  for (let i = 0; i < 200_000; i++) {
    const bytes = mutate(random)
    // A line end between two events is framing, not JSON; and text that is not UTF-8 is refused before the scan.
    if (bytes.includes(10) || !isUtf8(bytes)) continue
    const wanted = expected(bytes)
    if (wanted) valid++
    const scanned = scan(bytes, 'json')
    const found = scanned.ok && scanned.events.length === 1 && bytes[bytes.findIndex((c) => c > 32)] === 0x7b
    if (found !== wanted) {
      expect.fail(
        `seed ${seed}, round ${i}: ${JSON.stringify(bytes.toString())} is ${wanted ? '' : 'not '}an event; ${JSON.stringify(scanned.fault)}`,
      )
    }
    if (wanted && scanned.events[0]!.text.trim() !== bytes.toString().trim())
      expect.fail(`seed ${seed}: not the whole event`)
  }
  // Enough of both kinds, or the comparison says little.
  expect(valid, `seed ${seed}`).toBeGreaterThan(20_000)
  expect(valid).toBeLessThan(180_000)
})

test('finds the named fields of random objects where JSON.parse finds them', () => {
  const seed = testSeed(48)
  const random = randomOf(seed)
  const names = [
    'event_type',
    'event_id',
    'user',
    'a',
    'b',
    'event_typ',
    'event_typf',
    'userx',
    'u\u00e9',
    'x'.repeat(200),
  ]
  const values = ['"t"', '1.5', 'null', '[1]', '{"event_type":"inner"}', '"\\u0041"', 'true', '""']
  for (let i = 0; i < 20_000; i++) {
    const chosen = names.filter(() => random() < 0.5).sort(() => random() - 0.5)
    const many = random() < 0.05 ? Array.from({ length: 40 }, (_, n) => `n${n}`) : []
    const members = [...many, ...chosen].map((name) => {
      const escaped =
        random() < 0.2 ? name.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : name
      return [name, `"${escaped}": ${values[Math.floor(random() * values.length)]}`] as const
    })
    const text = `{${members.map(([, member]) => member).join(' , ')}}`
    const { ok, events } = scan(text)
    expect(ok, `seed ${seed}: ${text}`).toBe(true)
    const value = JSON.parse(text) as Record<string, unknown>
    for (const [name, found] of [
      ['event_type', events[0]!.type],
      ['event_id', events[0]!.id],
      ['user', events[0]!.subject],
    ] as const) {
      const real = value[name]
      const wanted = real === undefined ? undefined : typeof real === 'object' && real !== null ? '' : real
      expect(
        found === undefined || found === '' ? found : JSON.parse(found),
        `seed ${seed}: ${name} of ${text}`,
      ).toEqual(wanted)
    }
  }
})

test('tells arrays, lines and single objects apart by content type, else by the first byte', () => {
  expect(scan('[{"a":1},\n {"b":2}]').events.map((e) => e.text)).toEqual(['{"a":1}', '{"b":2}'])
  expect(scan('\n{"a":1}\r\n\r\n{"b":2}\n').events.map((e) => e.text)).toEqual(['{"a":1}', '{"b":2}'])
  expect(scan('{"a":\n1}').events).toHaveLength(1)
  expect(scan('[]').events).toEqual([])
  expect(scan(' \n').events).toEqual([])
  expect(scan('{"a":1}\n{"b":2}', 'json').fault).toEqual({ reason: 'syntax', position: 8 })
  expect(scan('{"a":1}{"b":2}', 'either').fault).toEqual({ reason: 'line', position: 7 })
  expect(scan('{"a":\n1}', 'lines').fault).toEqual({ reason: 'syntax', position: 5 })
  expect(scan('[{"a":1}]', 'lines').fault?.reason).toBe('not-an-object')
  expect(scan('[{"a":1}, 5]').fault).toEqual({ reason: 'not-an-object', position: 10 })
  expect(scan('[{"a":1},]').ok).toBe(false)
  expect(scan('[{"a":1}').ok).toBe(false)
  expect(scan('[{"a":1}] x').fault).toEqual({ reason: 'syntax', position: 10 })
  expect(scan('\ufeff{}').fault).toEqual({ reason: 'syntax', position: 0 })
})

test('refuses what is twice, too deep, too many or too large, with its place', () => {
  expect(scan('{"a":1,"\\u0061":2}').fault).toEqual({ reason: 'duplicate', position: 8, name: 'a' })
  expect(scan('{"a":{"b":1,"b":2}}').ok).toBe(true)
  const many = Array.from({ length: 60 }, (_, i) => `"n${i}":0`).join(',')
  expect(scan(`{${many}}`).ok).toBe(true)
  expect(scan(`{${many},"n3":1}`).fault?.reason).toBe('duplicate')
  expect(scan(`{"a":${'['.repeat(127)}${']'.repeat(127)}}`).ok).toBe(true)
  expect(scan(`{"a":${'['.repeat(128)}${']'.repeat(128)}}`).fault?.reason).toBe('depth')
  expect(scan(`{"a":${'['.repeat(500_000)}`).fault?.reason).toBe('depth')
  expect(scan('{}\n{}\n{}', 'either', { ...LIMITS, eventsMax: 2 }).fault).toEqual({
    reason: 'too-many',
    position: 6,
  })
  expect(scan('{"a":"xxxxxxxx"}', 'either', { ...LIMITS, eventBytesMax: 10 }).fault?.reason).toBe('too-large')
  expect(scan('{"a":"\\ud800"}').fault).toEqual({ reason: 'surrogate', position: 6 })
  expect(scan('{"a":"\\udc00\\ud800"}').fault?.reason).toBe('surrogate')
  expect(scan('{"a":"\\ud83d\\ude00"}').ok).toBe(true)
})
