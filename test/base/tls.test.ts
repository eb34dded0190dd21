import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTls } from '../../src/base/tls.ts'
import { makeCertificate, type TestCertificate } from '../support/certificate.ts'
import { until } from '../support/landfall.ts'
import { missingPrograms } from '../support/programs.ts'

const missing = missingPrograms('openssl')
let certificate: TestCertificate
beforeAll(() => {
  if (missing === undefined) certificate = makeCertificate()
})
afterAll(() => certificate?.[Symbol.dispose]())

async function openServer(onError: (error: unknown) => void = () => {}) {
  const tls = await openTls(certificate, onError)
  const server = tls.createServer({}, (_request, response) => response.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      tls[Symbol.dispose]()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Answered {
  text: string
  socket: TLSSocket
}

function ask(port: number, agent?: Agent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(certificate.ca)
    get({ host: '127.0.0.1', port, ca, ...(agent ? { agent } : {}) }, (response) => {
      let text = ''
      const socket = response.socket as TLSSocket
      response.on('data', (chunk: Buffer) => (text += chunk))
      response.on('end', () => resolve({ text, socket }))
    }).on('error', reject)
  })
}

const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN

test('a renewed certificate is taken over, and a connection that is open goes on', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  await using server = await openServer()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const first = await ask(server.port, agent)
  expect({ text: first.text, name: nameOf(first.socket) }).toEqual({ text: 'hello', name: 'first' })
  // The watcher must have seen the files before they change.
  await new Promise((resolve) => setTimeout(resolve, 50))
  certificate.renew('second')
  await until(
    'the new certificate',
    async () => nameOf((await ask(server.port, new Agent())).socket) === 'second',
  )
  const again = await ask(server.port, agent)
  expect(again.socket).toBe(first.socket)
  agent.destroy()
})

test('files that do not fit together are told, and the certificate stays what it was', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  const errors: unknown[] = []
  await using server = await openServer((error) => errors.push(error))
  const name = nameOf((await ask(server.port)).socket)
  const good = readFileSync(certificate.key)
  await new Promise((resolve) => setTimeout(resolve, 50))
  using other = makeCertificate()
  copyFileSync(other.key, certificate.key)
  await until('the error', () => errors.length > 0)
  expect(errors[0]).toMatchObject({
    code: 'tls/pair',
    message: expect.stringContaining('is not that of the certificate'),
  })
  expect(nameOf((await ask(server.port)).socket)).toBe(name)
  writeFileSync(certificate.key, good)
})

test('a missing file, a file that is not PEM and a foreign key are each told', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  using other = makeCertificate()
  const open = (files: { cert: string; key: string }) =>
    openTls(files, () => {}).then(
      () => 'opened',
      (error: Error) => error.message,
    )
  expect(await open({ cert: '/nowhere/cert.pem', key: certificate.key })).toBe(
    'the TLS certificate /nowhere/cert.pem cannot be read: ENOENT',
  )
  expect(
    await open({ cert: certificate.cert, key: import.meta.filename.replace('tls.test', 'clock.test') }),
  ).toMatch(/is not PEM$/)
  expect(await open({ cert: certificate.cert, key: other.key })).toMatch(/is not that of the certificate/)
})

test('plain HTTP is told to speak TLS, and old TLS is not spoken', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  await using server = await openServer()
  const answer = await fetch(`http://127.0.0.1:${server.port}/`)
  expect({ status: answer.status, text: await answer.text() }).toEqual({
    status: 400,
    text: 'this address speaks TLS: use https://\n',
  })
  const old = tlsConnect({
    host: '127.0.0.1',
    port: server.port,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL:@SECLEVEL=0',
    rejectUnauthorized: false,
  })
  const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/)
})

test('a connection that says nothing holds up neither others nor the end', async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  const server = await openServer()
  const silent = connect(server.port, '127.0.0.1')
  const halfway = connect(server.port, '127.0.0.1')
  await Promise.all([once(silent, 'connect'), once(halfway, 'connect')])
  halfway.write(Buffer.from([0x16, 0x03, 0x01]))
  expect((await ask(server.port)).text).toBe('hello')
  const ended = Promise.all([once(silent, 'close'), once(halfway, 'close')])
  for (const socket of [silent, halfway]) socket.on('error', () => {})
  const startedAt = performance.now()
  await server[Symbol.asyncDispose]()
  await ended
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
