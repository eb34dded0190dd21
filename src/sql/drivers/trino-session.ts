/** A session on its way to a Trino server, and what the server wants changed in it: the client's side of the protocol's headers. */
import { LandfallError } from '../../base/errors.ts'
import { formDecode, formEncode } from '../form-encoding.ts'
import type { Session, SessionChange } from '../sql.ts'

/** Headers of a statement; what the session does not say is left to the connection. */
export function requestHeaders(prefix: string, session: Session | undefined): Record<string, string> {
  if (!session) return {}
  const pairs = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`)
  const texts: Record<string, string | undefined> = {
    catalog: session.catalog,
    schema: session.schema,
    'time-zone': session.timeZone,
    session: pairs(session.properties).join(',') || undefined,
    'prepared-statement': pairs(session.preparedStatements).join(',') || undefined,
    'transaction-id': session.transactionId ?? 'NONE',
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(texts))
    if (value !== undefined) headers[`${prefix}-${name}`] = value
  return headers
}

/** What the headers of an answer change; undefined when that is nothing. */
export function readSessionChange(prefix: string, headers: Headers): SessionChange | undefined {
  const text = (name: string) => headers.get(`${prefix}-${name}`) ?? undefined
  const change: SessionChange = {}
  const [catalog, schema] = [text('set-catalog'), text('set-schema')]
  if (catalog !== undefined) change.catalog = catalog
  if (schema !== undefined) change.schema = schema
  const set = text('set-session')
  if (set !== undefined) change.setProperties = Object.fromEntries(set.split(',').map(pairOf))
  const reset = text('clear-session')
  if (reset !== undefined) change.resetProperty = reset
  const added = text('added-prepare')
  if (added !== undefined) {
    const [name, sql] = pairOf(added)
    change.addedPrepare = { name, sql }
  }
  const gone = text('deallocated-prepare')
  if (gone !== undefined) change.deallocatedPrepare = formDecode(gone)
  const started = text('started-transaction-id')
  if (started !== undefined) change.startedTransactionId = started
  if (text('clear-transaction-id') === 'true') change.clearTransaction = true
  return Object.keys(change).length === 0 ? undefined : change
}

function pairOf(text: string): [string, string] {
  const equals = text.indexOf('=')
  return [formDecode(text.slice(0, equals).trim()), formDecode(text.slice(equals + 1).trim())]
}

/** What proves who we are; a password only over TLS. */
export function authorization(
  base: string,
  user: string,
  { token, password }: { token?: string; password?: string },
): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${token}` }
  if (password === undefined) return {}
  if (!base.startsWith('https:')) {
    throw new LandfallError(
      'fix-config',
      'sql/insecure-password',
      `a password would travel unencrypted to ${base}`,
      {
        hint: 'Ask by TLS (?tls=true), or take LANDFALL_SQL_PASSWORD out of the environment',
      },
    )
  }
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}
