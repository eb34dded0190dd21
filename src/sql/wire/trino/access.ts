import type { IncomingMessage } from 'node:http'
import { type Access, type Caller, isLoopback } from '../../../base/access.ts'
import { LandfallError } from '../../../base/errors.ts'
import { prefixOf } from './session-headers.ts'

/** Throws `sql/token-needed` for an address that others can reach although everybody may ask. */
export function checkExposure(host: string, access: Access, insecure: boolean): void {
  if (!access.open || insecure || isLoopback(host)) return
  throw new LandfallError(
    'fix-config',
    'sql/token-needed',
    `SQL on ${host} can be reached from other machines and has no token`,
    {
      hint: 'Set LANDFALL_SQL_TOKEN, listen on 127.0.0.1, or pass --insecure',
    },
  )
}

/** A page of another site asks through somebody's browser. */
export function isCrossSite(request: IncomingMessage): boolean {
  return request.headers['sec-fetch-site'] === 'cross-site'
}

/**
 * Where everybody on this machine may ask, a page of another site could ask too: its name is made to lead to this machine after it was
 * loaded (DNS rebinding), and to the browser we are that site then. So the name must be one of this machine. `always`: also of requests
 * that say nothing of a browser.
 */
export function isForeignName(
  { headers }: IncomingMessage,
  listen: string,
  access: Access,
  always: boolean,
): boolean {
  if (!access.open || !isLoopback(listen)) return false
  const isBrowser =
    'origin' in headers || 'sec-fetch-site' in headers || (headers['user-agent'] ?? '').startsWith('Mozilla/')
  return (always || isBrowser) && ![headers.host, headers.origin].every(isOfThisMachine)
}

function isOfThisMachine(address: string | undefined): boolean {
  if (address === undefined) return true
  try {
    const { hostname } = new URL(address.includes('://') ? address : `http://${address}`)
    return isLoopback(hostname) || hostname.endsWith('.localhost')
  } catch {
    return false
  }
}

/** Where a name is proven, the request carries it from here on, whether it said so or not; why not, when it said another. */
export function refuseOtherName({ headers }: IncomingMessage, { user }: Caller): string | undefined {
  if (user === undefined) return undefined
  const header = `${prefixOf(headers)}-user`
  const claimed = headers[header] ?? user
  if (claimed !== user) return `Access Denied: User ${user} cannot impersonate user ${claimed}`
  headers[header] = user
  return undefined
}
