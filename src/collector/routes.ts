import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TSchema } from 'typebox'
import type { Clock } from '../base/clock.ts'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import type { RouteAnswer, RouteContext, RouteHandler } from '../model/definition.ts'
import { type Answer, answerToError, later } from './answers.ts'
import type { Appender } from './appender.ts'
import type { Gate } from './gate.ts'
import {
  type AnswerHeader,
  idempotencyKey,
  idempotentEventId,
  requestPrint,
  type StoredAnswer,
} from './idempotency.ts'
import type { CollectorSettings } from './limits.ts'
import type { CollectorLogger } from './logger.ts'
import type { CollectorMemory } from './memory.ts'
import type { Counts } from './metrics.ts'
import type { Body, BodyReader } from './read-body.ts'
import { receiptHeaders, receiptOf } from './receipts.ts'
import { Recording, type RecordingParts } from './recording.ts'
import { prepareAnswer } from './route-answer.ts'
import { RouteBodyParser } from './route-body.ts'
import { RouteView } from './route-request.ts'
import { sendAnswer } from './send.ts'
import type { Turn } from './state-store.ts'

type Handler = RouteHandler<never, unknown, Record<string, string>, unknown>

/** What all routes share. */
export interface RouteParts extends RecordingParts {
  appender: Appender
  memory: CollectorMemory
  bodies: BodyReader
  gate: Gate
  clock: Clock
  settings: CollectorSettings
  counts: Counts
  logger: CollectorLogger
  /** The state's key of a request; undefined without state. */
  stateKey: ((request: RouteView) => string) | undefined
}

/** A request on its way through a route. */
interface Call {
  request: IncomingMessage
  view: RouteView
  /** `Idempotency-Key`, and what was asked under it. */
  key: string | undefined
  print: string
}

/** Loggings of one route's failures: each text once, and so many in all. */
const FAILURES_LOGGED_MAX = 100

/**
 * One route of the pipeline. The order of things, and why:
 *
 * 1. admission and body, so that a request that cannot be handled costs nothing;
 * 2. `Idempotency-Key`: a stored answer is given, a request under way with the same key is waited for;
 * 3. the turn at the state's key, then the handler, which tracks events;
 * 4. its answer is checked before anything is appended, because afterwards it must be sent;
 * 5. all events as one frame into the log, which ends the turn;
 * 6. durable: state, stored answer and position move on, and the answer leaves with its receipt.
 *
 * A crash before 6 leaves either nothing or the whole frame. In the second case nobody got an answer: a retry with the same
 * key finds the stored answer in the log; without one it is a new request, as HTTP has it.
 */
export class Route {
  readonly #name: string
  readonly #handler: Handler
  readonly #parts: RouteParts
  readonly #bodies: RouteBodyParser
  readonly #logged = new Set<string>()
  /** Errors are told in the form the route's clients read: a route that takes JSON answers JSON. */
  readonly #form: 'text' | 'json'

  constructor(name: string, definition: Handler | { body: TSchema; handler: Handler }, parts: RouteParts) {
    this.#name = name
    this.#parts = parts
    this.#handler = typeof definition === 'function' ? definition : definition.handler
    this.#form = typeof definition === 'function' ? 'text' : 'json'
    this.#bodies = new RouteBodyParser(
      typeof definition === 'function' ? undefined : definition.body,
      parts.settings,
    )
  }

  /** Answers the request. Never throws. */
  async serve(
    request: IncomingMessage,
    params: Record<string, string>,
    response: ServerResponse,
  ): Promise<void> {
    const { gate, counts } = this.#parts
    let answer: Answer
    let shift: Promise<void> | undefined
    try {
      shift = gate.enter(request)
    } catch (error) {
      return sendAnswer(response, answerToError(error, this.#form), counts)
    }
    try {
      if (shift !== undefined) await shift
      answer = await this.#answer(request, params)
    } catch (error) {
      answer = this.#failure(error)
    }
    sendAnswer(response, answer, counts)
    gate.leave()
  }

  async #answer(request: IncomingMessage, params: Record<string, string>): Promise<Answer> {
    const { headers } = request
    const key = idempotencyKey(headers['idempotency-key'])
    if (request.method === 'GET' || !hasBody(request)) return this.#begin(request, params, undefined, key)
    const body = await this.#parts.bodies.read(request)
    try {
      return await this.#begin(request, params, body, key)
    } finally {
      body.release()
    }
  }

  #begin(
    request: IncomingMessage,
    params: Record<string, string>,
    body: Body | undefined,
    key: string | undefined,
  ): Promise<Answer> {
    const view = new RouteView(request, params, this.#bodies.parse(body, request.headers['content-type']))
    if (key === undefined) return this.#run({ request, view, key, print: '' })
    const print = requestPrint(view.method, request.url!, body?.bytes.subarray(0, body.length))
    return this.#once({ request, view, key, print })
  }

  /** Runs the handler unless the key has an answer already, and not beside another request with the key. */
  async #once(call: Call): Promise<Answer> {
    const { memory, clock } = this.#parts
    const key = call.key!
    for (;;) {
      if (!memory.sure) throw later('state-moved', 'stored answers are being read from the log again')
      const stored = memory.answers.find(key, call.print, clock.nowMicros())
      if (stored !== undefined) return this.#replay(stored)
      const underWay = memory.answers.underWay(key)
      if (underWay === undefined) break
      await underWay
    }
    const release = memory.answers.claim(key)
    try {
      return await this.#run(call)
    } finally {
      release()
    }
  }

  #replay({ key, status, headers, body, partition, offset, run, events }: StoredAnswer): Answer {
    this.#parts.counts.replayed++
    const receipt = receiptOf(this.#parts.appender.log.id, { partition, baseOffset: offset }, run ?? events)
    const ids = Array.from({ length: events }, (_, i) => idempotentEventId(key, i))
    const ours = { ...receiptHeaders(receipt, ids), 'Landfall-Replayed': 'true' }
    return { status, headers: { ...headers, ...ours }, body }
  }

  async #run(call: Call): Promise<Answer> {
    const { memory, stateKey } = this.#parts
    if (memory.states === undefined) return this.#handle(call, undefined, undefined)
    const key = stateKey!(call.view)
    if (typeof key !== 'string') {
      throw new LandfallError('bug', 'collector/handler', `state.key: expected a text, found ${typeof key}`)
    }
    const entered = memory.states.enter(key)
    const turn = entered instanceof Promise ? await entered : entered
    try {
      return await this.#handle(call, turn, key)
    } finally {
      turn.leave()
    }
  }

  async #handle(call: Call, turn: Turn | undefined, stateKey: string | undefined): Promise<Answer> {
    const { appender, clock } = this.#parts
    const recording = new Recording(this.#parts, call.request.headers, turn, stateKey, call.key)
    let answer: Answer
    try {
      const context = {
        track: recording.track,
        get state() {
          return turn?.value
        },
      }
      const returned = this.#handler(call.view, context as unknown as RouteContext<never, unknown>)
      answer = prepareAnswer(isPromise(returned) ? await this.#inTime(returned) : returned)
    } finally {
      recording.end()
    }
    turn?.check()
    if (recording.count === 0) {
      // What the handler saw may not be durable yet. The next handler need not wait for that, the answer must.
      const seen = turn?.seen
      turn?.leave()
      await seen
      return answer
    }
    const header = call.key === undefined ? undefined : this.#answerHeader(call, recording.count, answer)
    const records = recording.records(clock.nowMicros(), header && JSON.stringify(header))
    try {
      const appended = await appender.append(records, turn, header)
      const receipt = receiptOf(appender.log.id, appended, records.length)
      const headers = { ...answer.headers, ...receiptHeaders(receipt, recording.ids) }
      return { status: answer.status, headers, body: answer.body }
    } catch (error) {
      return answerToError(error, this.#form, recording.ids)
    }
  }

  #answerHeader({ key, print }: Call, events: number, answer: Answer): AnswerHeader {
    const { answerBytesMax } = this.#parts.settings
    const bytes = Buffer.byteLength(answer.body)
    if (bytes > answerBytesMax) {
      throw new LandfallError(
        'fix-config',
        'collector/answer-too-large',
        `keeping an answer of ${bytes} bytes for its Idempotency-Key: at most ${answerBytesMax} are kept`,
        {
          hint: 'Answer with less, or raise collector.answerBytesMax',
        },
      )
    }
    return {
      key: key!,
      request: print,
      events,
      status: answer.status,
      headers: answer.headers,
      body: answer.body,
    }
  }

  async #inTime(returned: Promise<RouteAnswer>): Promise<RouteAnswer> {
    const { handlerTimeoutMs } = this.#parts.settings
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new LandfallError(
            'bug',
            'collector/handler',
            `the handler was not done within ${handlerTimeoutMs} ms; nothing was recorded`,
          ),
        )
      }, handlerTimeoutMs)
    })
    try {
      return await Promise.race([returned, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #failure(error: unknown): Answer {
    if (
      isLandfallError(error) &&
      (error.kind === 'fix-request' || error.kind === 'retry') &&
      error.code !== 'collector/event'
    ) {
      return answerToError(error, this.#form)
    }
    const text = error instanceof Error ? error.message : String(error)
    if (!this.#logged.has(text) && this.#logged.size < FAILURES_LOGGED_MAX) {
      this.#logged.add(text)
      this.#parts.logger.error({ err: error, route: this.#name }, `route ${this.#name} failed: ${text}`)
    }
    return answerToError(
      new LandfallError(
        'bug',
        'collector/handler',
        `the handler of ${this.#name} failed; nothing was recorded`,
        {
          hint: 'The log of the collector says why',
        },
      ),
      this.#form,
    )
  }
}

function isPromise(value: unknown): value is Promise<RouteAnswer> {
  return typeof (value as { then?: unknown } | null)?.then === 'function'
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}
