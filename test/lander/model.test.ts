import fc from 'fast-check'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { checkEvent } from '../../src/model/check-event.ts'
import { Decimal } from '../../src/model/decimal.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { isProblem, scanObject } from '../../src/model/json-scan.ts'
import type { TableDefinition } from '../../src/model/pipeline.ts'
import { parseTime } from '../../src/model/time.ts'
import { type Sent, World } from './support.ts'

// Random events through the lander, compared with a model of a few lines of plain JavaScript.

const pipeline = definePipeline({
  name: 'model',
  events: {
    buy: Type.Object({
      item: Type.String(),
      n: Type.Integer({ minimum: -5, maximum: 1000 }),
      price: Type.Optional(Decimal(6, 2)),
      at: Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()])),
    }),
    rate: Type.Object({
      stars: Type.Number({ maximum: 5 }),
      kind: Type.Union([Type.Literal('a'), Type.Literal('7')]),
      public: Type.Optional(Type.Boolean()),
      item: Type.Optional(Type.String({ maxLength: 3 })),
    }),
    note: Type.Object({
      tags: Type.Array(Type.String()),
      day: Type.Optional(Type.String({ format: 'date' })),
    }),
  },
  tables: {
    all: { events: '*', headers: ['Host'] },
    buys: {
      events: ['buy'],
      rawEvent: false,
      headers: { Host: 'host', 'X-Size': { column: 'size', type: 'long' } },
    },
    notes: { events: ['note'] },
  },
  duplicates: { window: '10m', volatile: ['sent_at'] },
}).compiled

const scalar = fc.oneof(
  fc.constantFrom(
    '5',
    '-0',
    '5.0',
    '1e2',
    '1001',
    '9223372036854775808',
    '1e400',
    '0.1',
    '4.999',
    '-6',
    '007',
    'NaN',
  ),
  fc.constantFrom('true', 'false', 'null', '[]', '{}', '["x",1]', '{"a":[1]}'),
  fc.constantFrom(
    '"a"',
    '"7"',
    '"5"',
    '"true"',
    '"[x"',
    '"-"',
    '"1.5"',
    '"1.555"',
    '"12345.6"',
    '""',
    '"é😀"',
    '"\\u0000"',
    '"null"',
  ),
  fc.constantFrom(
    '"2024-02-29T23:59:59.1234567+01:00"',
    '"2023-02-29T00:00:00Z"',
    '"2024-02-29"',
    '"2024-2-9"',
    '"\\ud800"',
  ),
  fc.string().map((text) => JSON.stringify(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
)

const names = [
  'item',
  'n',
  'price',
  'at',
  'stars',
  'kind',
  'public',
  'tags',
  'day',
  'Host',
  'X-Size',
  'sent_at',
  'Item',
]
const good: Record<string, string[]> = {
  buy: ['"item":"sword"', '"n":5', '"price":"1.50"', '"at":null'],
  rate: ['"stars":4.5', '"kind":"7"', '"public":true'],
  note: ['"tags":["x"]', '"day":"2024-02-29"'],
}

/** An event that fits, with a few of its fields replaced, dropped or added. */
const eventText = fc
  .tuple(
    fc.constantFrom('buy', 'rate', 'note', 'bye', '7'),
    fc.array(fc.tuple(fc.constantFrom(...names), scalar), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([type, changes, spaced]) => {
    const fields = new Map<string, string>([['"event_type"', JSON.stringify(type)]])
    for (const field of good[type] ?? []) {
      const colon = field.indexOf(':')
      fields.set(field.slice(0, colon), field.slice(colon + 1))
    }
    for (const [name, value] of changes) fields.set(JSON.stringify(name), value)
    const [open, comma, colon] = spaced ? ['{ ', ' , ', ': '] : ['{', ',', ':']
    return `${open}${[...fields].map(([name, value]) => `${name}${colon}${value}`).join(comma)}}`
  })

const sentEvent: fc.Arbitrary<Sent> = fc
  .tuple(
    fc.oneof(
      { weight: 9, arbitrary: eventText },
      { weight: 1, arbitrary: fc.constantFrom('', 'x', '[]', '{"event_type":1}', '{}') },
    ),
    fc.oneof(
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 9999 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 }) },
    ),
    fc.integer({ min: 0, max: 20 }),
    fc.boolean(),
    fc.option(
      fc.constantFrom<Record<string, string>>({ Host: 'h' }, { 'X-Size': '12' }, { Host: '', 'X-Size': 'x' }),
    ),
  )
  .map(([event, id, minutes, door, headers]) => ({
    event,
    id: `id${id}`,
    at: minutes * 60_000_000,
    // Only what a door has read strictly bears its plan.
    plan: door && !isProblem(scanObject(event)) ? pipeline.plan.version : null,
    ...(headers === null ? {} : { headers }),
  }))

type Row = Record<string, unknown>
interface Expected {
  tables: Record<string, Row[]>
  dead: { offset: number; reason: string; field: string | null }[]
  duplicates: number
}

/** What docs/formats/lander.md and types.md say, record by record. */
function model(sent: Sent[]): Expected {
  const expected: Expected = { tables: { all: [], buys: [], notes: [] }, dead: [], duplicates: 0 }
  const firsts = new Map<string, { at: number; text: string }[]>()
  sent.forEach((record, offset) => {
    const text = record.event as string
    const at = record.at!
    const first = firsts.get(record.id!)?.findLast((other) => other.at >= at - 600_000_000)
    if (first !== undefined) {
      if (same(first.text, text)) expected.duplicates += 1
      else expected.dead.push({ offset, reason: 'id_conflict', field: 'event_id' })
      return
    }
    firsts.set(record.id!, [...(firsts.get(record.id!) ?? []), { at, text }])
    const fault = checkEvent(pipeline.plan, text)
    if (fault !== null) {
      expected.dead.push({ offset, reason: fault.reason, field: fault.field })
      return
    }
    for (const table of pipeline.tables) {
      const row = rowOf(table, text, record)
      if (row !== undefined) expected.tables[table.name]!.push({ offset, ...row })
    }
  })
  return expected
}

function same(a: string, b: string): boolean {
  const plain = (text: string): unknown => {
    try {
      const { sent_at: _, ...rest } = JSON.parse(text) as Row
      return Array.isArray(JSON.parse(text)) ? undefined : rest
    } catch {
      return undefined
    }
  }
  if (a === b) return true
  const [one, other] = [plain(a), plain(b)]
  if (one === undefined || other === undefined) return false
  const sorted = (value: unknown): string =>
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
        : inner,
    )
  return sorted(one) === sorted(other)
}

function rowOf(table: TableDefinition, text: string, record: Sent): Row | undefined {
  const members = scanObject(text)
  if (isProblem(members)) throw new Error('the model judged it to fit')
  const source = new Map(members.map((member) => [member.name, text.slice(member.start, member.end)]))
  const type = JSON.parse(source.get('event_type')!) as string
  if (!table.events.includes(type)) return undefined
  const declared = new Set(pipeline.plan.events[type]!.properties.map((property) => property.name))
  const row: Row = {}
  for (const { name, type: columnType, source: from } of table.columns) {
    if (from.from === 'header')
      row[name] = header(source.get(from.header), record.headers?.[from.header], columnType)
    if (from.from === 'property') {
      row[name] = declared.has(from.property) ? value(columnType, source.get(from.property)) : null
    }
    if (from.from === 'raw_event') row[name] = text
    if (from.from === 'event_type') row[name] = type
  }
  return row
}

function header(own: string | undefined, sent: string | undefined, type: string): unknown {
  const field =
    own === undefined || own === 'null' ? undefined : own.startsWith('"') ? (JSON.parse(own) as string) : own
  const text = field ?? sent ?? null
  if (type === 'string')
    return text === null || text.startsWith('{') || text.startsWith('[') ? text : number(text)
  return text !== null && /^-?[0-9]+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
    ? String(BigInt(text))
    : null
}

/** The spelling of a number in a header's place is not promised; only its value is compared. */
function number(text: string): string {
  return /^-?\d+(\.\d+)?([eE]\d+)?$/.test(text) ? String(Number(text)) : text
}

function value(type: string, source: string | undefined): unknown {
  if (source === undefined || source === 'null') return null
  const parsed = JSON.parse(source) as unknown
  if (type === 'long') return String(BigInt(source))
  if (type === 'double') return String(Number(source) + 0)
  if (type.startsWith('decimal')) return Number(parsed).toFixed(2)
  if (type === 'timestamptz') return String(parseTime(parsed as string))
  if (type === 'json') return JSON.stringify(parsed)
  return parsed
}

function columnsOf(table: TableDefinition): string {
  return table.columns
    .filter((column) => column.source.from !== 'timestamp')
    .map(({ name, type }) => {
      const quoted = `"${name}"`
      return type === 'timestamptz' ? `epoch_us(${quoted})::VARCHAR AS ${quoted}` : quoted
    })
    .join(', ')
}

function normal(table: TableDefinition, row: Row): Row {
  const types = new Map(table.columns.map((column) => [column.name, column]))
  return Object.fromEntries(
    Object.entries(row).map(([name, found]) => {
      const column = types.get(name)!
      if (found === null) return [name, null]
      if (column.type === 'double') return [name, String(Number(found) + 0)]
      if (column.type.startsWith('decimal')) return [name, Number(found).toFixed(2)]
      if (column.type === 'json') return [name, JSON.stringify(JSON.parse(found as string))]
      if (column.source.from === 'header' && column.type === 'string') return [name, number(found as string)]
      return [name, column.type === 'boolean' ? found : String(found)]
    }),
  )
}

const byText = (rows: Row[]) => rows.map((row) => JSON.stringify(row)).sort()

const MALFORMED = { event: '', id: 'id1', at: 0, plan: null }

test('whatever is sent, tables and dead letters are those of the model', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sentEvent, { minLength: 1, maxLength: 120 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 100, max: 5000 }),
      async (sent, batchRows, chunkBytes) => {
        await using world = new World(pipeline)
        const half = Math.floor(sent.length / 2)
        if (half > 0) await world.send(...sent.slice(0, half))
        await world.land({ settings: { batchRows, chunkBytes } })
        await world.send(...sent.slice(half))
        await world.land({ settings: { batchRows: 1000, chunkBytes } })
        const expected = model(sent)
        const dead = await world.rows(
          'dead_letters',
          '"offset"::INT AS "offset", reason, field',
          'ORDER BY 1',
        )
        expect(dead).toEqual(expected.dead)
        const events = await world.lake.load('events')
        const duplicate = events?.counters?.[0]?.duplicate
        expect(duplicate).toBe(expected.duplicates)
        for (const table of pipeline.tables) {
          const found = await world.rows(table.name, columnsOf(table))
          const rows = expected.tables[table.name]!.map(({ offset: _, ...row }) => row)
          expect(byText(found.map((row) => normal(table, row)))).toEqual(byText(rows))
        }
      },
    ),
    // A malformed record sent twice was a duplicate and a second dead letter at once.
    { numRuns: 25, examples: [[[MALFORMED, MALFORMED], 1, 100]] },
  )
}, 240_000)
