import { retryAfterMs } from './backoff.ts'
import type { PendingEvent } from './pending.ts'
import { type EventVerdict, readError, readVerdicts } from './verdicts.ts'

/** The part of `fetch` that is used: a test or an application may bring its own. */
export type FetchLike = (
  url: string,
  init: { method: string; headers: Record<string, string>; body: string | Uint8Array; signal: AbortSignal },
) => Promise<{
  status: number
  headers: { get(name: string): string | null }
  text(): Promise<string>
}>

/** What became of one request. */
export type Outcome =
  /** The collector judged every event. */
  | { kind: 'judged'; verdicts: EventVerdict[] }
  /** Something in the request is wrong; with several events it need not be wrong with each. */
  | { kind: 'refused'; reason: string; message: string; perEvent: boolean }
  /** No answer, or one that says later: the events may or may not be in the log. */
  | { kind: 'retry'; message: string; afterMs: number }

export interface TransportSettings {
  url: string
  writeKey: string | undefined
  requestTimeoutMs: number
  gzip: boolean
  fetch: FetchLike
}

/** Statuses that speak of the events; 401, 403 and 404 speak of the address or the key. */
const ABOUT_EVENTS = new Set([400, 413, 422])
const LATER = new Set([408, 425, 429])
const GZIP_BYTES_MIN = 1_024
const MESSAGE_CHARACTERS_MAX = 300

/** Sends events as NDJSON to `POST /v1/events` and reads the answer. Never throws, never names the write key. */
export class Transport {
  readonly #settings: TransportSettings

  constructor(settings: TransportSettings) {
    this.#settings = settings
  }

  async send(events: readonly PendingEvent[], stop: AbortSignal): Promise<Outcome> {
    const { url, requestTimeoutMs } = this.#settings
    const giveUp = new AbortController()
    const timer = setTimeout(() => giveUp.abort(), requestTimeoutMs)
    const onStop = () => giveUp.abort()
    stop.addEventListener('abort', onStop)
    try {
      if (stop.aborted) return later(url, 'the tracker was stopped')
      const response = await this.#settings.fetch(url, await this.#request(events, giveUp.signal))
      return this.#judge(events, response.status, response.headers.get('retry-after'), await response.text())
    } catch (error) {
      return later(url, giveUp.signal.aborted ? `no answer within ${requestTimeoutMs} ms` : describe(error))
    } finally {
      clearTimeout(timer)
      stop.removeEventListener('abort', onStop)
    }
  }

  async #request(events: readonly PendingEvent[], signal: AbortSignal) {
    const headers: Record<string, string> = {
      'content-type': 'application/x-ndjson',
      accept: 'application/json',
    }
    if (this.#settings.writeKey !== undefined) headers['authorization'] = `Bearer ${this.#settings.writeKey}`
    let body: string | Uint8Array = ndjson(events)
    if (this.#settings.gzip && body.length >= GZIP_BYTES_MIN && 'CompressionStream' in globalThis) {
      body = await gzip(body)
      headers['content-encoding'] = 'gzip'
    }
    return { method: 'POST', headers, body, signal }
  }

  #judge(events: readonly PendingEvent[], status: number, retryAfter: string | null, text: string): Outcome {
    const { url } = this.#settings
    const verdicts = status < 300 || ABOUT_EVENTS.has(status) ? readVerdicts(text, events) : undefined
    if (verdicts !== undefined) return { kind: 'judged', verdicts }
    // A success without receipts comes from something between us and the collector (a sign-in page, say): it proves nothing.
    if (status < 300) return later(url, `${status} without receipts`)
    if (status >= 500 || LATER.has(status)) return later(url, `status ${status}`, retryAfterMs(retryAfter))
    const { reason, message } = readError(this.#withoutKey(text))
    return {
      kind: 'refused',
      reason: reason ?? `http_${status}`,
      message: `sending events to ${url}: status ${status}: ${message.slice(0, MESSAGE_CHARACTERS_MAX)}`,
      perEvent: ABOUT_EVENTS.has(status),
    }
  }

  /** Should anything have echoed it. */
  #withoutKey(text: string): string {
    const { writeKey } = this.#settings
    return writeKey === undefined ? text : text.replaceAll(writeKey, '(write key)')
  }
}

export function ndjson(events: readonly PendingEvent[]): string {
  return `${events.map((pending) => pending.line).join('\n')}\n`
}

function later(url: string, what: string, afterMs = 0): Outcome {
  return { kind: 'retry', message: `sending events to ${url}: ${what}`, afterMs }
}

/** `fetch` hides what happened in its cause; the code (`ECONNREFUSED`) says it without the request's particulars. */
function describe(error: unknown): string {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown }
  return typeof cause?.code === 'string' ? cause.code : typeof name === 'string' ? name : 'failed'
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
