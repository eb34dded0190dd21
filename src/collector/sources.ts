import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../base/access.ts'
import { LandfallError } from '../base/errors.ts'
import type { SourceDefinition } from '../model/pipeline.ts'
import { refuse } from './answers.ts'

interface KnownSource {
  definition: SourceDefinition
  /** SHA-256 of the write key: keys of any length compare in the same time. */
  digest: Buffer | undefined
  tokens: number
  filledAtMs: number
}

/** A source that may send this request, and what is charged to it. */
export interface Sender {
  definition: SourceDefinition
  /** The record header `src`; undefined for the default source. */
  recordName: string | undefined
  /** Counts events against the source's rate, or throws `collector/rate` and counts nothing. */
  charge(events: number): void
}

/** Who may send to `/v1/events`. */
export class Sources {
  readonly #sources: KnownSource[]
  readonly #senders: Sender[]

  constructor(definitions: readonly SourceDefinition[], nowMs: () => number) {
    this.#sources = definitions.map((definition) => ({
      definition,
      digest: definition.writeKey === null ? undefined : digestOf(definition.writeKey),
      tokens: definition.rateMax ?? 0,
      filledAtMs: nowMs(),
    }))
    this.#senders = this.#sources.map((source, i) => ({
      definition: source.definition,
      recordName: i === 0 ? undefined : source.definition.name,
      charge: (events) => charge(source, events, nowMs()),
    }))
  }

  /** Whether anyone may send without a key. */
  get open(): boolean {
    return this.#sources.some((source) => source.digest === undefined)
  }

  /**
   * By `Authorization: Bearer KEY`, or `?key=KEY` of a beacon, else the first source without a key. Throws
   * `collector/write-key`. All keys are compared, each in constant time.
   */
  identify(request: IncomingMessage): Sender {
    const key = keyOf(request)
    let found = -1
    if (key === undefined) found = this.#sources.findIndex((source) => source.digest === undefined)
    else {
      const digest = digestOf(key)
      for (const [i, source] of this.#sources.entries()) {
        if (source.digest !== undefined && timingSafeEqual(source.digest, digest)) found = i
      }
    }
    if (found >= 0) return this.#senders[found]!
    throw refuse(
      'write-key',
      key === undefined
        ? 'sending events without a write key'
        : 'the write key belongs to no source of this pipeline',
      'Send Authorization: Bearer KEY with the writeKey of a source',
    )
  }

  /** Whether a page of this origin may send, to any source: what a preflight asks. */
  allowsOrigin(origin: string): boolean {
    return this.#sources.some(({ definition }) => originAllowed(definition, origin))
  }
}

/** Origins are compared as they are sent; `*` stands for all of them. */
export function originAllowed({ origins }: SourceDefinition, origin: string): boolean {
  return origins.includes('*') || origins.includes(origin)
}

/** Refuses to listen beyond this machine while somebody could send without a key. */
export function checkExposure(host: string, sources: readonly SourceDefinition[], insecure: boolean): void {
  if (insecure || isLoopback(host)) return
  const open = sources.find((source) => source.writeKey === null)
  if (open === undefined) return
  throw new LandfallError(
    'fix-config',
    'collector/exposed',
    `listening on ${host}: source ${JSON.stringify(open.name)} has no write key, so anyone could send events`,
    {
      hint: 'Give every source a writeKey, listen on 127.0.0.1, or say --insecure',
    },
  )
}

function keyOf(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization
  const bearer = header === undefined ? null : /^bearer +(\S+) *$/i.exec(header)
  if (bearer !== null) return bearer[1]
  const mark = request.url!.indexOf('?')
  if (mark < 0) return undefined
  return new URLSearchParams(request.url!.slice(mark + 1)).get('key') ?? undefined
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** A bucket that holds one second of events. A larger batch passes a full bucket and leaves it in debt. */
function charge(source: KnownSource, events: number, nowMs: number): void {
  const rate = source.definition.rateMax
  if (rate === null) return
  source.tokens = Math.min(rate, source.tokens + ((nowMs - source.filledAtMs) / 1000) * rate)
  source.filledAtMs = nowMs
  const needed = Math.min(events, rate)
  if (source.tokens < needed) {
    const retryAfterSeconds = Math.max(1, Math.ceil((needed - source.tokens) / rate))
    throw new LandfallError(
      'retry',
      'collector/rate',
      `source ${source.definition.name} sends more than ${rate} events a second`,
      {
        hint: `Send again in ${retryAfterSeconds} s`,
        details: { retryAfterSeconds },
      },
    )
  }
  source.tokens -= events
}
