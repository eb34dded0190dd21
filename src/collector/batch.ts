import { checkEvent } from '../model/check-event.ts'
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
}

const QUOTE = 0x22
const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20

/** Makes records of scanned events. The values are pieces of the body: nothing is parsed and written again. */
export class BatchBuilder {
  readonly #plan: Plan
  readonly #names: ReadonlySet<string>
  readonly #reasons: Reasons
  readonly #nextId: () => string

  constructor(plan: Plan, reasons: Reasons, nextId: () => string) {
    this.#plan = plan
    this.#names = new Set(Object.keys(plan.events))
    this.#reasons = reasons
    this.#nextId = nextId
  }

  build(bytes: Buffer, length: number, { count, spans }: JsonScanner, context: BatchContext): Batch {
    const batch: Batch = { ids: new Array<string>(count), records: [], remarks: [], rejected: 0 }
    // A line end can only stand between the parts of an event, where a blank says the same: values are one line each.
    const overLines = bytes.includes(NEWLINE) || bytes.includes(CARRIAGE_RETURN)
    const shared = this.#sharedHeaders(context)
    for (let i = 0; i < count; i++) {
      const at = i * STRIDE
      const start = spans[at + span.start]!
      const end = spans[at + span.end]!
      if (overLines) blankLineEnds(bytes, start, end)
      const id = this.#id(bytes, spans, at, i, batch, context)
      batch.ids[i] = id
      if (this.#refused(bytes, spans, at, i, batch, context)) {
        batch.rejected++
        continue
      }
      const key =
        textAt(bytes, spans[at + span.subjectStart]!, spans[at + span.subjectEnd]!) ?? context.subject
      const headers = [[recordHeader.eventId, id] as [string, string], ...shared]
      batch.records.push({ key, value: bytes.subarray(start, end), receivedAt: context.receivedAt, headers })
    }
    void length
    return batch
  }

  #sharedHeaders({ source, requestHeaders }: BatchContext): [string, string][] {
    const shared: [string, string][] = [[recordHeader.plan, this.#plan.version]]
    if (source.recordName !== undefined) shared.push([recordHeader.source, source.recordName])
    if (requestHeaders !== undefined) shared.push([recordHeader.requestHeaders, requestHeaders])
    return shared
  }

  /** The client's id where it is one, else ours. */
  #id(
    bytes: Buffer,
    spans: Int32Array,
    at: number,
    index: number,
    batch: Batch,
    context: BatchContext,
  ): string {
    const start = spans[at + span.idStart]!
    if (start >= 0) {
      const text = bytes[start] === QUOTE ? textAt(bytes, start, spans[at + span.idEnd]!) : undefined
      if (text !== undefined && text !== null && EVENT_ID.test(text)) return text
      const detail = 'expected 1 to 128 visible ASCII characters; the event got an id of ours'
      this.#remark(
        batch,
        { index, rejected: false, reason: 'value', field: 'event_id', detail },
        null,
        context,
      )
    }
    const key = context.idempotencyKey
    return key === undefined ? this.#nextId() : idempotentEventId(key, index)
  }

  /** Judges one event: by its name alone in mode `collect`, wholly in mode `reject`. */
  #refused(
    bytes: Buffer,
    spans: Int32Array,
    at: number,
    index: number,
    batch: Batch,
    context: BatchContext,
  ): boolean {
    const start = spans[at + span.typeStart]!
    const name =
      start >= 0 && bytes[start] === QUOTE ? textAt(bytes, start, spans[at + span.typeEnd]!) : undefined
    const known = typeof name === 'string' && this.#names.has(name)
    if (known && context.mode === 'collect') return false
    const fault = checkEvent(
      this.#plan,
      bytes.toString('utf8', spans[at + span.start]!, spans[at + span.end]!),
    )
    if (fault === null) return false
    const rejected = context.mode === 'reject'
    const nearest = fault.reason === 'unknown_event_type' ? this.#reasons.nearest(name ?? '') : undefined
    const remark = { index, rejected, ...fault, ...(nearest === undefined ? {} : { nearest }) }
    this.#remark(batch, remark, name ?? null, context)
    return rejected
  }

  #remark(batch: Batch, remark: Remark, event: string | null, { source }: BatchContext): void {
    batch.remarks.push(remark)
    const { reason, field, detail } = remark
    this.#reasons.tell({ event, source: source.name, reason, field, detail })
  }
}

/** The text of a scalar at `[start, end)`: a string's, unescaped, or a number's; null for anything else or nothing. */
function textAt(bytes: Buffer, start: number, end: number): string | null {
  if (start < 0 || end <= start) return null
  if (bytes[start] !== QUOTE) {
    const first = bytes[start]!
    return first === 0x2d || (first >= 0x30 && first <= 0x39) ? bytes.toString('latin1', start, end) : null
  }
  const inner = bytes.toString('utf8', start + 1, end - 1)
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner
}

function blankLineEnds(bytes: Buffer, start: number, end: number): void {
  for (const byte of [NEWLINE, CARRIAGE_RETURN]) {
    for (let p = bytes.indexOf(byte, start); p >= 0 && p < end; p = bytes.indexOf(byte, p + 1))
      bytes[p] = SPACE
  }
}
