/**
 * The URL of a server of Trino's protocol: `trino://USER@HOST:8080/CATALOG/SCHEMA?tls=true` or `presto://…` for a server of
 * theirs, `http://HOST:8080` (or https) for a door of Landfall. Secrets come apart from it.
 */
import { LandfallError } from '../../base/errors.ts'

export interface TrinoUrl {
  /** `http://host:port` without a slash at the end. */
  base: string
  /** The prefix of the protocol's headers. */
  dialect: 'trino' | 'presto'
  /** A server of theirs by what the URL says: it reads the tables as they are committed. */
  foreign: boolean
  user?: string
  catalog?: string
  schema?: string
}

const EXPECTED = 'trino://USER@HOST:8080/CATALOG/SCHEMA, presto://… or http://HOST:8080'
/** `ca` is for the command line, which knows how to trust a file. */
const PARAMETERS = new Set(['tls', 'ca'])

/** Throws `sql/bad-url`, without the URL where it holds a secret. */
export function parseTrinoUrl(url: string): TrinoUrl {
  const found = /^(trino|presto|https?):\/\/(?:([^/?#@]*)@)?([^/?#@]+)((?:\/[^?#]*)?)(?:\?([^#]*))?$/.exec(
    url,
  )
  if (!found) throw badUrl(`expected ${EXPECTED}, found ${url.replace(/:\/\/[^/]*@/, '://…@')}`)
  const [, scheme, user, host, path, query] = found as unknown as [string, string, ...(string | undefined)[]]
  if (user?.includes(':')) {
    throw badUrl('expected a URL without secrets, found a password before the @', {
      hint: 'Everybody on the machine can read it there: give it in LANDFALL_SQL_PASSWORD',
    })
  }
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (!PARAMETERS.has(name))
      throw badUrl(`a URL of ${scheme}:// has no option "${name}"`, { hint: 'It has tls and ca' })
  }
  const names = (path ?? '').split('/').filter(Boolean).map(decodeURIComponent)
  if (names.length > 2) throw badUrl(`expected ${EXPECTED}, found more than a catalog and a schema in ${url}`)
  const secure = scheme === 'https' || parameters.get('tls') === 'true' || parameters.has('ca')
  const port = /:\d+$/.test(host!) ? '' : secure ? ':443' : ':8080'
  const foreign = scheme === 'trino' || scheme === 'presto'
  return {
    base: `${secure ? 'https' : 'http'}://${host}${foreign ? port : ''}`,
    dialect: scheme === 'presto' ? 'presto' : 'trino',
    foreign,
    ...(user ? { user: decodeURIComponent(user) } : {}),
    ...(names[0] === undefined ? {} : { catalog: names[0] }),
    ...(names[1] === undefined ? {} : { schema: names[1] }),
  }
}

function badUrl(message: string, options: { hint?: string } = {}): LandfallError {
  return new LandfallError('fix-config', 'sql/bad-url', message, options)
}
