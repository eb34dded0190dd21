import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createMetadata } from '../../src/lake/create-metadata.ts'
import { catalogSuite, setProperty } from '../conformance/catalog-suite.ts'
import { findIcebergRest } from '../engines/catalogs.ts'
import { purchases } from '../lake/support.ts'
import { openNamespace } from './support.ts'

const rest = await findIcebergRest()

if ('missing' in rest) test('a real Iceberg REST catalog', ({ skip }) => skip(rest.missing))
else {
  catalogSuite({ name: 'Iceberg REST', open: () => openNamespace(rest.url) })

  test('a client with credentials gets tokens, in time and when they are refused', async () => {
    await using guard = await openGuard(rest.url)
    const own = await openNamespace(`${guard.url}?oauth2-server-uri=${guard.url}/token&scope=tables`, {
      credential: 'ann:s3cret:with:colons',
    })
    const create = createMetadata({ ...purchases, name: 't' }, own.location('t'), Date.now(), {})
    let base = await own.catalog.createTable('t', create)
    expect(guard.asked).toEqual([
      {
        grant_type: 'client_credentials',
        client_id: 'ann',
        client_secret: 's3cret:with:colons',
        scope: 'tables',
      },
    ])
    // Refused (the server forgot it): a new one, and the commit goes on.
    guard.forget()
    base = await setProperty(own.catalog, base, 'k', 'v')
    expect(guard.asked).toHaveLength(2)
    // It lives for 1 s: after 0.9 s another one is fetched before anything is refused.
    guard.lifeSeconds = 1
    guard.forget()
    base = await setProperty(own.catalog, base, 'k', 'v2')
    await new Promise((resolve) => setTimeout(resolve, 950))
    const refused = guard.refused
    base = await setProperty(own.catalog, base, 'k', 'v3')
    expect([guard.refused, guard.asked.length]).toEqual([refused, 4])
    expect((await own.catalog.loadTable('t'))?.metadata.properties['k']).toBe('v3')
    await own.close()
  })

  test('a bearer token goes with every request', async () => {
    await using guard = await openGuard(rest.url)
    guard.accept('given')
    const own = await openNamespace(guard.url, { token: 'given' })
    expect(await own.catalog.listTables()).toEqual([])
    await expect(own.openAnother({ token: 'other' })).rejects.toMatchObject({
      code: 'catalog/not-authorized',
    })
    await own.close()
  })

  test('a commit that a snapshot staged by another engine has overtaken is a conflict, and is made again', async () => {
    const own = await openNamespace(rest.url)
    const create = createMetadata({ ...purchases, name: 't' }, own.location('t'), Date.now(), {})
    const base = await setProperty(own.catalog, await own.catalog.createTable('t', create), 'k', 'before')
    // Spark under `spark.wap.id`: a snapshot that no branch names.
    const snapshot = {
      'snapshot-id': 7,
      'parent-snapshot-id': Number(base.metadata['current-snapshot-id']),
      'sequence-number': base.metadata['last-sequence-number'] + 1,
      'timestamp-ms': Date.now(),
      'manifest-list': `${own.location('t')}/metadata/staged.avro`,
      summary: { operation: 'append', 'wap.id': 'theirs' },
      'schema-id': 0,
    }
    const staged = await fetch(`${rest.url}/v1/namespaces/${own.namespace}/tables/t`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ requirements: [], updates: [{ action: 'add-snapshot', snapshot }] }),
    })
    expect(staged.status).toBe(200)
    await expect(setProperty(own.catalog, base, 'k', 'v')).rejects.toMatchObject({ code: 'catalog/conflict' })
    const again = await setProperty(own.catalog, (await own.catalog.loadTable('t'))!, 'k', 'v')
    expect(again.metadata.properties['k']).toBe('v')
    expect(again.metadata.snapshots.map(({ summary }) => summary['wap.id'])).toContain('theirs')
    await own.close()
  })

  test('what the server and other engines know more of a table stays', async () => {
    const own = await openNamespace(rest.url)
    const create = createMetadata({ ...purchases, name: 't' }, own.location('t'), Date.now(), {})
    const base = await own.catalog.createTable('t', create)
    const metadata = base.metadata as typeof base.metadata & { statistics?: unknown[] }
    expect(metadata.statistics).toEqual([])
    // Another client sets a property; a commit of ours on the older base keeps it.
    await fetch(`${rest.url}/v1/namespaces/${own.namespace}/tables/t`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        requirements: [],
        updates: [{ action: 'set-properties', updates: { theirs: '1' } }],
      }),
    })
    const after = await setProperty(own.catalog, base, 'ours', '2')
    expect(after.metadata.properties).toMatchObject({ theirs: '1', ours: '2' })
    await own.close()
  })
}

interface Guard extends AsyncDisposable {
  url: string
  lifeSeconds: number
  /** Forms that came to the token endpoint. */
  asked: Record<string, string>[]
  refused: number
  accept(token: string): void
  forget(): void
}

/** A token endpoint, and a proxy that lets through who has one of its tokens: the reference server asks nobody. */
async function openGuard(target: string): Promise<Guard> {
  let tokens = new Set<string>()
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    if (request.url === '/token') {
      guard.asked.push(Object.fromEntries(new URLSearchParams(body.toString())))
      const access_token = `token-${guard.asked.length}`
      tokens.add(access_token)
      response.end(JSON.stringify({ access_token, token_type: 'bearer', expires_in: guard.lifeSeconds }))
      return
    }
    if (!tokens.has(request.headers.authorization?.replace('Bearer ', '') ?? '')) {
      guard.refused += 1
      response
        .writeHead(401)
        .end('{"error":{"message":"no token","type":"NotAuthorizedException","code":401}}')
      return
    }
    const sent = request.method === 'GET' ? {} : { body }
    const headers = { 'content-type': request.headers['content-type'] ?? 'application/json' }
    const answer = await fetch(`${target}${request.url}`, { method: request.method!, headers, ...sent })
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const guard: Guard = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lifeSeconds: 3600,
    asked: [],
    refused: 0,
    accept: (token) => tokens.add(token),
    forget: () => {
      tokens = new Set()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return guard
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}
