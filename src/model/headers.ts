/** Names of request headers. */
import type { HeaderColumn } from './definition.ts'
import { refuse } from './names.ts'

/** Headers whose usual spelling is not made of capitalised words. */
const SPELLINGS = new Map(
  [
    'Content-MD5',
    'DNT',
    'ETag',
    'HTTP2-Settings',
    'NEL',
    'SourceMap',
    'TE',
    'WWW-Authenticate',
    'X-DNS-Prefetch-Control',
    'X-Request-ID',
    'X-UA-Compatible',
    'X-XSS-Protection',
    'Sec-CH-UA',
    'Sec-CH-UA-Mobile',
    'Sec-CH-UA-Platform',
    'Sec-GPC',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Version',
  ].map((name) => [name.toLowerCase(), name]),
)

/** Never taken into an event, whatever a pipeline says: they prove who somebody is. */
const CREDENTIALS = new Set([
  'authorization',
  'cookie',
  'cookie2',
  'set-cookie',
  'proxy-authorization',
  'proxy-authenticate',
  'x-api-key',
  'api-key',
  'x-auth-token',
  'x-access-token',
  'x-csrf-token',
  'x-xsrf-token',
  'x-write-key',
  'x-landfall-key',
  'x-amz-security-token',
])

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** `user-agent` → `User-Agent`, `etag` → `ETag`: the usual capitals. */
export function canonicalHeader(name: string): string {
  const lower = name.toLowerCase()
  return (
    SPELLINGS.get(lower) ??
    lower.replaceAll(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
  )
}

export function isCredentialHeader(name: string): boolean {
  return CREDENTIALS.has(name.toLowerCase())
}

/** The name of the column that a header becomes. */
export function headerColumnName(header: string, choice: HeaderColumn = true): string {
  if (typeof choice === 'string') return choice
  return (typeof choice === 'object' ? choice.column : undefined) ?? canonicalHeader(header)
}

/** A header that a definition names, in its usual capitals. */
export function checkHeader(place: string, name: string): string {
  if (!TOKEN.test(name))
    refuse(
      'illegal-name',
      place,
      `${JSON.stringify(name)} is not a header name`,
      'Write it as in "User-Agent"',
    )
  if (isCredentialHeader(name)) {
    refuse(
      'credential-header',
      place,
      `the header ${canonicalHeader(name)} carries a credential and is never stored`,
      'Remove it',
    )
  }
  return canonicalHeader(name)
}
