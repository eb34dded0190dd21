import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type AnswerHead, AnswerReader } from '../../src/simulate/answer-reader.ts'
import { Histogram } from '../../src/simulate/histogram.ts'
import { sendRequests } from '../../src/simulate/send.ts'
import type { OwnedRequest } from '../../src/simulate/source.ts'

const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n',
  'HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
]
const STATUSES = [200, 204, 404, 200, 200, 503]
const BODY_BYTES = 5 + 11 + 3 + 2

test('answers are read alike, wherever the network cuts them', () => {
  const bytes = Buffer.from(ANSWERS.join(''))
  for (let size = 1; size <= bytes.length; size++) {
    const heads: AnswerHead[] = []
    const reader = new AnswerReader((head) => heads.push(head))
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
    expect(heads.map(({ status }) => status)).toEqual(STATUSES)
    expect(heads.map(({ closes }) => closes)).toEqual([false, false, false, false, false, true])
    expect(reader.bodyBytes).toBe(BODY_BYTES)
    expect(reader.end()).toBe(false)
  }
})

test('an answer without a length ends with its connection, and a cut one is none', () => {
  const heads: AnswerHead[] = []
  const whole = new AnswerReader((head) => heads.push(head))
  whole.push(Buffer.from('HTTP/1.0 200 OK\r\n\r\nall of it'))
  expect(whole.end()).toBe(true)
  const cut = new AnswerReader((head) => heads.push(head))
  cut.push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'))
  expect(cut.end()).toBe(false)
  expect(heads).toEqual([{ status: 200, closes: true }])
  expect(() => new AnswerReader(() => {}).push(Buffer.from('SSH-2.0-OpenSSH\r\n\r\n'))).toThrow(
    /does not speak HTTP/,
  )
})

test('times are kept to a part in 1,000, the longest exactly', () => {
  const histogram = new Histogram()
  for (let i = 1; i <= 10_000; i++) histogram.add(i * 1.7)
  for (const share of [50, 90, 99]) {
    const exact = share * 100 * 1.7
    expect(Math.abs(histogram.percentile(share) - exact) / exact).toBeLessThan(0.001)
  }
  expect(histogram.percentile(100)).toBe(17_000)
  expect(histogram.mean).toBeCloseTo(1.7 * 5000.5, 6)
  expect(new Histogram().percentile(50)).toBe(0)
})

/** A server that does with each request what it is told, on the bare connection. */
async function serve(onRequest: (path: string, socket: Socket) => void): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const [, path] of chunk.toString().matchAll(/^GET (\S+) HTTP\/1\.1\r$/gm)) onRequest(path!, socket)
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const requestsOf = (paths: [string, number?][]): OwnedRequest[] =>
  paths.map(([path, player]) => ({
    method: 'GET',
    path,
    headers: { Host: 'x' },
    body: undefined,
    ...(player === undefined ? {} : { player }),
  }))

test('one player does one thing at a time, in order, while others go on', async () => {
  const seen: string[] = []
  const inFlight = new Set<string>()
  const together: string[] = []
  const url = await serve((path, socket) => {
    const player = path.split('/')[1]!
    if (inFlight.has(player)) together.push(path)
    inFlight.add(player)
    seen.push(path)
    setTimeout(() => {
      inFlight.delete(player)
      socket.write(OK)
    }, 5)
  })
  const paths: [string, number][] = []
  for (let i = 0; i < 20; i++) paths.push([`/one/${i}`, 1])
  for (let i = 0; i < 20; i++) paths.push([`/p${i % 4}/${i}`, 2 + (i % 4)])
  const sent = await sendRequests({
    url,
    requests: requestsOf(paths),
    count: Number.MAX_SAFE_INTEGER,
    concurrency: 8,
    rate: 0,
  })
  expect(sent.latencies.count).toBe(40)
  expect(together).toEqual([])
  for (const player of ['one', 'p0', 'p1', 'p2', 'p3']) {
    const wanted = paths.map(([path]) => path).filter((path) => path.startsWith(`/${player}/`))
    expect(seen.filter((path) => path.startsWith(`/${player}/`))).toEqual(wanted)
  }
  expect(seen.indexOf('/p0/0')).toBeLessThan(seen.indexOf('/one/19'))
})

test('a connection that breaks costs its request and no other', async () => {
  const url = await serve((path, socket) => (path === '/break' ? socket.destroy() : socket.write(OK)))
  const requests = requestsOf([['/a'], ['/break'], ['/b'], ['/c']])
  const sent = await sendRequests({ url, requests, count: 4, concurrency: 1, rate: 0 })
  expect(sent).toMatchObject({ failed: 1, refused: 0 })
  expect(sent.latencies.count).toBe(3)
  expect([...sent.failures.values()]).toEqual([1])
})

test('an answer that ends its connection is followed by a new one', async () => {
  const sockets = new Set<Socket>()
  const url = await serve((_path, socket) => {
    sockets.add(socket)
    socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  const sent = await sendRequests({
    url,
    requests: requestsOf([['/a'], ['/b']]),
    count: 2,
    concurrency: 1,
    rate: 0,
  })
  expect(sent).toMatchObject({ failed: 0 })
  expect(sockets.size).toBe(2)
})

test('the end of the time is the end, and what was sent is waited for', async () => {
  let answered = 0
  const url = await serve((_path, socket) =>
    setTimeout(() => {
      answered += 1
      socket.write(OK)
    }, 20),
  )
  function* forever(): Generator<OwnedRequest> {
    for (;;) yield* requestsOf([['/again']])
  }
  const options = { url, count: Number.MAX_SAFE_INTEGER, concurrency: 4, rate: 0, durationMs: 200 }
  const sent = await sendRequests({ ...options, requests: forever() })
  expect(sent.latencies.count).toBe(answered)
  expect(sent.failed).toBe(0)
  expect(answered).toBeGreaterThan(3)
})

test('what still waits for its moment is not sent when the time is over', async () => {
  let asked = 0
  const url = await serve((_path, socket) => {
    asked += 1
    socket.write(OK)
  })
  const requests = requestsOf(Array.from({ length: 50 }, (_, i) => [`/${i}`]))
  // The second request's moment is in 100 s: whoever waits for it does not end within the time of this test.
  const options = { url, requests, count: 50, concurrency: 10, rate: 0.01, durationMs: 300 }
  const sent = await sendRequests(options)
  expect([asked, sent.latencies.count, sent.failed]).toEqual([1, 1, 0])
})

test('requests may come one after the other, and a failure of their maker is the sender’s', async () => {
  const url = await serve((_path, socket) => socket.write(OK))
  async function* made(upTo: number) {
    for (let i = 0; i < upTo; i++) {
      if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      yield requestsOf([[`/${i}`]])[0]!
    }
    if (upTo === 7) throw new Error('no more')
  }
  const options = { url, count: Number.MAX_SAFE_INTEGER, concurrency: 3, rate: 0 }
  expect((await sendRequests({ ...options, requests: made(50) })).latencies.count).toBe(50)
  await expect(sendRequests({ ...options, requests: made(7) })).rejects.toThrow('no more')
})

test('where nobody can be reached it ends at once, and sends nothing afterwards', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const url = `http://127.0.0.1:${port}`
  const requests = requestsOf([['/a'], ['/b'], ['/c']])
  await expect(sendRequests({ url, requests, count: 3, concurrency: 3, rate: 5 })).rejects.toThrow(
    `nothing listens at ${url}`,
  )
  let came = 0
  const late = createServer(() => (came += 1)).listen(port, '127.0.0.1')
  onTestFinished(() => void late.close())
  await new Promise((resolve) => setTimeout(resolve, 700))
  expect(came).toBe(0)
  const nowhere = sendRequests({
    url: 'http://nowhere.invalid:1',
    requests,
    count: 3,
    concurrency: 1,
    rate: 0,
  })
  await expect(nowhere).rejects.toThrow(/nowhere\.invalid:1 cannot be reached: (ENOTFOUND|EAI_AGAIN)/)
})
