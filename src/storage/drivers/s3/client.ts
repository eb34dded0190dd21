import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { LandfallError } from '../../../base/errors.ts'
import { connectionFailure, type Patience, Transient, timeLimit, withRetries } from '../../remote/retry.ts'
import type { CredentialSource, Credentials } from './credentials.ts'
import { refusal } from './errors.ts'
import { addressOf, type S3Location } from './location.ts'
import { firstText } from './xml.ts'

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Whole key; none for the bucket. */
  key?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: Buffer
  /** Bytes of the answer, where they are known to be many: how long is waited for them. */
  bytesExpected?: number
}

export interface S3Answer {
  status: number
  headers: Headers
  body: Buffer
}

export interface S3ClientParts {
  location: S3Location
  credentials: CredentialSource
  patience: Patience
  nowMs: () => number
}

/** Metadata that only the writer of an object can have given it. Persisted. */
export const MARK = 'x-amz-meta-landfall-mark'

/** Answers that say something about the object: whoever asked decides what they mean. */
const TOLD = new Set([404, 409, 412, 416])

/** Signed requests to one bucket. */
export class S3Client {
  readonly location: S3Location
  readonly patience: Patience
  readonly #credentials: CredentialSource
  readonly #nowMs: () => number
  /** Signing keys by day and region, as aws4fetch keeps them. */
  readonly #keys = new Map<string, ArrayBuffer>()

  constructor({ location, credentials, patience, nowMs }: S3ClientParts) {
    this.location = location
    this.patience = patience
    this.#credentials = credentials
    this.#nowMs = nowMs
  }

  /** Tries until the store answers; for requests that may be done twice. Answers are 2xx or one of `expected`. */
  async request(request: S3Request, ...expected: number[]): Promise<S3Answer> {
    const answer = await withRetries(this.describe(request), this.patience, () => this.send(request))
    if (answer.status < 300 || expected.includes(answer.status)) return answer
    const text = answer.body.toString()
    const message = `${this.describe(request)}: ${firstText(text, 'Message') ?? 'no reason given'}`
    throw refusal(this.location, answer, firstText(text, 'Code'), message)
  }

  describe({ method, key }: S3Request): string {
    return `${method} s3://${this.location.bucket}/${key ?? ''}`
  }

  /** One attempt; the answer is 2xx or one of `TOLD`. Throws `Transient` for what may be better next time; a question has changed nothing, whatever came of it. */
  async send(request: S3Request): Promise<S3Answer> {
    try {
      return await this.#send(request)
    } catch (error) {
      const asksOnly = request.method === 'GET' || request.method === 'HEAD'
      throw asksOnly && error instanceof Transient ? new Transient(error.message, false, error.cause) : error
    }
  }

  async #send(request: S3Request): Promise<S3Answer> {
    const credentials = await this.#credentials.get()
    const answer = await this.#exchange(request, credentials)
    if (!isExpired(answer)) return this.#judge(request, answer)
    return this.#judge(request, await this.#exchange(request, await this.#credentials.get(credentials)))
  }

  #judge(request: S3Request, answer: S3Answer): S3Answer {
    const { status, body } = answer
    const text = body.length < 64 * 1024 && status >= 300 ? body.toString() : ''
    const code = firstText(text, 'Code') ?? answer.headers.get('x-amz-error-code') ?? undefined
    if (status === 404 && code === 'NoSuchBucket') throw refusal(this.location, answer, code, text)
    if ((status >= 200 && status < 300) || TOLD.has(status)) return answer
    const what = `${this.location.endpoint} answered ${status}${code === undefined ? '' : ` ${code}`}`
    if (status === 501 || status === 505) throw refusal(this.location, answer, code, text)
    if (status >= 500) throw new Transient(what, true)
    if (status === 429 || status === 408 || code === 'RequestTimeout')
      throw new Transient(what, status !== 429)
    throw refusal(
      this.location,
      answer,
      code,
      `${this.describe(request)}: ${firstText(text, 'Message') ?? what}`,
    )
  }

  async #exchange(request: S3Request, credentials: Credentials): Promise<S3Answer> {
    const { method, body, bytesExpected } = request
    const { url, headers } = await this.#sign(request, credentials)
    const signal = timeLimit(this.patience, (body?.length ?? 0) + (bytesExpected ?? 0))
    try {
      const answer = await fetch(url, {
        method,
        headers,
        redirect: 'manual',
        signal,
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      })
      const bytes = Buffer.from(await answer.arrayBuffer())
      checkLength(method, answer, bytes)
      return { status: answer.status, headers: answer.headers, body: bytes }
    } catch (error) {
      throw error instanceof Transient ? error : connectionFailure(error, this.location.endpoint)
    }
  }

  async #sign(request: S3Request, credentials: Credentials): Promise<{ url: URL; headers: Headers }> {
    const { AwsV4Signer } = loadSigner()
    const hash = createHash('sha256').update(request.body ?? '')
    const signer = new AwsV4Signer({
      ...credentials,
      method: request.method,
      url: addressOf(this.location, request.key, request.query).href,
      // The store checks what has arrived against it.
      headers: { ...request.headers, 'x-amz-content-sha256': hash.digest('hex') },
      service: 's3',
      region: this.location.region,
      cache: this.#keys,
      datetime: new Date(this.#nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    })
    const { url, headers } = await signer.sign()
    return { url: url as URL, headers: headers as Headers }
  }
}

function isExpired({ status, body }: S3Answer): boolean {
  return (
    (status === 400 || status === 403) &&
    /<Code>(ExpiredToken|TokenRefreshRequired)<\/Code>/.test(body.toString())
  )
}

/** A connection that ends early can look like an end. */
function checkLength(method: string, answer: Response, bytes: Buffer): void {
  const told = answer.headers.get('content-length')
  if (
    method === 'HEAD' ||
    told === null ||
    answer.headers.has('content-encoding') ||
    Number(told) === bytes.length
  )
    return
  throw new Transient(`the answer was cut at byte ${bytes.length} of ${told}`, true)
}

let signer: typeof import('aws4fetch') | undefined

function loadSigner(): typeof import('aws4fetch') {
  try {
    signer ??= createRequire(import.meta.url)('aws4fetch') as typeof import('aws4fetch')
    return signer
  } catch (cause) {
    throw new LandfallError(
      'fix-config',
      'storage/missing-client',
      's3:// needs the package aws4fetch, which is not installed',
      {
        hint: 'npm install aws4fetch',
        cause,
      },
    )
  }
}
