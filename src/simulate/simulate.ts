/**
 * Made-up players of any pipeline. Two ways to use them:
 *
 * Requests, as players would send them, to a door that runs (`send.ts` sends and measures them):
 *
 *     const requests = simulatePlayers(pipeline, { players: 1000, seed: 1, from: Date.now() })
 *     await sendRequests({ url, requests, count: 10_000, concurrency: 16, rate: 0 })
 *
 * History, as events that are ready to be stored: the pipeline's own handlers and state have run, so prices and counts are
 * those that its door would have recorded, at the times at which players would have come. 30 days of 1,000 players, with a drop in
 * the funnel, a whale and a dying guild planted in the last week:
 *
 *     const until = Date.UTC(2026, 5, 1)
 *     const week = until - 7 * 86_400_000
 *     for await (const { time, event } of simulateHistory(game, {
 *       players: 1000, seed: 1, from: until - 30 * 86_400_000, until,
 *       effects: [
 *         { kind: 'drop', step: 'GET /purchase_a_sword/:name', factor: 0.4, from: week },
 *         { kind: 'whale', player: 7, factor: 10, from: week },
 *         { kind: 'decline', value: 'grubs', from: week },
 *       ],
 *     })) …
 *
 * `event` is JSON text for `POST /v1/events`, to a source with `trustTime`; `historyRequests` (history-requests.ts) makes requests of it. A step
 * is named as the pipeline file names it: a route, or an event. The same options give the same events, byte for byte.
 */
import type { Pipeline } from '../model/definition.ts'
import { createHandlers } from './handlers.ts'
import type { SimulatedRequest } from './requests.ts'
import type { Session } from './session.ts'
import { simulateWorld, type WorldOptions } from './world.ts'

export type { Effect } from './effects.ts'
export type { WorldOptions } from './world.ts'

export interface PlayerRequest extends SimulatedRequest {
  /** When the player would have sent it: ms since 1970. */
  time: number
  /** Whose it is, from 1: one player's requests are sent one after the other. */
  player: number
  /** The route or event, as the pipeline file names it. */
  step: string
}

export interface HistoryEvent {
  /** Ms since 1970. */
  time: number
  /** From 1. */
  player: number
  /** The route or event, as the pipeline file names it. */
  step: string
  /** JSON text of the event, with its `event_type`, `event_id`, merged headers and the time in the field `timeField`. */
  event: string
}

export interface HistoryOptions extends WorldOptions {
  until: number
  /** The field that a source with `trustTime` takes the time from; default `timestamp`. */
  timeField?: string
}

/** Requests in the order of time, without end unless `until` is given. `authorization` goes with events that no route takes. */
export function* simulatePlayers(
  pipeline: Pipeline,
  options: WorldOptions,
  authorization?: string,
): Generator<PlayerRequest> {
  const { session: sessionField, headers } = pipeline.compiled
  const sessionHeader = sessionField !== null && headers.includes(sessionField) ? sessionField : undefined
  for (const session of simulateWorld(pipeline, options)) {
    const { time, person, step, filling } = session
    yield {
      method: 'event' in step.does ? 'POST' : step.does.method,
      path: filling.path,
      headers: headersOf(session, sessionHeader, 'event' in step.does ? authorization : undefined),
      body: filling.body,
      time,
      player: person.number,
      step: step.name,
    }
  }
}

function headersOf(
  { person, id, filling: { body } }: Session,
  sessionHeader: string | undefined,
  authorization: string | undefined,
): Record<string, string> {
  if (body === undefined && sessionHeader === undefined) return person.headers
  const headers = { ...person.headers }
  if (sessionHeader !== undefined) headers[sessionHeader] = id
  if (authorization !== undefined) headers['Authorization'] = authorization
  if (body === undefined) return headers
  headers['Content-Type'] = 'application/json'
  headers['Content-Length'] = String(Buffer.byteLength(body))
  return headers
}

/**
 * What the door would have recorded, in the order of time. Handlers run here, in this process, with a state of their own that begins empty.
 * Throws `simulate/handler` when one of them fails.
 */
export async function* simulateHistory(
  pipeline: Pipeline,
  options: HistoryOptions,
): AsyncGenerator<HistoryEvent> {
  const handlers = createHandlers(pipeline, options)
  for (const session of simulateWorld(pipeline, options)) {
    const { time, person, step } = session
    for (const event of await handlers.run(session))
      yield { time, player: person.number, step: step.name, event }
  }
}
