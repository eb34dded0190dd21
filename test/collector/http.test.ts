import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import type { SourceInput } from '../../src/model/definition.ts'
import { directory, game, opened, raw, stored } from './support.ts'

const withSources = (sources: Record<string, SourceInput>) => definePipeline({ ...game.definition, sources })
const EVENT = '{"event_type":"default"}'

test('HTTP/1.0 works with and without keep-alive, as Apache Bench speaks it', async () => {
  const { collector, log } = await opened()
  const once = await raw(
    collector.address,
    'GET /purchase_a_sword/sabre HTTP/1.0\r\nHost: user1.comcast.com\r\n\r\n',
  )
  expect(once).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n\r\nSword Purchased! sabre\n$/)
  const kept =
    'GET /purchase_a_sword/sabre HTTP/1.0\r\nConnection: Keep-Alive\r\nHost: user1.comcast.com\r\n\r\n'
  const twice = await raw(collector.address, kept + kept, 300)
  expect(twice.match(/Connection: keep-alive/gi)).toHaveLength(2)
  expect(twice.match(/Content-Length: 23/g)).toHaveLength(2)
  expect(await stored(log)).toHaveLength(3)
})

test('the real ab, with and without keep-alive, loses nothing', async (context) => {
  const ab = promisify(execFile)
  if ((await ab('ab', ['-V']).catch(() => undefined)) === undefined)
    context.skip('ab is not installed (Debian: apache2-utils)')
  const { collector, log } = await opened()
  for (const flags of [[], ['-k']]) {
    const { stdout } = await ab('ab', [
      ...flags,
      '-n',
      '200',
      '-c',
      '8',
      '-H',
      'Host: user1.comcast.com',
      `${collector.address}/join_guild/grubs`,
    ])
    expect(stdout).toMatch(/Complete requests:\s+200/)
    expect(stdout).toMatch(/Non-2xx responses|Failed requests/)
    expect(stdout).not.toContain('Non-2xx')
  }
  const counts = (await stored(log)).map(({ event }) => event['guild_member_cnt'])
  expect(counts).toEqual(Array.from({ length: 400 }, (_, i) => i + 1))
})

test('what is not HTTP, too large or too slow is answered and cut', async () => {
  const { collector, get } = await opened(game, {
    settings: { headersTimeoutMs: 300, requestTimeoutMs: 600, headerBytesMax: 2048 },
  })
  expect(await raw(collector.address, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  expect(await raw(collector.address, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(3000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  )
  expect(
    await raw(
      collector.address,
      'POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
    ),
  ).toMatch(/^HTTP\/1\.1 400 /)
  const began = performance.now()
  const [headers, body] = await Promise.all([
    raw(collector.address, 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: '),
    raw(collector.address, 'POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"ev'),
  ])
  expect(headers).toMatch(/^HTTP\/1\.1 408 /)
  expect(body === '' || body.startsWith('HTTP/1.1 408 ')).toBe(true)
  expect(performance.now() - began).toBeLessThan(4_000)
  expect((await get('/')).status).toBe(200)
})

test('a client that leaves in the middle of its body costs nothing', async () => {
  const { collector, get, log } = await opened()
  for (let i = 0; i < 20; i++) {
    const { hostname, port } = new URL(collector.address)
    const socket = connect(Number(port), hostname)
    await new Promise<void>((resolve) =>
      socket.write(`POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n${EVENT}`, () =>
        resolve(),
      ),
    )
    socket.destroy()
  }
  const metrics = async (name: string) =>
    Number(new RegExp(`^landfall_collector_${name} (\\d+)`, 'm').exec((await get('/metrics')).text)![1])
  await expect.poll(() => metrics('requests_under_way')).toBe(0)
  expect(await metrics('buffered_bytes')).toBe(0)
  expect(await stored(log)).toEqual([])
})

test('Expect: 100-continue is answered before the body, and refused before it when it is too large', async () => {
  const { collector } = await opened(game, { settings: { bodyBytesMax: 1000 } })
  const head = (length: number) =>
    `POST /v1/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
  expect(await raw(collector.address, head(EVENT.length) + EVENT)).toMatch(
    /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/,
  )
  expect(await raw(collector.address, head(5000), 300)).toMatch(/^HTTP\/1\.1 413 /)
})

test('write keys: by header or by query, compared with all sources; never in the log, an error or an answer', async () => {
  const data = directory()
  const log = await openEmbeddedLog({ directory: join(data, 'log') })
  try {
    const pipeline = withSources({
      app: { writeKey: 'app-key-0123456789' },
      page: { writeKey: 'page-key-0123456789', mode: 'reject' },
    })
    const { post, get, told, collector } = await opened(pipeline, {
      log,
      stateDirectory: join(data, 'state'),
    })
    const none = await post(EVENT)
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const wrong = await post(EVENT, { Authorization: 'Bearer app-key-012345678' })
    expect([wrong.status, wrong.json.error.code]).toEqual([401, 'collector/write-key'])
    expect((await post(EVENT, { Authorization: 'Bearer app-key-0123456789' })).status).toBe(200)
    expect(
      (await post('{"event_type":"nope"}', { 'Content-Type': 'text/plain' }, '?key=page-key-0123456789'))
        .status,
    ).toBe(422)
    const beacon = await post(
      EVENT,
      { 'User-Agent': 'at http://a/?key=page-key-0123456789', Cookie: 'session=s3cret-cookie' },
      '?key=page-key-0123456789',
    )
    expect(beacon.status).toBe(200)
    await get('/purchase_a_sword/sabre', {
      headers: { Authorization: 'Bearer s3cret-token', 'User-Agent': 'x?key=app-key-0123456789' },
    })
    await get('/nowhere?key=app-key-0123456789')
    const records = await stored(log)
    expect(records.map(({ headers }) => headers['src'])).toEqual([undefined, 'page', undefined])
    await collector.close()
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    expect(files.length).toBeGreaterThan(2)
    for (const file of files) {
      const bytes = readFileSync(join(file.parentPath, file.name))
      for (const secret of ['app-key-0123456789', 'page-key-0123456789', 's3cret'])
        expect(bytes.includes(secret), `${secret} in ${file.name}`).toBe(false)
    }
    expect(JSON.stringify([told, none.text, wrong.text, beacon.text])).not.toMatch(/key-0123|s3cret/)
  } finally {
    await log[Symbol.asyncDispose]()
  }
})

test('pages of named origins may send, others are refused; a preflight says which', async () => {
  const { post, get, log } = await opened(withSources({ page: { origins: ['https://game.example'] } }))
  const from = (origin: string) => post(EVENT, { Origin: origin, 'Content-Type': 'text/plain;charset=UTF-8' })
  const named = await from('https://game.example')
  expect([named.status, named.headers.get('access-control-allow-origin'), named.headers.get('vary')]).toEqual(
    [200, 'https://game.example', 'Origin'],
  )
  expect(named.headers.get('access-control-expose-headers')).toContain('Landfall-Receipt')
  const other = await from('https://evil.example')
  expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null])
  const preflight = (origin: string) =>
    get('/v1/events', {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    })
  const yes = await preflight('https://game.example')
  expect([
    yes.status,
    yes.headers.get('access-control-allow-origin'),
    yes.headers.get('access-control-allow-methods'),
  ]).toEqual([204, 'https://game.example', 'POST'])
  expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
  expect(await stored(log)).toHaveLength(1)
  const any = await opened(withSources({ page: { origins: ['*'] } }))
  expect(
    (await any.post(EVENT, { Origin: 'https://x.example' })).headers.get('access-control-allow-origin'),
  ).toBe('https://x.example')
})

test('a source that sends too fast gets 429 with Retry-After and may go on after it', async () => {
  let now = 0
  const clock = { nowMicros: () => 1_700_000_000_000_000 + now * 1000, monotonicMs: () => now }
  const { post, log } = await opened(withSources({ app: { rateMax: 10 } }), { clock })
  const lines = (n: number) => Array.from({ length: n }, () => EVENT).join('\n')
  expect((await post(lines(8))).status).toBe(200)
  const refused = await post(lines(5))
  expect([refused.status, refused.headers.get('retry-after'), refused.json.error.code]).toEqual([
    429,
    '1',
    'collector/rate',
  ])
  now += 400
  expect((await post(lines(5))).status).toBe(200)
  now += 1000
  // More than a second's worth passes a full bucket once, and is paid for afterwards.
  expect((await post(lines(40))).status).toBe(200)
  now += 1000
  expect((await post(lines(1))).headers.get('retry-after')).toBe('3')
  expect(await stored(log)).toHaveLength(53)
})

test('beyond this machine every source needs a key, or --insecure', async () => {
  await expect(opened(game, { host: '0.0.0.0' })).rejects.toMatchObject({
    kind: 'fix-config',
    code: 'collector/exposed',
  })
  await expect(
    opened(withSources({ a: { writeKey: 'k'.repeat(20) }, b: {} }), { host: '0.0.0.0' }),
  ).rejects.toMatchObject({ code: 'collector/exposed' })
  expect(
    (await opened(withSources({ a: { writeKey: 'k'.repeat(20) } }), { host: '0.0.0.0' })).collector.address,
  ).toMatch(/^http:/)
  expect((await opened(game, { host: '0.0.0.0', insecure: true })).collector.address).toMatch(/^http:/)
})

test('a port in use is one clear line', async () => {
  const { collector } = await opened()
  await expect(opened(game, { port: Number(new URL(collector.address).port) })).rejects.toMatchObject({
    code: 'collector/listen',
    message: expect.stringContaining('in use'),
  })
})

test('health, readiness and metrics', async () => {
  const { get, post } = await opened()
  expect((await get('/healthz')).text).toBe('ok\n')
  expect((await get('/readyz')).text).toBe('ready\n')
  await get('/join_guild/a')
  await post(`${EVENT}\n{"event_type":"nope"}`)
  await get('/join_guild/')
  const { text, headers } = await get('/metrics')
  expect(headers.get('content-type')).toContain('text/plain')
  for (const line of [
    'events_accepted_total 3',
    'events_unknown_total 1',
    'answers_total{class="2xx"} 2',
    'state_keys 1',
    'append_seconds_count 2',
  ]) {
    expect(text).toContain(`landfall_collector_${line}\n`)
  }
  expect(text).not.toContain('NaN')
})

test('so many requests at a time; the others are told to come back', async () => {
  const goOn = Promise.withResolvers<void>()
  const pipeline = definePipeline({
    name: 'p',
    events: { a: Type.Object({}) },
    tables: { a: { events: '*' } },
    routes: { 'GET /wait': async () => goOn.promise.then(() => 'done') },
  })
  const { get } = await opened(pipeline, { settings: { requestsMax: 3 } })
  const waiting = [1, 2, 3].map(() => get('/wait'))
  await expect.poll(async () => (await get('/readyz')).status).toBe(503)
  const over = await get('/wait')
  expect([over.status, over.headers.get('retry-after')]).toEqual([503, '1'])
  goOn.resolve()
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200])
})

test('closing finishes what was accepted and takes nothing more', async () => {
  const held = Promise.withResolvers<void>()
  const log = createMemoryLog({ sync: () => held.promise })
  const { get, collector } = await opened(game, { log })
  const accepted = [1, 2, 3].map(() => get('/join_guild/a'))
  await expect.poll(() => log.pressure.queuedBytes).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const closing = collector.close()
  await expect(get('/join_guild/a')).rejects.toThrow()
  held.resolve()
  expect((await Promise.all(accepted)).map(({ text }) => text).sort()).toEqual(
    [1, 2, 3].map((n) => `Joined Guild: a! Total members:${n}\n`),
  )
  await closing
  expect(collector.statePosition).toEqual({ logId: log.id, next: { 0: 3 } })
  await collector.close()
})
