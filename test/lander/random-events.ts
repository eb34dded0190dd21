/** Plans, tables and events at random: most fit, many nearly, some are bent until they are no JSON. */
import { Type } from 'typebox'
import { hashOf } from '../../src/model/canonical-json.ts'
import type { Column, ColumnType } from '../../src/model/columns.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import type { CompiledPipeline, TableDefinition } from '../../src/model/pipeline.ts'
import type { Plan, PlanEvent, PlanProperty } from '../../src/model/plan.ts'
import type { Random } from '../../src/simulate/random.ts'
import type { Sent } from './support.ts'

const EVENTS = ['buy', 'Buy', 'join guild', 'a/b:c.d', '1', 'true', 'constructor']
const PROPERTIES = ['a', 'A', 'cost', 'Cost', 'at', 'day', 'toString', 'x-y', '_e', 'null_', 'deep', 'note']
const HEADERS = ['Host', 'User-Agent', 'X-Count']
// biome-ignore format: a list
const TYPES: ColumnType[] = ['string', 'long', 'double', 'boolean', 'date', 'timestamptz', 'json', 'decimal(10, 2)', 'decimal(38, 0)', 'decimal(5, 5)']

export interface RandomPipeline {
  pipeline: CompiledPipeline
  /** Its own plan and older ones. */
  plans: Map<string, Plan>
}

export function randomPipeline(random: Random): RandomPipeline {
  const plan = randomPlan(random)
  const older = [randomPlan(random), { ...plan.events, ...randomPlan(random).events }].map((events) =>
    versioned('version' in events ? (events as Plan).events : (events as Plan['events'])),
  )
  const tables = [0, 1, 2].map((i) => randomTable(random, `t${i}`, plan))
  const base = definePipeline({
    name: 'random',
    events: { e: Type.Object({}) },
    tables: {},
    sources: {
      plain: { writeKey: 'plain-key' },
      past: { writeKey: 'past-key-1', trustTime: { past: '7d', future: '5m' } },
      ever: { writeKey: 'ever-key-1', trustTime: { field: 'at', past: '99999999d', future: '3000000d' } },
    },
  }).compiled
  const all = [plan, ...older]
  return {
    pipeline: { ...base, plan, tables, headers: HEADERS },
    plans: new Map(all.map((each) => [each.version, each])),
  }
}

function versioned(events: Plan['events']): Plan {
  return { version: hashOf(events), events }
}

function randomPlan(random: Random): Plan {
  const names = EVENTS.filter(() => random.below(3) > 0)
  const events = [...new Set([random.pick(EVENTS), ...names])].map((name): [string, PlanEvent] => [
    name,
    {
      name,
      properties: PROPERTIES.filter(() => random.below(2) > 0).map((each) => randomProperty(random, each)),
    },
  ])
  return versioned(Object.fromEntries(events))
}

function randomProperty(random: Random, name: string): PlanProperty {
  const type = random.pick(TYPES)
  const property: PlanProperty = {
    name,
    type,
    required: random.below(2) > 0,
    nullable: random.below(3) === 0,
  }
  if (type === 'string' && random.below(4) === 0)
    property.oneOf = ['', "it's", '${a}', '"\\', 'ü😀', '5', 'true', 'x'.repeat(70)]
  if (type === 'string' && random.below(4) === 0) property.minLength = random.below(3)
  if (type === 'string' && random.below(4) === 0) property.maxLength = 2 + random.below(60)
  if ((type === 'long' || type === 'double') && random.below(3) === 0)
    property.minimum = random.pick([-3, 0, -9007199254740991])
  if ((type === 'long' || type === 'double') && random.below(3) === 0)
    property.maximum = random.pick([0, 7, 9007199254740991])
  if (type === 'double' && random.below(3) === 0) property.maximum = random.pick([1.5, 1e21, 1e-7])
  if (type === 'json') {
    const kind = random.pick(['array', 'object', undefined] as const)
    if (kind !== undefined) property.jsonKind = kind
  }
  return property
}

function randomTable(random: Random, name: string, plan: Plan): TableDefinition {
  const known = Object.keys(plan.events)
  const events = [...new Set([random.pick(known), ...known.filter(() => random.below(2) > 0)])]
  const columns: Column[] = [
    { name: 'event_id', type: 'string', source: { from: 'event_id' } },
    { name: 'raw_event', type: 'string', source: { from: 'raw_event' } },
    { name: 'timestamp', type: 'timestamptz', source: { from: 'timestamp' } },
    { name: 'received_at', type: 'timestamptz', source: { from: 'received_at' } },
    { name: 'event_type', type: 'string', source: { from: 'event_type' } },
    { name: 'host', type: 'string', source: { from: 'header', header: 'Host' } },
    { name: 'User-Agent', type: 'string', source: { from: 'header', header: 'User-Agent' } },
    { name: 'count', type: random.pick(['int', 'long']), source: { from: 'header', header: 'X-Count' } },
  ]
  const taken = new Set<string>()
  for (const event of events) {
    for (const { name: property, type } of plan.events[event]!.properties) {
      if (taken.has(property)) continue
      taken.add(property)
      columns.push({ name: `p${taken.size}`, type, source: { from: 'property', property } })
    }
  }
  return { name, events, columns, partition: null, codec: 'snappy' }
}

/** An event for one of the plans, as it may come from a door or from a foreign producer. */
export function randomSent(random: Random, { plans }: RandomPipeline, i: number): Sent {
  const plan = random.pick([...plans.values()])
  let text = eventText(random, plan)
  const isForeign = random.below(3) === 0
  if (isForeign && random.below(40) === 0)
    text = random.pick([
      '',
      ' ',
      ']',
      '}',
      '[',
      '{',
      '{}]',
      '5',
      'null',
      '{"event_type"',
      '{"event_type":',
      '{"a":[1,]}',
      '{"a":1,}',
    ])
  if (isForeign) for (let bends = random.below(3); bends > 0; bends--) text = bend(text, random)
  const sent: Sent = {
    event: text,
    at: i * 1000 + random.below(1000),
    plan:
      random.below(8) === 0 && isForeign
        ? random.pick([null, 'unknown', 'x'.repeat(200), 'é'])
        : plan.version,
  }
  if (!isForeign) sent.id = random.below(20) === 0 ? `again-${random.below(5)}` : `id-${i}`
  else if (random.below(3) === 0) sent.id = random.pick(['not an id', '', 'é', 'x'.repeat(129)])
  if (isForeign && random.below(30) === 0)
    sent.value = Buffer.from([
      ...Buffer.from(text),
      ...random.pick([[0xff], [0xed, 0xa0, 0x80], [0xc3, 0x28, 7, 0x7f], [0xf0, 0x9f]]),
    ])
  if (random.below(2) === 0) sent.source = random.pick(['plain', 'past', 'ever', 'else'])
  if (random.below(2) === 0) {
    sent.headers = {
      Host: random.pick(['h', 'a "b"', 'ü', '']),
      'X-Count': random.pick(['1', '-0', '007', '99999999999', '9223372036854775808', 'x', '1\n']),
    }
    if (random.below(2) === 0) sent.headers['User-Agent'] = 'agent'
  }
  return sent
}

function eventText(random: Random, { events }: Plan): string {
  const event = random.pick(Object.values(events))
  const members: [string, string][] = [
    [
      'event_type',
      JSON.stringify(
        random.below(30) === 0 ? random.pick(['', 'BUY', 'no\u0001"\u007f', 'x😀'.repeat(40)]) : event.name,
      ),
    ],
  ]
  if (random.below(60) === 0) members[0]![1] = random.pick(['5', 'null', 'true', '["e"]', '{"a":"b"}'])
  for (const property of event.properties) {
    if (random.below(30) === 0) continue
    members.push([property.name, random.below(30) === 0 ? anyValue(random) : fitting(random, property)])
  }
  if (random.below(3) === 0)
    members.push(['Host', random.pick(['"own"', 'null', '5', '["x",{"y":null}]', 'true', '"é\\n"'])])
  if (random.below(3) === 0)
    members.push(['X-Count', random.pick(['"12"', '12', '-2147483649', '1.5', '"0"'])])
  if (random.below(3) === 0) members.push(['undeclared', anyValue(random)])
  if (random.below(3) === 0) members.push(['timestamp', timeText(random)])
  if (random.below(4) === 0) members.reverse()
  const space = () => (random.below(8) === 0 ? random.pick([' ', '\t', '\r', ' \n ']) : '')
  const inner = members.map(
    ([name, value]) => `${space()}${nameText(random, name)}${space()}:${space()}${value}${space()}`,
  )
  return `${space()}{${inner.join(',')}}${space()}`
}

function nameText(random: Random, name: string): string {
  return random.below(15) === 0
    ? `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`
    : JSON.stringify(name)
}

// biome-ignore format: lists
const VALUES = ['null', 'true', 'false', '0', '-0', '5', '5.0', '1e3', '1E+2', '-0.0', '2.5e-3', '1e400', '-1e400', '1e-400', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '18446744073709551616',
  '12345678901234567890123456789012345678901', '0.1', '""', '"x"', '"5"', '"true"', '"null"', '"_"', '"null_"', '"a\\u0000b"', '"\\ud83d\\ude00"', '"\\\\ud800"', '"\\/\\b\\f\\n\\r\\t\\"\\\\"', '"[1]"', '"{"', '[]', '{}', '[1, 2.50,{"a":null,"_b":"_c","d_":"\\u00e9\\n"}]', '{"a":1,"b":[true,"null_","5_"]}',
  '"2021-07-30"', '"2021-02-30"', '"0000-01-01"', '"9999-12-31"', '"2021-7-30"', '"2021-07-30T18:43:03.611Z"', '"2021-07-30T18:43:03Z\\n"', '"0.00"', '"-12.5"', '"1.500"', '"00012.3"', '"123456789.1"', '".5"', '"-0.00"', '"1e2"', '"0.99999"', '"\u007f"', '"\u2028"']

function anyValue(random: Random): string {
  const pick = random.below(VALUES.length + 3)
  return (
    VALUES[pick] ??
    `"${random.pick(['ü', '😀', 'x', '\\u0041', 'a\\"'])}${random.pick(['y', '😀', '\\u00fF']).repeat(random.below(70))}"`
  )
}

function timeText(random: Random): string {
  const isFit = random.below(4) > 0
  const two = (below: number) => String(random.below(isFit ? below - 1 : below)).padStart(2, '0')
  const year = random.pick([
    '2026',
    '2026',
    '2026',
    '2025',
    '1969',
    '0001',
    '9999',
    isFit ? '2024' : '0000',
    '2024',
  ])
  const day = random.pick(['11-22', '11-21', '02-29', '01-01', '12-31', '11-15'])
  const fraction = random.pick([
    '',
    '.5',
    '.123456',
    '.1234569',
    '.999999999',
    ...(isFit ? [] : ['.', '.1234567890']),
  ])
  const offset = random.pick([
    'Z',
    '+00:00',
    '-23:59',
    '+23:59',
    '+05:30',
    ...(isFit ? [] : ['', 'z', '+0200', '+24:00']),
  ])
  return `"${year}-${day}T${two(25)}:${two(61)}:${two(61)}${fraction}${offset}"`
}

function fitting(random: Random, { type, nullable, oneOf, jsonKind }: PlanProperty): string {
  if (nullable && random.below(5) === 0) return 'null'
  if (oneOf) return JSON.stringify(random.pick(oneOf))
  switch (type) {
    case 'string':
      return random.pick([
        '"x"',
        '"it\'s"',
        '"ü😀"',
        '"5"',
        '"true"',
        '"\\u0041\\n"',
        '"_"',
        '"null_"',
        '"{}"',
      ])
    case 'long':
      return random.pick(['0', '7', '-3', '9007199254740993', '-9223372036854775808'])
    case 'double':
      return random.pick([
        '0',
        '0.1',
        '1e3',
        '-2.5E-3',
        '123456789012345678901234567890',
        '4.9e-324',
        '1.7976931348623157e308',
      ])
    case 'boolean':
      return random.pick(['true', 'false'])
    case 'date':
      return random.pick(['"2021-07-30"', '"0001-01-01"', '"9999-12-31"', '"2024-02-29"'])
    case 'timestamptz':
      return timeText(random)
    case 'json':
      return jsonKind === undefined
        ? anyValue(random)
        : jsonKind === 'array'
          ? random.pick(['[]', '[ 1,"_x",null,[{}]]'])
          : random.pick(['{}', '{"a":{"b":"c\\"\\\\"}, "d":-0.5}'])
    default:
      return random.pick([
        '"0"',
        '"-0"',
        '"0.5"',
        '"12"',
        '"-0.10"',
        '"00.00001"',
        '"99999999999999999999999999999999999999"',
      ])
  }
}

// biome-ignore format: a list of pieces
const PIECES = ['', '', '"', '\\', '0', '1', '9', '-', '.', 'e', 'E', '+', ',', ':', '{', '}', '[', ']', ' ', '\t', '\\u0000', '\\ud800', '\\udc00', '\\u12', '\\x', 'null', 'true', 'NaN', 'inf', 'é', '😀', '"a":1,', '\\n', '_', '\u00a0', '\u0001', '\u007f', '\ufeff', '//', '/**/', "'", '},{"e":"e"}', '}]', 't', 'f', 'n']

/** Replaces up to two characters by a piece. */
function bend(event: string, random: Random): string {
  const at = random.below(event.length + 1)
  return (event.slice(0, at) + random.pick(PIECES) + event.slice(at + random.below(3))).toWellFormed()
}
