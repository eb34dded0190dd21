/** Whatever a pipeline declares, its players send what it accepts. */
import { expect, test } from 'vitest'
import { Decimal, definePipeline, Type } from '../../src/index.ts'
import { checkEvent } from '../../src/model/check-event.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { sendRequests } from '../../src/simulate/send.ts'
import { simulateHistory, simulatePlayers } from '../../src/simulate/simulate.ts'
import { opened } from '../collector/support.ts'

const DAY_MS = 86_400_000
const from = Date.UTC(2026, 2, 1)

const everything = definePipeline({
  name: 'everything',
  subject: 'user_id',
  session: 'visit',
  events: {
    page_view: Type.Object({
      user_id: Type.String(),
      visit: Type.String(),
      page: Type.String({ minLength: 20 }),
    }),
    short: Type.Object({ user_id: Type.String(), code: Type.String({ maxLength: 3 }), flag: Type.Boolean() }),
    numbers: Type.Object({
      some: Type.Integer({ minimum: -5, maximum: -2 }),
      narrow: Type.Number({ minimum: 0.25, maximum: 0.5 }),
      big: Type.Integer({ minimum: 9_000_000_000 }),
      one: Type.Integer({ minimum: 7, maximum: 7 }),
      below: Type.Integer({ maximum: 0 }),
    }),
    money: Type.Object({ price: Decimal(6, 2), tax: Decimal(3, 3), cents: Decimal(4, 0) }),
    times: Type.Object({ at: Type.String({ format: 'date-time' }), day: Type.String({ format: 'date' }) }),
    shapes: Type.Object({
      list: Type.Array(Type.String()),
      thing: Type.Object({ a: Type.Integer() }),
      whatever: Type.Unknown(),
      kind: Type.Union([Type.Literal('a'), Type.Literal('b')]),
      maybe: Type.Optional(Type.Integer()),
      nothing: Type.Union([Type.String(), Type.Null()]),
    }),
    open_door: Type.Object({ user_id: Type.String(), door: Type.String() }),
    close_door: Type.Object({ user_id: Type.String(), door: Type.String() }),
  },
  tables: { all: { events: '*', columns: ['raw_event', 'timestamp', 'event_type'] } },
}) as unknown as Pipeline

const hinted = definePipeline({
  ...everything.definition,
  name: 'hinted',
  simulate: {
    events: {
      money: { weight: 3, values: { price: { min: 0.5, max: 900 }, cents: { min: 1, max: 99 } } },
      numbers: { values: { narrow: [0.25, 0.3], some: { min: -5, max: -2 } } },
      page_view: {
        values: { page: { '/a/very/long/name/of/a/page': 3, '/another/long/name/of/a/page': 1 } },
      },
    },
    funnel: ['page_view', 'short', 'money'],
    pairs: [['open_door', 'close_door']],
    personas: {
      only: { share: 1, sessionsPerDay: 2, stepsPerSession: 20, stays: '30d', prefers: { times: 3 } },
    },
  },
} as never) as unknown as Pipeline

test.for([everything, hinted])('every event of every type of the plan is accepted', async (pipeline) => {
  const { plan } = pipeline.compiled
  const seen = new Map<string, number>()
  const doors = new Set<string>()
  const options = { players: 40, seed: 2, from, until: from + 20 * DAY_MS }
  for await (const { event } of simulateHistory(pipeline, options)) {
    expect(checkEvent(plan, event), event).toBe(null)
    const { event_type, user_id, door, visit } = JSON.parse(event)
    seen.set(event_type, (seen.get(event_type) ?? 0) + 1)
    if (user_id !== undefined) expect(user_id).toMatch(/^user\d+$/)
    if (visit !== undefined) expect(visit).toMatch(/^s[0-9a-z]+$/)
    if (event_type === 'close_door') expect(doors.delete(`${user_id} ${door}`)).toBe(true)
    if (event_type === 'open_door') doors.add(`${user_id} ${door}`)
  }
  expect([...seen.keys()].sort()).toEqual(Object.keys(plan.events).sort())
})

test('what is sent to the batch door is the event, with the key of a source that has one', () => {
  const requests = simulatePlayers(everything, { players: 10, seed: 1, from }, 'Bearer key-of-mine')
  for (let i = 0; i < 500; i++) {
    const { method, path, headers, body, step } = requests.next().value!
    expect([method, path, headers['Authorization']]).toEqual(['POST', '/v1/events', 'Bearer key-of-mine'])
    expect(Number(headers['Content-Length'])).toBe(Buffer.byteLength(body!))
    expect(JSON.parse(body!).event_type).toBe(step)
    expect(checkEvent(everything.compiled.plan, body!)).toBe(null)
  }
})

test('bodies fit the schemas of their routes', async () => {
  const Body = Type.Object({
    who: Type.String({ maxLength: 4 }),
    long: Type.String({ minLength: 30 }),
    at: Type.String({ format: 'date-time' }),
    day: Type.String({ format: 'date' }),
    tags: Type.Array(Type.Integer({ minimum: 3, maximum: 3 }), { minItems: 2 }),
    price: Decimal(8, 2),
    inner: Type.Object({ deep: Type.Union([Type.Literal('x'), Type.Null()]) }),
  })
  const pipeline = definePipeline({
    name: 'bodies',
    events: { sent: Type.Object({}) },
    tables: { all: { events: '*' } },
    routes: { 'POST /send/:id': { body: Body, handler: () => 'ok' } },
  }) as unknown as Pipeline
  const { collector } = await opened(pipeline as never)
  const requests = simulatePlayers(pipeline, { players: 30, seed: 4, from })
  const sent = await sendRequests({ url: collector.address, requests, count: 200, concurrency: 4, rate: 0 })
  expect(Object.fromEntries(sent.statuses)).toEqual({ 200: 200 })
})
