import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { game, opened, raw, stored } from './support.ts'

test('a route answers after its event is durable, with a receipt', async () => {
  const { get, log } = await opened()
  const said = await get('/purchase_a_sword/sabre', {
    headers: { Host: 'x', 'User-Agent': 'ApacheBench/2.3', Accept: '*/*' },
  })
  expect(said.status).toBe(200)
  expect(said.text).toBe('Sword Purchased! sabre\n')
  expect(said.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(said.headers.get('landfall-receipt')).toBe(`${log.id}/0/0`)
  const [record] = await stored(log)
  expect(said.headers.get('landfall-event-id')).toBe(record!.headers['id'])
  expect(record!.event['event_type']).toBe('purchase_sword')
  expect(record!.headers).toMatchObject({ r: 'r', plan: game.compiled.plan.version })
  expect(record!.headers).not.toHaveProperty('h')
})

test('an event begins with event_type, then its own fields, then the headers that the pipeline names', async () => {
  const { collector, log } = await opened()
  await raw(
    collector.address,
    'GET /purchase_a_sword/sabre HTTP/1.0\r\nuser-agent: ApacheBench/2.3\r\nhost: user1.comcast.com\r\naccept: */*\r\nX-Other: no\r\n\r\n',
  )
  const [record] = await stored(log)
  expect(record!.value).toBe(
    '{"event_type":"purchase_sword","type":"sabre","cost":6,"Accept":"*/*","Host":"user1.comcast.com","User-Agent":"ApacheBench/2.3"}',
  )
})

test('what is not declared is a clear 404, or 405 with Allow, and records nothing', async () => {
  const { get, log } = await opened()
  const missing = await get('/purchase_a_swor')
  expect([missing.status, missing.text]).toEqual([
    404,
    'not found: GET /purchase_a_swor. Nothing was recorded\n',
  ])
  for (const path of [
    '/join_guild/',
    '/join_guild',
    '/join_guild/a/b',
    '/Purchase_a_sword/x',
    '//',
    '/?x=1/..',
  ]) {
    const said = await get(path)
    expect(said.status, path).toBe(path === '/?x=1/..' ? 200 : 404)
  }
  const wrong = await get('/join_guild/a', { method: 'POST' })
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  expect((await get('/v1/events')).status).toBe(405)
  expect((await get('/%zz')).status).toBe(400)
  expect(await stored(log)).toHaveLength(1)
})

test('HEAD and OPTIONS of a route run no handler', async () => {
  const { get, log } = await opened()
  expect((await get('/join_guild/a', { method: 'HEAD' })).status).toBe(200)
  const options = await get('/join_guild/a', { method: 'OPTIONS' })
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  expect(await stored(log)).toEqual([])
})

test('parameters are decoded, however long', async () => {
  const { get, log } = await opened()
  await get(`/purchase_a_sword/${encodeURIComponent('über/"sabre" 剣')}`)
  await get(`/purchase_a_sword/${'x'.repeat(3000)}`)
  const [first, second] = await stored(log)
  expect(first!.event['type']).toBe('über/"sabre" 剣')
  expect(second!.event['type']).toBe('x'.repeat(3000))
  expect((await get(`/purchase_a_sword/${'x'.repeat(9000)}`)).status).toBe(414)
})

test('a header never overwrites a field, a name of the plan or of ours, and credentials are never taken', async () => {
  const pipeline = definePipeline({
    name: 'p',
    events: { seen: Type.Object({ page: Type.String(), Referer: Type.Optional(Type.String()) }) },
    tables: { seen: { events: ['seen'] } },
    headers: ['Host', 'X-Region'],
    routes: {
      'GET /seen': (_request, { track }) => {
        track('seen', { page: '/', 'X-Region': 'mine' } as { page: string })
        return 'ok'
      },
    },
  })
  const { get, log } = await opened(pipeline)
  await get('/seen', {
    headers: {
      page: 'forged',
      event_type: 'forged',
      'event-type': 'forged',
      timestamp: '0',
      'x-region': 'theirs',
      authorization: 'Bearer s3cret',
      cookie: 'a=s3cret',
      referer: 'x',
    },
  })
  const [record] = await stored(log)
  expect(Object.keys(record!.event)).toEqual(['event_type', 'page', 'X-Region', 'Host'])
  expect(record!.event).toMatchObject({ event_type: 'seen', page: '/', 'X-Region': 'mine' })
  expect(JSON.stringify(record)).not.toContain('s3cret')
})

test('a header of bytes is read as UTF-8 where it is UTF-8', async () => {
  const { collector, log } = await opened()
  const request = (agent: Buffer) =>
    Buffer.concat([Buffer.from('GET / HTTP/1.0\r\nUser-Agent: '), agent, Buffer.from('\r\n\r\n')])
  await raw(collector.address, request(Buffer.from('Größe 剣')))
  await raw(collector.address, request(Buffer.from([0x47, 0xf6])))
  const [first, second] = await stored(log)
  expect(first!.event['User-Agent']).toBe('Größe 剣')
  expect(second!.event['User-Agent']).toBe('Gö')
})

test('several events of one request are one frame and one receipt', async () => {
  const pipeline = definePipeline({
    name: 'p',
    events: { a: Type.Object({ n: Type.Integer() }) },
    tables: { a: { events: '*' } },
    routes: {
      'GET /three': (_request, { track }) => {
        const ids = [1, 2, 3].map((n) => track('a', { n }))
        return { json: ids }
      },
      'GET /none': () => ({ status: 404, text: 'nothing here', headers: { 'X-Why': 'empty' } }),
    },
  })
  const { get, log } = await opened(pipeline)
  const said = await get('/three')
  expect(said.headers.get('landfall-receipt')).toBe(`${log.id}/0/0;count=3`)
  expect(said.headers.get('landfall-event-id')).toBe(said.json.join(', '))
  expect((await stored(log)).map(({ event }) => event['n'])).toEqual([1, 2, 3])
  const none = await get('/none')
  expect([none.status, none.text, none.headers.get('x-why'), none.headers.get('landfall-receipt')]).toEqual([
    404,
    'nothing here\n',
    'empty',
    null,
  ])
})

test('a handler that throws is a 500, records nothing, and is told once with its route', async () => {
  const pipeline = definePipeline({
    name: 'p',
    events: { a: Type.Object({}) },
    tables: { a: { events: '*' } },
    routes: {
      'GET /throws': (_request, { track }) => {
        track('a', {})
        throw new Error('no such sword')
      },
      'GET /rejects': async (_request, { track }) => {
        track('a', {})
        await Promise.reject(new Error('later'))
        return ''
      },
      'GET /wrong': (_request, { track }) => {
        track('a', {})
        return { status: 200, text: 'x', headers: { 'X-Bad': 'a\nb' } }
      },
      'GET /cyclic': (_request, { track }) => {
        track('a', { n: 1n } as object)
        return ''
      },
      'GET /late': (_request, { track }) => {
        setTimeout(() => {
          try {
            track('a', {})
          } catch (error) {
            late.push(error)
          }
        }, 5)
        return 'ok'
      },
    },
  })
  const late: unknown[] = []
  const { get, log, told } = await opened(pipeline)
  for (let i = 0; i < 3; i++) {
    for (const path of ['/throws', '/rejects', '/wrong', '/cyclic']) {
      const said = await get(path)
      expect(said.status, path).toBe(500)
      expect(said.text).toContain(`the handler of GET ${path} failed; nothing was recorded`)
      expect(said.text).not.toContain('no such sword')
    }
  }
  expect(told.filter((text) => text.includes('GET /throws'))).toEqual([
    'route GET /throws failed: no such sword: no such sword',
  ])
  expect(told).toHaveLength(4)
  expect((await get('/late')).status).toBe(200)
  await expect.poll(() => late).toMatchObject([{ code: 'collector/track-late' }])
  expect(await stored(log)).toEqual([])
})

test('a handler that never ends is given up, and those behind it go on', async () => {
  const pipeline = definePipeline({
    name: 'p',
    events: { a: Type.Object({}) },
    tables: { a: { events: '*' } },
    state: { initial: { n: 0 }, reduce: (state) => ({ n: state.n + 1 }) },
    routes: {
      'GET /hangs': () => new Promise<string>(() => {}),
      'GET /goes': (_request, { track, state }) => {
        track('a', {})
        return `${state.n}`
      },
    },
  })
  const { get } = await opened(pipeline, { settings: { handlerTimeoutMs: 200 } })
  const [hangs, goes] = await Promise.all([get('/hangs'), get('/goes')])
  expect([hangs.status, goes.status, goes.text]).toEqual([500, 200, '0\n'])
})

test('bodies of routes: JSON that fits the schema, or a clear refusal', async () => {
  const pipeline = definePipeline({
    name: 'bank',
    events: { paid: Type.Object({ amount: Type.Integer() }) },
    tables: { paid: { events: '*' } },
    routes: {
      'POST /pay': {
        body: Type.Object({ amount: Type.Integer({ minimum: 1 }) }),
        handler: ({ body }, { track }) => {
          track('paid', { amount: body.amount })
          return { status: 201, json: body }
        },
      },
      'POST /echo': ({ body, query }) => ({ json: { body: body ?? null, query } }),
    },
  })
  const { get, log } = await opened(pipeline)
  const pay = (body: string, type: string | undefined = 'application/json') =>
    get('/pay', { method: 'POST', body, headers: { 'Content-Type': type } })
  expect((await pay('{"amount":5}')).status).toBe(201)
  expect((await pay('{"amount":5}', 'application/json; charset=utf-8')).json).toEqual({ amount: 5 })
  const refusals = [
    ['{"amount":0}', 400, 'amount'],
    ['{"amount":"5"}', 400, 'amount'],
    ['{}', 400, 'amount'],
    ['', 400, 'no body'],
    ['{"amount":5', 400, 'byte 11'],
    ['{"amount":5,"amount":6}', 400, 'twice'],
    ['['.repeat(200_000), 400, 'deep'],
  ] as const
  for (const [body, status, text] of refusals) {
    const said = await pay(body)
    expect([said.status, said.text], body.slice(0, 40)).toEqual([status, expect.stringContaining(text)])
  }
  expect((await pay('amount=5', 'application/x-www-form-urlencoded')).status).toBe(415)
  expect((await pay('{"amount":5}', 'nonsense')).status).toBe(415)
  expect(await stored(log)).toHaveLength(2)
  const echo = async (body: string | undefined, type?: string) =>
    (
      await get('/echo?a=1&a=2&b=%20', {
        method: 'POST',
        ...(body === undefined ? {} : { body }),
        headers: type === undefined ? {} : { 'Content-Type': type },
      })
    ).json
  expect(await echo('{"a":[1]}', 'application/json')).toEqual({ body: { a: [1] }, query: { a: '1', b: ' ' } })
  expect(await echo('x=1', 'text/plain')).toMatchObject({ body: 'x=1' })
  expect(await echo(undefined)).toMatchObject({ body: null })
})

test('track() of what does not fit: recorded in mode collect, thrown in mode reject', async () => {
  const pipeline = (mode: 'collect' | 'reject') =>
    definePipeline({
      name: 'p',
      events: { a: Type.Object({ n: Type.Integer() }) },
      tables: { a: { events: '*' } },
      sources: { app: { mode } },
      routes: {
        'GET /wrong': (_request, { track }) => {
          try {
            track('a', { n: 'one' } as unknown as { n: number })
          } catch (error) {
            return `${(error as { code: string }).code} ${(error as Error).message}`
          }
          return 'recorded'
        },
        'GET /unknown': (_request, { track }) => {
          track('aa' as 'a', { n: 1 })
          return 'recorded'
        },
      },
    })
  const collect = await opened(pipeline('collect'))
  expect((await collect.get('/wrong')).text).toBe('recorded\n')
  expect((await collect.get('/unknown')).text).toBe('recorded\n')
  expect(collect.reasons).toMatchObject([{ event: 'aa', reason: 'unknown_event_type' }])
  expect(await stored(collect.log)).toHaveLength(2)
  const reject = await opened(pipeline('reject'))
  expect((await reject.get('/wrong')).text).toMatch(/^collector\/event track\("a"\): .*expected an integer/)
  expect((await reject.get('/unknown')).status).toBe(500)
  expect(await stored(reject.log)).toEqual([])
})

test('the key of a record is the state key, else the subject', async () => {
  const { get, log } = await opened()
  await get('/')
  expect((await stored(log))[0]!.key).toBe('')
  const pipeline = (subject: string) =>
    definePipeline({
      name: 'p',
      events: { a: Type.Object({ user: Type.Optional(Type.String()) }) },
      tables: { a: { events: '*', headers: ['Host'] } },
      subject,
      routes: {
        'GET /a': (_request, { track }) => {
          track('a', { user: 'u1' })
          return ''
        },
      },
    })
  for (const [subject, key] of [
    ['user', 'u1'],
    ['Host', 'h1'],
  ] as const) {
    const other = await opened(pipeline(subject))
    await raw(other.collector.address, 'GET /a HTTP/1.0\r\nHost: h1\r\n\r\n')
    await other.post('{"event_type":"a","user":"u1"}')
    const records = await stored(other.log)
    expect(records[0]!.key).toBe(key)
    if (subject === 'user') expect(records[1]!.key).toBe('u1')
  }
})
