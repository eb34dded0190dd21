import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { LandfallError } from '../../src/base/errors.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { game, opened, raw, stored } from './support.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const LINES = { 'Content-Type': 'application/x-ndjson' }
const GOOD = '{"event_type":"purchase_sword","type":"sabre","cost":6}'

test('one object, an array, or one per line; the bytes stay as they are, on one line', async () => {
  const { post, log } = await opened()
  const odd = '{"event_type" : "default","a":1.50,"b":"\\u00e9","event_id":"mine-1"}'
  const one = await post(odd, JSON_TYPE)
  expect(one.status).toBe(200)
  expect(one.json).toEqual({
    accepted: 1,
    rejected: 0,
    receipt: { log_id: log.id, partition: 0, offset: 0, count: 1 },
    results: [{ event_id: 'mine-1', status: 'accepted', offset: 0 }],
  })
  expect(one.headers.get('landfall-receipt')).toBe(`${log.id}/0/0`)
  expect(one.headers.get('landfall-event-id')).toBe('mine-1')
  const array = await post(`[${odd},\n{"event_type":\r\n\t"default"}]`, JSON_TYPE)
  expect(array.json.receipt).toMatchObject({ offset: 1, count: 2 })
  expect(array.headers.get('landfall-receipt')).toBe(`${log.id}/0/1;count=2`)
  expect((await post(`${odd}\r\n\r\n${GOOD}\n`, LINES)).json.accepted).toBe(2)
  expect((await post(`${odd}\n${GOOD}`, { 'Content-Type': 'text/plain' })).json.accepted).toBe(2)
  const values = (await stored(log)).map(({ value }) => value)
  expect(values).toEqual([odd, odd, '{"event_type":  \t"default"}', odd, GOOD, odd, GOOD])
})

test('named request headers travel beside the event, credentials do not', async () => {
  const { post, log } = await opened()
  await post(GOOD, { ...JSON_TYPE, 'User-Agent': 'probe/1', Cookie: 'a=b', 'X-Api-Key': 'k', 'X-Else': 'no' })
  const [record] = await stored(log)
  expect(JSON.parse(record!.headers['h']!)).toEqual({
    Accept: '*/*',
    Host: expect.any(String),
    'User-Agent': 'probe/1',
  })
  expect(record!.headers).toMatchObject({ plan: game.compiled.plan.version })
  expect(record!.headers).not.toHaveProperty('r')
  expect(record!.key).toBeNull()
})

test('what is not a body of events is refused whole, with its place', async () => {
  const { post, log } = await opened()
  const cases: [string | Buffer, number, RegExp][] = [
    [`[${GOOD},{"event_type":]`, 400, /not JSON, at byte 71 \(line 1, column 72\)/],
    [`${GOOD}\n{"a":}`, 400, /line 2, column 6/],
    [`[${GOOD},{"a":1,"\\u0061":2}]`, 400, /"a".*twice|twice.*"a"/],
    [`[${GOOD},7]`, 400, /not a JSON object/],
    [`[${GOOD}`, 400, /not JSON/],
    ['', 400, /no event/],
    ['[]', 400, /no event/],
    ['\ufeff{}', 400, /byte 0/],
    ['{"a":"\\ud800"}', 400, /surrogate/],
    [`{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`, 400, /nested too deep/],
    [
      Buffer.concat([Buffer.from(`${GOOD}\n{"a":"é`), Buffer.from([0xff]), Buffer.from('"}')]),
      400,
      /not UTF-8, at byte 64 /,
    ],
    [
      Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d]),
      400,
      /not UTF-8, at byte 6/,
    ],
  ]
  for (const [body, status, text] of cases) {
    const said = await post(body, { 'Content-Type': 'text/plain' })
    expect([said.status, said.json?.error?.message], String(body).slice(0, 50)).toEqual([
      status,
      expect.stringMatching(text),
    ])
    expect(said.json.error.code).toMatch(/^collector\//)
  }
  expect(await stored(log)).toEqual([])
})

test('in mode collect everything that is JSON is taken, and what will be a dead letter is marked', async () => {
  const { post, log, reasons } = await opened()
  const said = await post(
    [
      '{"event_type":"purchase_swrod","cost":6}',
      '{"type":"sabre"}',
      '{"event_type":true}',
      '{"event_type":"purchase_sword","type":"x","cost":true}',
      '{"event_type":"purchase_sword","type":"x","cost":1e400}',
      '{"event_type":"default","__proto__":{"event_type":"x"},"constructor":1}',
      '{"event_\\u0074ype":"d\\u0065fault"}',
    ].join('\n'),
  )
  expect(said.status).toBe(200)
  expect(said.json.results).toEqual([
    {
      event_id: expect.any(String),
      status: 'accepted',
      offset: 0,
      reason: 'unknown_event_type',
      field: 'event_type',
      detail: expect.stringContaining('purchase_swrod'),
      nearest: 'purchase_sword',
    },
    {
      event_id: expect.any(String),
      status: 'accepted',
      offset: 1,
      reason: 'missing',
      field: 'event_type',
      detail: expect.any(String),
    },
    {
      event_id: expect.any(String),
      status: 'accepted',
      offset: 2,
      reason: 'type',
      field: 'event_type',
      detail: expect.any(String),
    },
    ...[3, 4, 5, 6].map((offset) => ({ event_id: expect.any(String), status: 'accepted', offset })),
  ])
  await post('{"event_type":"purchase_swrod"}')
  expect(reasons).toEqual([
    expect.objectContaining({
      event: 'purchase_swrod',
      reason: 'unknown_event_type',
      field: 'event_type',
      remedy: 'Did you mean "purchase_sword"?',
    }),
    expect.objectContaining({ event: null, reason: 'missing', field: 'event_type' }),
    expect.objectContaining({ event: null, reason: 'type', field: 'event_type' }),
  ])
  expect(await stored(log)).toHaveLength(8)
})

test('in mode reject valid events are taken and the others refused one by one; 422 when none is valid', async () => {
  const pipeline = definePipeline({
    name: 'p',
    events: game.definition.events,
    tables: { all: { events: '*' } },
    sources: { strict: { mode: 'reject' } },
  })
  const { post, log, collector } = await opened(pipeline)
  const bad = [
    '{"event_type":"purchase_sword","type":"x","cost":true}',
    '{"event_type":"nope"}',
    '{"a":1}',
    '{"event_type":"default","event_id":"with blank"}',
  ]
  const mixed = await post([GOOD, bad[0], GOOD, ...bad.slice(1), GOOD].join('\n'))
  expect([mixed.status, mixed.json.accepted, mixed.json.rejected]).toEqual([200, 3, 4])
  expect(
    mixed.json.results.map((result: { status: string; offset?: number; reason?: string; field?: string }) => [
      result.status,
      result.offset,
      result.reason,
      result.field,
    ]),
  ).toEqual([
    ['accepted', 0, undefined, undefined],
    ['rejected', undefined, 'type', 'cost'],
    ['accepted', 1, undefined, undefined],
    ['rejected', undefined, 'unknown_event_type', 'event_type'],
    ['rejected', undefined, 'missing', 'event_type'],
    ['rejected', undefined, 'value', 'event_id'],
    ['accepted', 2, undefined, undefined],
  ])
  const minimal = await post([GOOD, bad[0], GOOD].join('\n'), { Prefer: 'return=minimal' })
  expect(minimal.json.results).toEqual([
    expect.objectContaining({ index: 1, status: 'rejected', field: 'cost' }),
  ])
  const none = await post(`[${bad.join(',')}]`, JSON_TYPE)
  expect([none.status, none.json.accepted, none.json.receipt, none.headers.get('landfall-receipt')]).toEqual([
    422,
    0,
    null,
    null,
  ])
  expect(await stored(log)).toHaveLength(5)
  expect(collector.counts).toMatchObject({ eventsAccepted: 5, eventsRejected: 9 })
})

test('ids: the client’s where they are visible ASCII, else ours; with an Idempotency-Key the same again', async () => {
  const { post, log } = await opened()
  const ids = async (body: string, headers = {}) =>
    (await post(body, { ...LINES, ...headers })).json.results.map(
      (result: { event_id: string }) => result.event_id,
    )
  const lines = [
    '{"event_type":"default","event_id":"a\\u002db"}',
    '{"event_type":"default","event_id":7}',
    '{"event_type":"default","event_id":"ü"}',
    `{"event_type":"default","event_id":"${'x'.repeat(129)}"}`,
    '{"event_type":"default"}',
  ].join('\n')
  const first = await ids(lines)
  expect(first[0]).toBe('a-b')
  for (const id of first.slice(1)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  const again = { 'Idempotency-Key': 'k' }
  expect(await ids(lines, again)).toEqual(await ids(lines, again))
  expect(await ids(lines)).not.toEqual(first)
  expect((await stored(log)).slice(0, 5).map(({ headers }) => headers['id'])).toEqual(first)
})

test('gzip is unpacked within its bound; other encodings are refused', async () => {
  const { post, log } = await opened(game, { settings: { inflatedBytesMax: 100_000 } })
  const gzip = { 'Content-Encoding': 'gzip' }
  expect((await post(gzipSync(`${GOOD}\n${GOOD}`), gzip)).json.accepted).toBe(2)
  expect((await post(gzipSync(Buffer.alloc(50_000_000, 0x20)), gzip)).status).toBe(413)
  const broken = await post(gzipSync(GOOD).subarray(0, 30), gzip)
  expect([broken.status, broken.json.error.code]).toEqual([400, 'collector/bad-encoding'])
  expect((await post(Buffer.from('not gzip'), gzip)).status).toBe(400)
  const brotli = await post(Buffer.from('x'), { 'Content-Encoding': 'br' })
  expect([brotli.status, brotli.headers.get('accept-encoding')]).toEqual([415, 'gzip'])
  expect(await stored(log)).toHaveLength(2)
})

test('every bound has its answer and its name', async () => {
  const { post, log } = await opened(game, {
    settings: {
      bodyBytesMax: 10_000,
      batchEventsMax: 3,
      eventBytesMax: 500,
      depthMax: 5,
      urlBytesMax: 100,
      headerBytesMax: 4096,
    },
  })
  const limit = async (said: ReturnType<typeof post>) => [
    (await said).status,
    (await said).json?.error?.limit,
  ]
  expect(await limit(post('x'.repeat(10_001)))).toEqual([413, 'bodyBytesMax'])
  expect(await limit(post(Array.from({ length: 4 }, () => '{}').join('\n')))).toEqual([413, 'batchEventsMax'])
  expect(await limit(post(`{"a":"${'x'.repeat(500)}"}`))).toEqual([413, 'eventBytesMax'])
  expect(await limit(post('{"a":[[[[[1]]]]]}'))).toEqual([400, 'depthMax'])
  expect(await limit(post('{}', {}, `?x=${'y'.repeat(100)}`))).toEqual([414, 'urlBytesMax'])
  expect((await post('{}', { 'X-Long': 'x'.repeat(5000) })).status).toBe(431)
  expect(await stored(log)).toEqual([])
})

test('a chunked body without a length is bounded too', async () => {
  const { collector, log } = await opened(game, { settings: { bodyBytesMax: 10_000 } })
  const chunk = `400\r\n${'x'.repeat(0x400)}\r\n`
  const said = await raw(
    collector.address,
    `POST /v1/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(12)}0\r\n\r\n`,
  )
  expect(said).toMatch(/^HTTP\/1\.1 413 /)
  const good = await raw(
    collector.address,
    `POST /v1/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${GOOD.length.toString(16)}\r\n${GOOD}\r\n0\r\n\r\n`,
  )
  expect(good).toMatch(/^HTTP\/1\.1 200 /)
  expect(await stored(log)).toHaveLength(1)
})

test('overload and a full disk are 503 with Retry-After; nothing was stored', async () => {
  for (const [error, retryAfter] of [
    [new LandfallError('retry', 'log/overloaded', 'queue full', { details: { retryAfterSeconds: 1 } }), '1'],
    [new LandfallError('retry', 'log/disk-full', 'disk full', { details: { retryAfterSeconds: 5 } }), '5'],
  ] as const) {
    const log = createMemoryLog()
    const append = log.append.bind(log)
    let failing = true
    log.append = (records) => {
      if (failing) throw error
      return append(records)
    }
    const { post, get } = await opened(game, { log })
    const said = await post(GOOD)
    expect([said.status, said.headers.get('retry-after'), said.json.error.code]).toEqual([
      503,
      retryAfter,
      error.code,
    ])
    const route = await get('/join_guild/a')
    expect([route.status, route.headers.get('retry-after')]).toEqual([503, retryAfter])
    failing = false
    expect((await get('/join_guild/a')).text).toBe('Joined Guild: a! Total members:1\n')
    expect(await stored(log)).toHaveLength(1)
  }
})

test('an unknown outcome says so and gives the ids to send again with', async () => {
  let failing = true
  const log = createMemoryLog({
    sync: async () => {
      if (failing)
        throw new LandfallError('retry', 'log/unknown-outcome', 'the records may or may not be there')
    },
  })
  const { post, get } = await opened(game, { log })
  const said = await post(`{"event_type":"default","event_id":"mine"}\n${GOOD}`)
  expect(said.status).toBe(503)
  expect(said.json.error.code).toBe('log/unknown-outcome')
  expect(said.json.event_ids).toEqual(['mine', expect.stringMatching(/^[0-9a-f-]{36}$/)])
  await expect.poll(async () => (await get('/readyz')).status).toBe(200)
  const route = await get('/join_guild/a')
  expect([route.status, route.headers.get('landfall-event-id')]).toEqual([
    503,
    expect.stringMatching(/^[0-9a-f-]{36}$/),
  ])
  failing = false
  await expect.poll(async () => (await get('/join_guild/a')).text).toBe('Joined Guild: a! Total members:1\n')
})

test('an event_type that is no text is marked, whatever stood before it', async () => {
  const { post } = await opened()
  const types = ['{}', '[]', '"default"', '{}', '"default"', 'null', '"default"', '7', '""', '"defaulx"']
  const said = await post(types.map((type) => `{"event_type":${type}}`).join('\n'))
  expect(said.json.results.map((result: { reason?: string }) => result.reason ?? 'fine')).toEqual([
    'type',
    'type',
    'fine',
    'type',
    'fine',
    'type',
    'fine',
    'type',
    'unknown_event_type',
    'unknown_event_type',
  ])
})
