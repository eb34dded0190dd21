/** TLS and SASL against a broker that asks for them; what is wrong is one clear line that says what to do. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatError, isLandfallError } from '../../src/base/errors.ts'
import { type LogCredentials, openLog, openLogReader } from '../../src/log/open.ts'
import type { KafkaState } from '../../src/stack/engines/kafka.ts'
import { failure, newRecord, readAll } from '../conformance/log-suite.ts'
import { Broker, findKafkaParts } from '../engines/kafka.ts'
import { freePort } from '../engines/shared-engine.ts'
import { makeCertificate, type TestCertificate } from '../support/certificate.ts'
import { projectRoot } from '../support/landfall.ts'

const WHO: LogCredentials = { username: 'gina', password: 'guild-9§secret' }
const SECRET = 'guild-9§secret'
let broker: Broker | undefined
let missing: string | undefined
let ours: TestCertificate
let other: TestCertificate
const folder = mkdtempSync(join(tmpdir(), 'landfall-kafka-tls-'))

beforeAll(async () => {
  const parts = await findKafkaParts()
  if ('missing' in parts) {
    missing = parts.missing
    return
  }
  ours = makeCertificate()
  other = makeCertificate()
  const identity = join(folder, 'identity.pem')
  writeFileSync(identity, `${readFileSync(ours.cert, 'utf8')}${readFileSync(ours.key, 'utf8')}`)
  const secure = { identity, authority: ours.ca, username: WHO.username!, password: WHO.password! }
  broker = await Broker.start({ ...parts, secure })
})
afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const at = (listener: keyof KafkaState, query = '') => `kafka://${broker!.state[listener]}/safe${query}`

/** One record goes in and comes back. */
async function works(url: string, credentials?: LogCredentials): Promise<void> {
  const options = credentials === undefined ? {} : { credentials }
  await using log = await openLog(url, options)
  await using reader = await openLogReader(url, options)
  const from = await log.end()
  await log.append([newRecord(url)])
  expect((await readAll(reader, { from })).map(({ value }) => value)).toEqual([url])
}

/** The line that a person reads. */
async function line(url: string, credentials?: LogCredentials): Promise<string> {
  const error = await failure(() => openLog(url, credentials === undefined ? {} : { credentials }))
  expect(isLandfallError(error), String(error)).toBe(true)
  const text = formatError(error)
  expect(text).not.toContain('\n')
  expect(text).not.toContain(SECRET)
  return text
}

const GOOD: [string, () => string, LogCredentials?][] = [
  ['TLS', () => at('tls', `?ca=${ours.ca}`)],
  ['mutual TLS', () => at('mutualTls', `?ca=${ours.ca}&cert=${ours.cert}&key=${ours.key}`)],
  ['SASL PLAIN', () => at('saslPlaintext', '?sasl=plain'), WHO],
  ['SASL SCRAM-SHA-256', () => at('saslPlaintext', '?sasl=scram-sha-256'), WHO],
  ['SASL SCRAM-SHA-512', () => at('saslPlaintext', '?sasl=scram-sha-512'), WHO],
  ['TLS with SASL SCRAM-SHA-512', () => at('saslTls', `?tls=true&ca=${ours.ca}&sasl=scram-sha-512`), WHO],
  ['TLS with SASL PLAIN', () => at('saslTls', `?ca=${ours.ca}&sasl=plain`), WHO],
]
for (const [name, url, credentials] of GOOD) {
  test(`${name}: what is written is read`, async ({ skip }) => {
    if (missing) return skip(missing)
    await works(url(), credentials)
  })
}

test('wrong password, wrong authority, wrong listener: one clear line each', async ({ skip }) => {
  if (missing) return skip(missing)
  const wrong = { username: 'gina', password: 'no' }
  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512']) {
    expect(await line(at('saslPlaintext', `?sasl=${mechanism}`), wrong)).toMatch(
      /^log\/unauthenticated: Kafka at .* does not let gina in \((PLAIN|SCRAM-SHA-\d+)\)\. Check LANDFALL_KAFKA_USERNAME/,
    )
  }
  expect(await line(at('saslTls', `?ca=${ours.ca}&sasl=scram-sha-512`), wrong)).toContain(
    'log/unauthenticated',
  )
  expect(await line(at('saslPlaintext', '?sasl=plain'))).toMatch(
    /^log\/credentials: .*LANDFALL_KAFKA_PASSWORD/,
  )
  expect(await line(at('tls', `?ca=${other.ca}`))).toMatch(
    /^log\/untrusted: the certificate of Kafka at .*\?ca=FILE/,
  )
  expect(await line(at('tls', '?tls=true'))).toMatch(/^log\/untrusted: /)
  expect(await line(at('tls'))).toMatch(/^log\/unreachable: .* answers with TLS\. Add \?tls=true/)
  expect(await line(at('plaintext', `?ca=${ours.ca}`))).toMatch(/^log\/unreachable: /)
  expect(await line(at('mutualTls', `?ca=${ours.ca}`))).toMatch(/^log\/unreachable: .*cert= and key=/)
  const stranger = `?ca=${ours.ca}&cert=${other.cert}&key=${other.key}`
  expect(await line(at('mutualTls', stranger))).toMatch(/^log\/unreachable: .*authority has signed/)
  expect(await line(at('saslPlaintext'))).toMatch(/^log\/unreachable: .*it may ask for .*sasl=/)
  expect(await line(at('tls', '?ca=/nowhere.pem'))).toMatch(/^log\/tls-file: reading ca=\/nowhere\.pem/)
  expect(await line(at('tls', `?ca=${ours.key}&cert=${ours.ca}&key=${ours.key}`))).toMatch(/^log\//)
})

test('an address where nobody is, a topic that must not be made, a wrong URL: one clear line each', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const nobody = `127.0.0.1:${await freePort()}`
  expect(await line(`kafka://${nobody}/t`)).toMatch(
    /^log\/unreachable: no Kafka answers at .*ECONNREFUSED.* Check that the broker runs/,
  )
  expect(await line('kafka://no-such-host.invalid:9092/t')).toMatch(
    /^log\/unreachable: no Kafka answers at no-such-host/,
  )
  // The second one is tried.
  await works(`kafka://${nobody},${broker!.state.plaintext}/safe`)
  expect(await line(at('plaintext').replace('/safe', '/not-there?create=false'))).toMatch(
    /^log\/no-topic: there is no topic not-there\. Make it \(kafka-topics --create/,
  )
  const reading = await failure(() => openLogReader(at('plaintext').replace('/safe', '/not-there')))
  expect(formatError(reading)).toMatch(/^log\/no-topic: /)
  await works(at('plaintext').replace('/safe', '/three?partitions=3'))
  expect(await line(at('plaintext').replace('/safe', '/three?partitions=5'))).toMatch(
    /^log\/topic: the topic three has 3 partitions, and the URL of the log asks for 5/,
  )
  expect(await line(at('plaintext').replace('/safe', '/wide?replication=3'))).toMatch(
    /^log\/topic: .*too few brokers/,
  )
  for (const [url, found] of [
    ['kafka://h:9092', 'it names no topic'],
    ['kafka:///t', 'it names no broker'],
    ['kafka://gina:guild-9§secret@h:9092/t', 'it holds a user or a password'],
    ['kafka://h:90920/t', '"h:90920" is no host:port'],
    ['kafka://h/a b', 'cannot be a topic'],
    ['kafka://h/t?acks=1', 'it has no option "acks"'],
    ['kafka://h/t?sasl=gssapi', 'it asks for sasl=gssapi'],
    ['kafka://h/t?partitions=0', 'partitions=0'],
    ['kafka://h/t?cert=/c', 'a certificate without its key'],
  ]) {
    expect(await line(url!)).toMatch(new RegExp(`^log/url: reading the kafka:// URL of the log: .*${found}`))
  }
})

test('a broker that is too old, and one that is none: one clear line each', async ({ skip }) => {
  if (missing) return skip(missing)
  // Kafka 2.8 as it tells its versions: Fetch ends before topic ids (KIP-516).
  const old = createServer((socket) =>
    socket.on('data', (request: Buffer) => {
      const apis = [
        [0, 0, 9],
        [1, 0, 12],
        [2, 0, 6],
        [3, 0, 11],
        [18, 0, 3],
      ]
      const body = Buffer.alloc(2 + 1 + apis.length * 7 + 4 + 1)
      body[2] = apis.length + 1
      apis.forEach((api, i) => api.forEach((number, at) => body.writeInt16BE(number, 3 + i * 7 + at * 2)))
      const head = Buffer.alloc(8)
      head.writeInt32BE(4 + body.length, 0)
      request.copy(head, 4, 8, 12)
      socket.write(Buffer.concat([head, body]))
    }),
  )
  const web = createServer((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  )
  try {
    for (const server of [old, web]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const portOf = (server: typeof old) => (server.address() as { port: number }).port
    expect(await line(`kafka://127.0.0.1:${portOf(old)}/t`)).toMatch(
      /^log\/too-old: Kafka at .* is too old: it speaks Fetch in versions 0 to 12, and version 13 is needed\. Use Kafka 3\.1 or newer/,
    )
    expect(await line(`kafka://127.0.0.1:${portOf(web)}/t`)).toMatch(/^log\/unreachable: /)
  } finally {
    old.close()
    web.close()
  }
})

test('without the client library: the line says what to install', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name !== '@platformatic/kafka') return next(name, context)
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    } })
    const { openLog } = await import('${join(projectRoot, 'src/log/open.ts')}')
    const { formatError } = await import('${join(projectRoot, 'src/base/errors.ts')}')
    await openLog('kafka://127.0.0.1:1/t').catch((error) => console.log(formatError(error)))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout).toBe(
    'log/missing-package: opening a kafka:// log: the package @platformatic/kafka is not installed. npm install @platformatic/kafka@2.12.1\n',
  )
})
