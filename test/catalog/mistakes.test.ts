/** What a wrong URL, a wrong server and wrong credentials say: one line each, and never a secret. */
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { formatError } from '../../src/base/errors.ts'
import { openHiveCatalog } from '../../src/catalog/drivers/hive/open.ts'
import { openRestCatalog } from '../../src/catalog/drivers/rest/open.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { createMemoryStorage } from '../../src/storage/drivers/memory.ts'

const storage = createMemoryStorage()
const times = { requestMs: 500, callMs: 500, patienceMs: 100 }
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function listening(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const web = (listener: RequestListener) => listening(createHttpServer(listener))
/** A thrift server that says these bytes to whatever it is told. */
const saying = (...bytes: number[]) =>
  listening(
    createServer((socket) => socket.on('error', () => {}).on('data', () => socket.end(Buffer.from(bytes)))),
  )

const rest = (port: number, more: object = {}) =>
  openRestCatalog(storage, { namespace: 'default', url: `http://127.0.0.1:${port}`, times, ...more })
const hive = (port: number) =>
  openHiveCatalog(storage, { namespace: 'default', host: '127.0.0.1', port, times })

async function told(opening: Promise<unknown>): Promise<string> {
  const line = await opening.then(
    () => 'it was opened',
    (error: unknown) => formatError(error),
  )
  expect(line).not.toContain('\n')
  return line
}

test('a URL that cannot be used says why', async () => {
  const open = (url: string) => told(openCatalog(url, storage))
  expect(await open('https://ann:secret@host/api')).toMatch(
    /^catalog\/bad-url: .*carries a user or a password.*LANDFALL_CATALOG_TOKEN/,
  )
  expect(await open('https://ann:secret@host/api')).not.toContain('secret@')
  expect(await open('http://host:8181?warehose=x')).toMatch(/unknown option warehose.*warehouse/)
  expect(await open('thrift://host:9083?principal=hive/_HOST@EXAMPLE')).toMatch(
    /asks for Kerberos \(principal\)/,
  )
  expect(await open('thrift://')).toMatch(/^catalog\/bad-url: .*names no host/)
  expect(await open('jdbc:postgresql://host')).toMatch(/^catalog\/unknown-driver: .*thrift:/)
})

test('nobody there', async () => {
  const port = await web(() => {})
  await new Promise((resolve) => servers.pop()!.close(resolve))
  const nobody = 'does not answer: .*ECONNREFUSED'
  expect(await told(rest(port))).toMatch(
    new RegExp(`^catalog/unreachable: the catalog http://127.0.0.1:${port} ${nobody}`),
  )
  expect(await told(hive(port))).toMatch(
    new RegExp(`^catalog/unreachable: the catalog thrift://127.0.0.1:${port} ${nobody}`),
  )
})

test('a server that accepts and never answers is given up', async () => {
  const silent = await listening(createServer((socket) => socket.on('error', () => {})))
  expect(await told(rest(silent))).toMatch(/^catalog\/unreachable: /)
  expect(await told(hive(silent))).toMatch(/^catalog\/unreachable: .*no answer within 500 ms/)
})

test('a web server that is no catalog', async () => {
  const page = await web((_request, response) => response.end('<html>hello</html>'))
  expect(await told(rest(page))).toMatch(
    /^catalog\/not-iceberg-rest: .*answered 200 and no configuration.*before \/v1/,
  )
  const missing = await web((_request, response) => response.writeHead(404).end('nothing here'))
  expect(await told(rest(missing))).toMatch(/^catalog\/not-iceberg-rest: .*answered 404/)
  const moved = await web((_request, response) => response.writeHead(301, { location: 'https://x/' }).end())
  expect(await told(rest(moved))).toMatch(/^catalog\/refused: .*redirects/)
})

test('a token that is refused is not told', async () => {
  const closed = await web((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end('{"error":{"message":"token expired","type":"NotAuthorizedException","code":401}}')
  })
  const line = await told(rest(closed, { token: 'very-secret' }))
  expect(line).toMatch(
    /^catalog\/not-authorized: .*with a bearer token \(401\): token expired.*LANDFALL_CATALOG_TOKEN/,
  )
  expect(line).not.toContain('very-secret')
  expect(await told(rest(closed))).toMatch(/without a token/)
})

test('a credential that is refused is not told', async () => {
  const port = await web((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end('{"error":"invalid_client","error_description":"no such client"}')
  })
  const line = await told(rest(port, { credential: 'ann:very-secret' }))
  expect(line).toMatch(
    /^catalog\/not-authorized: .*\/v1\/oauth\/tokens gave no token: invalid_client: no such client/,
  )
  expect(line).not.toContain('very-secret')
})

test('a warehouse that is not there is named', async () => {
  const port = await web((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' })
    response.end('{"error":{"message":"Warehouse x not found","type":"NotFoundException","code":404}}')
  })
  expect(await told(rest(port, { warehouse: 'x' }))).toMatch(/refused the warehouse x: Warehouse x not found/)
})

test('a metastore that speaks something else says what', async () => {
  const http = await web((_request, response) => response.end('x'))
  expect(await told(hive(http))).toMatch(/^catalog\/other-protocol: the metastore answers with HTTP/)
  // SASL: status BAD (3) and a message of 2 bytes.
  expect(await told(hive(await saying(3, 0, 0, 0, 2, 110, 111)))).toMatch(
    /SASL \(Kerberos\), which Landfall does not speak/,
  )
  expect(await told(hive(await saying(0x15, 3, 3, 0, 2, 2, 10)))).toMatch(/answers with TLS.*tls=true/)
})

test('a metastore of another version is told by its version', async () => {
  const answering = (version: string) =>
    listening(
      createServer((socket) =>
        socket
          .on('error', () => {})
          .on('data', (call) => {
            // reply · getVersion · its sequence · field 0, a string · end
            const length = Buffer.alloc(4)
            length.writeUInt32BE(version.length)
            const head = Buffer.from([0x80, 1, 0, 2])
            socket.write(
              Buffer.concat([
                head,
                call.subarray(4, 22),
                Buffer.from([11, 0, 0]),
                length,
                Buffer.from(version),
                Buffer.of(0),
              ]),
            )
          }),
      ),
    )
  expect(await told(hive(await answering('2.3')))).toMatch(
    /^catalog\/old-metastore: .*is of version 2\.3; 3\.1 and 4\.0/,
  )
  expect(await told(hive(await answering('4.0.1')))).toBe('it was opened')
})
