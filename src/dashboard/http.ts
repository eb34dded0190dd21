/** Answers to the page, and what every one of them forbids the browser. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import { formatJson } from '../lake/metadata.ts'
import type { Failure } from './messages.ts'

/** Scripts, styles and questions only from and to this address; nothing inline, no frames, no plugins. */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
} as const

const BODY_BYTES_MAX = 4 * 1024 * 1024
const DRAINED_BYTES_MAX = 4 * BODY_BYTES_MAX

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response
    .writeHead(status, {
      ...SECURITY_HEADERS,
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    })
    .end(formatJson(value))
}

export function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const known = isLandfallError(error)
  const failure: Failure = known
    ? { error: error.message, code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }) }
    : { error: 'internal error' }
  sendJson(response, failure, known ? statusOf(error) : 500)
}

function statusOf({ kind, code }: LandfallError): number {
  if (code === 'dashboard/not-found') return 404
  if (code === 'dashboard/refused') return 403
  if (code === 'dashboard/method') return 405
  return kind === 'fix-request' ? 400 : kind === 'retry' ? 503 : 500
}

export function notFound(what: string): LandfallError {
  return new LandfallError('fix-request', 'dashboard/not-found', what)
}

export function badRequest(message: string): LandfallError {
  return new LandfallError('fix-request', 'dashboard/bad-request', message)
}

/** Too much of something is under way already. */
export function busy(code: `dashboard/${string}`, message: string, hint: string): LandfallError {
  return new LandfallError('retry', code, message, { hint })
}

/** The JSON object of a body. Throws `dashboard/bad-request`. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    // Read to its end and let go, so that the page reads our answer instead of a broken connection.
    if (bytes <= BODY_BYTES_MAX) parts.push(part)
    else if (bytes > DRAINED_BYTES_MAX) break
  }
  if (bytes > BODY_BYTES_MAX) throw badRequest(`a request has at most ${BODY_BYTES_MAX} bytes`)
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw badRequest('the body is not a JSON object')
}

export function textOf(value: unknown, name: string, lengthMax = 1_000_000): string {
  if (typeof value !== 'string' || value.length > lengthMax)
    throw badRequest(`${name}: expected text of at most ${lengthMax} characters`)
  return value
}

/**
 * Refuses what another site may have made a browser send, with the browser's own knowledge of who is signed in here: an action
 * needs a JSON body and a header that no form can send and that no other origin may send without asking first (which is never answered).
 */
export function checkAction({ headers, method }: IncomingMessage): void {
  if (method !== 'POST') throw new LandfallError('fix-request', 'dashboard/method', 'this is an action: POST')
  const origin = headers.origin
  const own = origin === undefined || hostOf(origin) === headers.host
  const json = /^application\/json\b/.test(headers['content-type'] ?? '')
  if (own && json && headers['x-landfall-page'] === '1') return
  throw new LandfallError('fix-request', 'dashboard/refused', 'only the page itself may ask for this')
}

/** What is no action is asked with GET: a file is fetched once, and must not be gone because somebody asked what it is. */
export function checkReading({ method }: IncomingMessage): void {
  if (method !== 'GET') throw new LandfallError('fix-request', 'dashboard/method', 'this is to be read: GET')
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}
