/**
 * The live tail: events as they become durable. One reader of the log serves all pages that look, and it ends with the last of them.
 * What it costs is bounded: a page gets so many events at a time and is told how many were left out, and a reader that falls behind
 * goes on from the end.
 */
import type { LogBatch, LogReader } from '../log/log.ts'
import type { Position } from '../model/position.ts'
import { type LogRecord, recordHeader } from '../model/record.ts'
import type { TailEvent, TailMessage } from './messages.ts'

export interface TailFilter {
  /** Exactly this event; undefined: any. */
  type?: string
  /** Somewhere in the event's text, capital letters or not. */
  text?: string
}

/** Events of before that a page gets first, out of so many last ones. */
const FIRST_EVENTS = 50
const LOOK_BACK = 2000
/** A page gets at most so many events at a time … */
const EVENTS_MAX = 40
/** … and is told so often. */
const TELL_MS = 250
/** A reader that is so many records behind skips to the end. */
const BEHIND_MAX = 200_000
const BATCH_BYTES = 256 * 1024
const TEXT_MAX = 4000

interface Listener {
  matches(record: LogRecord): boolean
  tell(message: TailMessage): void
  waiting: TailEvent[]
  skipped: number
  /** Where what there was before ends, by partition; undefined until that is read. */
  begin: Position['next'] | undefined
}

export class Tail implements Disposable {
  readonly #log: LogReader
  readonly #listeners = new Set<Listener>()
  #stop: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  /** Where the reader began. */
  #from: Promise<Position> | undefined

  constructor(log: LogReader) {
    this.#log = log
  }

  /** `tell` gets the last events that fit, then what comes. Returns how to end it. */
  listen(filter: TailFilter, tell: (message: TailMessage) => void): () => void {
    const listener: Listener = {
      matches: matcherOf(filter),
      tell,
      waiting: [],
      skipped: 0,
      begin: undefined,
    }
    this.#listeners.add(listener)
    if (this.#stop === undefined) this.#start()
    void this.#begin(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this[Symbol.dispose]()
    }
  }

  /** The reader has its place before the last events are read, so nothing is missed between the two, and nothing told twice. */
  async #begin(listener: Listener): Promise<void> {
    await this.#from?.catch(() => {})
    const { events, next } = await this.#last(listener)
    if (!this.#listeners.has(listener)) return
    listener.begin = next
    listener.waiting = listener.waiting.filter(({ partition, offset }) => offset >= (next[partition] ?? 0))
    listener.tell({ events, skipped: 0 })
  }

  async #last({ matches }: Listener): Promise<{ events: TailEvent[]; next: Position['next'] }> {
    const found: TailEvent[] = []
    const next: Record<number, number> = {}
    try {
      const from = await this.#back(LOOK_BACK)
      for await (const batch of this.#log.read({ from, follow: false })) {
        next[batch.partition] = batch.next
        for (const record of batch.records) if (matches(record)) found.push(eventOf(record))
        found.splice(0, Math.max(0, found.length - FIRST_EVENTS))
      }
    } catch {
      // Retention passed the place meanwhile: then there is nothing of before to show.
    }
    return { events: found.toSorted((a, b) => a.at - b.at), next }
  }

  /** So many records before the end, over all partitions together. */
  async #back(records: number): Promise<Position> {
    const [start, end] = await Promise.all([this.#log.start(), this.#log.end()])
    const partitions = Object.keys(end.next).map(Number)
    const each = Math.ceil(records / Math.max(partitions.length, 1))
    const next = Object.fromEntries(
      partitions.map((one) => [one, Math.max(start.next[one] ?? 0, end.next[one]! - each)]),
    )
    return { logId: end.logId, next }
  }

  #start(): void {
    const stop = new AbortController()
    this.#stop = stop
    this.#timer = setInterval(() => this.#tell(), TELL_MS)
    this.#timer.unref()
    this.#from = this.#log.end()
    void this.#follow(stop.signal, this.#from)
  }

  async #follow(signal: AbortSignal, first: Promise<Position>): Promise<void> {
    let place = () => first
    while (!signal.aborted) {
      try {
        const from = await place()
        place = () => this.#log.end()
        for await (const batch of this.#log.read({
          from,
          follow: true,
          signal,
          batchBytesMax: BATCH_BYTES,
        })) {
          if (await this.#isTooFarBehind(batch)) break
          for (const listener of this.#listeners) offer(listener, batch)
        }
      } catch {
        // A log that cannot be read just now is tried again.
        place = () => this.#log.end()
        await new Promise((resolve) => setTimeout(resolve, 1000).unref())
      }
    }
  }

  async #isTooFarBehind(batch: LogBatch): Promise<boolean> {
    const end = (await this.#log.end()).next[batch.partition] ?? 0
    const behind = end - batch.next
    if (behind < BEHIND_MAX) return false
    for (const listener of this.#listeners) listener.skipped += behind
    return true
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      const { waiting, skipped, begin } = listener
      if (begin === undefined || (waiting.length === 0 && skipped === 0)) continue
      listener.waiting = []
      listener.skipped = 0
      listener.tell({ events: waiting, skipped })
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#stop?.abort()
    this.#stop = undefined
    this.#listeners.clear()
  }
}

function offer(listener: Listener, batch: LogBatch): void {
  const begin = listener.begin?.[batch.partition] ?? 0
  for (const record of batch.records) {
    if (record.offset < begin || !listener.matches(record)) continue
    if (listener.waiting.length < EVENTS_MAX) listener.waiting.push(eventOf(record))
    else listener.skipped += 1
  }
}

function matcherOf({ type, text }: TailFilter): (record: LogRecord) => boolean {
  const wanted = text?.toLowerCase()
  // Both are looked for in the bytes first, so that what does not fit is not parsed.
  const name = type === undefined ? undefined : Buffer.from(JSON.stringify(type))
  return ({ value }) => {
    if (name !== undefined && (!value.includes(name) || typeOf(value.toString()) !== type)) return false
    return wanted === undefined || wanted === '' || value.toString().toLowerCase().includes(wanted)
  }
}

function typeOf(text: string): string | null {
  try {
    const type = (JSON.parse(text) as { event_type?: unknown } | null)?.event_type
    return typeof type === 'string' ? type : null
  } catch {
    return null
  }
}

function eventOf({ partition, offset, receivedAt, headers, value }: LogRecord): TailEvent {
  const text = value.toString()
  const id = headers.find(([name]) => name === recordHeader.eventId)?.[1].toString() ?? ''
  return {
    partition,
    offset,
    at: Math.floor(receivedAt / 1000),
    id,
    type: typeOf(text),
    text: text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX).toWellFormed()}…` : text,
  }
}
