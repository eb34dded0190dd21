import { LandfallError } from '../../../base/errors.ts'
import type { Storage } from '../../../storage/storage.ts'
import type { Catalog } from '../../catalog.ts'
import { RestCatalog } from './catalog.ts'
import { REST_TIMES, RestClient, type RestTimes, saidBy, typeOf } from './client.ts'
import { anonymous, bearer, clientCredentials, type Login } from './login.ts'

export interface RestCatalogOptions {
  namespace: string
  /** Of the server; `/v1` comes behind it. */
  url: string
  warehouse?: string
  /** Part of the path before namespaces; by default what the server says. */
  prefix?: string
  /** A bearer token; or `id:secret` of an OAuth 2 client, for which tokens are fetched. */
  token?: string
  credential?: string
  /** Token endpoint; by default the server's own, `/v1/oauth/tokens`. */
  oauthUrl?: string
  scope?: string
  times?: Partial<RestTimes>
}

/** Asks the server for its configuration: so a wrong URL and wrong credentials are told at start. */
export async function openRestCatalog(storage: Storage, options: RestCatalogOptions): Promise<Catalog> {
  const url = options.url.replace(/\/+$/, '')
  const times = { ...REST_TIMES, ...options.times }
  const login = loginOf(options, url)
  const client = new RestClient(url, login, times)
  const config = await loadConfig(client, options.warehouse)
  const prefix = options.prefix ?? config['prefix'] ?? ''
  // A server may want to be asked elsewhere from now on.
  const moved = config['uri']?.replace(/\/+$/, '') ?? url
  const asked = moved === url ? client : new RestClient(moved, login, times)
  return new RestCatalog(storage, asked, options.namespace, prefix)
}

function loginOf({ token, credential, oauthUrl, scope = 'catalog' }: RestCatalogOptions, url: string): Login {
  if (token !== undefined) return bearer(token)
  if (credential === undefined) return anonymous()
  return clientCredentials({ url: oauthUrl ?? `${url}/v1/oauth/tokens`, credential, scope })
}

interface Config {
  defaults?: Record<string, string>
  overrides?: Record<string, string>
}

async function loadConfig(
  client: RestClient,
  warehouse?: string,
): Promise<Record<string, string | undefined>> {
  const answer = await client.request({
    method: 'GET',
    path: '/v1/config',
    query: { warehouse },
    accepts: [400, 404, 405, 406, 501],
  })
  const config = answer.body as Config | string | undefined
  if (
    answer.status === 200 &&
    typeof config === 'object' &&
    ('defaults' in config || 'overrides' in config)
  ) {
    return { ...config.defaults, ...config.overrides }
  }
  if (typeOf(answer) !== undefined && warehouse !== undefined) {
    const message = `the catalog ${client.url} refused the warehouse ${warehouse}: ${saidBy(answer)}`
    throw new LandfallError('fix-config', 'catalog/refused', message, {
      hint: 'Give one of its warehouses in the URL: ?warehouse=NAME',
    })
  }
  throw new LandfallError(
    'fix-config',
    'catalog/not-iceberg-rest',
    `${client.url} is no Iceberg REST catalog: GET /v1/config answered ${answer.status} and no configuration`,
    { hint: 'Give the URL before /v1, for instance http://host:8181 or https://host/api/catalog' },
  )
}
