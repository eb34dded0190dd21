/** A hostile client of the Iceberg door: paths that try to leave the catalog, wrong encodings, odd methods and bodies. */
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lakehouse, openLakehouse } from './open-lakehouse.ts'

let house: Lakehouse
beforeAll(async () => {
  house = await openLakehouse()
})
afterAll(() => house[Symbol.asyncDispose]())

interface Answered {
  status: number
  body: string
}

/** Sends the path as it is written: `fetch` would tidy it up. */
function send(
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<Answered> {
  const { hostname, port } = new URL(house.door.address)
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode!, body: text }))
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const NAMES = [
  '..',
  '../..',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e%2fpurchases',
  '%2e%2e',
  '.',
  '%00',
  'purchases%00',
  'purchases%2fmetadata%2fv1.metadata.json',
  'purchases%5c..%5cevents',
  'PURCHASES',
  'purchases%20',
  '%20',
  'file:%2f%2f%2fetc%2fpasswd',
  "x' OR '1'='1",
  '%F0%9F%98%80',
  '%ff%fe',
  '%',
  '%zz',
  'version-hint.text',
  '__proto__',
  'constructor',
  'a'.repeat(5000),
].map((name) => name.replaceAll(' ', '%20'))

test('no name of a table, view or namespace leaves the catalog', async () => {
  for (const name of NAMES) {
    for (const path of [
      `namespaces/default/tables/${name}`,
      `namespaces/default/views/${name}`,
      `namespaces/${name}`,
      `${name}/config/x`,
    ]) {
      const { status, body } = await send('GET', `/iceberg/v1/${path}`)
      expect({ path, status: [400, 404].includes(status) ? 'refused' : status }).toEqual({
        path,
        status: 'refused',
      })
      expect(body).not.toMatch(/root:|snapshot-id|node_modules|ENOENT|at .*\.ts/)
    }
  }
})

test('a path beside the catalog is not the catalog’s', async () => {
  for (const path of [
    '/icebergs/v1/config',
    '/iceberg/../v1/config',
    '/iceberg',
    '/iceberg/',
    '/iceberg/v2/config',
    '/iceberg//v1/config',
    '/iceberg/v1/',
    '/iceberg/v1',
  ]) {
    expect({ path, status: (await send('GET', path)).status }).toEqual({ path, status: 404 })
  }
})

test('odd methods, bodies and queries are refused, and the door goes on', async () => {
  const table = '/iceberg/v1/namespaces/default/tables/purchases'
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    expect({ method, status: (await send(method, table)).status }).toEqual({ method, status: 403 })
  }
  for (const body of [
    '{',
    '[]',
    '\0',
    '{"requirements":[],"updates":[{"action":"set-location","location":"/etc"}]}',
  ]) {
    expect((await send('POST', table, body)).status).toBe(403)
  }
  for (const query of [
    'pageToken=__proto__',
    'pageToken=%F0%9F',
    'pageToken=&pageSize=-1',
    'pageToken=&pageSize=1e9',
    'pageToken=&pageSize=x',
  ]) {
    const { status } = await send('GET', `/iceberg/v1/namespaces/default/tables?${query}`)
    expect({ query, ok: [200, 400].includes(status) }).toEqual({ query, ok: true })
  }
  for (const etag of ['*', '"', ','.repeat(5000), '"x"'.repeat(1000)]) {
    expect((await send('GET', table, '', { 'if-none-match': etag })).status).toBe(200)
  }
  expect(await send('GET', '/iceberg/v1/config')).toMatchObject({ status: 200 })
})

test('a page of another site cannot ask through somebody’s browser', async () => {
  const answer = await send('GET', '/iceberg/v1/config', '', { 'sec-fetch-site': 'cross-site' })
  expect(answer.status).toBe(403)
})
