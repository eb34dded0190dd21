import { checkEvent } from '../model/check-event.ts'
import { isHealedEventId } from '../model/healed.ts'
import type { Plan } from '../model/plan.ts'
import { EVENT_ID, type NewRecord, recordHeader } from '../model/record.ts'
import { idempotentEventId } from './idempotency.ts'
import type { Reasons } from './reasons.ts'
import { type JsonScanner, STRIDE, span } from './scan-events.ts'

/** What is to be said of one event of a batch beside that it was accepted. */
export interface Remark {
  /** Place in the batch, from 0. */
  index: number
  rejected: boolean
  reason: string
  field: string | null
  detail: string
  /** The name of the plan that was probably meant. */
  nearest?: string
}

/** A batch on its way: `ids[i]` belongs to the i-th event of the request; `records` are those that are appended. */
export interface Batch {
  ids: string[]
  records: NewRecord[]
  remarks: Remark[]
  rejected: number
}

/** What is the same for all events of the request. */
export interface BatchContext {
  mode: 'collect' | 'reject'
  source: { name: string; recordName: string | undefined }
  /** JSON of the request headers that the pipeline names. */
  requestHeaders: string | undefined
  idempotencyKey: string | undefined
  /** The person, where a header says so. */
  subject: string | null
  receivedAt: number
  /** No event of the request stands on more than one line. */
  lines: boolean
}

const QUOTE = 0x22
const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/** What is the same for all requests. */
export interface BatchParts {
  plan: Plan
  reasons: Reasons
  nextId: () => string
}

/** Makes records of scanned events. The values are pieces of the body: nothing is parsed and written again. */
export function buildBatch(
  parts: BatchParts,
  scanner: JsonScanner,
  bytes: Buffer,
  context: BatchContext,
): Batch {
  return new BatchBuilder(parts, scanner, bytes, context).build()
}

class BatchBuilder {
  readonly #parts: BatchParts
  readonly #bytes: Buffer
  readonly #count: number
  readonly #spans: Int32Array
  readonly #context: BatchContext
  #lastName = -1
  #lastNameEnd = -1
  readonly #batch: Batch = { ids: [], records: [], remarks: [], rejected: 0 }

  constructor(parts: BatchParts, { count, spans }: JsonScanner, bytes: Buffer, context: BatchContext) {
    this.#parts = parts
    this.#bytes = bytes
    this.#count = count
    this.#spans = spans
    this.#context = context
  }

  build(): Batch {
    const bytes = this.#bytes
    const spans = this.#spans
    const batch = this.#batch
    const { receivedAt, subject, lines } = this.#context
    const shared = this.#sharedHeaders()
    if (!lines) this.#blankLineEnds(NEWLINE)
    this.#blankLineEnds(CARRIAGE_RETURN)
    for (let i = 0; i < this.#count; i++) {
      const at = i * STRIDE
      const id = this.#givenId(i) ?? this.#newId(i)
      batch.ids.push(id)
      if (this.#rejects(i)) {
        batch.rejected++
        continue
      }
      const key = spans[at + span.subjectStart]! < 0 ? subject : (this.#text(i, span.subjectStart) ?? subject)
      const value = bytes.subarray(spans[at + span.start], spans[at + span.end])
      batch.records.push({ key, value, receivedAt, headers: [[recordHeader.eventId, id], ...shared] })
    }
    return batch
  }

  #sharedHeaders(): [string, string][] {
    const { source, requestHeaders } = this.#context
    const shared: [string, string][] = [[recordHeader.plan, this.#parts.plan.version]]
    if (source.recordName !== undefined) shared.push([recordHeader.source, source.recordName])
    if (requestHeaders !== undefined) shared.push([recordHeader.requestHeaders, requestHeaders])
    return shared
  }

  /** The client's id; undefined when there is none, or none that is legal (which is remarked). */
  #givenId(index: number): string | undefined {
    const start = this.#spans[index * STRIDE + span.idStart]!
    if (start < 0) return undefined
    const text = this.#bytes[start] === QUOTE ? this.#text(index, span.idStart) : null
    const isHealed = text !== null && isHealedEventId(text)
    if (text !== null && EVENT_ID.test(text) && !isHealed) return text
    const detail = isHealed
      ? 'ids that begin with "healed:" are for repaired dead letters; this id is ours'
      : 'expected a text of 1 to 128 visible ASCII characters; this id is ours'
    const rejected = this.#context.mode === 'reject'
    this.#remark({ index, rejected, reason: 'value', field: 'event_id', detail }, null)
    return undefined
  }

  #newId(index: number): string {
    const key = this.#context.idempotencyKey
    return key === undefined ? this.#parts.nextId() : idempotentEventId(key, index)
  }

  /** Judges one event: by its name alone in mode `collect`, wholly in mode `reject`. */
  #rejects(index: number): boolean {
    const { plan, reasons } = this.#parts
    const { mode } = this.#context
    // Its id was refused already.
    if (mode === 'reject' && this.#batch.remarks.at(-1)?.index === index) return true
    const at = index * STRIDE
    const start = this.#spans[at + span.typeStart]!
    const end = this.#spans[at + span.typeEnd]!
    if (mode === 'collect' && this.#isLastName(start, end)) return false
    const name = start >= 0 && this.#bytes[start] === QUOTE ? this.#text(index, span.typeStart) : null
    if (mode === 'collect' && name !== null && Object.hasOwn(plan.events, name)) {
      this.#lastName = start
      this.#lastNameEnd = end
      return false
    }
    const fault = checkEvent(plan, this.#bytes.toString('utf8', this.#spans[at], this.#spans[at + span.end]))
    if (fault === null) return false
    const nearest = fault.reason === 'unknown_event_type' ? reasons.nearest(name ?? '') : undefined
    const remark = { index, rejected: mode === 'reject', ...fault }
    this.#remark(nearest === undefined ? remark : { ...remark, nearest }, name)
    return remark.rejected
  }

  /** Most batches repeat few names: the bytes of the last one that the plan knows spare the look-up. */
  #isLastName(start: number, end: number): boolean {
    const length = end - start
    const last = this.#lastName
    if (length === 0 || this.#lastNameEnd - last !== length) return false
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) if (bytes[last + i] !== bytes[start + i]) return false
    return true
  }

  #remark(remark: Remark, event: string | null): void {
    this.#batch.remarks.push(remark)
    const { reason, field, detail } = remark
    this.#parts.reasons.tell({ event, source: this.#context.source.name, reason, field, detail })
  }

  /** The text of a scalar: a string's, unescaped, or a number's; null for anything else. */
  #text(index: number, slot: number): string | null {
    const at = index * STRIDE + slot
    return scalarText(this.#bytes, this.#spans[at]!, this.#spans[at + 1]!)
  }

  /** A line end can only stand between the parts of an event, where a blank says the same: values are one line each. */
  #blankLineEnds(byte: number): void {
    const bytes = this.#bytes
    let i = 0
    for (let p = bytes.indexOf(byte); p >= 0; p = bytes.indexOf(byte, p + 1)) {
      while (i < this.#count && this.#spans[i * STRIDE + span.end]! <= p) i++
      if (i === this.#count) return
      if (this.#spans[i * STRIDE]! < p) bytes[p] = SPACE
    }
  }
}

function scalarText(bytes: Buffer, start: number, end: number): string | null {
  if (end <= start) return null
  if (bytes[start] !== QUOTE) {
    const first = bytes[start]!
    return first === MINUS || (first >= ZERO && first <= NINE) ? bytes.toString('latin1', start, end) : null
  }
  const inner = bytes.toString('utf8', start + 1, end - 1)
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner
}
