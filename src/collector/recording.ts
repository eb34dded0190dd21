import type { IncomingHttpHeaders } from 'node:http'
import { LandfallError } from '../base/errors.ts'
import { checkEvent } from '../model/check-event.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { type NewRecord, recordHeader } from '../model/record.ts'
import { idempotentEventId } from './idempotency.ts'
import type { HeaderMerger } from './merge-headers.ts'
import type { Reasons } from './reasons.ts'
import type { StateEvent, Turn } from './state-store.ts'

/** What recording an event needs, the same for all requests. */
export interface RecordingParts {
  compiled: CompiledPipeline
  merger: HeaderMerger
  reasons: Reasons
  nextId: () => string
  /** Where the person is found: a property of the event, else a header (lower case). */
  subject: { property: string; header: string } | undefined
}

/** The events of one request to a route, as its handler tracks them. */
export class Recording {
  readonly ids: string[] = []
  readonly #parts: RecordingParts
  readonly #headers: IncomingHttpHeaders
  readonly #turn: Turn | undefined
  readonly #stateKey: string | undefined
  readonly #idempotencyKey: string | undefined
  readonly #values: { text: string; key: string | null }[] = []
  #over = false

  constructor(
    parts: RecordingParts,
    headers: IncomingHttpHeaders,
    turn: Turn | undefined,
    stateKey: string | undefined,
    idempotencyKey: string | undefined,
  ) {
    this.#parts = parts
    this.#headers = headers
    this.#turn = turn
    this.#stateKey = stateKey
    this.#idempotencyKey = idempotencyKey
  }

  get count(): number {
    return this.ids.length
  }

  /** `track()` of a handler. In mode `reject` an event that does not fit the plan throws; in mode `collect` it is recorded. */
  readonly track = (eventType: string, properties: object = {}): string => {
    if (this.#over) {
      throw new LandfallError(
        'bug',
        'collector/track-late',
        `tracking ${eventType} after the handler has answered`,
        {
          hint: 'Await what the handler starts before it returns',
        },
      )
    }
    const { compiled, merger, nextId } = this.#parts
    const text = merger.encode(eventType, properties, this.#headers)
    this.#check(compiled, eventType, text)
    this.#turn?.apply(JSON.parse(text) as StateEvent)
    const key = this.#idempotencyKey
    const id = key === undefined ? nextId() : idempotentEventId(key, this.ids.length)
    this.#values.push({ text, key: this.#stateKey ?? this.#subjectOf(properties) })
    this.ids.push(id)
    return id
  }

  /** The handler is done: nothing more is tracked. */
  end(): void {
    this.#over = true
  }

  /** What goes into the log. `answer` is the text of the record header for a retry. */
  records(receivedAt: number, answer: string | undefined): NewRecord[] {
    const plan = this.#parts.compiled.plan.version
    return this.#values.map(({ text, key }, i) => {
      const headers: [string, string][] = [
        [recordHeader.eventId, this.ids[i]!],
        [recordHeader.plan, plan],
        [recordHeader.route, 'r'],
      ]
      if (i === 0 && answer !== undefined) headers.push([recordHeader.answer, answer])
      return { key, value: Buffer.from(text), receivedAt, headers }
    })
  }

  #check(compiled: CompiledPipeline, eventType: string, text: string): void {
    const { mode, name: source } = compiled.sources[0]!
    const known = Object.hasOwn(compiled.plan.events, eventType)
    if (mode === 'collect' && known) return
    const fault = checkEvent(compiled.plan, text)
    if (fault === null) return
    this.#parts.reasons.tell({ event: eventType, source, ...fault })
    if (mode === 'collect') return
    throw new LandfallError(
      'fix-request',
      'collector/event',
      `track(${JSON.stringify(eventType)}): ${fault.detail}`,
      {
        hint: 'Track what the plan says, or change the plan',
        details: { reason: fault.reason, field: fault.field },
      },
    )
  }

  #subjectOf(properties: object): string | null {
    const { subject } = this.#parts
    if (subject === undefined) return null
    const own = (properties as Record<string, unknown>)[subject.property]
    if (typeof own === 'string' || typeof own === 'number') return String(own)
    const header = this.#headers[subject.header]
    return typeof header === 'string' ? header : null
  }
}
