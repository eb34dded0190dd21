import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface DoorRequest {
  /** 0 for the first. */
  index: number
  url: string
  headers: IncomingHttpHeaders
  body: string
  events: Record<string, unknown>[]
  /** When it came, in milliseconds of the monotonic clock. */
  at: number
}

/** A status, an answer, or `hang-up`: the connection is cut without one. */
export type DoorAnswer = { status: number; headers?: Record<string, string>; body?: string } | 'hang-up'

/**
 * A server on which a test decides each answer: for what the real collector gives only in distress (a proxy's page, a lost
 * answer, a status at will). It keeps what it "accepted" by id.
 */
export class ScriptedDoor implements AsyncDisposable {
  readonly requests: DoorRequest[] = []
  #server: Server
  #answer: (request: DoorRequest) => DoorAnswer | Promise<DoorAnswer>

  private constructor(answer: (request: DoorRequest) => DoorAnswer | Promise<DoorAnswer>) {
    this.#answer = answer
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const bytes = Buffer.concat(chunks)
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
      const events =
        body.trim() === ''
          ? []
          : body
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line) as Record<string, unknown>)
      const seen = {
        index: this.requests.length,
        url: request.url!,
        headers: request.headers,
        body,
        events,
        at: performance.now(),
      }
      this.requests.push(seen)
      const answer = await this.#answer(seen)
      if (answer === 'hang-up') return void request.socket.destroy()
      response.writeHead(answer.status, answer.headers).end(answer.body ?? '')
    })
  }

  static async open(
    answer: (request: DoorRequest) => DoorAnswer | Promise<DoorAnswer> = acceptAll,
  ): Promise<ScriptedDoor> {
    const door = new ScriptedDoor(answer)
    await new Promise<void>((resolve) => door.#server.listen(0, '127.0.0.1', resolve))
    return door
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** The collector's answer when everything was appended. */
export function acceptAll(request: DoorRequest): DoorAnswer {
  return answerWith(
    request.events.map((event, i) => ({
      event_id: event['event_id'],
      status: 'accepted',
      partition: 0,
      offset: i,
    })),
  )
}

export function answerWith(events: object[], status = 200): DoorAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ receipt: { log_id: 'log-1', partition: 0 }, results: events }),
  }
}
