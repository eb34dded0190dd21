import { LandfallError } from '../base/errors.ts'

/** Every bound of the collector, by name; `docs/reference/http.md` lists what a client meets when it crosses one. */
export interface CollectorSettings {
  /** All headers of a request together, with its first line. */
  headerBytesMax: number
  /** Path and query of a request. */
  urlBytesMax: number
  /** A body as it is sent. */
  bodyBytesMax: number
  /** A gzip body, unpacked. */
  inflatedBytesMax: number
  /** Bodies being read or waiting for the log, all requests together, unpacked. */
  bufferedBytesMax: number
  batchEventsMax: number
  eventBytesMax: number
  /** Levels of objects and arrays in one event. */
  depthMax: number
  /** Requests being answered at one time. */
  requestsMax: number
  connectionsMax: number
  /**
   * When the processor binds and more than four times as many connections send, so many are served at a time, each for `shiftMs`.
   * Nobody waits longer for a shift than `shiftWaitMs`.
   */
  shiftPlacesMin: number
  shiftMs: number
  shiftWaitMs: number
  /** What requests that wait for their shift may hold together; beyond that they are served at once. */
  shiftWaitingBytesMax: number
  /** Requests that wait for room in a log that is full: what they hold together, and how long one waits before it is told to come again. */
  logWaitingBytesMax: number
  logWaitMs: number
  /** A request must have arrived whole within this time … */
  requestTimeoutMs: number
  /** … and its headers within this. */
  headersTimeoutMs: number
  /** An idle connection is kept for so long. */
  keepAliveTimeoutMs: number
  /** An asynchronous handler must be done within this time. */
  handlerTimeoutMs: number
  /** The state is written to its file after so many events … */
  snapshotEvents: number
  /** … or so much time, whichever comes first, when there is something new. */
  snapshotIntervalMs: number
  /** Answers kept for retries with the same `Idempotency-Key`: their number, bytes together, and bytes of one. */
  answersMax: number
  answersBytesMax: number
  answerBytesMax: number
  /** On closing, requests under way get so long to finish. */
  stopGraceMs: number
}

export const COLLECTOR_DEFAULTS: Readonly<CollectorSettings> = {
  headerBytesMax: 16 * 1024,
  urlBytesMax: 8 * 1024,
  bodyBytesMax: 10 * 1024 * 1024,
  inflatedBytesMax: 64 * 1024 * 1024,
  bufferedBytesMax: 256 * 1024 * 1024,
  batchEventsMax: 10_000,
  eventBytesMax: 1024 * 1024,
  depthMax: 128,
  requestsMax: 10_000,
  connectionsMax: 16_384,
  shiftPlacesMin: 128,
  shiftMs: 75,
  shiftWaitMs: 1_000,
  shiftWaitingBytesMax: 64 * 1024 * 1024,
  logWaitingBytesMax: 64 * 1024 * 1024,
  logWaitMs: 1_000,
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 75_000,
  handlerTimeoutMs: 30_000,
  snapshotEvents: 10_000,
  snapshotIntervalMs: 10_000,
  answersMax: 100_000,
  answersBytesMax: 64 * 1024 * 1024,
  answerBytesMax: 64 * 1024,
  stopGraceMs: 10_000,
}

/** The defaults with what is given over them. Throws `collector/settings` on what is not a positive whole number. */
export function collectorSettings(given: Partial<CollectorSettings> = {}): CollectorSettings {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(COLLECTOR_DEFAULTS, name)) throw wrong(name, 'there is no such setting')
    if (!Number.isSafeInteger(value) || value < 1)
      throw wrong(name, `expected a whole number above 0, found ${value}`)
  }
  return { ...COLLECTOR_DEFAULTS, ...given }
}

function wrong(name: string, what: string): LandfallError {
  return new LandfallError('fix-config', 'collector/settings', `setting collector.${name}: ${what}`)
}
