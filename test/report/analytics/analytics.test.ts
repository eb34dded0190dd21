import { afterAll, describe, expect, test } from 'vitest'
import { Decimal, definePipeline, Type } from '../../../src/index.ts'
import { eventSource, fieldNames, fieldOf, funnel, percentiles, topN } from '../../../src/report/analytics.ts'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { Value } from '../../../src/sql/sql.ts'
import { acts, openActs } from './acts.ts'
import { CASES } from './cases.ts'

const lake = await openActs()
const engine = await openDuckdbEngine({ lake: lake.lake })
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

describe('by hand', () => {
  test.for(CASES)('$name', async ({ analysis, rows }) => {
    const answer = await engine.query(analysis.sql)
    const found: Value[][] = []
    for await (const page of answer.pages) found.push(...page)
    expect(found).toEqual(rows)
    expect(answer.columns.map(({ name }) => name)).toEqual(analysis.columns.map(({ name }) => name))
  })
})

const pipeline = definePipeline({
  name: 'shop',
  subject: 'X-User',
  sources: {
    web: { trustTime: { field: 'at', past: '30d' } },
    app: { writeKey: 'app-key-1', trustTime: { field: 'at', past: '60d', future: '1h' } },
  },
  events: {
    buy: Type.Object({ price: Decimal(12, 2), count: Type.Integer() }),
    look: Type.Object({ page: Type.String() }),
  },
  tables: { buys: { events: ['buy'], headers: { 'X-User': 'person' } }, looks: { events: ['look'] } },
}).compiled

describe('of a pipeline', () => {
  test('events has everything in raw_event, a table has columns', () => {
    const day = 86_400_000
    expect(eventSource(pipeline)).toEqual({
      table: 'events',
      subject: { member: 'X-User', type: 'varchar' },
      time: { trusted: 'at', received: 'received_at', pastMs: 60 * day, futureMs: 3_600_000 },
      event: { column: 'event_type' },
    })
    expect(eventSource(pipeline, 'buys', { at: 12n })).toEqual({
      table: 'buys',
      subject: { column: 'person' },
      time: { column: 'timestamp' },
      event: { column: 'event_type' },
      at: 12n,
    })
    expect(fieldOf(pipeline, 'events', 'price')).toEqual({ member: 'price', type: 'decimal(12, 2)' })
    expect(fieldOf(pipeline, 'buys', 'price')).toEqual({ column: 'price' })
    expect(fieldNames(pipeline, 'looks')).toEqual(['raw_event', 'timestamp', 'event_type', 'page'])
    expect(fieldNames(pipeline)).toContain('X-User')
  })

  test('what is not there is named, with the nearest name', () => {
    expect(() => fieldOf(pipeline, 'events', 'prise')).toThrow(
      expect.objectContaining({ code: 'report/unknown-field', hint: 'Did you mean price?' }),
    )
    expect(() => fieldOf(pipeline, 'bys', 'price')).toThrow(
      expect.objectContaining({ code: 'report/unknown-table', hint: 'Did you mean buys?' }),
    )
    expect(() => eventSource(pipeline, 'looks')).toThrow(
      expect.objectContaining({ code: 'report/no-subject' }),
    )
    expect(() => eventSource({ ...pipeline, subject: null })).toThrow(
      expect.objectContaining({ code: 'report/no-subject' }),
    )
  })
})

test('options that make no sense are refused before anything is asked', () => {
  const from = acts('steps')
  const refused = expect.objectContaining({ code: 'report/analysis', kind: 'fix-request' })
  expect(() => funnel({ from, steps: [], windowMs: 1 })).toThrow(refused)
  expect(() => funnel({ from, steps: [{ event: [] }], windowMs: 1 })).toThrow(refused)
  expect(() => funnel({ from, steps: [{}, {}], windowMs: -1 })).toThrow(refused)
  expect(() => funnel({ from: [], steps: [{}], windowMs: 1 })).toThrow(refused)
  expect(() => percentiles({ from, value: { column: 'amount' }, at: [0] })).toThrow(refused)
  expect(() => percentiles({ from, value: { column: 'amount' }, at: [0.12345] })).toThrow(refused)
  expect(() => topN({ from, by: { member: 'a"b' } })).toThrow(refused)
  expect(() =>
    topN({ from: { ...from, where: [{ field: { column: 'what' }, is: '=' }] }, by: { column: 'what' } }),
  ).toThrow(refused)
})
