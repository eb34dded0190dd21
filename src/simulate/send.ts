/** Sends requests over kept connections and measures them. */
import { LandfallError, systemCode } from '../base/errors.ts'
import { untrusted } from '../base/tls.ts'
import { Connection } from './connection.ts'
import { Histogram } from './histogram.ts'
import type { SimulatedRequest } from './requests.ts'
import { AsyncSource, type OwnedRequest, PlayerSource, type RequestSource } from './source.ts'

export interface SendOptions {
  /** Where to, as a URL without a path. */
  url: string
  /** Of one `player` a request is only sent when the one before it is answered. */
  requests: Iterable<OwnedRequest> | AsyncIterable<SimulatedRequest>
  /** How many of them at most. */
  count: number
  /** Milliseconds after which no more are sent. */
  durationMs?: number
  concurrency: number
  /** Requests per second at most; 0: as fast as they are answered. */
  rate: number
  /** After each answer, and each request without one. */
  onAnswer?: (done: number, sent: Sent) => void
  signal?: AbortSignal
}

export interface Sent {
  /** Of each answered request, from the moment it was sent to the end of its answer. */
  latencies: Histogram
  /** Requests without a whole answer. */
  failed: number
  /** Answered, but not with what was expected: a 2xx (or 409, which an application with a state may say), or what a request says. */
  refused: number
  /** Status → how many. */
  statuses: Map<number, number>
  /** Why requests had no whole answer → how many. */
  failures: Map<string, number>
  /** Events in batches that were answered with a 2xx. */
  events: number
  /** Requests that are bad on purpose, by what is wrong, answered as they must be. */
  bad: Map<string, number>
  /** Those that were not. */
  badRefused: number
  /** What came, with heads. */
  bytes: number
  /** Of these, bodies. */
  bodyBytes: number
  elapsedMs: number
}

/** Rejects when nobody listens there at all; a request that fails later is counted. */
export function sendRequests(options: SendOptions): Promise<Sent> {
  return new Sender(options).run()
}

const ANSWER_MS_MAX = 30_000
/** Nobody listens there, there is no such host, or no way to it. */
const NOBODY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

class Sender {
  readonly #options: SendOptions
  readonly #source: RequestSource
  readonly #connections: Connection[]
  readonly #idle: Connection[] = []
  readonly #sent: Sent = {
    latencies: new Histogram(),
    failed: 0,
    refused: 0,
    statuses: new Map(),
    failures: new Map(),
    events: 0,
    bad: new Map(),
    badRefused: 0,
    bytes: 0,
    bodyBytes: 0,
    elapsedMs: 0,
  }
  readonly #end = Promise.withResolvers<void>()
  #startedAt = 0
  #started = 0
  #inFlight = 0
  /** Requests that wait for their moment (`rate`): nothing of them is sent once it stops. */
  readonly #due = new Set<NodeJS.Timeout>()
  #stopping = false

  constructor(options: SendOptions) {
    const { requests, count, concurrency } = options
    this.#options = options
    this.#source =
      Symbol.iterator in requests
        ? new PlayerSource(requests, count)
        : new AsyncSource(requests, count, (error) => this.#ready(error))
    const url = new URL(options.url)
    const events = {
      onAnswer: (connection: Connection, status: number) => this.#answered(connection, status),
      onFailure: (connection: Connection, error: unknown) => this.#failed(connection, error),
    }
    this.#connections = Array.from(
      { length: Math.min(concurrency, count) },
      () => new Connection(url, events),
    )
  }

  async run(): Promise<Sent> {
    const { signal, durationMs } = this.#options
    const stop = () => this.#stop()
    signal?.addEventListener('abort', stop)
    const over = durationMs === undefined ? undefined : setTimeout(stop, durationMs)
    const watch = setInterval(() => this.#failLate(), 1000)
    this.#startedAt = performance.now()
    try {
      if (signal?.aborted) this.#stop()
      for (const connection of this.#connections) this.#next(connection)
      this.#maybeOver()
      await this.#end.promise
    } finally {
      clearTimeout(over)
      clearInterval(watch)
      signal?.removeEventListener('abort', stop)
      // After a failure, too: nothing that still waits for its turn may be sent.
      this.#stop()
      this.#sum()
      for (const connection of this.#connections) connection.close()
    }
    return this.#sent
  }

  #sum(): void {
    this.#sent.elapsedMs = performance.now() - this.#startedAt
    for (const { received } of this.#connections) {
      this.#sent.bytes += received.bytes
      this.#sent.bodyBytes += received.bodyBytes
    }
  }

  #next(connection: Connection): void {
    const request = this.#stopping ? undefined : this.#source.take()
    if (request === undefined) {
      this.#idle.push(connection)
      return
    }
    this.#inFlight += 1
    const { rate } = this.#options
    const number = this.#started++
    const wait = rate > 0 ? this.#startedAt + (number * 1000) / rate - performance.now() : 0
    if (wait <= 1) return connection.send(request)
    const timer = setTimeout(() => {
      this.#due.delete(timer)
      connection.send(request)
    }, wait)
    this.#due.add(timer)
  }

  #answered(connection: Connection, status: number): void {
    const sent = this.#sent
    const request = connection.request!
    sent.latencies.add(performance.now() - connection.sentAt)
    count(sent.statuses, status)
    const { expected, bad, events = 0 } = request
    const isRight = expected === undefined ? isAnswer(status) : status === expected
    if (!isRight) {
      sent.refused += 1
      if (bad !== undefined) sent.badRefused += 1
    } else if (bad !== undefined) count(sent.bad, bad)
    else sent.events += events
    this.#goOn(connection, request)
  }

  #failed(connection: Connection, error: unknown): void {
    const { url } = this.#options
    const first = this.#sent.latencies.count === 0 && this.#sent.failed === 0
    const distrust = untrusted(url, error)
    if (distrust !== undefined) return this.#end.reject(distrust)
    if (first && NOBODY.has(systemCode(error) ?? '')) return this.#end.reject(notThere(url, error))
    this.#sent.failed += 1
    count(this.#sent.failures, reasonOf(error))
    this.#goOn(connection, connection.request!)
  }

  #goOn(connection: Connection, request: OwnedRequest): void {
    this.#inFlight -= 1
    this.#source.release(request)
    this.#options.onAnswer?.(this.#sent.latencies.count + this.#sent.failed, this.#sent)
    this.#next(connection)
    // What one player waited for may be several requests' turn.
    if (this.#idle.length > 0) this.#wake()
    this.#maybeOver()
  }

  #wake(): void {
    for (let tries = this.#idle.length; tries > 0; tries--) {
      const before = this.#inFlight
      this.#next(this.#idle.pop()!)
      if (this.#inFlight === before) return
    }
  }

  #ready(error: unknown): void {
    if (error !== undefined) return this.#end.reject(error)
    this.#wake()
    this.#maybeOver()
  }

  #maybeOver(): void {
    if (this.#inFlight === 0 && (this.#stopping || this.#source.ended)) this.#end.resolve()
  }

  /** Sends nothing more; what is in flight is waited for. */
  #stop(): void {
    this.#stopping = true
    for (const timer of this.#due) clearTimeout(timer)
    this.#inFlight -= this.#due.size
    this.#due.clear()
    this.#maybeOver()
  }

  #failLate(): void {
    const latest = performance.now() - ANSWER_MS_MAX
    for (const connection of this.#connections) {
      if (connection.busy && connection.sentAt < latest)
        connection.fail(new Error(`no answer within ${ANSWER_MS_MAX} ms`))
    }
  }
}

/** 409 is one: the state of an account or a guild does not allow what the player wants. */
function isAnswer(status: number): boolean {
  return (status >= 200 && status <= 299) || status === 409
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** A name with several addresses fails with one error for all of them, which has a code and no message. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message || systemCode(error) || 'the connection failed'
}

function notThere(url: string, cause: unknown): LandfallError {
  const code = systemCode(cause)
  const found = code === 'ECONNREFUSED' ? `nothing listens at ${url}` : `${url} cannot be reached: ${code}`
  return new LandfallError('retry', 'simulate/refused', found, {
    hint: 'Start the pipeline with "landfall up", or give its address with --http',
    cause,
  })
}
