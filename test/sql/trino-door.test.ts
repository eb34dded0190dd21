import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccess } from '../../src/base/access.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { QueryOptions, QueryResult, Session, SqlEngine } from '../../src/sql/sql.ts'
import type { WireResults } from '../../src/sql/trino-protocol.ts'
import { openSqlServer, type SqlServer } from '../../src/sql/wire/trino/server.ts'
import { Landing } from './support/landing.ts'
import { numbers } from './support/numbers.ts'

let landing: Landing
let engine: WatchedEngine
let server: SqlServer

/** The real engine; it remembers what came with each query, so that a test sees whether it was interrupted, and who asked. */
class WatchedEngine implements SqlEngine {
  readonly signals: AbortSignal[] = []
  readonly sessions: (Session | undefined)[] = []
  readonly #inner: SqlEngine

  constructor(inner: SqlEngine) {
    this.#inner = inner
  }

  query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    if (options.signal) this.signals.push(options.signal)
    this.sessions.push(options.session)
    return this.#inner.query(sql, options)
  }

  listTables() {
    return this.#inner.listTables()
  }

  describe(table: string) {
    return this.#inner.describe(table)
  }

  [Symbol.asyncDispose]() {
    return this.#inner[Symbol.asyncDispose]()
  }
}

beforeAll(async () => {
  landing = await Landing.open()
  await landing.append(20)
  await landing.chunk(20)
  const parts = { lake: landing.lake, log: landing.log, spoolDirectory: landing.spoolDirectory }
  engine = new WatchedEngine(await openDuckdbEngine({ ...parts, settings: { spoolWaitMs: 100 } }))
  server = await openSqlServer({
    engine,
    host: '127.0.0.1',
    port: 0,
    metrics: async () => 'extra_metric 1\n',
  })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

const PARAMETRIC = { 'X-Trino-User': 'u', 'X-Trino-Client-Capabilities': 'PATH,PARAMETRIC_DATETIME' }
const ENDLESS = `SELECT count(*) FROM ${numbers(10000000, 'a', 'x')}, ${numbers(10000000, 'b', 'y')} WHERE (x * y) % 7 = 3`

async function post(sql: string, headers: Record<string, string> = PARAMETRIC): Promise<WireResults> {
  const response = await fetch(`${server.url}/v1/statement`, { method: 'POST', body: sql, headers })
  expect(response.status).toBe(200)
  return (await response.json()) as WireResults
}

async function follow(
  first: WireResults,
): Promise<{ last: WireResults; text: string; rows: unknown[][]; headers: Headers }> {
  let [last, text, headers] = [first, '', new Headers()]
  const rows: unknown[][] = []
  while (last.nextUri) {
    const response = await fetch(last.nextUri)
    headers = response.headers
    text = await response.text()
    last = JSON.parse(text) as WireResults
    rows.push(...(last.data ?? []))
  }
  return { last, text, rows, headers }
}

test('POST, then pages until there is no nextUri', async () => {
  const first = await post('SELECT "Host", count(*) AS n FROM purchases GROUP BY 1 ORDER BY 1')
  expect(first.id).toMatch(/^\d{8}_\d{6}_\d{5}_[a-z0-9]{5}$/)
  expect(first.stats.state).toBe('QUEUED')
  const { last, rows, headers } = await follow(first)
  expect(rows).toEqual([
    ['user1.comcast.com', 4],
    ['user2.comcast.com', 3],
    ['user3.comcast.com', 3],
  ])
  expect(last.stats.state).toBe('FINISHED')
  expect(last.columns).toEqual([
    {
      name: 'Host',
      type: 'varchar',
      typeSignature: { rawType: 'varchar', arguments: [{ kind: 'LONG', value: 2147483647 }] },
    },
    { name: 'n', type: 'bigint', typeSignature: { rawType: 'bigint', arguments: [] } },
  ])
  expect(JSON.parse(headers.get('x-landfall-freshness')!)).toMatchObject({ behind: false })
  expect(last.warnings).toEqual([])
})

test('a statement has somebody who asks, and the engine is told the session', async () => {
  const send = (headers: Record<string, string>) =>
    fetch(`${server.url}/v1/statement`, { method: 'POST', body: 'SELECT 1', headers })
  expect((await send({})).status).toBe(401)
  expect((await send({ 'X-Trino-Source': 'x' })).headers.get('www-authenticate')).toMatch(/^Basic /)
  expect((await send({ 'X-Trino-User': 'u', 'X-Trino-Session': 'x' })).status).toBe(400)
  const asked = await send({ 'X-Trino-User': 'ada', 'X-Trino-Time-Zone': 'Europe/Rome' })
  await follow((await asked.json()) as WireResults)
  expect(engine.sessions.at(-1)).toMatchObject({ user: 'ada', timeZone: 'Europe/Rome' })
})

test('infoUri leads to a page, a query can be looked at and cancelled by its owner', async () => {
  const first = await post(ENDLESS)
  const page = await fetch(first.infoUri)
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(first.id)])
  const as = (user: string, method = 'GET') =>
    fetch(`${server.url}/v1/query/${first.id}`, { method, headers: { 'X-Trino-User': user } })
  expect(await (await as('u')).json()).toMatchObject({ queryId: first.id, query: ENDLESS })
  expect((await as('other', 'DELETE')).status).toBe(403)
  expect((await as('u', 'DELETE')).status).toBe(204)
  expect((await follow(first)).last.error?.errorName).toBe('USER_CANCELED')
  expect((await fetch(`${server.url}/ui/query.html?nothing`)).status).toBe(404)
  expect((await fetch(`${server.url}/`)).url).toBe(`${server.url}/ui/`)
})

test('an empty answer has columns and no data', async () => {
  const { last } = await follow(await post('SELECT cost FROM purchases WHERE false'))
  expect(last.columns).toHaveLength(1)
  expect('data' in last).toBe(false)
})

test('integers beyond 2^53 are bare digits, times have the precision that the client knows', async () => {
  const sql =
    "SELECT 9223372036854775807 AS n, TIMESTAMP '2021-07-30 18:43:03.611123 UTC' AS t, array[CAST(row(1) AS row(a integer))] AS r"
  const { text, last } = await follow(await post(sql))
  expect(text).toContain('[9223372036854775807,"2021-07-30 18:43:03.611123 UTC",[[1]]]')
  expect(last.columns!.map(({ type }) => type)).toEqual([
    'bigint',
    'timestamp(6) with time zone',
    'array(row(a integer))',
  ])
  expect(last.columns![2]!.typeSignature).toEqual({
    rawType: 'array',
    arguments: [
      {
        kind: 'TYPE',
        value: {
          rawType: 'row',
          arguments: [
            {
              kind: 'NAMED_TYPE',
              value: { fieldName: { name: 'a' }, typeSignature: { rawType: 'integer', arguments: [] } },
            },
          ],
        },
      },
    ],
  })
  const old = await follow(
    await post(sql, { 'X-Presto-User': 'u', 'content-type': 'application/x-www-form-urlencoded' }),
  )
  expect(old.last.columns![1]!.type).toBe('timestamp with time zone')
  expect(old.text).toContain('"2021-07-30 18:43:03.611 UTC"')
})

test('the last page can be fetched again, an older one is gone, an unknown one was never there', async () => {
  const first = await post(`SELECT n, lpad('', 1000, 'x') FROM ${numbers(5000)}`)
  const one = await (await fetch(first.nextUri!)).text()
  expect(await (await fetch(first.nextUri!)).text()).toBe(one)
  const { nextUri } = JSON.parse(one) as WireResults
  const two = await (await fetch(nextUri!)).text()
  expect((await fetch(first.nextUri!)).status).toBe(410)
  expect(await (await fetch(nextUri!)).text()).toBe(two)
  const { rows } = await follow(JSON.parse(two) as WireResults)
  expect(
    ((JSON.parse(one) as WireResults).data?.length ?? 0) + JSON.parse(two).data.length + rows.length,
  ).toBe(5000)
  expect((await fetch(first.nextUri!.replace(/\/x[0-9a-f]+\//, '/x00/'))).status).toBe(404)
  expect((await fetch(`${server.url}/v1/statement/executing/20200101_000000_00000_aaaaa/x/1`)).status).toBe(
    404,
  )
})

test('pages are bounded: a large answer comes in several', async () => {
  let results = await post(`SELECT lpad('', 1000, 'x') FROM ${numbers(8000)}`)
  const sizes: number[] = []
  while (results.nextUri) {
    const text = await (await fetch(results.nextUri)).text()
    sizes.push(text.length)
    results = JSON.parse(text) as WireResults
  }
  expect(sizes.length).toBeGreaterThan(6)
  expect(Math.max(...sizes)).toBeLessThan(1.1 * 1024 * 1024)
})

test('nextUri names the host that the client asked, also through a proxy', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const headers = { host: 'sql.example:9', 'x-forwarded-proto': 'https', 'x-trino-user': 'u' }
    const sent = request(`${server.url}/v1/statement`, { method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => resolve(text))
    })
    sent.on('error', reject)
    sent.end('SELECT 1')
  })
  expect((JSON.parse(answer) as WireResults).nextUri).toMatch(
    /^https:\/\/sql\.example:9\/v1\/statement\/executing\//,
  )
})

test.each([
  [
    'SELECT\n  bad FROM purchases',
    'COLUMN_NOT_FOUND',
    47,
    'USER_ERROR',
    'line 2:3: ',
    { lineNumber: 2, columnNumber: 3 },
  ],
  [
    'SELECT * FROM nowhere',
    'TABLE_NOT_FOUND',
    46,
    'USER_ERROR',
    'line 1:15: ',
    { lineNumber: 1, columnNumber: 15 },
  ],
  ['SELECT 1 FORM x y', 'SYNTAX_ERROR', 1, 'USER_ERROR', 'line 1:15: ', { lineNumber: 1, columnNumber: 15 }],
  [
    'DROP TABLE purchases',
    'NOT_SUPPORTED',
    13,
    'USER_ERROR',
    'line 1:1: ',
    { lineNumber: 1, columnNumber: 1 },
  ],
  [
    'SHOW TABLES FROM x',
    'SCHEMA_NOT_FOUND',
    45,
    'USER_ERROR',
    'line 1:18: ',
    { lineNumber: 1, columnNumber: 18 },
  ],
])('%s is %s', async (sql, errorName, errorCode, errorType, prefix, errorLocation) => {
  const { last } = await follow(await post(sql))
  expect(last.stats.state).toBe('FAILED')
  expect(last.error).toMatchObject({ errorName, errorCode, errorType, errorLocation })
  expect(last.error!.message.startsWith(prefix)).toBe(true)
  expect(last.error!.failureInfo).toMatchObject({
    errorInfo: { code: errorCode, name: errorName, type: errorType },
    stack: [],
  })
})

test('DELETE cancels: the engine is interrupted and the next page says so', async () => {
  const first = await post(ENDLESS)
  const signal = engine.signals.at(-1)!
  const held = fetch(first.nextUri!).then((response) => response.json() as Promise<WireResults>)
  await new Promise((resolve) => setTimeout(resolve, 200))
  const started = performance.now()
  expect((await fetch(first.nextUri!, { method: 'DELETE' })).status).toBe(204)
  expect((await held).error).toMatchObject({ errorName: 'USER_CANCELED', errorCode: 3 })
  expect(performance.now() - started).toBeLessThan(2000)
  expect(signal.aborted).toBe(true)
  const { last } = await follow(await post('SELECT 1'))
  expect(last.stats.state).toBe('FINISHED')
})

test('a long query is held for a second at a time', async () => {
  const first = await post(ENDLESS)
  const started = performance.now()
  const second = (await (await fetch(first.nextUri!)).json()) as WireResults
  expect(performance.now() - started).toBeGreaterThan(900)
  expect(second.stats).toMatchObject({ state: 'RUNNING', queued: false, nodes: 1 })
  expect(second.nextUri).not.toBe(first.nextUri)
  await fetch(second.nextUri!, { method: 'DELETE' })
})

test('an answer that is behind carries a warning', async () => {
  await landing.append(5)
  const { last, headers } = await follow(await post('SELECT count(*) FROM events'))
  expect(last.warnings[0]!.warningCode.name).toBe('LANDFALL_BEHIND')
  expect(JSON.parse(headers.get('x-landfall-freshness')!)).toMatchObject({
    behind: true,
    end: { next: { 0: 25 } },
  })
  await landing.chunk(25)
})

test('USE answers with the headers of the client that asked', async () => {
  const trino = await follow(await post('USE hive.default'))
  expect(trino.last).toMatchObject({ updateType: 'USE', columns: [] })
  expect([trino.headers.get('x-trino-set-catalog'), trino.headers.get('x-trino-set-schema')]).toEqual([
    'hive',
    'default',
  ])
  const presto = await follow(await post('USE default', { 'X-Presto-User': 'u' }))
  expect(presto.headers.get('x-presto-set-schema')).toBe('default')
})

test('an empty statement, a huge one, a wrong path', async () => {
  const send = (body: string) =>
    fetch(`${server.url}/v1/statement`, { method: 'POST', body, headers: PARAMETRIC })
  const empty = await send(' \n')
  expect([empty.status, await empty.text()]).toEqual([400, 'SQL statement is empty'])
  expect((await send(`SELECT '${'x'.repeat(5 * 1024 * 1024)}'`)).status).toBe(413)
  expect((await fetch(`${server.url}/nowhere`)).status).toBe(404)
  expect((await fetch(`${server.url}/v1/statement`)).status).toBe(405)
})

test('info, health, readiness and metrics', async () => {
  const info = (await (await fetch(`${server.url}/v1/info`)).json()) as Record<string, unknown>
  expect(info).toMatchObject({ nodeVersion: { version: '476' }, coordinator: true, starting: false })
  expect((await fetch(`${server.url}/v1/info`, { method: 'HEAD' })).status).toBe(200)
  expect(await (await fetch(`${server.url}/healthz`)).text()).toBe('ok\n')
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  await follow(await post('SELECT 1'))
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toMatch(/landfall_sql_statements_total\{outcome="ok"\} \d+/)
  expect(metrics).toContain('extra_metric 1')
})

test('not ready says why', async () => {
  await using other = await openSqlServer({
    engine,
    host: '127.0.0.1',
    port: 0,
    health: async () => 'the lake is gone',
  })
  const ready = await fetch(`${other.url}/readyz`)
  expect([ready.status, await ready.text()]).toEqual([503, 'the lake is gone\n'])
})

test('a mistake of ours is told to the operator, and to the client only that there was one', async () => {
  const query = () => Promise.reject(new TypeError('secret is undefined'))
  const broken = Object.assign(Object.create(engine) as SqlEngine, { query })
  const told: unknown[] = []
  const onMistake = (error: unknown) => void told.push(error)
  await using other = await openSqlServer({ engine: broken, host: '127.0.0.1', port: 0, onMistake })
  const posted = await fetch(`${other.url}/v1/statement`, {
    method: 'POST',
    body: 'SELECT 1',
    headers: { 'X-Trino-User': 'ada' },
  })
  let page = (await posted.json()) as WireResults
  while (page.nextUri) page = (await (await fetch(page.nextUri)).json()) as WireResults
  expect(page.error).toMatchObject({ message: 'internal error of the query process' })
  expect(told).toEqual([new TypeError('secret is undefined')])
})

test('a token is needed beyond this machine, and then from everybody', async () => {
  await expect(openSqlServer({ engine, host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
    code: 'sql/token-needed',
  })
  await using open = await openSqlServer({ engine, host: '0.0.0.0', port: 0, insecure: true })
  expect((await fetch(`http://127.0.0.1:${open.port}/v1/info`)).status).toBe(200)
  await using closed = await openSqlServer({
    engine,
    host: '0.0.0.0',
    port: 0,
    access: createAccess('secret-2'),
  })
  const ask = (authorization?: string) =>
    fetch(`http://127.0.0.1:${closed.port}/v1/statement`, {
      method: 'POST',
      body: 'SELECT 1',
      headers: { ...PARAMETRIC, ...(authorization ? { authorization } : {}) },
    }).then((response) => response.status)
  expect(await ask()).toBe(401)
  expect(await ask('Bearer wrong')).toBe(401)
  expect(await ask('Bearer secret-2')).toBe(200)
  expect(await ask(`Basic ${Buffer.from('user:secret-2').toString('base64')}`)).toBe(200)
  expect((await fetch(`http://127.0.0.1:${closed.port}/metrics`)).status).toBe(401)
  expect((await fetch(`http://127.0.0.1:${closed.port}/healthz`)).status).toBe(200)
})

test('pages of other sites get nothing through a browser', async () => {
  const headers = { 'sec-fetch-site': 'cross-site' }
  expect(
    (await fetch(`${server.url}/v1/statement`, { method: 'POST', body: 'SELECT 1', headers })).status,
  ).toBe(403)
})

test('statements that nobody reads are bounded', async () => {
  await using small = await openSqlServer({
    engine,
    host: '127.0.0.1',
    port: 0,
    settings: { statementsMax: 2 },
  })
  const send = () =>
    fetch(`${small.url}/v1/statement`, {
      method: 'POST',
      body: `SELECT n FROM ${numbers(100000)}`,
      headers: PARAMETRIC,
    })
  const [first] = [(await (await send()).json()) as WireResults, await (await send()).text()]
  const third = await send()
  expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1'])
  await follow(first)
  expect((await send()).status).toBe(200)
})

test('a statement that ended before its client asked is kept for it when others need room', async () => {
  await using small = await openSqlServer({
    engine,
    host: '127.0.0.1',
    port: 0,
    settings: { statementsMax: 2 },
  })
  const send = (body: string) =>
    fetch(`${small.url}/v1/statement`, { method: 'POST', body, headers: PARAMETRIC })
  const wrong = (await (await send('SELECT bad FROM purchases')).json()) as WireResults
  await new Promise((resolve) => setTimeout(resolve, 100))
  for (let i = 0; i < 5; i++) await (await send('SELECT 1')).text()
  const { last } = await follow(wrong)
  expect(last.error?.errorName).toBe('COLUMN_NOT_FOUND')
  // Now that its end is told, it makes room.
  expect((await send('SELECT 1')).status).toBe(200)
})

test('closing the door ends what runs', async () => {
  const other = await openSqlServer({ engine, host: '127.0.0.1', port: 0 })
  const response = await fetch(`${other.url}/v1/statement`, {
    method: 'POST',
    body: ENDLESS,
    headers: PARAMETRIC,
  })
  const { nextUri } = (await response.json()) as WireResults
  const held = fetch(nextUri!).then((page) => page.json() as Promise<WireResults>)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const started = performance.now()
  await other[Symbol.asyncDispose]()
  expect((await held).error?.errorName).toBe('USER_CANCELED')
  expect(performance.now() - started).toBeLessThan(3000)
  expect(engine.signals.at(-1)!.aborted).toBe(true)
})
