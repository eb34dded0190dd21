import { createHash } from 'node:crypto'
import { isLandfallError } from '../base/errors.ts'
import { uuidv5 } from '../base/ids.ts'
import { refuse } from './answers.ts'
import type { CollectorSettings } from './limits.ts'

/** The answer to a request with an `Idempotency-Key`, as it is kept for retries. */
export interface StoredAnswer {
  key: string
  /** What was asked: SHA-256 over method, address and body, 32 hex digits. */
  request: string
  /** How many events the request recorded; the first stands at `partition`, `offset`. */
  events: number
  status: number
  headers: Record<string, string>
  body: string
  partition: number
  offset: number
  /** So many of them stand one behind the other from there on; absent: all. */
  run?: number
  /** Microseconds since 1970: it is kept for the window of duplicates. */
  receivedAt: number
}

/** The part of it that stands in the record header `answer` of the request's first event. Persisted. */
export type AnswerHeader = Pick<StoredAnswer, 'key' | 'request' | 'events' | 'status' | 'headers' | 'body'>

const KEY = /^[!-~]{1,128}$/

/** The request's `Idempotency-Key`, or undefined. Throws `collector/idempotency-key` on one that cannot be kept. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  if (typeof header === 'string' && KEY.test(header)) return header
  throw refuse(
    'idempotency-key',
    'the Idempotency-Key',
    'Send 1 to 128 visible ASCII characters, a new UUID for each request',
  )
}

/** Id of the event `index` (from 0) of a request with this key: a retry gives the same. */
export function idempotentEventId(key: string, index: number): string {
  return uuidv5(`${key}/${index}`)
}

export function requestPrint(method: string, url: string, body: Uint8Array | undefined): string {
  const hash = createHash('sha256').update(`${method} ${url}\n`)
  if (body !== undefined) hash.update(body)
  return hash.digest('hex').slice(0, 32)
}

/** Reads the record header `answer`; undefined for anything else (a foreign producer may use the name). */
export function parseAnswerHeader(text: string): AnswerHeader | undefined {
  try {
    const value = JSON.parse(text) as AnswerHeader
    return typeof value.key === 'string' && typeof value.body === 'string' && typeof value.status === 'number'
      ? value
      : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || isLandfallError(error)) return undefined
    throw error
  }
}

/**
 * Answers by `Idempotency-Key`, oldest first, bounded by number, by bytes and by the window of duplicates. What was let go
 * runs again when it is retried; its events have the same ids, so they still land once.
 */
export class AnswerBook {
  readonly #settings: CollectorSettings
  readonly #windowMicros: number
  readonly #answers = new Map<string, StoredAnswer>()
  readonly #underWay = new Map<string, Promise<void>>()
  #bytes = 0

  constructor(settings: CollectorSettings, windowMs: number) {
    this.#settings = settings
    this.#windowMicros = windowMs * 1000
  }

  get size(): number {
    return this.#answers.size
  }

  /** The answer kept for the key. Throws `collector/idempotency-reuse` when it answered another request. */
  find(key: string, request: string, nowMicros: number): StoredAnswer | undefined {
    const answer = this.#answers.get(key)
    if (answer === undefined || answer.receivedAt < nowMicros - this.#windowMicros) return undefined
    if (answer.request === request) return answer
    throw refuse(
      'idempotency-reuse',
      'the Idempotency-Key was used for another request',
      'Use a new key for each request, and the same only to send the same request again',
    )
  }

  /** Resolves when the request that uses the key now is done; undefined when none does. */
  underWay(key: string): Promise<void> | undefined {
    return this.#underWay.get(key)
  }

  /** Takes the key for one request; what is returned lets it go. */
  claim(key: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#underWay.set(key, promise)
    return () => {
      this.#underWay.delete(key)
      resolve()
    }
  }

  put(answer: StoredAnswer): void {
    this.#drop(answer.key)
    this.#answers.set(answer.key, answer)
    this.#bytes += sizeOf(answer)
    const oldest = answer.receivedAt - this.#windowMicros
    for (const [key, kept] of this.#answers) {
      const { answersMax, answersBytesMax } = this.#settings
      if (this.#answers.size <= answersMax && this.#bytes <= answersBytesMax && kept.receivedAt >= oldest)
        break
      this.#drop(key)
    }
  }

  entries(): StoredAnswer[] {
    return [...this.#answers.values()]
  }

  clear(): void {
    this.#answers.clear()
    this.#bytes = 0
  }

  #drop(key: string): void {
    const answer = this.#answers.get(key)
    if (answer === undefined) return
    this.#answers.delete(key)
    this.#bytes -= sizeOf(answer)
  }
}

function sizeOf(answer: StoredAnswer): number {
  return answer.body.length + answer.key.length + 200
}
