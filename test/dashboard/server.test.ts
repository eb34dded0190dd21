import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { About, Flow, TableEntry } from '../../src/dashboard/messages.ts'
import { type Running, until, wait } from '../support/landfall.ts'
import { type Game, play, playRounds, sendBadEvents, startGame } from './support.ts'

let game: Game
let running: Running

beforeAll(async () => {
  game = await startGame()
  running = game.running
  await playRounds(running, 1)
})
afterAll(async () => {
  await game[Symbol.asyncDispose]()
})

interface Answered {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** With every header as it is given, `Host` too. */
function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; url?: string } = {},
): Promise<Answered> {
  const { method = 'GET', headers = {}, body, url = running.sql } = options
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => (text += part))
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const action = { 'content-type': 'application/json', 'x-landfall-page': '1' }

test('the page allows scripts and styles of its own only, and no frame around it', async () => {
  for (const path of ['/', '/ui/page/main.ts', '/ui/page/base.css', '/ui/api/about']) {
    const { status, headers } = await ask(path)
    expect(`${path} ${status}`).toBe(`${path} 200`)
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(policy).not.toMatch(/https?:/)
    expect(headers['x-content-type-options']).toBe('nosniff')
  }
  const { text } = await ask('/')
  expect(text).not.toMatch(/<script(?![^>]*src=)|<style| style=| on[a-z]+=|https?:\/\//)
})

test('files of the page are those of its folder and no other', async () => {
  for (const path of [
    '/ui/page/../dashboard.ts',
    '/ui/page/..%2fdashboard.ts',
    '/ui/page/index.html/..',
    '/ui/nothing',
    '/ui/api/nothing',
  ])
    expect(`${path} ${(await ask(path)).status}`).toBe(`${path} 404`)
  const { headers } = await ask('/ui/page/main.ts')
  expect(
    (await ask('/ui/page/main.ts', { headers: { 'if-none-match': String(headers['etag']) } })).status,
  ).toBe(304)
})

test('what is at the address otherwise stays as it was', async () => {
  expect((await ask('/ui')).headers['location']).toBe('/')
  expect((await ask('/ui/query.html?nobody')).status).toBe(404)
  expect(JSON.parse((await ask('/v1/info')).text)).toMatchObject({ coordinator: true })
  expect((await ask('/healthz')).text).toBe('ok\n')
  expect((await ask('/iceberg/v1/config')).status).toBe(200)
})

test('a name that was made to lead here (DNS rebinding) is refused, by page and door', async () => {
  const foreign = { host: 'game.example:8080' }
  for (const path of ['/', '/ui/api/about', '/ui/api/flow', '/ui/api/tables'])
    expect(`${path} ${(await ask(path, { headers: foreign })).status}`).toBe(`${path} 403`)
  const statement = { method: 'POST', body: 'SELECT 1' }
  const browser = { ...foreign, origin: 'http://game.example:8080', 'x-trino-user': 'x' }
  expect((await ask('/v1/statement', { ...statement, headers: browser })).status).toBe(403)
  // A client that is no browser may call this machine what it likes.
  expect(
    (await ask('/v1/statement', { ...statement, headers: { ...foreign, 'x-trino-user': 'x' } })).status,
  ).toBe(200)
  for (const host of ['localhost:1', '127.0.0.1', '[::1]:8080', 'game.localhost'])
    expect(`${host} ${(await ask('/', { headers: { host } })).status}`).toBe(`${host} 200`)
})

test('an action of another site is refused, whatever a browser can be made to send', async () => {
  const body = JSON.stringify({ sql: 'SELECT 1', format: 'csv' })
  const post = (headers: Record<string, string>) =>
    ask('/ui/api/downloads', { method: 'POST', body, headers })
  expect((await post(action)).status).toBe(200)
  for (const headers of [
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded', 'x-landfall-page': '1' },
    { 'content-type': 'application/json' },
    { ...action, origin: 'https://evil.example' },
    { ...action, origin: 'null' },
    { ...action, 'sec-fetch-site': 'cross-site' },
  ])
    expect((await post(headers)).status).toBe(403)
  expect((await ask('/ui/api/downloads')).status).toBe(405)
  expect((await ask('/ui/api/repairs')).status).toBe(405)
})

test('with a token nothing is shown without it, and a name that is proven is the page’s', async () => {
  await using own = await startGame({ LANDFALL_SQL_TOKEN: 'a-token-of-the-tests' })
  const url = own.running.sql
  for (const path of ['/', '/ui/page/main.ts', '/ui/api/about', '/ui/api/flow', '/ui/api/tail'])
    expect(`${path} ${(await ask(path, { url })).status}`).toBe(`${path} 401`)
  const authorization = `Basic ${Buffer.from('anybody:a-token-of-the-tests').toString('base64')}`
  const { status, text } = await ask('/ui/api/about', { url, headers: { authorization } })
  expect(status).toBe(200)
  expect((JSON.parse(text) as About).user).toBeNull()
  // Behind a proxy the address has another name; who has the token is no stranger.
  expect((await ask('/', { url, headers: { authorization, host: 'sql.game.example' } })).status).toBe(200)
})

test('a bad question, table, snapshot or repair is told in a sentence', async () => {
  const post = async (path: string, body: unknown) => {
    const { status, text } = await ask(path, { method: 'POST', headers: action, body: JSON.stringify(body) })
    return { status, ...(JSON.parse(text) as { error: string; hint?: string }) }
  }
  expect(await post('/ui/api/downloads', { sql: 'SELECT * FROM nowhere', format: 'csv' })).toMatchObject({
    status: 400,
  })
  expect(await post('/ui/api/downloads', { sql: 'SHOW TABLES', format: 'parquet' })).toMatchObject({
    status: 400,
    error: 'this answer cannot be had as a Parquet file',
  })
  expect(await post('/ui/api/downloads', { sql: 'SELECT 1', format: 'xlsx' })).toMatchObject({ status: 400 })
  expect(await post('/ui/api/repairs', { repair: '../../etc/passwd' })).toMatchObject({
    status: 404,
    error: 'there is no repair ../../etc/passwd',
  })
  expect(await post('/ui/api/analyses', { kind: 'funnel', steps: [] })).toMatchObject({ status: 400 })
  for (const kind of ['magic', 'constructor', 'toString', '__proto__'])
    expect(await post('/ui/api/analyses', { kind })).toMatchObject({ status: 400 })
  expect(
    await post('/ui/api/analyses', { kind: 'funnel', steps: Array.from({ length: 1000 }, () => 'x') }),
  ).toMatchObject({ status: 400, error: 'steps: expected a list of at most 200 events' })
  expect(await post('/ui/api/downloads', { sql: 'x'.repeat(6 * 1024 * 1024), format: 'csv' })).toMatchObject({
    status: 400,
    error: 'a request has at most 4194304 bytes',
  })
  expect(await post('/ui/api/analyses', { kind: 'top', measure: 'events', field: "x' OR 1" })).toMatchObject({
    status: 400,
  })
  expect((await ask('/ui/api/tables/nothing')).status).toBe(404)
  expect((await ask('/ui/api/downloads/00000000000000000000000000000000')).status).toBe(404)
})

test('a file is fetched once', async () => {
  const body = JSON.stringify({
    sql: "SELECT 1 AS a, CAST(NULL AS varchar) AS b, '' AS c, 'x\ny' AS d",
    format: 'csv',
  })
  const made = JSON.parse(
    (await ask('/ui/api/downloads', { method: 'POST', headers: action, body })).text,
  ) as { path: string }
  for (const method of ['HEAD', 'DELETE', 'POST'])
    expect((await ask(`/${made.path}`, { method })).status).toBe(405)
  const first = await ask(`/${made.path}`)
  expect(first.text).toBe('a,b,c,d\r\n1,,"","x\ny"\r\n')
  expect(first.headers['content-disposition']).toBe('attachment; filename="answer.csv"')
  expect((await ask(`/${made.path}`)).status).toBe(404)
})

test('a repair that never ends does not hold up the query process, and ends with who asked', async () => {
  await sendBadEvents(running, 1)
  const leave = new AbortController()
  const asking = fetch(`${running.sql}/ui/api/repairs`, {
    method: 'POST',
    headers: action,
    body: JSON.stringify({ repair: 'repairs/endless.ts' }),
    signal: leave.signal,
  }).catch(() => 'left')
  const children = () => childrenOf(running.up().processes.query)
  await until('its process', () => children().length === 1)
  const leaveToo = new AbortController()
  const body = JSON.stringify({ repair: 'repairs/endless.ts' })
  const second = fetch(`${running.sql}/ui/api/repairs`, {
    method: 'POST',
    headers: action,
    body,
    signal: leaveToo.signal,
  }).catch(() => 'left')
  await until('the second process', () => children().length === 2)
  const third = await ask('/ui/api/repairs', { method: 'POST', headers: action, body })
  expect(third).toMatchObject({ status: 503, text: expect.stringContaining('2 previews run already') })
  leaveToo.abort()
  expect(await second).toBe('left')
  expect(await running.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  leave.abort()
  expect(await asking).toBe('left')
  await until('its process to end', () => children().length === 0)
})

test('a repair that never ends does not outlive a query process that is killed', async () => {
  const { query } = running.up().processes
  const asking = fetch(`${running.sql}/ui/api/repairs`, {
    method: 'POST',
    headers: action,
    body: JSON.stringify({ repair: 'repairs/endless.ts' }),
  }).catch(() => 'cut off')
  await until('its process', () => childrenOf(query).length === 1)
  const [child] = childrenOf(query)
  await until('its function to run', () => secondsOf(child!) > 1)
  process.kill(query, 'SIGKILL')
  expect(await asking).toBe('cut off')
  await until('its process to end', () => !existsSync(`/proc/${child}`))
})

/** CPU time of a process. */
function secondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** What a stream of server-sent events says within a time. */
async function streamed(path: string, ms: number): Promise<string[]> {
  const answer = await fetch(`${running.sql}${path}`, { signal: AbortSignal.timeout(ms) })
  const found: string[] = []
  try {
    for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) found.push(part)
  } catch {
    // The time is over.
  }
  return found
    .join('')
    .split('\n\n')
    .filter((one) => one.startsWith('event: '))
}

test('nothing is sent while nothing changes, and a look, a tail and a list of tables wake no engine', async () => {
  // Without views or files, which are looked at by the engine when the process starts.
  await using quiet = await startGame({}, 'game-simple')
  const before = running
  running = quiet.running
  try {
    for (let i = 0; i < 10; i++) await play(running, '/join_guild')
    // Until everything has landed and the rate has come down to nothing.
    await until('quiet', async () => {
      const [first] = await streamed('/ui/api/flow', 1500)
      const flow = JSON.parse(first!.split('\ndata: ')[1]!) as Flow
      return flow.lander.pending === 0 && flow.lake.files > 0
    })
    await wait(6000)
    const messages = await streamed('/ui/api/flow', 6000)
    // The first has no rate yet, the second says 0; then there is nothing to say.
    expect(messages.length).toBeLessThanOrEqual(2)
    const tail = await streamed('/ui/api/tail', 1500)
    expect(tail).toHaveLength(1)
    expect(
      (JSON.parse((await ask('/ui/api/tables')).text) as TableEntry[]).map(({ name }) => name),
    ).toContain('join_guild')
    await ask('/ui/api/tables/events')
    await ask('/ui/api/names')
    const maps = () => readFileSync(join('/proc', String(running.up().processes.query), 'maps'), 'utf8')
    expect(maps()).not.toContain('duckdb')
    await running.query('SELECT count(*) AS n FROM events')
    expect(maps()).toContain('duckdb')
  } finally {
    running = before
  }
}, 90_000)
