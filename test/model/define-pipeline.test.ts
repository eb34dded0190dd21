import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { LandfallError } from '../../src/base/errors.ts'
import { Decimal } from '../../src/model/decimal.ts'
import { definePipeline, isPipeline } from '../../src/model/define-pipeline.ts'

type Definition = Parameters<typeof definePipeline>[0]

type Tables = Record<string, Record<string, string>>

const purchase = Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) })

function definition(change: Record<string, unknown> = {}): Definition {
  return {
    name: 'shop',
    events: { default: Type.Object({}), purchase_sword: purchase, purchase_shield: purchase },
    tables: {},
    ...change,
  } as unknown as Definition
}

const compile = (change: Record<string, unknown> = {}) => definePipeline(definition(change)).compiled

function table(input: Record<string, unknown>, change: Record<string, unknown> = {}) {
  return compile({ tables: { t: { events: '*purchase*', ...input } }, ...change }).tables[0]!
}

const names = (input: Record<string, unknown>) => table(input).columns.map((column) => column.name)

describe('the plan', () => {
  test('has a column type for each schema type', () => {
    const { plan } = compile({
      events: {
        e: Type.Object({
          text: Type.String({ minLength: 1, maxLength: 9, description: 'a text' }),
          count: Type.Integer({ minimum: 0, maximum: 9 }),
          ratio: Type.Number({ minimum: -0.5 }),
          flag: Type.Boolean(),
          one: Type.Literal('a'),
          two: Type.Union([Type.Literal('a'), Type.Literal('b')]),
          three: Type.Enum(['a', 'b']),
          maybe: Type.Union([Type.Literal('a'), Type.Literal('b'), Type.Null()]),
          optional: Type.Optional(Type.Integer()),
          nullable: Type.Union([Type.Integer(), Type.Null()]),
          plain: { type: ['string', 'null'] },
          at: Type.String({ format: 'date-time' }),
          day: Type.String({ format: 'date' }),
          money: Decimal(18, 2),
          noMoney: Type.Optional(Type.Union([Decimal(18, 2), Type.Null()])),
          list: Type.Array(Type.String()),
          object: Type.Object({ a: Type.String() }),
          any: Type.Unknown(),
        }),
      },
    })
    const must = { required: true, nullable: false }
    expect(plan.events.e!.properties).toEqual([
      { name: 'text', type: 'string', minLength: 1, maxLength: 9, ...must },
      { name: 'count', type: 'long', minimum: 0, maximum: 9, ...must },
      { name: 'ratio', type: 'double', minimum: -0.5, ...must },
      { name: 'flag', type: 'boolean', ...must },
      { name: 'one', type: 'string', oneOf: ['a'], ...must },
      { name: 'two', type: 'string', oneOf: ['a', 'b'], ...must },
      { name: 'three', type: 'string', oneOf: ['a', 'b'], ...must },
      { name: 'maybe', type: 'string', oneOf: ['a', 'b'], required: true, nullable: true },
      { name: 'optional', type: 'long', required: false, nullable: false },
      { name: 'nullable', type: 'long', required: true, nullable: true },
      { name: 'plain', type: 'string', required: true, nullable: true },
      { name: 'at', type: 'timestamptz', ...must },
      { name: 'day', type: 'date', ...must },
      { name: 'money', type: 'decimal(18, 2)', ...must },
      { name: 'noMoney', type: 'decimal(18, 2)', required: false, nullable: true },
      { name: 'list', type: 'json', jsonKind: 'array', ...must },
      { name: 'object', type: 'json', jsonKind: 'object', ...must },
      { name: 'any', type: 'json', ...must },
    ])
  })

  test('keeps its version when a table changes, and changes it with a property', () => {
    const version = compile().plan.version
    expect(version).toMatch(/^[0-9a-f]{16}$/)
    expect(compile({ tables: { all: { events: '*' } } }).plan.version).toBe(version)
    const other = { default: Type.Object({}), purchase_sword: purchase, purchase_shield: Type.Object({}) }
    expect(compile({ events: other }).plan.version).not.toBe(version)
  })
})

describe('a table', () => {
  test('has raw_event, timestamp, headers, event_type and properties, in this order', () => {
    expect(names({ headers: ['Accept', 'host', 'user-agent'] })).toEqual([
      'raw_event',
      'timestamp',
      'Accept',
      'Host',
      'User-Agent',
      'event_type',
      'type',
      'cost',
    ])
  })

  test('takes header columns under chosen names and types', () => {
    const headers = {
      Host: true,
      'User-Agent': 'User_Agent',
      'content-length': { column: 'Content_Length', type: 'int' },
    }
    expect(table({ headers, rawEvent: false }).columns.slice(1, 4)).toEqual([
      { name: 'Host', type: 'string', source: { from: 'header', header: 'Host' } },
      { name: 'User_Agent', type: 'string', source: { from: 'header', header: 'User-Agent' } },
      { name: 'Content_Length', type: 'int', source: { from: 'header', header: 'Content-Length' } },
    ])
  })

  test('has the columns that are named, in their order', () => {
    expect(names({ columns: ['cost', 'timestamp', 'received_at', 'event_id'] })).toEqual([
      'cost',
      'timestamp',
      'received_at',
      'event_id',
    ])
  })

  test('matches events by list, by pattern and all, in plan order', () => {
    expect(table({ events: ['purchase_shield', 'default'] }).events).toEqual(['default', 'purchase_shield'])
    expect(table({ events: '*_sword' }).events).toEqual(['purchase_sword'])
    expect(table({ events: 'purchase_*' }).events).toEqual(['purchase_sword', 'purchase_shield'])
    expect(table({ events: '*' }).events).toEqual(['default', 'purchase_sword', 'purchase_shield'])
  })

  test('is partitioned by the day of timestamp where it has it', () => {
    expect(table({}).partition).toEqual({ column: 'timestamp', transform: 'day' })
    expect(table({ columns: ['cost'] }).partition).toBeNull()
    expect(table({ partition: false }).partition).toBeNull()
    expect(table({ partition: { column: 'timestamp', transform: 'month' } }).partition).toEqual({
      column: 'timestamp',
      transform: 'month',
    })
  })
})

describe('the rest of a definition', () => {
  test('names each header once, in the order of the tables', () => {
    const tables = {
      a: { events: '*', headers: ['Host', 'Accept'] },
      b: { events: '*', headers: { accept: 'x' } },
    }
    expect(compile({ tables, headers: ['x-request-id', 'host'] }).headers).toEqual([
      'Host',
      'Accept',
      'X-Request-ID',
    ])
  })

  test('has defaults', () => {
    const compiled = compile()
    expect(compiled.sources).toEqual([
      { name: 'default', writeKey: null, mode: 'collect', trustTime: null, origins: [], rateMax: null },
    ])
    expect(compiled.duplicates).toEqual({ windowMs: 7 * 86_400_000, volatile: [] })
    expect(compiled.retention).toEqual({ ageMs: 7 * 86_400_000, bytes: 16 * 2 ** 30 })
    expect(compiled).toMatchObject({ subject: null, session: null, questions: [], headers: [] })
  })

  test('reads sources, durations, questions and the subject', () => {
    const compiled = compile({
      headers: ['Host'],
      subject: 'host',
      session: 'type',
      sources: {
        web: {
          writeKey: 'k-12345678',
          mode: 'reject',
          trustTime: { past: '30d', future: '500ms' },
          rateMax: 10,
        },
      },
      duplicates: { window: '12h', volatile: ['sent_at'] },
      retention: { age: '30m', bytes: 2 ** 30 },
      questions: { q: { title: ' How many? ', sql: ' SELECT 1 ;\n', chart: 'number' } },
    })
    expect(compiled.subject).toBe('Host')
    expect(compiled.session).toBe('type')
    expect(compiled.sources[0]).toMatchObject({
      mode: 'reject',
      trustTime: { field: 'timestamp', pastMs: 2_592_000_000, futureMs: 500 },
    })
    expect(compiled.duplicates).toEqual({ windowMs: 43_200_000, volatile: ['sent_at'] })
    expect(compiled.retention.ageMs).toBe(1_800_000)
    expect(compiled.questions).toEqual([{ name: 'q', title: 'How many?', sql: 'SELECT 1', chart: 'number' }])
  })

  test('a question may be a function of the tables, whose names it quotes', () => {
    const question = (sql: unknown) =>
      compile({
        tables: { purchases: { events: '*purchase*', headers: ['user-agent'] } },
        questions: { q: { title: 'q', sql } },
      }).questions[0]!.sql
    // biome-ignore lint/suspicious/noExplicitAny: as in a file without types.
    expect(
      question(
        ({ purchases: p, events }: any) => `SELECT ${p['user-agent']}, ${p.type} FROM ${p}, ${events};`,
      ),
    ).toBe('SELECT "User-Agent", "type" FROM "purchases", "events"')
  })

  test('its hash tells what decides how records land, and no secret', () => {
    const { hash } = compile()
    expect(compile({ sources: { default: { writeKey: 'a-secret-key' } } }).hash).toBe(hash)
    expect(compile({ questions: { q: { title: 'q', sql: 'SELECT 1' } } }).hash).toBe(hash)
    expect(compile({ duplicates: { window: '1h' } }).hash).not.toBe(hash)
    expect(compile({ tables: { all: { events: '*' } } }).hash).not.toBe(hash)
  })

  test('isPipeline knows what definePipeline made', () => {
    expect(isPipeline(definePipeline(definition()))).toBe(true)
    expect(isPipeline({ ...definePipeline(definition()) })).toBe(false)
    expect(isPipeline(null)).toBe(false)
  })
})

const handler = () => 'text'
const state = { initial: 0, reduce: (s: number) => s }
const t = (input: Record<string, unknown>) => ({ tables: { t: { events: '*', ...input } } })
const event = (schema: unknown, property = 'p') => ({
  events: { e: Type.Object({ [property]: schema as never }) },
})

/** What is changed · code · place · what the message or the remedy says. */
const refusals: [Record<string, unknown>, string, string, RegExp][] = [
  [{ name: 'My Shop' }, 'illegal-name', 'name', /lower-case/],
  [{ table: {} }, 'unknown-option', 'table', /Did you mean "tables"\?/],
  [{ events: {} }, 'value', 'events', /at least one/],
  [{ tables: [] }, 'value', 'tables', /a list/],
  [{ events: { 'a*': Type.Object({}) } }, 'illegal-name', 'events.a*', /Rename/],
  [{ events: { e: Type.String() } }, 'unsupported-type', 'events.e', /Type\.Object/],
  [event(Type.String(), 'timestamp'), 'reserved-name', 'events.e.timestamp', /trustTime/],
  [event(Type.String(), 'Event_Type'), 'reserved-name', 'events.e.Event_Type', /Rename/],
  [event(Type.String(), 'a b'), 'illegal-name', 'events.e.a b', /letters/],
  [
    {
      events: { e: { type: 'object', properties: Object.fromEntries([['__proto__', { type: 'string' }]]) } },
    },
    'illegal-name',
    'events.e.__proto__',
    /Rename/,
  ],
  [event(Type.BigInt()), 'unsupported-type', 'events.e.p', /bigint/],
  [event(Type.Null()), 'unsupported-type', 'events.e.p', /Optional/],
  [event(Type.Union([Type.String(), Type.Integer()])), 'unsupported-type', 'events.e.p', /no column type/],
  [event(Type.Literal(5)), 'unsupported-type', 'events.e.p', /Literal texts/],
  [event(Type.String({ pattern: '^a' })), 'unsupported-type', 'events.e.p', /pattern/],
  [event(Type.String({ format: 'email' })), 'unsupported-type', 'events.e.p', /format/],
  [event(Type.Integer({ multipleOf: 2 })), 'unsupported-type', 'events.e.p', /multipleOf/],
  [event(Type.Integer({ maximum: 2 ** 60 })), 'value', 'events.e.p', /exact/],
  [{ tables: { events: { events: '*' } } }, 'reserved-table', 'tables.events', /another name/],
  [{ tables: { dead_letters: { events: '*' } } }, 'reserved-table', 'tables.dead_letters', /another name/],
  [{ tables: { Purchases: { events: '*' } } }, 'illegal-name', 'tables.Purchases', /Write purchases/],
  [{ tables: { 'a-b': { events: '*' } } }, 'illegal-name', 'tables.a-b', /Rename/],
  [t({ event: '*' }), 'unknown-option', 'tables.t.event', /Did you mean "events"\?/],
  [t({ events: ['purchase_swrod'] }), 'unknown-event', 'tables.t.events', /Did you mean "purchase_sword"\?/],
  [t({ events: ['zzz'] }), 'unknown-event', 'tables.t.events', /There are: default, purchase_sword/],
  [t({ events: '*guild*' }), 'no-event', 'tables.t.events', /matches no event.*The plan has default/],
  [t({ events: 'default' }), 'value', 'tables.t.events', /\["default"\]/],
  [t({ events: [] }), 'value', 'tables.t.events', /list of event names/],
  [
    t({ headers: { Type: true } }),
    'column-clash',
    'tables.t.headers',
    /Type \(a header\).*equal but for case.*column name of its own/,
  ],
  [t({ headers: { Accept: 'x', Host: 'X' } }), 'column-clash', 'tables.t.headers', /equal but for case/],
  [t({ headers: { Accept: 'x', Host: 'x' } }), 'column-clash', 'tables.t.headers', /are equal/],
  [t({ headers: ['Authorization'] }), 'credential-header', 'tables.t.headers', /Remove/],
  [t({ headers: { cookie: 'c' } }), 'credential-header', 'tables.t.headers', /Cookie/],
  [{ headers: ['x-api-key'] }, 'credential-header', 'headers', /X-Api-Key/],
  [{ headers: ['proxy-authorization'] }, 'credential-header', 'headers', /never stored/],
  [{ headers: ['Event_Type'] }, 'reserved-name', 'headers', /never comes from a header/],
  [{ headers: ['received-at'] }, 'reserved-name', 'headers', /never comes from a header/],
  [{ headers: ['a b'] }, 'illegal-name', 'headers', /not a header name/],
  [{ ...event(Type.String(), 'Host'), headers: ['host'] }, 'column-clash', 'headers', /also a property/],
  [t({ headers: { Host: { type: 'double' } } }), 'value', 'tables.t.headers.Host.type', /int or long/],
  [t({ columns: ['csot'] }), 'unknown-column', 'tables.t.columns', /Did you mean "cost"\?/],
  [t({ columns: ['raw_event'], rawEvent: false }), 'unknown-column', 'tables.t.columns', /rawEvent/],
  [t({ columns: ['cost', 'cost'] }), 'column-clash', 'tables.t.columns', /twice/],
  [t({ codec: 'gzip' }), 'value', 'tables.t.codec', /zstd/],
  [t({ partition: { column: 'cost', transform: 'day' } }), 'value', 'tables.t.partition', /timestamptz/],
  [
    t({ partition: { column: 'at', transform: 'day' } }),
    'unknown-column',
    'tables.t.partition',
    /no column "at"/,
  ],
  [
    { events: { a: Type.Object({ p: Type.Integer() }), b: Type.Object({ p: Type.String() }) }, ...t({}) },
    'type-clash',
    'tables.t',
    /p is long in a and string in b/,
  ],
  [
    { events: { a: Type.Object({ p: Type.Integer(), P: Type.Integer() }) }, ...t({}) },
    'column-clash',
    'tables.t',
    /but for case/,
  ],
  [{ routes: { '/x': handler } }, 'route-pattern', 'routes["/x"]', /METHOD \/path/],
  [{ routes: { 'get /x': handler } }, 'route-pattern', 'routes["get /x"]', /METHOD/],
  [{ routes: { 'HEAD /x': handler } }, 'route-pattern', 'routes["HEAD /x"]', /no method HEAD/],
  [{ routes: { 'GET /a/*': handler } }, 'route-pattern', 'routes["GET /a/*"]', /wildcards/],
  [{ routes: { 'GET /a//b': handler } }, 'route-pattern', 'routes["GET /a//b"]', /empty segment/],
  [{ routes: { 'GET /a/:b.json': handler } }, 'route-pattern', 'routes["GET /a/:b.json"]', /whole segment/],
  [{ routes: { 'GET /:a/:a': handler } }, 'route-pattern', 'routes["GET /:a/:a"]', /stands twice/],
  [{ routes: { 'POST /v1/events': handler } }, 'reserved-route', 'routes["POST /v1/events"]', /outside/],
  [
    { routes: { 'GET /a/:b': handler, 'GET /a/:c': handler } },
    'duplicate-route',
    'routes["GET /a/:c"]',
    /same requests/,
  ],
  [{ routes: { 'GET /': { body: Type.Object({}), handler } } }, 'value', 'routes["GET /"].body', /no body/],
  [{ routes: { 'POST /': { body: Type.Object({}) } } }, 'value', 'routes["POST /"].handler', /function/],
  [{ routes: { 'GET /': 'text' } }, 'value', 'routes["GET /"]', /function/],
  [{ state: { ...state, reduce: 5 } }, 'value', 'state.reduce', /function/],
  [{ state: { ...state, initial: 5n } }, 'state-not-json', 'state.initial', /bigint/],
  [{ state: { ...state, initial: { at: new Map() } } }, 'state-not-json', 'state.initial', /JSON/],
  [{ state: { ...state, initial: { at: new Date(0) } } }, 'state-not-json', 'state.initial', /JSON/],
  [{ subject: 'Hots', headers: ['Host'] }, 'unknown-field', 'subject', /Did you mean "Host"\?/],
  [{ session: 'nothing' }, 'unknown-field', 'session', /neither a property/],
  [{ duplicates: { window: '7 days' } }, 'duration', 'duplicates.window', /7d, 12h/],
  [{ retention: { age: 'P7D' } }, 'duration', 'retention.age', /not a duration/],
  [{ retention: { bytes: 10 } }, 'value', 'retention.bytes', /1048576/],
  [{ sources: { web: { writeKey: undefined } } }, 'write-key', 'sources.web.writeKey', /Set it/],
  [{ sources: { web: { writeKey: '' } } }, 'write-key', 'sources.web.writeKey', /8 to 256/],
  [
    { sources: { a: { writeKey: 'same-key-1' }, b: { writeKey: 'same-key-1' } } },
    'duplicate-key',
    'sources.b',
    /as a/,
  ],
  [{ sources: { web: { mode: 'refuse' } } }, 'value', 'sources.web.mode', /collect or reject/],
  [{ sources: { web: { rateMax: 0 } } }, 'value', 'sources.web.rateMax', /above 0/],
  [
    { sources: { web: { trustTime: { past: '1y' } } } },
    'duration',
    'sources.web.trustTime.past',
    /not a duration/,
  ],
  [{ questions: { q: { title: 'q' } } }, 'question', 'questions.q.sql', /no SQL/],
  [{ questions: { q: { title: 'q', sql: ' ; ' } } }, 'question', 'questions.q.sql', /no SQL/],
  [
    { questions: { q: { title: 'q', sql: (tables: Tables) => `SELECT 1 FROM ${tables['event']}` } } },
    'unknown-table',
    'questions.q.sql',
    /no table "event" · Did you mean "events"\?/,
  ],
  [
    {
      questions: {
        q: { title: 'q', sql: ({ dead_letters }: Tables) => `SELECT ${dead_letters!['raeson']}` },
      },
    },
    'unknown-column',
    'questions.q.sql',
    /the table dead_letters has no column "raeson" · Did you mean "reason"\?/,
  ],
  [{ questions: { q: { title: '', sql: 'SELECT 1' } } }, 'question', 'questions.q.title', /no title/],
  [
    { questions: { q: { title: 'q', sql: 'SELECT 1', chart: 'donut' } } },
    'value',
    'questions.q.chart',
    /no chart donut/,
  ],
]

describe('a wrong definition is refused with its place and the remedy', () => {
  test.each(refusals)('%# %o', (change, code, place, words) => {
    let error: unknown
    try {
      definePipeline(definition(change))
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(LandfallError)
    const refused = error as LandfallError
    expect([refused.kind, refused.code, refused.details.place]).toEqual([
      'fix-config',
      `model/${code}`,
      place,
    ])
    expect(refused.message.startsWith(`${place}: `)).toBe(true)
    expect(`${refused.message} · ${refused.hint}`).toMatch(words)
    expect(refused.message).not.toContain('\n')
  })

  test('Decimal refuses what no table can hold', () => {
    for (const [precision, scale] of [
      [39, 2],
      [0, 0],
      [2, 3],
      [5, -1],
      [5.5, 1],
    ]) {
      expect(() => Decimal(precision!, scale!)).toThrow(/expected 1 <= precision <= 38/)
    }
  })
})
