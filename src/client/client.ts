/**
 * `landfall/client`: events from an application that exists already, in Node and in the browser, without a dependency.
 *
 *   import { createTracker } from 'landfall/client'
 *   import type pipeline from './pipeline.ts'
 *
 *   const tracker = createTracker<typeof pipeline>({ url: 'http://127.0.0.1:5000' })
 *   await tracker.track('purchase_sword', { type: 'sabre', cost: 6 })
 *
 * The type comes from the pipeline file and vanishes when compiled. Promises:
 * - `track()` resolves when the event is durable in the log, and rejects with a `TrackError` when it will not be. Ignoring the
 *   promise is fine.
 * - An event is sent again, with the same id and the same bytes, until it has a receipt, so it counts once.
 * - Memory is bounded. A full queue refuses the newest event; `stats()` and `onError` tell of each one.
 */
import type { Static, TSchema } from 'typebox'
import type { TrackReceipt } from './pending.ts'
import { flushAtQuit, isPage } from './quit.ts'
import type { TrackerStats } from './tally.ts'
import type { TrackError } from './track-error.ts'
import { BatchingTracker } from './tracker.ts'
import { type FetchLike, Transport } from './transport.ts'

export type { TrackReceipt } from './pending.ts'
export type { TrackerStats } from './tally.ts'
export { TrackError } from './track-error.ts'
export type { FetchLike } from './transport.ts'

export interface TrackerOptions {
  /** Where the collector listens: `http://127.0.0.1:5000`. Events go to `/v1/events` below it. */
  url: string
  /** The source's write key, where it has one. In a browser it is public. */
  writeKey?: string
  /** Events in one request at most (default 500). */
  batchEventsMax?: number
  /** Bytes in one request at most (default 256 KiB); a larger event is refused. */
  batchBytesMax?: number
  /** How long the first event of a batch waits for company (default 20 ms). While a request is under way nothing else waits. */
  lingerMs?: number
  /** Events that may be without a receipt (default 10,000) … */
  queueEventsMax?: number
  /** … and their bytes (default 16 MiB). Beyond either, `track()` drops the new event. */
  queueBytesMax?: number
  /** First and longest pause between attempts (default 100 ms and 10 s), doubled each time, half of it random. */
  retryMinMs?: number
  retryMaxMs?: number
  /** How long an attempt may take (default 10 s). */
  requestTimeoutMs?: number
  /** An event without a receipt for so long is dropped (default 1 hour). Keep it below the pipeline's duplicate window. */
  deliveryTimeoutMs?: number
  /** Compress requests above 1 KiB (default false). */
  gzip?: boolean
  /** Send what is left when the page is hidden (default in browsers) or the process ends (Node: opt in). */
  flushAtQuit?: boolean
  /** How long that may hold a process (default 2 s). */
  quitTimeoutMs?: number
  /** Called with each event that was rejected or dropped, also when nobody awaits its promise. */
  onError?: (error: TrackError) => void
  /** Instead of the global `fetch`. */
  fetch?: FetchLike
}

/** Anything with the events of a pipeline: `typeof pipeline`. */
export interface TrackedPipeline {
  readonly definition: { readonly events: Record<string, TSchema> }
}

type EventsOf<P extends TrackedPipeline> = P['definition']['events']

/** Properties may be left out where the event has none that must be there. */
type TrackArguments<T> =
  Record<string, never> extends T
    ? [properties?: T, options?: TrackOptions]
    : [properties: T, options?: TrackOptions]

export interface TrackOptions {
  /** Your own id, 1–128 visible ASCII characters: the same event tracked again under it (from a job that is redone, say) counts once. */
  eventId?: string
}

export interface Tracker<P extends TrackedPipeline = TrackedPipeline> extends AsyncDisposable {
  track<N extends keyof EventsOf<P> & string>(
    event: N,
    ...rest: TrackArguments<Static<EventsOf<P>[N]>>
  ): Promise<TrackReceipt>
  /** Sends at once; resolves when all that was tracked before is settled, or after `timeoutMs`. Never rejects. */
  flush(options?: { timeoutMs?: number }): Promise<TrackerStats>
  /** Takes no more events, flushes (default for 10 s at most), drops the rest. A second call awaits the first. */
  close(options?: { timeoutMs?: number }): Promise<TrackerStats>
  stats(): TrackerStats
}

export function createTracker<P extends TrackedPipeline = TrackedPipeline>(
  options: TrackerOptions,
): Tracker<P> {
  const url = eventsUrl(options.url)
  const writeKey = checkWriteKey(options.writeKey)
  const transport = new Transport({
    url,
    writeKey,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    gzip: options.gzip ?? false,
    fetch: options.fetch ?? ((address, init) => globalThis.fetch(address, init as RequestInit)),
  })
  const tracker = new BatchingTracker(
    {
      batchEventsMax: atLeastOne('batchEventsMax', options.batchEventsMax ?? 500),
      batchBytesMax: atLeastOne('batchBytesMax', options.batchBytesMax ?? 256 * 1024),
      lingerMs: options.lingerMs ?? 20,
      queueEventsMax: atLeastOne('queueEventsMax', options.queueEventsMax ?? 10_000),
      queueBytesMax: atLeastOne('queueBytesMax', options.queueBytesMax ?? 16 * 1024 * 1024),
      retryMinMs: options.retryMinMs ?? 100,
      retryMaxMs: options.retryMaxMs ?? 10_000,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 60 * 60_000,
      onError: options.onError,
    },
    transport,
  )
  const quit = { url, writeKey, quitTimeoutMs: options.quitTimeoutMs ?? 2_000 }
  const unhook = (options.flushAtQuit ?? isPage()) ? flushAtQuit(tracker, quit) : () => {}
  const close = (how?: { timeoutMs?: number }) => tracker.close(how).finally(unhook)
  return {
    track: (event, ...[properties, how]) => tracker.track(event, properties as object | undefined, how),
    flush: (how) => tracker.flush(how),
    close,
    stats: () => tracker.stats(),
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}

/** The address of the door below the collector's. Names in it would end up in messages, so it has none. */
function eventsUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      "createTracker: 'url' is not an http address; give the collector's, e.g. http://127.0.0.1:5000",
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(
      "createTracker: 'url' holds a user name or password; give the source's key as 'writeKey'",
    )
  }
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path.endsWith('/v1/events') ? path : `${path}/v1/events`}`
}

function checkWriteKey(key: string | undefined): string | undefined {
  if (key === undefined || /^[!-~]+$/.test(key)) return key
  throw new TypeError(
    "createTracker: 'writeKey' must be visible ASCII characters without spaces; is there a line end in it?",
  )
}

function atLeastOne(name: string, value: number): number {
  if (value >= 1) return value
  throw new TypeError(`createTracker: '${name}' is ${value}, expected at least 1`)
}
