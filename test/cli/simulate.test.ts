import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { definePipeline, Type } from '../../src/index.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { roundRequests, type SimulatedRequest, simulateRequests } from '../../src/simulate/requests.ts'
import { sendRequests } from '../../src/simulate/send.ts'
import { formatSummary, summarize } from '../../src/simulate/summary.ts'

const pipeline = definePipeline({
  name: 'sample',
  events: { bought: Type.Object({ item: Type.String() }) },
  tables: { bought: { events: ['bought'] } },
  routes: {
    'GET /buy/:item': ({ params }, { track }) => {
      track('bought', { item: params.item })
      return 'ok'
    },
    'POST /pay': {
      body: Type.Object({
        amount: Type.Integer({ minimum: 5, maximum: 9 }),
        method: Type.Union([Type.Literal('card'), Type.Literal('cash')]),
        note: Type.Optional(Type.String()),
      }),
      handler: () => 'ok',
    },
  },
}) as unknown as Pipeline

function take(count: number, seed: number, hints = {}, users = 3): SimulatedRequest[] {
  return Array.from(
    { length: count },
    (
      (requests) => () =>
        requests.next().value!
    )(simulateRequests(pipeline, hints, users, seed)),
  )
}

test('the same seed sends the same requests, another seed others', () => {
  expect(take(200, 7)).toEqual(take(200, 7))
  expect(take(200, 7)).not.toEqual(take(200, 8))
})

test('users, routes and bodies are as many and as typed as asked', () => {
  const requests = take(500, 1)
  expect(new Set(requests.map(({ headers }) => headers.Host)).size).toBe(3)
  for (const { headers } of requests) expect(headers.Host).toMatch(/^user[123]\.[a-z]+\.(com|net)$/)
  expect(new Set(requests.map(({ method }) => method))).toEqual(new Set(['GET', 'POST']))
  for (const { method, path, body } of requests) {
    if (method === 'GET') expect(path).toMatch(/^\/buy\/item_[a-z]+$/)
    else {
      const { amount, method: how } = JSON.parse(body!)
      expect([5, 6, 7, 8, 9]).toContain(amount)
      expect(['card', 'cash']).toContain(how)
    }
  }
})

test('hints decide weights and values', () => {
  const hints = { routes: { 'POST /pay': { weight: 0 }, 'GET /buy/:item': { params: { item: ['a b'] } } } }
  expect(new Set(take(50, 1, hints).map(({ path }) => path))).toEqual(new Set(['/buy/a%20b']))
  expect(() => take(1, 1, { routes: { 'GET /nowhere': {} } })).toThrow(/is no route/)
})

let server: Server | undefined
afterEach(() => void server?.close())

async function serve(status: (path: string) => number): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = []
  server = createServer((request, response) => {
    paths.push(request.url!)
    response.writeHead(status(request.url!)).end('done')
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths }
}

test('a round is sent in its order, and answers are counted', async () => {
  const { url, paths } = await serve((path) => (path === '/b' ? 404 : 200))
  const requests = roundRequests([
    { count: 2, host: 'x', path: '/a' },
    { host: 'y', path: '/b' },
  ])
  const sent = await sendRequests({ url, requests, count: 3, concurrency: 1, rate: 0 })
  expect(paths).toEqual(['/a', '/a', '/b'])
  expect(sent).toMatchObject({ failed: 0, refused: 1, bodyBytes: 12 })
  const text = formatSummary(summarize(url, 1, sent))
  expect(text).toMatch(/Complete requests: {6}3\n/)
  expect(text).toMatch(/Non-2xx responses: {6}1 \(404: 1\)\n/)
  expect(text).toMatch(/100% +\d+\.\d\d \(longest request\)/)
})

test('a rate is kept', async () => {
  const { url } = await serve(() => 200)
  const requests = roundRequests([{ count: 20, host: 'x', path: '/a' }])
  const sent = await sendRequests({ url, requests, count: 20, concurrency: 4, rate: 100 })
  expect(sent.elapsedMs).toBeGreaterThan(180)
})

test('nobody there is one clear line', async () => {
  const requests = roundRequests([{ host: 'x', path: '/a' }])
  await expect(
    sendRequests({ url: 'http://127.0.0.1:1', requests, count: 1, concurrency: 1, rate: 0 }),
  ).rejects.toThrow('nothing listens at http://127.0.0.1:1')
})
