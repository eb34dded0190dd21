import { LandfallError } from '../../../base/errors.ts'
import { unreachable } from '../../catalog-errors.ts'

/** Who we are at a catalog server. */
export interface Login {
  /** For messages: how it is done, and never with what. */
  readonly how: string
  /** The header `authorization`. */
  authorization(): Promise<string | undefined>
  /** Gets a new token after a refusal; false when there is no way to. */
  renew(): Promise<boolean>
}

export interface OAuthClient {
  /** Token endpoint, as a whole URL. */
  url: string
  /** `id:secret`, or only the secret. */
  credential: string
  scope: string
}

const REQUEST_MS = 30_000
/** A token is renewed when this part of its life is over, so that no request is sent with one that lapses on its way. */
const LIFE_USED = 0.9
/** Life of a token whose server does not tell. */
const LIFE_SECONDS = 3600

export function anonymous(): Login {
  return { how: 'without a token', authorization: async () => undefined, renew: async () => false }
}

export function bearer(token: string): Login {
  const value = `Bearer ${token}`
  return { how: 'with a bearer token', authorization: async () => value, renew: async () => false }
}

/**
 * OAuth 2 with client credentials (RFC 6749, section 4.4). One token serves all; it is fetched at the first request, again before it
 * lapses, and again when the server refuses it (a server that was started anew may not know its old ones).
 */
export function clientCredentials(client: OAuthClient): Login {
  let token: { value: string; renewAt: number } | undefined
  let fetching: Promise<void> | undefined
  const fetchOnce = () => {
    fetching ??= fetchToken(client)
      .then((fetched) => {
        token = fetched
      })
      .finally(() => {
        fetching = undefined
      })
    return fetching
  }
  return {
    how: `with a token of ${client.url}`,
    async authorization() {
      if (token === undefined || performance.now() >= token.renewAt) await fetchOnce()
      return `Bearer ${token!.value}`
    },
    async renew() {
      await fetchOnce()
      return true
    },
  }
}

async function fetchToken({
  url,
  credential,
  scope,
}: OAuthClient): Promise<{ value: string; renewAt: number }> {
  const colon = credential.indexOf(':')
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (colon >= 0) form.set('client_id', credential.slice(0, colon))
  form.set('client_secret', credential.slice(colon + 1))
  if (scope !== '') form.set('scope', scope)
  const askedAt = performance.now()
  let status: number
  let body: Record<string, unknown>
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: form,
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_MS),
    })
    status = response.status
    body = parsed(await response.text())
  } catch (error) {
    throw unreachable(url, (error as { cause?: unknown }).cause ?? error)
  }
  const { access_token: value, expires_in: seconds } = body
  if (status !== 200 || typeof value !== 'string') throw noToken(url, status, body)
  const life = typeof seconds === 'number' && seconds > 0 ? seconds : LIFE_SECONDS
  return { value, renewAt: askedAt + life * 1000 * LIFE_USED }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** RFC 6749, section 5.2: `{ error, error_description }`. */
function noToken(url: string, status: number, body: Record<string, unknown>): LandfallError {
  const said = [body['error'], body['error_description']].filter((part) => typeof part === 'string')
  return new LandfallError(
    status >= 500 ? 'retry' : 'fix-config',
    'catalog/not-authorized',
    `${url} gave no token: ${said.join(': ').slice(0, 300) || `status ${status}`}`,
    {
      hint: 'Check LANDFALL_CATALOG_CREDENTIAL=id:secret, and in the URL of the catalog oauth2-server-uri and scope',
    },
  )
}

export function denied(who: string, what: string, status: number, said: string, how: string): LandfallError {
  return new LandfallError(
    'fix-config',
    'catalog/not-authorized',
    `${who} refused ${what} ${how} (${status}): ${said}`,
    {
      hint: 'Set LANDFALL_CATALOG_TOKEN, or LANDFALL_CATALOG_CREDENTIAL=id:secret, to one that may create and commit tables',
    },
  )
}
