/** The REST catalog's answers, as its specification has them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadTableAnswer } from '../../../src/catalog/wire/iceberg-rest/load-table.ts'
import { completeMetadata, formatJson, parseJson, parseMetadata } from '../../../src/lake/metadata.ts'
import { type Lakehouse, openLakehouse } from './open-lakehouse.ts'

let house: Lakehouse
beforeAll(async () => {
  house = await openLakehouse()
})
afterAll(() => house[Symbol.asyncDispose]())

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${house.catalog}/v1/${path}`, { method, headers })

async function ok(path: string): Promise<Record<string, unknown>> {
  const response = await get(path)
  expect({ path, status: response.status }).toEqual({ path, status: 200 })
  expect(response.headers.get('content-type')).toBe('application/json')
  return (await response.json()) as Record<string, unknown>
}

async function refused(path: string, method = 'GET', body?: string) {
  const response = await fetch(`${house.catalog}/v1/${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
  })
  const { error } = (await response.json()) as { error: { message: string; type: string; code: number } }
  expect(error.code).toBe(response.status)
  return error
}

test('config says what may be called, for any warehouse', async () => {
  for (const path of ['config', 'config?warehouse=anything', 'prefix/config']) {
    const { defaults, overrides, endpoints } = await ok(path)
    expect({ defaults, overrides }).toEqual({ defaults: {}, overrides: {} })
    expect(endpoints).toContain('GET /v1/{prefix}/namespaces/{namespace}/tables/{table}')
  }
})

test('there is one namespace, and nothing in it but tables', async () => {
  expect(await ok('namespaces')).toEqual({ namespaces: [['default']], 'next-page-token': null })
  expect(await ok('game/namespaces')).toEqual({ namespaces: [['default']], 'next-page-token': null })
  expect(await ok('namespaces?parent=default')).toEqual({ namespaces: [], 'next-page-token': null })
  expect(await ok('namespaces/default')).toEqual({ namespace: ['default'], properties: {} })
  expect((await get('namespaces/default', {}, 'HEAD')).status).toBe(204)
  expect((await get('namespaces/other', {}, 'HEAD')).status).toBe(404)
  expect(await ok('namespaces/default/views')).toEqual({ identifiers: [], 'next-page-token': null })
})

test('tables are listed, in pages when that is asked for', async () => {
  const names = ['empty', 'events', 'every_type', 'evolved', 'purchases']
  const namesOf = (answer: Record<string, unknown>) =>
    (answer.identifiers as { name: string }[]).map(({ name }) => name)
  const all = await ok('namespaces/default/tables')
  expect(namesOf(all)).toEqual(names)
  expect(all['next-page-token']).toBeNull()
  const seen: string[] = []
  let token: string | null = ''
  let pages = 0
  for (; token !== null; pages++) {
    const page = await ok(`namespaces/default/tables?pageToken=${token}&pageSize=2`)
    seen.push(...namesOf(page))
    token = page['next-page-token'] as string | null
  }
  expect({ seen, pages }).toEqual({ seen: names, pages: 3 })
  expect(await refused('namespaces/default/tables?pageToken=%25%25')).toMatchObject({
    type: 'BadRequestException',
    code: 400,
  })
  expect(await refused('namespaces/default/tables?pageToken=&pageSize=0')).toMatchObject({ code: 400 })
})

test('a table is its metadata as it stands', async () => {
  const version = (await house.lake.catalog.loadTable('purchases'))!
  const answer = await (await get('namespaces/default/tables/purchases')).text()
  const metadata = await house.lake.storage.read('default/purchases/metadata/v4.metadata.json')
  expect(answer).toBe(
    `{"metadata-location":"${version.metadataLocation}","metadata":${formatJson(parseMetadata(metadata))},"config":{}}`,
  )
  expect((await get('namespaces/default/tables/purchases', {}, 'HEAD')).status).toBe(204)
})

test('ids of snapshots keep every digit of their 64 bits', async () => {
  const version = (await house.lake.catalog.loadTable('purchases'))!
  const id = '9223372036854775807'
  const text = formatJson(version.metadata).replaceAll(String(version.metadata['current-snapshot-id']), id)
  const metadata = completeMetadata(parseJson(text))
  for (const snapshots of ['all', 'refs']) {
    const { body } = loadTableAnswer({ ...version, metadata }, snapshots, undefined)
    expect(body).toContain(`"current-snapshot-id":${id}`)
    expect(body).toContain(`{"snapshot-id":${id},"parent-snapshot-id"`)
    expect(body).toContain(`"main":{"snapshot-id":${id}`)
  }
})

test('only snapshots that a branch or tag names are sent when that is enough', async () => {
  const { metadata } = (await ok('namespaces/default/tables/purchases?snapshots=refs')) as {
    metadata: { snapshots: unknown[]; 'snapshot-log': unknown[] }
  }
  expect(metadata.snapshots).toHaveLength(1)
  expect(metadata['snapshot-log']).toHaveLength(3)
  expect(await refused('namespaces/default/tables/purchases?snapshots=some')).toMatchObject({ code: 400 })
})

test('an unchanged table is 304, a changed one is sent', async () => {
  const path = 'namespaces/default/tables/empty'
  const etag = (await get(path)).headers.get('etag')!
  const again = await get(path, { 'If-None-Match': `"other", W/${etag}` })
  expect({ status: again.status, body: await again.text() }).toEqual({ status: 304, body: '' })
  expect((await get(`${path}?snapshots=refs`, { 'If-None-Match': etag })).status).toBe(200)
  await house.lake.raiseEpoch('empty', 1)
  expect((await get(path, { 'If-None-Match': etag })).status).toBe(200)
})

test('what is not there is told by its kind', async () => {
  expect(await refused('namespaces/other')).toMatchObject({ type: 'NoSuchNamespaceException', code: 404 })
  expect(await refused('namespaces/a%1Fb/tables')).toEqual({
    type: 'NoSuchNamespaceException',
    code: 404,
    message: 'Namespace does not exist: a.b',
  })
  expect(await refused('namespaces/default/tables/nothing')).toEqual({
    type: 'NoSuchTableException',
    code: 404,
    message: 'Table does not exist: default.nothing',
  })
  for (const name of ['..%2F..%2Fpurchases', '%00', 'purchases%2Fmetadata', '..%2Fdefault%2Fpurchases']) {
    expect(await refused(`namespaces/default/tables/${name}`)).toMatchObject({ type: 'NoSuchTableException' })
  }
  expect(await refused('namespaces/default/views/v')).toMatchObject({
    type: 'NoSuchViewException',
    code: 404,
  })
  expect(await refused('namespaces/default/tables/%zz')).toMatchObject({ code: 400 })
  expect(await refused('nothing/here')).toMatchObject({ code: 404 })
})

test('metrics of a scan are taken and dropped', async () => {
  const path = `${house.catalog}/v1/namespaces/default/tables/purchases/metrics`
  expect((await fetch(path, { method: 'POST', body: '{"report-type":"scan-report"}' })).status).toBe(204)
  const large = await fetch(path, { method: 'POST', body: 'x'.repeat(2 * 1024 * 1024) }).then(
    (response) => response.status,
    () => 'cut',
  )
  expect([413, 'cut']).toContain(large)
})

test('whatever writes is refused with the reason, and changes nothing', async () => {
  const before = (await house.lake.catalog.loadTable('purchases'))!.version
  const writes: [method: string, path: string][] = [
    ['POST', 'namespaces'],
    ['DELETE', 'namespaces/default'],
    ['POST', 'namespaces/default/properties'],
    ['POST', 'namespaces/default/tables'],
    ['POST', 'namespaces/default/register'],
    ['POST', 'namespaces/default/tables/purchases'],
    ['DELETE', 'namespaces/default/tables/purchases?purgeRequested=true'],
    ['POST', 'tables/rename'],
    ['POST', 'transactions/commit'],
    ['POST', 'namespaces/default/views'],
    ['DELETE', 'prefix/namespaces/default/views/v'],
    ['PUT', 'anything'],
  ]
  for (const [method, path] of writes) {
    const error = await refused(path, method, '{}')
    expect({ method, path, type: error.type, code: error.code }).toEqual({
      method,
      path,
      type: 'ForbiddenException',
      code: 403,
    })
    expect(error.message).toContain('written by Landfall alone')
  }
  expect((await house.lake.catalog.loadTable('purchases'))!.version).toBe(before)
  expect(await house.lake.catalog.listTables()).toHaveLength(5)
})

test('an engine that insists on logging in is let in', async () => {
  const login = (form: Record<string, string>) =>
    fetch(`${house.catalog}/v1/oauth/tokens`, { method: 'POST', body: new URLSearchParams(form) })
  const done = await login({
    grant_type: 'client_credentials',
    client_id: 'spark',
    client_secret: 'anything',
  })
  expect(await done.json()).toMatchObject({ access_token: 'anything', token_type: 'bearer' })
  const other = await login({ grant_type: 'password' })
  expect({ status: other.status, body: await other.json() }).toMatchObject({
    status: 400,
    body: { error: 'unsupported_grant_type' },
  })
})
