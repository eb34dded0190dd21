import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError, systemCode } from '../../../base/errors.ts'
import { parseJson } from '../../../lake/metadata.ts'
import { unreachable } from '../../catalog-errors.ts'
import { denied, type Login } from './login.ts'

export interface RestRequest {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below the server's URL: `/v1/config`. */
  path: string
  query?: Record<string, string | undefined>
  /** JSON text. */
  body?: string
  headers?: Record<string, string>
  /** Statuses that the caller understands beside 2xx; other ones are thrown. */
  accepts?: readonly number[]
}

export interface RestAnswer {
  status: number
  headers: Headers
  /** Parsed, with every digit of 64-bit ids; undefined when there is none. */
  body: unknown
}

/** The request may have been carried out: no answer came, or one that says nothing of the outcome. */
export class NoAnswer extends Error {}

export interface RestTimes {
  /** Until a request is given up. */
  requestMs: number
  /** For how long a request that cannot have changed anything is repeated while the server does not answer. */
  patienceMs: number
}

export const REST_TIMES: RestTimes = { requestMs: 30_000, patienceMs: 10_000 }

/** Nothing has happened: nobody took the connection. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
/** The token is not, or no longer, good. 419 is Iceberg's own "authentication timeout". */
const RENEW = new Set([401, 419])
const DENIED = new Set([401, 403, 419])
/** The specification leaves open what has happened. */
const OPEN = new Set([500, 502, 503, 504])
const SAID_MAX = 300
/**
 * Another engine has staged a snapshot since the base was loaded: `main` is where it was, but the numbers of snapshots have gone on. Servers
 * of Iceberg 1.10 and before answer 400 to that, newer ones 409.
 */
const OVERTAKEN = /sequence number \d+ older than last sequence number/

/**
 * Requests to a catalog server. A request that only reads, and one that was never sent, is repeated for a while, so a server that is
 * started anew is not noticed. One that changes something and got no answer ends in `NoAnswer`: whoever sent it must look.
 */
export class RestClient {
  readonly url: string
  readonly #login: Login
  readonly #times: RestTimes

  constructor(url: string, login: Login, times: RestTimes) {
    this.url = url
    this.#login = login
    this.#times = times
  }

  async request(request: RestRequest): Promise<RestAnswer> {
    const until = performance.now() + this.#times.patienceMs
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1000)) {
      try {
        return await this.#authorized(request)
      } catch (error) {
        const nothingDone = isNeverSent(error) || isBusy(error)
        const mayRepeat = nothingDone || (request.method === 'GET' && error instanceof NoAnswer)
        if (!mayRepeat || performance.now() + waitMs > until) throw this.#told(request, error)
        await sleep(waitMs)
      }
    }
  }

  /** Once with the token there is, and once more with a new one when the server says that it has lapsed. */
  async #authorized(request: RestRequest): Promise<RestAnswer> {
    const answer = await this.#send(request)
    if (!RENEW.has(answer.status) || !(await this.#login.renew())) return this.#checked(request, answer)
    return this.#checked(request, await this.#send(request))
  }

  async #send({ method, path, query = {}, body, headers }: RestRequest): Promise<RestAnswer> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value)
    const target = `${this.url}${path}${search.size > 0 ? `?${search}` : ''}`
    const authorization = await this.#login.authorization()
    try {
      const response = await fetch(target, {
        method,
        ...(body === undefined ? {} : { body }),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(authorization === undefined ? {} : { authorization }),
          ...headers,
        },
        redirect: 'manual',
        signal: AbortSignal.timeout(this.#times.requestMs),
      })
      return { status: response.status, headers: response.headers, body: parsed(await response.text()) }
    } catch (error) {
      const cause = (error as { cause?: unknown }).cause ?? error
      if (isNeverSent(cause)) throw cause
      throw new NoAnswer((cause as Error).message, { cause })
    }
  }

  #checked(request: RestRequest, answer: RestAnswer): RestAnswer {
    const { status } = answer
    if ((status >= 200 && status < 300) || request.accepts?.includes(status)) return answer
    const said = saidBy(answer)
    if (request.accepts?.includes(409) && OVERTAKEN.test(said)) return { ...answer, status: 409 }
    if (OPEN.has(status)) throw new NoAnswer(`it answered ${status}: ${said}`)
    const what = `${request.method} ${request.path}`
    if (DENIED.has(status)) throw denied(`the catalog ${this.url}`, what, status, said, this.#login.how)
    throw refused(this.url, what, status, said)
  }

  #told(request: RestRequest, error: unknown): unknown {
    if (error instanceof LandfallError) return error
    if (error instanceof NoAnswer && request.method !== 'GET') return error
    return unreachable(this.url, error)
  }
}

const isNeverSent = (error: unknown) => NEVER_SENT.has(systemCode(error) ?? '')
const isBusy = (error: unknown) => error instanceof LandfallError && error.code === 'catalog/busy'

function parsed(text: string): unknown {
  if (text === '') return undefined
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

/** The message of an error in the specification's form, on one line. Its stack is not for users. */
export function saidBy({ status, body }: Pick<RestAnswer, 'status' | 'body'>): string {
  const message = (body as { error?: { message?: unknown } } | undefined)?.error?.message
  const text = typeof message === 'string' ? message : typeof body === 'string' ? body : `status ${status}`
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, SAID_MAX)
}

/** The name of Iceberg's exception, or nothing. */
export function typeOf({ body }: Pick<RestAnswer, 'body'>): string | undefined {
  const type = (body as { error?: { type?: unknown } } | undefined)?.error?.type
  return typeof type === 'string' ? type : undefined
}

function refused(url: string, what: string, status: number, said: string): LandfallError {
  if (status === 429) {
    return new LandfallError('retry', 'catalog/busy', `the catalog ${url} has too much to do: ${said}`)
  }
  if (/timestamp .*before last/.test(said)) {
    const message = `the clock of the catalog ${url} is more than a minute behind this machine’s: ${said}`
    return new LandfallError('retry', 'catalog/clock', message, { hint: 'Let both be set by NTP' })
  }
  const redirected = status >= 300 && status < 400
  const message = redirected
    ? `the catalog ${url} redirects ${what}`
    : `the catalog ${url} refused ${what} with ${status}: ${said}`
  return new LandfallError('fix-config', 'catalog/refused', message, {
    hint: redirected ? 'Give the URL that it redirects to' : 'Check its URL, its version and what it says',
  })
}
