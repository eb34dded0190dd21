/** Who may ask at the address of SQL and of the Iceberg catalog: named users, a common token, nobody else. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { landfall } from '../cli/run-cli.ts'
import { startLandfall, until } from '../support/landfall.ts'
import { findPython, loadIcebergExtension } from '../support/python.ts'
import { type Lakehouse, openLakehouse } from './iceberg-rest/open-lakehouse.ts'

const python = await findPython()
const folder = mkdtempSync(join(tmpdir(), 'landfall-access-'))
const users = join(folder, 'users')
const COMMON = 'common-token'
let house: Lakehouse
const tokens: Record<string, string> = {}

async function addUser(name: string): Promise<void> {
  const { code, stdout, stderr } = await landfall(['user', name, '--sql-users', users])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  tokens[name] = stdout.trim()
}

beforeAll(async () => {
  await addUser('alice')
  await addUser('bob')
  house = await openLakehouse({ users, token: COMMON })
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`
const bearer = (token: string) => `Bearer ${token}`

async function ask(
  headers: Record<string, string>,
): Promise<{ status: number; text: string; challenge: string | null }> {
  const response = await fetch(`${house.door.address}/v1/statement`, {
    method: 'POST',
    body: 'select 1',
    headers,
  })
  return {
    status: response.status,
    text: await response.text(),
    challenge: response.headers.get('www-authenticate'),
  }
}

/** The user of the session that a statement got. */
async function userOf(headers: Record<string, string>): Promise<string> {
  const { status, text } = await ask(headers)
  expect({ status, text }).toMatchObject({ status: 200 })
  const { id } = JSON.parse(text) as { id: string }
  const info = await fetch(`${house.door.address}/v1/query/${id}`, { headers })
  return ((await info.json()) as { session: { user: string } }).session.user
}

test('without a token there is 401 with a challenge, and health for everybody', async () => {
  for (const authorization of [
    undefined,
    bearer('wrong'),
    basic('alice', 'wrong'),
    basic('alice', tokens['bob']!),
  ]) {
    const answer = await ask({ 'X-Trino-User': 'alice', ...(authorization ? { authorization } : {}) })
    expect(answer).toMatchObject({ status: 401, challenge: expect.stringContaining('Basic realm=') })
  }
  const catalog = await fetch(`${house.catalog}/v1/config`)
  expect(catalog.status).toBe(401)
  expect(catalog.headers.get('www-authenticate')).toContain('Bearer')
  expect(await catalog.json()).toMatchObject({ error: { type: 'NotAuthorizedException', code: 401 } })
  expect((await fetch(`${house.door.address}/healthz`)).status).toBe(200)
  expect((await fetch(`${house.door.address}/metrics`)).status).toBe(401)
})

test('a proven name is the session’s, and no other can be claimed', async () => {
  expect(await userOf({ authorization: bearer(tokens['alice']!) })).toBe('alice')
  expect(await userOf({ authorization: basic('bob', tokens['bob']!) })).toBe('bob')
  expect(await userOf({ authorization: basic('bob', tokens['bob']!), 'X-Presto-User': 'bob' })).toBe('bob')
  for (const header of ['X-Trino-User', 'X-Presto-User']) {
    const answer = await ask({ authorization: bearer(tokens['alice']!), [header]: 'bob' })
    expect(answer).toMatchObject({
      status: 403,
      text: 'Access Denied: User alice cannot impersonate user bob',
    })
  }
  // Whoever knows the common token is trusted with names.
  expect(await userOf({ authorization: bearer(COMMON), 'X-Trino-User': 'carol' })).toBe('carol')
})

test('a statement of one user is not shown to another, nor cancelled by them', async () => {
  const { text } = await ask({ authorization: bearer(tokens['alice']!) })
  const address = `${house.door.address}/v1/query/${(JSON.parse(text) as { id: string }).id}`
  for (const method of ['GET', 'DELETE']) {
    expect(
      (await fetch(address, { method, headers: { authorization: bearer(tokens['bob']!) } })).status,
    ).toBe(403)
  }
})

test('a user that is added or removed while the door is open counts within seconds', async () => {
  const carol = () => ask({ authorization: basic('carol', tokens['carol'] ?? 'none') })
  expect((await carol()).status).toBe(401)
  await addUser('carol')
  await until('carol to be let in', async () => (await carol()).status === 200)
  expect((await landfall(['user', 'carol', '--remove', '--sql-users', users])).code).toBe(0)
  await until('carol to be kept out', async () => (await carol()).status === 401)
  expect(await landfall(['user', 'carol', '--remove', '--sql-users', users])).toMatchObject({ code: 2 })
})

test('a door that others can reach by plain HTTP says that tokens can be read on the way', async () => {
  const data = mkdtempSync(join(tmpdir(), 'landfall-open-'))
  const listen = { http: '127.0.0.1:0', sql: '0.0.0.0:0' }
  const running = await startLandfall('examples/game-simple/pipeline.ts', {
    data,
    ...listen,
    args: ['--sql-users', users],
  })
  await running.stop()
  rmSync(data, { recursive: true, force: true })
  expect(running.output()).toMatch(/keys and tokens travel unencrypted to 0\.0\.0\.0:0: give --tls-cert/)
})

test('landfall sql asks under the name that belongs to its token', async () => {
  const sql = (env: Record<string, string>) =>
    landfall(['sql', '--sql', house.door.address, '--json', 'select count(*) as n from purchases'], { env })
  const asked = await sql({ LANDFALL_SQL_TOKEN: tokens['alice']!, LANDFALL_SQL_USER: 'alice' })
  expect(JSON.parse(asked.stdout)).toEqual([{ n: 3000 }])
  expect((await sql({ LANDFALL_SQL_TOKEN: tokens['alice']!, LANDFALL_SQL_USER: 'bob' })).stderr).toMatch(
    /Access Denied: User alice cannot impersonate user bob.*LANDFALL_SQL_USER/,
  )
  expect((await sql({ LANDFALL_SQL_TOKEN: '' })).stderr).toMatch(/401.*LANDFALL_SQL_TOKEN/)
})

test('pyiceberg reads with a token, or logs in with name and token', async ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  const count = async (credentials: Record<string, string>) => {
    const catalog = { type: 'rest', uri: house.catalog, ...credentials }
    const requests = [{ op: 'count', table: 'purchases' }]
    return python.runJson('read_catalog.py', [], { catalog, requests }).catch((error: Error) => error.message)
  }
  expect(await count({ token: tokens['alice']! })).toEqual([3000])
  expect(await count({ credential: `alice:${tokens['alice']}` })).toEqual([3000])
  expect(await count({ token: 'wrong' })).toMatch(/a token is needed/)
  expect(await count({ credential: `bob:${tokens['alice']}` })).toMatch(/the client is not known/)
})

test('DuckDB reads with a token, or logs in with name and token', async ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await loadIcebergExtension(connection, python)
  const login = `CLIENT_ID 'alice', CLIENT_SECRET '${tokens['alice']}', OAUTH2_SERVER_URI '${house.catalog}/v1/oauth/tokens'`
  for (const [name, secret] of Object.entries({ a: `TOKEN '${tokens['alice']}'`, b: login })) {
    await connection.run(`CREATE SECRET ${name} (TYPE iceberg, ${secret})`)
    await connection.run(
      `ATTACH 'landfall' AS ${name} (TYPE iceberg, ENDPOINT '${house.catalog}', SECRET ${name})`,
    )
    const reader = await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM ${name}."default".purchases`)
    expect(reader.getRows()).toEqual([[3000]])
  }
  connection.closeSync()
  instance.closeSync()
})
