/**
 * Credentials that the token service lends for a web identity (AWS STS, AssumeRoleWithWebIdentity, API version 2011-06-15): the token
 * is read from its file anew each time, since whoever wrote it replaces it. Fetched again five minutes before they expire; while that
 * fails, those at hand are used until they do.
 */
import { readFile } from 'node:fs/promises'
import { LandfallError } from '../../../base/errors.ts'
import { connectionFailure, type Patience, Transient, timeLimit, withRetries } from '../../remote/retry.ts'
import type { CredentialSource, Credentials } from './credentials.ts'
import { firstText } from './xml.ts'

export interface WebIdentityParts {
  endpoint: string
  tokenFile: string
  roleArn: string
  sessionName: string
  patience: Patience
  nowMs: () => number
}

interface Lent extends Credentials {
  expiresAtMs: number
}

const REFRESH_BEFORE_MS = 5 * 60_000
/** After a refresh that failed, the next attempt is made no sooner. */
const REFRESH_PAUSE_MS = 10_000

export class WebIdentity implements CredentialSource {
  readonly #parts: WebIdentityParts
  #lent: Lent | undefined
  #asking: Promise<Lent> | undefined
  #failedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: WebIdentityParts) {
    this.#parts = parts
  }

  async get(refused?: Credentials): Promise<Credentials> {
    const lent = this.#lent
    const now = this.#parts.nowMs()
    if (lent === undefined || lent === refused || lent.expiresAtMs <= now) return this.#ask()
    if (lent.expiresAtMs - now > REFRESH_BEFORE_MS || now - this.#failedAtMs < REFRESH_PAUSE_MS) return lent
    try {
      return await this.#ask()
    } catch {
      // They are good for some minutes more, and the next request asks again.
      this.#failedAtMs = now
      return lent
    }
  }

  #ask(): Promise<Lent> {
    this.#asking ??= this.#assume().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #assume(): Promise<Lent> {
    const { endpoint, tokenFile, roleArn, sessionName, patience } = this.#parts
    const token = await readToken(tokenFile)
    const body = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      WebIdentityToken: token,
    })
    const what = `asking ${endpoint} for the role ${roleArn}`
    const xml = await withRetries(what, patience, () => post(endpoint, body, patience, what))
    const [accessKeyId, secretAccessKey, sessionToken, expiration] = [
      'AccessKeyId',
      'SecretAccessKey',
      'SessionToken',
      'Expiration',
    ].map((name) => firstText(xml, name))
    const expiresAtMs = Date.parse(expiration ?? '')
    if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresAtMs))
      throw refused(what, 'the answer has no credentials')
    this.#lent = { accessKeyId, secretAccessKey, sessionToken, expiresAtMs }
    return this.#lent
  }
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new LandfallError(
      'fix-config',
      'storage/credentials',
      `cannot read the web identity token ${file}`,
      {
        hint: 'AWS_WEB_IDENTITY_TOKEN_FILE names it; is it mounted?',
        cause: error,
      },
    )
  }
}

async function post(
  endpoint: string,
  body: URLSearchParams,
  patience: Patience,
  what: string,
): Promise<string> {
  let answer: Response
  let xml: string
  try {
    answer = await fetch(endpoint, { method: 'POST', body, redirect: 'manual', signal: timeLimit(patience) })
    xml = await answer.text()
  } catch (error) {
    throw connectionFailure(error, endpoint)
  }
  if (answer.ok) return xml
  const code = firstText(xml, 'Code') ?? `HTTP ${answer.status}`
  if (answer.status >= 500 || code === 'Throttling' || code === 'IDPCommunicationError')
    throw new Transient(code, false)
  throw refused(what, `${code}: ${firstText(xml, 'Message') ?? 'no reason given'}`)
}

function refused(what: string, why: string): LandfallError {
  return new LandfallError('fix-config', 'storage/credentials', `${what}: ${why}`, {
    hint: 'Look at the trust policy of the role, its audience, and the age of the token',
  })
}
