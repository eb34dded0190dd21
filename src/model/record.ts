/**
 * A record: one event as it stands in the log.
 *
 * `value` is the event's JSON (one object on one line, valid UTF-8, every field that the client sent). Everything
 * else that we know of it travels as record headers, in Kafka's sense, so that a Kafka topic carries the same bytes.
 * The names are persisted: do not change them.
 */
export const recordHeader = {
  /** `event_id`: the client's or ours, `[!-~]{1,128}`. */
  eventId: 'id',
  /** Microseconds of `received_at` beyond the record's millisecond timestamp: decimal 0–999; absent means 0. */
  micros: 'us',
  /** Version of the tracking plan the event was sent under (`Plan.version`). */
  plan: 'plan',
  /** Name of the source (`sources`); absent means the default source or a route. */
  source: 'src',
  /** `r` when a route made the event (named request headers are merged into the value); absent from `/v1/events`. */
  route: 'r',
  /** JSON object of the request headers that the pipeline names (only `/v1/events`; routes merge them into the value). */
  requestHeaders: 'h',
  /** On the first record of a request with an `Idempotency-Key`: JSON `{key, status, headers, body}`, the stored answer. */
  answer: 'answer',
  /** Only on a healed event (`healed.ts`): µs since 1970 at which its dead letter was received, decimal. `timestamp` goes by it. */
  happened: 'at',
} as const

/** A record to append. */
export interface NewRecord {
  /** Kafka's key: the state key or the subject or null (then the event id decides the partition). UTF-8. */
  key: string | null
  value: Uint8Array
  /** Microseconds since 1970, UTC. */
  receivedAt: number
  /** Name and value of each record header, in order; values are UTF-8 text. */
  headers: readonly (readonly [string, string])[]
}

/** A record read back. `headers` and `value` may point into a shared buffer: copy before keeping. */
export interface LogRecord {
  partition: number
  offset: number
  /** Microseconds since 1970, UTC. */
  receivedAt: number
  key: Buffer | null
  value: Buffer
  headers: readonly (readonly [string, Buffer])[]
}

export const EVENT_ID = /^[!-~]{1,128}$/
