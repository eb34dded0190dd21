/**
 * What the types of a pipeline file must refuse, and what they must know. `tsc --noEmit` is the test: a line after
 * @ts-expect-error that is no error is one.
 */
import { Decimal, definePipeline, type EventOf, type Pipeline, Type } from 'landfall'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function expectType<T extends true>(..._proof: T[]): void {}

const purchase = Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) })

export const good = definePipeline({
  name: 'types',
  events: {
    default: Type.Object({}),
    purchase,
    paid: Type.Object({
      amount: Decimal(10, 2),
      note: Type.Optional(Type.String()),
      kind: Type.Enum(['a', 'b']),
    }),
  },
  state: {
    key: ({ headers }) => headers.host ?? '',
    initial: { spent: 0, last: null as string | null },
    reduce(state, event) {
      expectType<Equal<typeof state, Readonly<{ spent: number; last: string | null }>>>()
      if (event.event_type === 'purchase') {
        expectType<Equal<typeof event.cost, number | null>>()
        return { ...state, spent: state.spent + (event.cost ?? 0) }
      }
      // @ts-expect-error there is no such event
      if (event.event_type === 'purchas') return state
      return state
    },
  },
  routes: {
    'GET /': (_request, { track, state }) => {
      track('default', {})
      expectType<Equal<typeof state.spent, number>>()
      // @ts-expect-error the state has no such member
      return String(state.spend)
    },
    'GET /buy/:item/of/:shop': ({ params, body, headers }, { track }) => {
      expectType<Equal<typeof params.item, string>>()
      expectType<Equal<typeof params.shop, string>>()
      expectType<Equal<typeof body, unknown>>()
      expectType<Equal<typeof headers.host, string | undefined>>()
      // @ts-expect-error the path has no such parameter
      const { itme } = params
      // @ts-expect-error a misspelt event
      track('purchas', { type: 'sabre', cost: 6 })
      // @ts-expect-error a misspelt property
      track('purchase', { typ: 'sabre', cost: 6 })
      // @ts-expect-error a property that is not in the plan
      track('purchase', { type: 'sabre', cost: 6, colour: 'red' })
      // @ts-expect-error a property is missing
      track('purchase', { type: 'sabre' })
      // @ts-expect-error a text is not an integer
      track('purchase', { type: 'sabre', cost: '6' })
      // @ts-expect-error money is text
      track('paid', { amount: 6, kind: 'a' })
      // @ts-expect-error not one of the texts
      track('paid', { amount: '6.00', kind: 'c' })
      track('paid', { amount: '6.00', kind: 'a' })
      const id = track('purchase', { type: 'sabre', cost: null })
      expectType<Equal<typeof id, string>>()
      return { status: 201, text: itme }
    },
    'POST /pay': {
      body: Type.Object({ amount: Decimal(10, 2), times: Type.Integer() }),
      handler: ({ body, params }, { track, state }) => {
        expectType<Equal<typeof body.amount, string>>()
        expectType<Equal<typeof body.times, number>>()
        expectType<Equal<typeof state.last, string | null>>()
        // @ts-expect-error the body has no such member
        track('paid', { amount: body.amuont, kind: 'a' })
        // @ts-expect-error the path has no parameter
        return { json: params.id }
      },
    },
    'PUT /other/:id': {
      body: Type.Array(Type.String()),
      handler: ({ body, params }) => {
        expectType<Equal<typeof body, string[]>>()
        return params.id
      },
    },
    // @ts-expect-error a number is no answer
    'GET /wrong': () => 5,
  },
  tables: {
    purchases: { events: ['purchase'], headers: ['Host'] },
    all: { events: '*', headers: { Host: 'host', 'Content-Length': { column: 'length', type: 'int' } } },
    // @ts-expect-error no such event
    misspelt: { events: ['purchas'] },
    // @ts-expect-error a text without * is not a pattern
    unpatterned: { events: 'purchase' },
    // @ts-expect-error no such option
    misoption: { events: '*', header: ['Host'] },
    // @ts-expect-error no such codec
    codec: { events: '*', codec: 'gzip' },
  },
  // @ts-expect-error no such mode
  sources: { web: { mode: 'refuse' } },
})

type Events = typeof good extends Pipeline<infer E, infer _S> ? E : never
expectType<Equal<keyof Events, 'default' | 'purchase' | 'paid'>>()
expectType<Equal<Extract<EventOf<Events>, { event_type: 'purchase' }>['cost'], number | null>>()

/** A pipeline of whatever events and state, as the rooms take it. */
export const erased: Pipeline = good

export const stateless = definePipeline({
  name: 'stateless',
  events: { e: Type.Object({}) },
  routes: {
    'GET /': (_request, { state }) => {
      expectType<Equal<typeof state, Readonly<undefined>>>()
      return ''
    },
  },
  tables: {},
})

definePipeline({
  name: 'wrong',
  events: { e: Type.Object({}) },
  tables: {},
  // @ts-expect-error no such option
  table: {},
})

// @ts-expect-error events are objects
definePipeline({ name: 'wrong', events: { e: Type.String() }, tables: {} })

export const named = definePipeline({
  name: 'named',
  events: { purchase },
  tables: { purchases: { events: ['purchase'] } },
  views: { totals: 'SELECT sum(cost) AS total FROM purchases' },
  reference: {
    prices: { file: './prices.csv', columns: { item: 'varchar', price: 'decimal(18, 2)' } },
    // @ts-expect-error a misspelt type
    wrong_type: { file: './prices.csv', columns: { item: 'varcha' } },
    // @ts-expect-error a misspelt option
    wrong_option: { file: './prices.csv', colums: { item: 'varchar' } },
    // @ts-expect-error a reference needs its file
    without_file: {},
  },
})

export const misspelt = definePipeline({
  name: 'misspelt',
  events: { purchase },
  tables: { purchases: { events: ['purchase'] } },
  // @ts-expect-error a misspelt key
  veiws: { totals: 'SELECT 1' },
})

const HEADERS: string[] = ['Host']

export const asked = definePipeline({
  name: 'asked',
  events: { purchase, leave_guild: Type.Object({ guild_name: Type.String() }) },
  tables: {
    purchases: { events: '*purch*', headers: ['Host', 'User-Agent'] },
    guilds: {
      events: ['leave_guild'],
      headers: { Host: 'host', Accept: true, TE: { column: 'te' } },
      rawEvent: false,
    },
    chosen: { events: '*', columns: ['event_id', 'timestamp'] },
    open: { events: '*', headers: HEADERS },
  },
  questions: {
    text: { title: 'As text', sql: 'SELECT 1' },
    named: {
      title: 'Each table and its columns',
      sql: ({ purchases: p, guilds: g, chosen, open, events, dead_letters }) => {
        expectType<
          Equal<
            keyof typeof p,
            'raw_event' | 'timestamp' | 'event_type' | 'Host' | 'User-Agent' | 'type' | 'cost'
          >
        >()
        expectType<
          Equal<keyof typeof g, 'timestamp' | 'event_type' | 'host' | 'Accept' | 'te' | 'guild_name'>
        >()
        expectType<Equal<keyof typeof chosen, 'event_id' | 'timestamp'>>()
        expectType<Equal<keyof typeof open, string>>()
        return `SELECT ${p.type} FROM ${p}, ${g}, ${events}, ${dead_letters} WHERE ${events.offset} > 1 OR ${dead_letters.reason} = ''`
      },
    },
    // @ts-expect-error no such table
    no_table: { title: 'x', sql: ({ purchses }) => `SELECT 1 FROM ${purchses}` },
    // @ts-expect-error no such column
    no_column: { title: 'x', sql: ({ purchases }) => `SELECT ${purchases.typ} FROM ${purchases}` },
    // @ts-expect-error a column of another table
    other: { title: 'x', sql: ({ purchases }) => `SELECT ${purchases.guild_name} FROM ${purchases}` },
    // @ts-expect-error no text
    no_text: { title: 'x', sql: ({ purchases }) => purchases },
  },
})
