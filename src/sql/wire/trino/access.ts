import type { IncomingMessage } from 'node:http'
import { type Access, isLoopback } from '../../../base/access.ts'
import { LandfallError } from '../../../base/errors.ts'

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
