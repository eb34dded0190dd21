/** Sends requests over kept connections and measures them. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError, systemCode } from '../base/errors.ts'
import { untrusted } from '../base/tls.ts'
import type { SimulatedRequest } from './requests.ts'

export interface SendOptions {
  /** Where to, as a URL without a path. */
  url: string
  requests: Iterable<SimulatedRequest>
  /** How many of them. */
  count: number
  concurrency: number
  /** Requests per second at most; 0: as fast as they are answered. */
  rate: number
  onAnswer?: (done: number) => void
  signal?: AbortSignal
}

export interface Sent {
  /** Milliseconds of each answered request, in order of the answers. */
  latencies: Float64Array
  /** Requests without a whole answer. */
  failed: number
  /** Answered, but not with a 2xx. */
  refused: number
  /** Status → how many. */
  statuses: Map<number, number>
  bytes: number
  elapsedMs: number
}

export async function sendRequests(options: SendOptions): Promise<Sent> {
  const connections = { keepAlive: true, maxSockets: options.concurrency }
  const agent = options.url.startsWith('https:') ? new TlsAgent(connections) : new Agent(connections)
  const iterator = options.requests[Symbol.iterator]()
  const latencies: number[] = []
  const sent: Sent = {
    latencies: new Float64Array(),
    failed: 0,
    refused: 0,
    statuses: new Map(),
    bytes: 0,
    elapsedMs: 0,
  }
  const startedAt = performance.now()
  let started = 0
  let done = 0

  const worker = async () => {
    while (started < options.count && !options.signal?.aborted) {
      const number = started++
      const next = iterator.next()
      if (next.done) return
      if (options.rate > 0) await sleepUntil(startedAt + (number * 1000) / options.rate)
      const at = performance.now()
      try {
        const { status, bytes } = await sendOne(options.url, next.value, agent)
        latencies.push(performance.now() - at)
        sent.bytes += bytes
        sent.statuses.set(status, (sent.statuses.get(status) ?? 0) + 1)
        if (status < 200 || status > 299) sent.refused += 1
      } catch (error) {
        if (done === 0 && systemCode(error) === 'ECONNREFUSED') throw notThere(options.url, error)
        const distrust = untrusted(options.url, error)
        if (distrust !== undefined) throw distrust
        sent.failed += 1
      }
      options.onAnswer?.(++done)
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(options.concurrency, options.count) }, worker))
  } finally {
    agent.destroy()
  }
  sent.elapsedMs = performance.now() - startedAt
  sent.latencies = Float64Array.from(latencies)
  return sent
}

async function sleepUntil(at: number): Promise<void> {
  const wait = at - performance.now()
  if (wait > 1) await sleep(wait)
}

const ANSWER_MS_MAX = 30_000

/** Whose certificate it must be: of the address, and not of the `Host` that a player sends. */
function serverName(url: string): string {
  const { hostname } = new URL(url)
  return isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname
}

export interface Answered {
  status: number
  bytes: number
  headers: IncomingHttpHeaders
}

/** Rejects when there is no whole answer. */
export function sendOne(
  url: string,
  { method, path, headers, body }: SimulatedRequest,
  agent: Agent,
): Promise<Answered> {
  return new Promise<Answered>((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : request
    const outgoing = send(
      `${url}${path}`,
      { method, headers, agent, timeout: ANSWER_MS_MAX, servername: serverName(url) },
      (answer) => {
        readAnswer(answer, resolve, reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)))
    outgoing.end(body)
  })
}

function readAnswer(
  answer: IncomingMessage,
  resolve: (value: Answered) => void,
  reject: (error: Error) => void,
): void {
  let bytes = 0
  answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
  answer.on('error', reject)
  answer.on('end', () => resolve({ status: answer.statusCode ?? 0, bytes, headers: answer.headers }))
}

function notThere(url: string, cause: unknown): LandfallError {
  return new LandfallError('retry', 'simulate/refused', `nothing listens at ${url}`, {
    hint: 'Start the pipeline with "landfall up", or give its address with --http',
    cause,
  })
}
