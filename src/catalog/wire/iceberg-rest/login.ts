import type { Access } from '../../../base/access.ts'
import type { Answer } from './answers.ts'

/**
 * The token endpoint, for engines that log in with an id and a secret (OAuth 2, client credentials): the secret is the user's
 * token, so it is what is handed back. It has no end of its own; it ends with the user.
 */
export function loginAnswer(
  access: Access,
  form: URLSearchParams,
  authorization: string | undefined,
): Answer {
  const grant = form.get('grant_type')
  if (grant !== 'client_credentials') {
    return oauthError(400, 'unsupported_grant_type', `expected client_credentials, found ${grant ?? 'none'}`)
  }
  const [id, secret] = credentials(form, authorization)
  if (secret === '' || access.login(id, secret) === undefined) {
    return oauthError(401, 'invalid_client', 'the client is not known, or its secret is another')
  }
  const body = {
    access_token: secret,
    token_type: 'bearer',
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }
  return { status: 200, body: JSON.stringify(body), headers: { 'cache-control': 'no-store' } }
}

/** In the form, or as `Authorization: Basic`. */
function credentials(form: URLSearchParams, authorization: string | undefined): [id: string, secret: string] {
  const basic = /^basic\s+(\S+)/i.exec(authorization ?? '')
  if (form.has('client_secret') || basic === null) {
    return [form.get('client_id') ?? '', form.get('client_secret') ?? '']
  }
  const text = Buffer.from(basic[1]!, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)]
}

/** Errors of this endpoint have OAuth's form and not the catalog's. */
function oauthError(status: number, error: string, description: string): Answer {
  return { status, body: JSON.stringify({ error, error_description: description }) }
}
