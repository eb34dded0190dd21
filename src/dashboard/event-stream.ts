/** Server-sent events over one answer: text by name, a sign of life now and then, and a bound on what waits for a slow reader. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SECURITY_HEADERS } from './http.ts'

/** A peer that has gone without a word is noticed by the write that fails. */
const ALIVE_MS = 25_000
/** A reader that lets more than this wait is not read from any more until it has caught up. */
const WAITING_BYTES_MAX = 1024 * 1024

export class EventStream {
  readonly #response: ServerResponse
  readonly #timer: NodeJS.Timeout
  readonly #onClose: (() => void)[] = []
  #closed = false

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#response = response
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // A proxy that gathers an answer before it hands it on would hold the events back.
      'x-accel-buffering': 'no',
    })
    response.write('retry: 2000\n\n')
    request.socket.setNoDelay(true)
    this.#timer = setInterval(() => response.write(':\n\n'), ALIVE_MS)
    this.#timer.unref()
    response.on('close', () => this.close())
    response.on('error', () => this.close())
  }

  get isSlow(): boolean {
    return this.#response.writableLength > WAITING_BYTES_MAX
  }

  onClose(run: () => void): void {
    if (this.#closed) run()
    else this.#onClose.push(run)
  }

  /** `data` is one line. */
  send(event: string, data: string): void {
    if (!this.#closed) this.#response.write(`event: ${event}\ndata: ${data}\n\n`)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    this.#response.end()
    for (const run of this.#onClose.splice(0)) run()
  }
}
