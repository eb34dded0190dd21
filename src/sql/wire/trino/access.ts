import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { LandfallError } from '../../../base/errors.ts'

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1' || host === '[::1]') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

/** Throws `sql/token-needed` for an address that others can reach without a token. */
export function checkExposure(host: string, token: string | undefined, insecure: boolean): void {
  if (token !== undefined || insecure || isLoopback(host)) return
  throw new LandfallError(
    'fix-config',
    'sql/token-needed',
    `SQL on ${host} can be reached from other machines and has no token`,
    {
      hint: 'Set LANDFALL_SQL_TOKEN, listen on 127.0.0.1, or pass --insecure',
    },
  )
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The token in `Authorization: Bearer …`, or the password of `Authorization: Basic …`. */
function sentToken(request: IncomingMessage): string | undefined {
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(/\s+/, 2)
  if (scheme?.toLowerCase() === 'bearer') return value
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}

/** Whether a request may ask; compared in constant time. */
export function mayAsk(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true
  const sent = sentToken(request)
  return sent !== undefined && timingSafeEqual(digest(sent), digest(token))
}

/** A page of another site asks through somebody's browser. */
export function isCrossSite(request: IncomingMessage): boolean {
  return request.headers['sec-fetch-site'] === 'cross-site'
}
