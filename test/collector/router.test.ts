import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { createHttpServer, listen, stopListening } from '../../src/collector/http-server.ts'
import { COLLECTOR_DEFAULTS } from '../../src/collector/limits.ts'
import { RefusedCounts } from '../../src/collector/refused.ts'
import { Router } from '../../src/collector/router.ts'

/** The answers of a router with these routes: each says its own pattern and its parameters. */
async function serving(...keys: string[]) {
  const router = new Router(new RefusedCounts())
  for (const key of keys) {
    router.route(key, (_request, response, params) => response.end(`${key} ${JSON.stringify(params)}`))
  }
  const server = createHttpServer(COLLECTOR_DEFAULTS, router.serve, new RefusedCounts())
  const { hostname, port } = new URL(await listen(server, '127.0.0.1', 0))
  onTestFinished(() => stopListening(server))
  return (path: string, method = 'GET', headers: Record<string, string> = {}) =>
    new Promise<[status: number, text: string]>((resolve, reject) => {
      const sent = request({ hostname, port, path, method, headers, agent: false }, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve([response.statusCode!, text])
      })
      sent.on('error', reject).end()
    })
}

test('a literal goes before a parameter, and gives way to it at a dead end', async () => {
  const ask = await serving(
    'GET /guild/:name',
    'GET /guild/all',
    'GET /guild/all/members',
    'GET /:what/all/old',
  )
  expect(await ask('/guild/all')).toEqual([200, 'GET /guild/all {}'])
  expect(await ask('/guild/allies')).toEqual([200, 'GET /guild/:name {"name":"allies"}'])
  expect(await ask('/guild/all/members')).toEqual([200, 'GET /guild/all/members {}'])
  expect(await ask('/guild/all/old')).toEqual([200, 'GET /:what/all/old {"what":"guild"}'])
  expect((await ask('/guild/all/new'))[0]).toBe(404)
})

test('segments are compared decoded, cut before ? and #, and never empty', async () => {
  const ask = await serving('GET /a%20b/:name', 'GET /')
  expect(await ask('/a%20b/caf%C3%A9%2Fx?name=y')).toEqual([200, 'GET /a%20b/:name {"name":"café/x"}'])
  expect(await ask('/%61%20b/1#2')).toEqual([200, 'GET /a%20b/:name {"name":"1"}'])
  expect(await ask('http://elsewhere/a%20b/1')).toEqual([200, 'GET /a%20b/:name {"name":"1"}'])
  expect(await ask('http://elsewhere')).toEqual([200, 'GET / {}'])
  expect((await ask('/a%20b/'))[0]).toBe(404)
  expect((await ask('//'))[0]).toBe(404)
  for (const path of ['/a%20b/%', '/a%20b/%ff', '/elsewhere/%E0%A4']) expect((await ask(path))[0]).toBe(400)
})

test('a parameter may have any name, and methods do not mix', async () => {
  const ask = await serving('GET /x/:__proto__', 'POST /x/y')
  expect(await ask('/x/constructor')).toEqual([200, 'GET /x/:__proto__ {"__proto__":"constructor"}'])
  expect(await ask('/x/y')).toEqual([200, 'GET /x/:__proto__ {"__proto__":"y"}'])
  expect(await ask('/x/y', 'POST')).toEqual([200, 'POST /x/y {}'])
  expect((await ask('/x/z', 'POST'))[0]).toBe(405)
  expect((await ask('/x/y', 'POST', { 'Content-Type': 'nonsense' }))[0]).toBe(415)
})

test('two routes for the same requests are refused', async () => {
  await expect(serving('GET /a%62', 'GET /ab')).rejects.toThrow('another route answers the same requests')
})
