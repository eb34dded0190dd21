import { LandfallError } from '../base/errors.ts'
import type { Storage } from '../storage/storage.ts'
import { type Catalog, DEFAULT_NAMESPACE } from './catalog.ts'

export interface OpenCatalogOptions {
  namespace?: string
  /** For an Iceberg REST catalog: a bearer token, or `id:secret` of an OAuth 2 client. No URL carries them. */
  token?: string
  credential?: string
}

/**
 * Opens the catalog of a URL:
 *
 *   file:                                        in the lake's own files
 *   http(s)://host:port/path?…, rest+http(s)://  Iceberg REST: `warehouse`, `prefix`, `scope`, `oauth2-server-uri`
 *   thrift://host:port?…                         Hive metastore: `framed`, `tls`, `ca`, `cert`, `key`, `presto`
 */
export async function openCatalog(
  url: string,
  storage: Storage,
  options: OpenCatalogOptions = {},
): Promise<Catalog> {
  const { namespace = DEFAULT_NAMESPACE } = options
  if (url === 'file:' || url.startsWith('file://')) {
    const { openFileCatalog } = await import('./drivers/file.ts')
    return openFileCatalog(storage, namespace)
  }
  if (/^(rest\+)?https?:/.test(url)) return openRest(url, storage, namespace, options)
  if (url.startsWith('thrift:')) return openHive(url, storage, namespace)
  throw new LandfallError(
    'fix-config',
    'catalog/unknown-driver',
    `no catalog driver for ${JSON.stringify(url)}`,
    {
      hint: 'Use file: for the catalog in the lake itself, https://… for Iceberg REST, or thrift://host:9083 for a Hive metastore',
    },
  )
}

async function openRest(
  url: string,
  storage: Storage,
  namespace: string,
  { token, credential }: OpenCatalogOptions,
): Promise<Catalog> {
  const { address, query } = parseUrl(url.replace(/^rest\+/, ''), REST_QUERY)
  const { openRestCatalog } = await import('./drivers/rest/open.ts')
  return openRestCatalog(storage, {
    namespace,
    url: `${address.origin}${address.pathname}`,
    ...defined({
      token,
      credential,
      warehouse: query.get('warehouse'),
      prefix: query.get('prefix'),
      scope: query.get('scope'),
      oauthUrl: query.get('oauth2-server-uri'),
    }),
  })
}

async function openHive(url: string, storage: Storage, namespace: string): Promise<Catalog> {
  const { address, query } = parseUrl(url, HIVE_QUERY)
  const { hostname, port } = address
  if (hostname === '') throw badUrl(url, 'it names no host')
  const files = defined({ ca: query.get('ca'), cert: query.get('cert'), key: query.get('key') })
  const tls = query.get('tls') === 'true' || Object.keys(files).length > 0
  const { openHiveCatalog } = await import('./drivers/hive/open.ts')
  return openHiveCatalog(storage, {
    namespace,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 9083 : Number(port),
    framed: query.get('framed') === 'true',
    presto: query.get('presto') === 'true',
    ...(tls ? { tls: files } : {}),
  })
}

const REST_QUERY = ['warehouse', 'prefix', 'scope', 'oauth2-server-uri']
const HIVE_QUERY = ['framed', 'tls', 'ca', 'cert', 'key', 'presto']
/** Options by which others ask for Kerberos. */
const KERBEROS = ['sasl', 'principal', 'kerberos', 'keytab']

function parseUrl(url: string, known: readonly string[]): { address: URL; query: URLSearchParams } {
  let address: URL
  try {
    address = new URL(url)
  } catch {
    throw badUrl(url, 'it is no URL')
  }
  if (address.username !== '' || address.password !== '') {
    throw badUrl(`${address.protocol}//…@${address.host}`, 'it carries a user or a password', SECRETS)
  }
  for (const name of address.searchParams.keys()) {
    if (KERBEROS.includes(name)) {
      throw badUrl(url, `it asks for Kerberos (${name}), which Landfall does not speak`, NO_KERBEROS)
    }
    if (!known.includes(name)) {
      throw badUrl(
        `${address.protocol}//${address.host}`,
        `it has an unknown option ${name}`,
        `Known: ${known.join(', ')}`,
      )
    }
  }
  return { address, query: address.searchParams }
}

const SECRETS = 'Set LANDFALL_CATALOG_TOKEN, or LANDFALL_CATALOG_CREDENTIAL=id:secret, instead'
const NO_KERBEROS = 'Use a metastore without Kerberos, or an Iceberg REST catalog before it'

function badUrl(
  url: string,
  why: string,
  hint = 'Write https://host:port/path or thrift://host:9083',
): LandfallError {
  return new LandfallError('fix-config', 'catalog/bad-url', `the catalog URL ${url} cannot be used: ${why}`, {
    hint,
  })
}

function defined<T extends Record<string, string | null | undefined>>(
  options: T,
): { [K in keyof T]?: string } {
  const entries = Object.entries(options).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: string }
}
