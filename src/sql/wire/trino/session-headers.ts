/**
 * The client's session in request headers, and what changes in it in response headers. Trino's clients say `X-Trino-…`, Presto's
 * `X-Presto-…`; each is answered by the same prefix. Every value that may hold anything is form-encoded; lists are separated by
 * commas or come as repeated headers, which Node joins by commas.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { LandfallError } from '../../../base/errors.ts'
import { formDecode, formEncode } from '../../form-encoding.ts'
import type { Session, SessionChange } from '../../sql.ts'

export type HeaderPrefix = 'x-trino' | 'x-presto'

/** What a client says of itself with a statement. */
export interface ClientRequest {
  prefix: HeaderPrefix
  session: Session & { user: string }
  /** `PARAMETRIC_DATETIME`, `PATH` … */
  capabilities: ReadonlySet<string>
}

const NO_TRANSACTION = 'NONE'

export function prefixOf(headers: IncomingHttpHeaders): HeaderPrefix {
  const names = Object.keys(headers)
  const isPresto =
    !names.some((name) => name.startsWith('x-trino-')) && names.some((name) => name.startsWith('x-presto-'))
  return isPresto ? 'x-presto' : 'x-trino'
}

/** Undefined when it does not say who asks. Throws `sql/bad-header`. */
export function readClientRequest(headers: IncomingHttpHeaders): ClientRequest | undefined {
  const prefix = prefixOf(headers)
  const text = (name: string) => textOf(headers[`${prefix}-${name}`])
  const user = text('user') ?? basicUser(headers.authorization)
  if (user === undefined) return undefined
  const transactionId = text('transaction-id')
  const session: ClientRequest['session'] = {
    user,
    ...optional('source', text('source')),
    ...optional('catalog', text('catalog')),
    ...optional('schema', text('schema')),
    ...optional('timeZone', text('time-zone')),
    ...optional('language', text('language')),
    ...optional('transactionId', transactionId === NO_TRANSACTION ? undefined : transactionId),
    clientTags: listOf(text('client-tags')),
    properties: pairsOf(`${prefix}-session`, text('session')),
    preparedStatements: pairsOf(`${prefix}-prepared-statement`, text('prepared-statement')),
  }
  return { prefix, session, capabilities: new Set(listOf(text('client-capabilities'))) }
}

/** The headers that tell a client to change its session. */
export function sessionHeaders(prefix: HeaderPrefix, change: SessionChange): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  const set = (name: string, value: string | string[] | undefined) => {
    if (value !== undefined) headers[`${prefix}-${name}`] = value
  }
  const pair = ([name, value]: [string, string]) => `${formEncode(name)}=${formEncode(value)}`
  set('set-catalog', change.catalog && encodeName(change.catalog))
  set('set-schema', change.schema && encodeName(change.schema))
  if (change.setProperties) set('set-session', Object.entries(change.setProperties).map(pair))
  set('clear-session', change.resetProperty)
  if (change.role) set('set-role', `${change.role.catalog}=${formEncode(change.role.role)}`)
  if (change.addedPrepare) set('added-prepare', pair([change.addedPrepare.name, change.addedPrepare.sql]))
  set('deallocated-prepare', change.deallocatedPrepare && formEncode(change.deallocatedPrepare))
  set('started-transaction-id', change.startedTransactionId)
  set('clear-transaction-id', change.clearTransaction && 'true')
  return headers
}

function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string }
}

function textOf(value: string | string[] | undefined): string | undefined {
  const text = (Array.isArray(value) ? value.join(',') : value)?.trim()
  return text === undefined || text === '' ? undefined : text
}

/** The user of `Authorization: Basic`, with which some clients say who asks. */
function basicUser(authorization: string | undefined): string | undefined {
  const [scheme, value = ''] = (authorization ?? '').split(/\s+/, 2)
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const name = Buffer.from(value, 'base64').toString('utf8').split(':', 1)[0]!
  return name === '' ? undefined : name
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function pairsOf(header: string, text: string | undefined): Record<string, string> {
  const pairs = listOf(text).map((item) => {
    const equals = item.indexOf('=')
    if (equals < 1) throw badHeader(header, item)
    try {
      return [formDecode(item.slice(0, equals).trim()), formDecode(item.slice(equals + 1).trim())] as const
    } catch {
      throw badHeader(header, item)
    }
  })
  return Object.fromEntries(pairs)
}

function badHeader(header: string, item: string): LandfallError {
  const shown = item.length > 100 ? `${item.slice(0, 100)}…` : item
  return new LandfallError(
    'fix-request',
    'sql/bad-header',
    `Invalid ${header} header: expected NAME=VALUE with an encoded value, found ${shown}`,
  )
}

/** Names of catalogs and schemas travel as they are; a header's value must be plain all the same. */
function encodeName(name: string): string {
  return /^[\x21-\x7e]+$/.test(name) ? name : formEncode(name)
}
