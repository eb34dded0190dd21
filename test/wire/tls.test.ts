/** `landfall up` over https: every client that is usually pointed at the doors, with a certificate of an authority of one's own. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { BasicAuth, Trino } from 'trino-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findJava } from '../../src/stack/java.ts'
import { landfall } from '../cli/run-cli.ts'
import { findArtifact } from '../engines/artifacts.ts'
import { makeCertificate, type TestCertificate } from '../support/certificate.ts'
import { type Running, startLandfall, temporaryFolder, until } from '../support/landfall.ts'
import { missingPrograms } from '../support/programs.ts'
import { findPython } from '../support/python.ts'
import { runProgram, SMALL } from './support/run-program.ts'

const python = await findPython()
const java = findJava({ min: 17 })
const missing = missingPrograms('openssl', 'curl')
const pipeline = 'examples/game-simple/pipeline.ts'
let certificate: TestCertificate
let running: Running
let token: string

beforeAll(async () => {
  if (missing !== undefined) return
  // A machine's own choice goes before what a Python client is told, and hides whether that works.
  for (const name of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS']) delete process.env[name]
  certificate = makeCertificate()
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(certificate.ca, 'utf8')])
  const data = temporaryFolder()
  mkdirSync(data, { recursive: true })
  const users = join(data, 'users')
  token = (await landfall(['user', 'alice', '--sql-users', users])).stdout.trim()
  const args = ['--tls-cert', certificate.cert, '--tls-key', certificate.key, '--sql-users', users]
  running = await startLandfall(pipeline, { data, args })
})
afterAll(async () => {
  if (missing !== undefined) return
  await running.stop()
  rmSync(running.data, { recursive: true, force: true })
  certificate[Symbol.dispose]()
})

const curl = (...args: string[]) => promisify(execFile)('curl', ['-sS', ...args]).then(({ stdout }) => stdout)

test('curl sends events and asks over https, and is told when it speaks plain HTTP', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  expect(running.http).toMatch(/^https:/)
  expect(running.output()).toContain(`Iceberg readers attach to ${running.sql}/iceberg`)
  expect(await curl('--cacert', certificate.ca, `${running.http}/join_guild`)).toBe('Guild joined!\n')
  const page = await curl(
    '--cacert',
    certificate.ca,
    '-u',
    `alice:${token}`,
    '-d',
    'select 1',
    `${running.sql}/v1/statement`,
  )
  expect(JSON.parse(page)).toMatchObject({ nextUri: expect.stringMatching(/^https:\/\/127\.0\.0\.1:/) })
  for (const address of [running.http, running.sql]) {
    expect(await curl(`${address.replace('https', 'http')}/healthz`)).toBe(
      'this address speaks TLS: use https://\n',
    )
    await expect(curl(`${address}/healthz`)).rejects.toThrow(/certificate/)
  }
})

test('landfall sql and landfall simulate trust the authority that --ca names, and say so when it is needed', async ({
  skip,
}) => {
  if (missing !== undefined) return skip(missing)
  const env = { LANDFALL_SQL_TOKEN: token, LANDFALL_SQL_USER: 'alice' }
  const trusted = ['--ca', certificate.ca]
  const sent = await landfall(
    ['simulate', pipeline, '--data', running.data, '--events', '20', '--json', ...trusted],
    { env },
  )
  expect({ code: sent.code, summary: JSON.parse(sent.stdout) }).toMatchObject({
    code: 0,
    summary: { failed: 0, non2xx: 0 },
  })
  const statement = ['sql', '--json', 'select count(*) > 0 as some from events']
  for (const where of [
    ['--data', running.data],
    ['--sql', running.sql],
  ]) {
    const asked = await landfall([...statement, ...where, ...trusted], { env })
    expect({ ...asked, stdout: JSON.parse(asked.stdout) }).toMatchObject({
      code: 0,
      stdout: [{ some: true }],
    })
  }
  const byVariable = { ...env, NODE_EXTRA_CA_CERTS: certificate.ca }
  expect(await landfall([...statement, '--sql', running.sql], { env: byVariable })).toMatchObject({ code: 0 })
  const distrusted = /tls\/untrusted: the certificate at https:.*--ca FILE/
  expect((await landfall([...statement, '--sql', running.sql], { env })).stderr).toMatch(distrusted)
  expect(
    (await landfall(['simulate', pipeline, '--http', running.http, '--events', '3'], { env })).stderr,
  ).toMatch(distrusted)
  const plain = await landfall([...statement, '--sql', running.sql.replace('https://', '')], { env })
  expect(plain.stderr).toMatch(/this address speaks TLS: use https/)
})

test('the Python client of Trino logs in by password and by token over https', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  if ('missing' in python) return skip(python.missing)
  const port = Number(new URL(running.sql).port)
  const asked = { port, user: 'alice', verify: certificate.ca, sql: 'select 42' }
  expect(await python.runJson('trino_login.py', [], { ...asked, password: token })).toEqual({ rows: [[42]] })
  expect(await python.runJson('trino_login.py', [], { ...asked, token })).toEqual({ rows: [[42]] })
  expect(await python.runJson('trino_login.py', [], { ...asked, password: 'wrong' })).toMatchObject({
    message: expect.stringContaining('401'),
  })
  expect(await python.runJson('trino_login.py', [], { ...asked, token, user: 'bob' })).toMatchObject({
    message: expect.stringContaining('Access Denied: User alice cannot impersonate user bob'),
  })
})

test('npm trino-client logs in by password over https', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  const ask = async (password: string) => {
    const ssl = { ca: readFileSync(certificate.ca, 'utf8') }
    const answer = await Trino.create({
      server: running.sql,
      auth: new BasicAuth('alice', password),
      ssl,
    }).query('select 42')
    const rows: unknown[][] = []
    for await (const { data } of answer) rows.push(...(data ?? []))
    return rows
  }
  expect(await ask(token)).toEqual([[42]])
  await expect(ask('wrong')).rejects.toThrow(/401/)
})

test("Trino's command line and JDBC driver log in by password and by token over https", {
  timeout: 240_000,
}, async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  if (typeof java !== 'string') return skip(java.missing)
  const [cli, driver] = [await findArtifact('trino-cli'), await findArtifact('trino-jdbc')]
  if (typeof cli !== 'string') return skip(cli.missing)
  if (typeof driver !== 'string') return skip(driver.missing)
  const jar = [...SMALL, `-Duser.home=${running.data}`, '-jar', cli]
  const place = ['--server', running.sql, '--truststore-path', certificate.ca, '--execute', 'select 42']
  const env = { TRINO_PASSWORD: token }
  const byPassword = await runProgram(java, [...jar, ...place, '--user', 'alice', '--password'], { env })
  expect({ code: byPassword.code, output: byPassword.output }).toEqual({ code: 0, output: '"42"\n' })
  const byToken = await runProgram(java, [...jar, ...place, '--user', 'alice', '--access-token', token])
  expect({ code: byToken.code, output: byToken.output }).toEqual({ code: 0, output: '"42"\n' })
  const asBob = await runProgram(java, [...jar, ...place, '--user', 'bob', '--access-token', token])
  expect(asBob.errors + asBob.output).toContain('Access Denied: User alice cannot impersonate user bob')

  const source = join(import.meta.dirname, '../java/JdbcLogin.java')
  const jdbc = async (credentials: string) => {
    const trust = `SSL=true&SSLTrustStorePath=${certificate.ca}`
    const url = `jdbc:trino://${new URL(running.sql).host}/hive/default?${trust}&${credentials}`
    return (await runProgram(java, [...SMALL, '-cp', driver, source, url, 'select 42'])).output
  }
  expect(await jdbc(`user=alice&password=${token}`)).toBe('42\n')
  expect(await jdbc(`user=alice&accessToken=${token}`)).toBe('42\n')
  expect(await jdbc('user=alice&password=wrong')).toMatch(/^error: Authentication failed/)
})

test('pyiceberg reads over https with a token', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  if ('missing' in python) return skip(python.missing)
  const catalog = { type: 'rest', uri: `${running.sql}/iceberg`, token, ssl: { cabundle: certificate.ca } }
  await fetch(`${running.http}/join_guild`)
  const requests = [{ op: 'tables' }, { op: 'count', table: 'join_guild' }]
  await until('the event to be committed', async () => {
    const [tables, count] = (await python.runJson('read_catalog.py', [], { catalog, requests })) as [
      string[],
      number,
    ]
    expect(tables).toContain('default.join_guild')
    return count > 0
  })
})

test('a renewed certificate is served without a restart', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  const nameOf = async (address: string) =>
    (await curl('-v', '--stderr', '-', '--cacert', certificate.ca, `${address}/healthz`)).match(
      /subject: CN ?= ?(\w+)/,
    )?.[1]
  expect(await nameOf(running.sql)).toBe('first')
  certificate.renew('second')
  for (const address of [running.sql, running.http]) {
    await until('the new certificate', async () => (await nameOf(address)) === 'second')
  }
})

test('a mistake in the configuration ends the start with its reason', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  const up = (...args: string[]) =>
    landfall(['query', pipeline, '--data', running.data, '--sql', '127.0.0.1:0', ...args])
  expect((await up('--tls-cert', certificate.cert)).stderr).toMatch(
    /tls\.cert is given without tls\.key.*--tls-key FILE/,
  )
  expect((await up('--tls-cert', certificate.cert, '--tls-key', '/nowhere')).stderr).toMatch(
    /TLS key \/nowhere cannot be read/,
  )
  expect((await up('--sql', 'https://127.0.0.1:0')).stderr).toMatch(/without a certificate.*--tls-cert FILE/)
  expect((await up('--sql-users', '/nowhere')).stderr).toMatch(/file of users \/nowhere cannot be read/)
})
