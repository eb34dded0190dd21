import { Delivery, type DeliverySettings } from './delivery.ts'
import { newEventId } from './event-id.ts'
import { createPendingEvent, type PendingEvent, type TrackReceipt } from './pending.ts'
import { Tally, type TrackerStats } from './tally.ts'
import { startTimer } from './timer.ts'
import type { TrackError } from './track-error.ts'
import type { Transport } from './transport.ts'

export interface TrackerSettings extends DeliverySettings {
  queueEventsMax: number
  queueBytesMax: number
  onError: ((error: TrackError) => void) | undefined
}

const encoder = new TextEncoder()

/** What `createTracker` returns, without its types: any event name, any properties. */
export class BatchingTracker {
  readonly #settings: TrackerSettings
  readonly #tally: Tally
  readonly #delivery: Delivery
  #closed: Promise<TrackerStats> | undefined

  constructor(settings: TrackerSettings, transport: Transport) {
    this.#settings = settings
    this.#tally = new Tally(settings.onError)
    this.#delivery = new Delivery(settings, transport, this.#tally)
  }

  track(event: string, properties: object = {}, options: { eventId?: string } = {}): Promise<TrackReceipt> {
    const pending = createPendingEvent(event, options.eventId ?? newEventId())
    const problem = this.#closed ? CLOSED : (writeLine(pending, properties) ?? this.#bounds(pending))
    this.#tally.open(pending)
    if (problem === undefined) this.#delivery.add(pending)
    else this.#tally.drop(pending, ...problem)
    return pending.settled
  }

  stats(): TrackerStats {
    return this.#tally.stats()
  }

  /** Unsettled events, in flight or not, oldest first, up to so many bytes: for a last word that has no answer. */
  unsettled(bytesMax: number): PendingEvent[] {
    const fitting: PendingEvent[] = []
    let bytes = 0
    for (const pending of this.#tally.unsettled) {
      bytes += pending.bytes
      if (bytes > bytesMax) break
      fitting.push(pending)
    }
    return fitting
  }

  async flush(options: { timeoutMs?: number } = {}): Promise<TrackerStats> {
    const release = this.#delivery.hurry()
    const all = Promise.allSettled(Array.from(this.#tally.unsettled, (pending) => pending.settled))
    await within(options.timeoutMs, all)
    release()
    return this.stats()
  }

  close(options: { timeoutMs?: number } = {}): Promise<TrackerStats> {
    this.#closed ??= this.flush({ timeoutMs: options.timeoutMs ?? 10_000 }).then(() => {
      this.#delivery.stop()
      for (const pending of this.#tally.unsettled)
        this.#tally.drop(pending, 'closed', 'the tracker was closed before it had a receipt')
      return this.stats()
    })
    return this.#closed
  }

  #bounds({ bytes }: PendingEvent): [string, string] | undefined {
    const { batchBytesMax, queueEventsMax, queueBytesMax } = this.#settings
    if (bytes > batchBytesMax)
      return ['too_large', `${bytes} bytes, at most ${batchBytesMax} fit into a request`]
    if (this.#tally.unsettled.size >= queueEventsMax)
      return ['queue_full', `${queueEventsMax} events wait already`]
    if (this.#tally.bytes + bytes > queueBytesMax)
      return ['queue_full', `${queueBytesMax} bytes wait already`]
    return undefined
  }
}

/** What the collector takes for an id. */
const EVENT_ID = /^[!-~]{1,128}$/

const CLOSED: [string, string] = ['closed', 'the tracker is closed']

/** The event's JSON: its name and id first, then the properties, none of which can replace the two. */
function writeLine(pending: PendingEvent, properties: object): [string, string] | undefined {
  if (!EVENT_ID.test(pending.eventId)) return ['bad_id', 'its id is not 1 to 128 visible ASCII characters']
  try {
    const { event_type: _type, event_id: _id, ...own } = properties as Record<string, unknown>
    const unspeakable = Object.keys(own).find(
      (name) => typeof own[name] === 'number' && !Number.isFinite(own[name]),
    )
    // JSON.stringify would turn it into null without a word.
    if (unspeakable !== undefined)
      return ['not_json', `${unspeakable} is ${String(own[unspeakable])}, which JSON cannot say`]
    pending.line = JSON.stringify({ event_type: pending.event, event_id: pending.eventId, ...own })
    pending.bytes = encoder.encode(pending.line).byteLength + 1
    return undefined
  } catch (error) {
    return ['not_json', `its properties have no JSON form: ${(error as Error).message}`]
  }
}

async function within(timeoutMs: number | undefined, work: Promise<unknown>): Promise<void> {
  if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY) {
    await work
    return
  }
  await new Promise<void>((resolve) => {
    const timer = startTimer(timeoutMs, resolve)
    void work.then(() => timer.end())
  })
}
