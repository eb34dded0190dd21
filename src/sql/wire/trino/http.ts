/** Small parts of HTTP for the door: bodies with a bound, answers, addresses as the client sees them. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { isLoopback } from '../../../base/access.ts'

/** A body that is so many times too large is not read to its end. */
const DRAINED_TIMES = 8
/**
 * Smaller answers are not compressed. A page of 840 kB takes 3 ms to compress and is 75 kB then: that is won back on any network
 * and lost on the loopback of this machine, so clients here get their pages as they are.
 */
const COMPRESSED_BYTES_MIN = 16 * 1024
const compress = promisify(gzip)

/** Addresses as the client sees this server: through a proxy, its name and scheme. */
export function linksOf(request: IncomingMessage): (path: string) => string {
  const first = (name: string) =>
    String(request.headers[name] ?? '')
      .split(',', 1)[0]!
      .trim()
  const host = first('x-forwarded-host') || request.headers.host || 'localhost'
  const isTls = 'encrypted' in request.socket && request.socket.encrypted === true
  const scheme = (first('x-forwarded-proto') || (isTls ? 'https' : 'http')) === 'https' ? 'https' : 'http'
  return (path) => `${scheme}://${host}${path}`
}

/** The body as text whatever its type is said to be, or undefined when it is too large. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    // Read to its end and let go, so that the client reads our answer instead of a broken connection.
    if (bytes <= bytesMax) parts.push(part)
    else if (bytes > DRAINED_TIMES * bytesMax) return undefined
  }
  return bytes > bytesMax ? undefined : Buffer.concat(parts).toString('utf8')
}

export async function sendPage(
  request: IncomingMessage,
  response: ServerResponse,
  page: { body: string; headers: OutgoingHttpHeaders },
): Promise<void> {
  const headers: OutgoingHttpHeaders = {
    ...page.headers,
    'content-type': 'application/json',
    'cache-control': 'no-store',
  }
  if (page.body.length < COMPRESSED_BYTES_MIN || !wantsGzip(request)) {
    response.writeHead(200, headers).end(page.body)
    return
  }
  const body = await compress(page.body, { level: constants.Z_BEST_SPEED })
  response.writeHead(200, { ...headers, 'content-encoding': 'gzip', vary: 'accept-encoding' }).end(body)
}

function wantsGzip(request: IncomingMessage): boolean {
  if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return false
  const isForwarded = request.headers['x-forwarded-for'] !== undefined
  return isForwarded || !isLoopback((request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''))
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

export function sendHtml(response: ServerResponse, html: string, status = 200): void {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
  }
  response.writeHead(status, headers).end(html)
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}
