import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { type Answer, answerToError, refuse } from './answers.ts'
import type { Appender } from './appender.ts'
import { type Batch, buildBatch } from './batch.ts'
import { batchAnswer } from './batch-answer.ts'
import type { Gate } from './gate.ts'
import { idempotencyKey } from './idempotency.ts'
import type { CollectorSettings } from './limits.ts'
import type { LogRoom } from './log-room.ts'
import type { HeaderMerger } from './merge-headers.ts'
import type { Counts } from './metrics.ts'
import type { Body, BodyReader } from './read-body.ts'
import type { Reasons } from './reasons.ts'
import { receiptHeaders, receiptOf, receiptText } from './receipts.ts'
import { type Framing, JsonScanner } from './scan-events.ts'
import { explainFault, invalidUtf8 } from './scan-faults.ts'
import { sendAnswer } from './send.ts'
import { originAllowed, type Sender, type Sources } from './sources.ts'

export interface EventsDoorParts {
  compiled: CompiledPipeline
  appender: Appender
  bodies: BodyReader
  room: LogRoom
  gate: Gate
  merger: HeaderMerger
  sources: Sources
  reasons: Reasons
  nextId: () => string
  clock: Clock
  settings: CollectorSettings
  counts: Counts
  subject: { property: string; header: string } | undefined
}

const LINES = /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines)$/
const EXPOSED = 'Landfall-Receipt, Landfall-Event-Id, Retry-After'
const ALLOWED_HEADERS = 'Authorization, Content-Type, Content-Encoding, Idempotency-Key, Prefer'

/** `POST /v1/events`: events from anywhere, one or many in a request, all of them one atomic frame. */
export class EventsDoor {
  readonly #parts: EventsDoorParts
  readonly #scanner: JsonScanner

  constructor(parts: EventsDoorParts) {
    const { settings, subject } = parts
    this.#parts = parts
    this.#scanner = new JsonScanner(
      {
        depthMax: settings.depthMax,
        eventsMax: settings.batchEventsMax,
        eventBytesMax: settings.eventBytesMax,
      },
      subject?.property ?? null,
    )
  }

  /** Answers the request. Never throws. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { gate, room, counts } = this.#parts
    const origin = request.headers.origin
    let answer: Answer
    let shift: Promise<void> | undefined
    try {
      shift = gate.enter(request)
    } catch (error) {
      return sendAnswer(response, answerToError(error, 'json'), counts)
    }
    try {
      if (shift !== undefined) await shift
      answer = await this.#answer(request, origin)
    } catch (error) {
      answer = answerToError(error, 'json')
    }
    sendAnswer(response, origin === undefined ? answer : this.#withCors(answer, origin), counts)
    gate.leave()
    // Whatever became of it, it takes no room any more.
    room.freed()
  }

  /** The answer to a browser that asks before it sends (`OPTIONS`). */
  preflight(request: IncomingMessage, response: ServerResponse): void {
    const origin = request.headers.origin
    const answer = { status: 204, headers: { Allow: 'POST, OPTIONS' } as Record<string, string>, body: '' }
    if (origin !== undefined && this.#parts.sources.allowsOrigin(origin)) {
      answer.headers['Access-Control-Allow-Methods'] = 'POST'
      answer.headers['Access-Control-Allow-Headers'] = ALLOWED_HEADERS
      answer.headers['Access-Control-Max-Age'] = '600'
    }
    sendAnswer(response, origin === undefined ? answer : this.#withCors(answer, origin))
  }

  #withCors(answer: Answer, origin: string): Answer {
    const headers: Record<string, string> = { ...answer.headers, Vary: 'Origin' }
    if (this.#parts.sources.allowsOrigin(origin)) {
      headers['Access-Control-Allow-Origin'] = origin
      headers['Access-Control-Expose-Headers'] = EXPOSED
    }
    return { ...answer, headers }
  }

  async #answer(request: IncomingMessage, origin: string | undefined): Promise<Answer> {
    const { sources, bodies, room } = this.#parts
    const sender = sources.identify(request)
    if (origin !== undefined && !originAllowed(sender.definition, origin) && !sameOrigin(origin, request)) {
      throw refuse(
        'origin',
        `a page of ${origin.slice(0, 100)}`,
        `Name the origin in sources.${sender.definition.name}.origins`,
      )
    }
    const key = idempotencyKey(request.headers['idempotency-key'])
    await room.enter(request)
    const body = await bodies.read(request)
    try {
      const batch = this.#read(request, body, sender, key)
      return await this.#append(batch, request)
    } finally {
      body.release()
    }
  }

  /** From bytes to records, at one go: the scanner is shared by all requests. */
  #read(request: IncomingMessage, body: Body, sender: Sender, key: string | undefined): Batch {
    const { compiled, reasons, nextId, merger, clock, subject } = this.#parts
    const { bytes, length } = body
    const content = bytes.subarray(0, length)
    const framing = framingOf(request.headers['content-type'])
    if (!isUtf8(content)) throw invalidUtf8(content)
    if (!this.#scanner.scan(bytes, length, framing)) {
      throw explainFault(this.#scanner.fault!, content)
    }
    if (this.#scanner.count === 0)
      throw refuse(
        'no-events',
        'the body holds no event',
        'Send an object, an array of objects, or one per line',
      )
    sender.charge(this.#scanner.count)
    const person = subject === undefined ? undefined : request.headers[subject.header]
    return buildBatch({ plan: compiled.plan, reasons, nextId }, this.#scanner, bytes, {
      mode: sender.definition.mode,
      source: { name: sender.definition.name, recordName: sender.recordName },
      requestHeaders: merger.beside(request.headers),
      idempotencyKey: key,
      subject: typeof person === 'string' ? person : null,
      receivedAt: clock.nowMicros(),
      lines: framing === 'lines',
    })
  }

  async #append(batch: Batch, request: IncomingMessage): Promise<Answer> {
    const { appender, room, counts } = this.#parts
    const minimal = /\breturn=minimal\b/i.test(String(request.headers['prefer'] ?? ''))
    counts.eventsRejected += batch.rejected
    if (batch.rejected > 0)
      for (const { rejected, reason } of batch.remarks) if (rejected) counts.refused.event(reason)
    if (batch.records.length === 0) return batchAnswer(batch, undefined, minimal)
    try {
      const before = appender.log.pressure.queuedBytes
      const appending = appender.append(batch.records)
      room.took(request, appender.log.pressure.queuedBytes - before)
      const appended = await appending
      const receipt = receiptOf(appender.log.id, appended, batch.records.length)
      counts.eventsUnknown += unknownNames(batch)
      const answer = batchAnswer(batch, receipt, minimal, appended.places)
      // The ids of a batch are in its answer; a header has room for one.
      if (batch.ids.length === 1) Object.assign(answer.headers, receiptHeaders(receipt, batch.ids))
      else answer.headers['Landfall-Receipt'] = receiptText(receipt)
      return answer
    } catch (error) {
      return answerToError(error, 'json', batch.ids)
    }
  }
}

function unknownNames({ remarks }: Batch): number {
  return remarks.filter(({ rejected, field }) => !rejected && field === 'event_type').length
}

function framingOf(contentType: string | undefined): Framing {
  const type = contentType?.split(';', 1)[0]!.trim().toLowerCase() ?? ''
  if (LINES.test(type)) return 'lines'
  return type === 'application/json' || type.endsWith('+json') ? 'json' : 'either'
}

/** A page that the collector's own address served. */
function sameOrigin(origin: string, { headers }: IncomingMessage): boolean {
  return (
    headers.host !== undefined &&
    (origin === `http://${headers.host}` || origin === `https://${headers.host}`)
  )
}
