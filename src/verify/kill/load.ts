/**
 * Clients of a pipeline that is being killed, which remember what they were answered. Half of them call its routes as `landfall simulate`
 * does; the others send events of its plan to `POST /v1/events` with ids of their own, again and again under the same id until they have
 * an answer, as a careful client does. Now and then one sends an event again that was answered already, or one that no plan knows.
 */
import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../base/errors.ts'
import type { Pipeline } from '../../model/definition.ts'
import type { SimulateInput } from '../../model/simulate-input.ts'
import { eventOf } from '../../simulate/events.ts'
import { createRandom } from '../../simulate/random.ts'
import { type SimulatedRequest, simulateRequests } from '../../simulate/requests.ts'
import { type Answered, sendOne } from '../../simulate/send-one.ts'

export interface LoadOptions {
  pipeline: Pipeline
  hints: SimulateInput
  seed: number
  /** Where the door is now. */
  address: () => string
}

export interface Requests {
  sent: number
  answered: number
  /** Answered, but not with a 2xx. */
  refused: number
  /** No whole answer came. */
  unanswered: number
}

const CLIENTS = 8
const USERS = 100
const PAUSE_MS = 2
const RETRY_MS = 10
/** Of 20 events, so many are sent again after their answer, and so many are of a type that nobody knows. */
const AGAIN_OF_20 = 1
const UNKNOWN_OF_20 = 1
/** The ids are kept in memory: beyond so many, clients go slow. */
const MANY_ANSWERED = 250_000
const SLOW_MS = 50

export class Load {
  /** Ids of events whose request was answered with success. */
  readonly answered = new Set<string>()
  readonly requests: Requests = { sent: 0, answered: 0, refused: 0, unanswered: 0 }
  readonly #options: LoadOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  readonly #clients: Promise<void>[]
  #waiting: { since: number; done: () => void }[] = []
  #failed: unknown
  #running = true
  #givenUp = false

  constructor(options: LoadOptions) {
    this.#options = options
    const { pipeline } = options
    const hasRoutes = Object.keys(pipeline.definition.routes ?? {}).length > 0
    const hasEvents = Object.keys(pipeline.compiled.plan.events).length > 0
    const kinds = [...(hasRoutes ? [this.#caller] : []), ...(hasEvents ? [this.#sender] : [])]
    if (kinds.length === 0) {
      throw new LandfallError(
        'fix-config',
        'verify/no-load',
        'the pipeline has neither routes nor events to send',
        {
          hint: 'Declare one, so that there is something to lose',
        },
      )
    }
    this.#clients = Array.from({ length: CLIENTS }, (_, i) =>
      kinds[i % kinds.length]!.call(this, i).catch((error: unknown) => {
        this.#failed = error
      }),
    )
  }

  /** Resolves when a request that was sent from now on is answered with success; false when none was within `maxMs`. */
  async answers(maxMs: number): Promise<boolean> {
    const since = performance.now()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(resolve, maxMs, false)
    this.#waiting.push({ since, done: () => resolve(true) })
    const answered = await promise
    clearTimeout(timer)
    if (this.#failed !== undefined) throw this.#failed
    return answered
  }

  /** Sends nothing new; resolves when what has no answer yet has one, or `patienceMs` are over. */
  async stop(patienceMs: number): Promise<void> {
    this.#running = false
    const timer = setTimeout(() => void (this.#givenUp = true), patienceMs)
    await Promise.all(this.#clients)
    clearTimeout(timer)
    this.#agent.destroy()
    if (this.#failed !== undefined) throw this.#failed
  }

  /** A player: what is not answered is not tried again. */
  async #caller(number: number): Promise<void> {
    const { pipeline, hints, seed } = this.#options
    for (const request of simulateRequests(pipeline, hints, USERS, seed + number)) {
      if (!this.#running) return
      const answer = await this.#send(request)
      if (isSuccess(answer)) for (const id of idsOf(answer)) this.answered.add(id)
      await sleep(answer === undefined ? RETRY_MS : this.#pauseMs)
    }
  }

  /** A client that keeps its events until they are answered. */
  async #sender(number: number): Promise<void> {
    const { pipeline, seed } = this.#options
    const random = createRandom(seed + number)
    while (this.#running) {
      const event_id = randomUUID()
      const kind = random.below(20)
      const event = eventOf(pipeline.compiled.plan, random)!
      if (kind < UNKNOWN_OF_20) event['event_type'] = 'verify_kill_unknown'
      const request = this.#post({ event_id, ...event })
      const answer = await this.#sendUntilAnswered(request)
      if (isSuccess(answer)) this.answered.add(event_id)
      if (kind >= 20 - AGAIN_OF_20) await this.#send(request)
      await sleep(this.#pauseMs)
    }
  }

  async #sendUntilAnswered(request: SimulatedRequest): Promise<Answered | undefined> {
    for (;;) {
      const answer = await this.#send(request)
      // Of a 4xx nothing was recorded, and nothing will be.
      const isOver = answer !== undefined && answer.status < 500 && answer.status !== 429
      if (isOver || this.#givenUp) return answer
      await sleep(RETRY_MS)
    }
  }

  #post(event: Record<string, unknown>): SimulatedRequest {
    const body = JSON.stringify(event)
    const { sources } = this.#options.pipeline.compiled
    const key = sources.some(({ writeKey }) => writeKey === null) ? null : sources[0]!.writeKey
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
    }
    return { method: 'POST', path: '/v1/events', headers, body }
  }

  async #send(request: SimulatedRequest): Promise<Answered | undefined> {
    const at = performance.now()
    this.requests.sent += 1
    try {
      const answer = await sendOne(this.#options.address(), request, this.#agent)
      if (isSuccess(answer)) this.#succeeded(at)
      else this.requests.refused += 1
      return answer
    } catch {
      // Whatever it was: there is no answer, so nothing was promised.
      this.requests.unanswered += 1
      return undefined
    }
  }

  #succeeded(sentAt: number): void {
    this.requests.answered += 1
    const [done, waiting] = [
      this.#waiting.filter(({ since }) => since <= sentAt),
      this.#waiting.filter(({ since }) => since > sentAt),
    ]
    this.#waiting = waiting
    for (const one of done) one.done()
  }

  get #pauseMs(): number {
    return this.answered.size < MANY_ANSWERED ? PAUSE_MS : SLOW_MS
  }
}

function isSuccess(answer: Answered | undefined): answer is Answered {
  return answer !== undefined && answer.status >= 200 && answer.status < 300
}

/** The events that a route recorded; a request may record none. */
function idsOf({ headers }: Answered): string[] {
  const text = headers['landfall-event-id']
  return typeof text === 'string' && text !== '' ? text.split(', ') : []
}
