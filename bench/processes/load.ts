/**
 * The load generator: keeps `connections` open, one request in flight on each, and counts answers. On node:net it drives
 * about as hard as wrk, which leaves the core to the server. When the time is over it waits for every answer under way, so
 * `succeeded` counts each request that a server answered with 2xx, and nothing else.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { childSettings, serve } from './serve.ts'

export interface LoadOrder {
  do: 'load'
  port: number
  /** The whole request, head and body, as it goes onto the wire. */
  request: string
  connections: number
  seconds: number
  /** The time begins when each connection has had an answer: thousands of them take a while to be there. */
  afterFirstAnswers?: boolean
}

export interface LoadResult {
  /** Answers with 2xx, from the first to the last. */
  succeeded: number
  /** Other answers, and connections that broke. */
  failed: number
  /** Of these: told to come back later (503). */
  refused: number
  /** Successes per second within the time, without the end that waits. */
  perSecond: number
  p50Ms: number
  p99Ms: number
}

childSettings<object>()
await serve<LoadOrder, LoadResult | undefined>(undefined, load, async () => {})

async function load(order: LoadOrder): Promise<LoadResult> {
  const request = Buffer.from(order.request)
  const run = { succeeded: 0, failed: 0, refused: 0, begun: 0, stopping: false, latencies: [] as number[] }
  const connections = Array.from({ length: order.connections }, () => drive(order.port, request, run))
  while (order.afterFirstAnswers && run.begun < order.connections) await sleep(10)
  const begun = performance.now()
  const before = run.succeeded
  await new Promise((resolve) => setTimeout(resolve, order.seconds * 1000))
  const within = run.succeeded - before
  const seconds = (performance.now() - begun) / 1000
  run.stopping = true
  await Promise.all(connections)
  run.latencies.sort((a, b) => a - b)
  const at = (part: number) => run.latencies[Math.floor((run.latencies.length - 1) * part)] ?? 0
  return {
    succeeded: run.succeeded,
    failed: run.failed,
    refused: run.refused,
    perSecond: within / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}

interface Run {
  succeeded: number
  failed: number
  refused: number
  /** Connections that have had an answer, or broke before. */
  begun: number
  stopping: boolean
  latencies: number[]
}

/** One connection: resolves when its last answer has come after `stopping`. */
function drive(port: number, request: Buffer, run: Run): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let sent = 0
    let waiting = false
    let isFirst = true
    const begin = () => {
      if (isFirst) run.begun += 1
      isFirst = false
    }
    const next = () => {
      if (run.stopping) return finish(socket, resolve)
      sent = performance.now()
      waiting = true
      socket.write(request)
    }
    readAnswers(socket, (status) => {
      waiting = false
      begin()
      if (status >= 200 && status < 300) run.succeeded += 1
      else run.failed += 1
      if (status === 503) run.refused += 1
      // One in eight is enough for percentiles and costs nothing.
      if ((run.succeeded & 7) === 0) run.latencies.push(performance.now() - sent)
      next()
    })
    socket.on('connect', next)
    socket.on('error', () => {})
    socket.on('close', () => {
      if (waiting) run.failed += 1
      begin()
      resolve()
    })
  })
}

function finish(socket: Socket, resolve: () => void): void {
  socket.end()
  resolve()
}

/** Reads HTTP/1.1 answers that have a Content-Length, as all of these servers' have. */
function readAnswers(socket: Socket, onAnswer: (status: number) => void): void {
  let held: Buffer | undefined
  socket.on('data', (chunk: Buffer) => {
    let bytes = held === undefined ? chunk : Buffer.concat([held, chunk])
    held = undefined
    for (;;) {
      const headEnd = bytes.indexOf('\r\n\r\n')
      if (headEnd < 0) break
      const head = bytes.toString('latin1', 0, headEnd)
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)
      const end = headEnd + 4 + Number(length?.[1] ?? 0)
      if (end > bytes.length) break
      const status = Number(head.slice(9, 12))
      bytes = bytes.subarray(end)
      onAnswer(status)
      if (bytes.length === 0) return
    }
    held = bytes
  })
}
