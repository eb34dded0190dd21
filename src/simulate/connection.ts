/** A kept connection to a door with one request in flight: HTTP/1.1 on a bare socket, so that the door is what is measured. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type AnswerHead, AnswerReader } from './answer-reader.ts'
import type { SimulatedRequest } from './requests.ts'

export interface ConnectionEvents {
  /** The answer to what was sent. */
  onAnswer: (connection: Connection, status: number) => void
  /** No whole answer: why not. */
  onFailure: (connection: Connection, error: unknown) => void
}

export class Connection {
  readonly #url: URL
  readonly #events: ConnectionEvents
  #socket: Socket | undefined
  #waiting = false
  #bytes = 0
  #bodyBytes = 0
  #reader: AnswerReader | undefined
  /** When the request in flight was sent, by `performance.now()`. */
  sentAt = 0
  /** What was sent. */
  request: SimulatedRequest | undefined

  constructor(url: URL, events: ConnectionEvents) {
    this.#url = url
    this.#events = events
  }

  get busy(): boolean {
    return this.#waiting
  }

  /** Bytes that came, and those of them that were bodies. */
  get received(): { bytes: number; bodyBytes: number } {
    return {
      bytes: this.#bytes + (this.#socket?.bytesRead ?? 0),
      bodyBytes: this.#bodyBytes + (this.#reader?.bodyBytes ?? 0),
    }
  }

  send(request: SimulatedRequest): void {
    this.request = request
    this.#waiting = true
    const socket = (this.#socket ??= this.#open())
    this.sentAt = performance.now()
    if (request.body === undefined) socket.write(headOf(request), 'latin1')
    else socket.write(headOf(request) + request.body, 'utf8')
  }

  /** Gives up what is in flight. */
  fail(error: unknown): void {
    this.#leave(error)
  }

  close(): void {
    this.#waiting = false
    this.#leave(undefined)
  }

  #open(): Socket {
    const { hostname, port, protocol } = this.#url
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket =
      protocol === 'https:'
        ? // Whose certificate it must be: of the address, and not of the `Host` that a player sends.
          connectTls({ host, port: Number(port || 443), ...(isIP(host) ? {} : { servername: host }) })
        : connect(Number(port || 80), host)
    socket.setNoDelay(true)
    const reader = new AnswerReader((head) => this.#answered(socket, head))
    this.#reader = reader
    let failed: unknown
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        this.#leave(error)
      }
    })
    socket.on('error', (error) => (failed = error))
    socket.on('close', () => {
      if (this.#socket !== socket) return
      if (this.#waiting && reader.end()) return
      this.#leave(failed ?? new Error('the connection was closed before the answer'))
    })
    return socket
  }

  #answered(socket: Socket, { status, closes }: AnswerHead): void {
    if (socket !== this.#socket) return
    const asked = this.#waiting
    this.#waiting = false
    if (closes || !asked) this.#leave(undefined)
    if (asked) this.#events.onAnswer(this, status)
  }

  #leave(error: unknown): void {
    const socket = this.#socket
    if (socket !== undefined) {
      this.#bytes += socket.bytesRead
      this.#bodyBytes += this.#reader?.bodyBytes ?? 0
      this.#reader = undefined
      this.#socket = undefined
      socket.destroy()
    }
    if (!this.#waiting) return
    this.#waiting = false
    this.#events.onFailure(this, error)
  }
}

/** Of headers that are sent again and again, as those of a player are: the same object, the same text. */
const texts = new WeakMap<object, string>()

function headOf({ method, path, headers }: SimulatedRequest): string {
  let text = texts.get(headers)
  if (text === undefined) {
    text = ' HTTP/1.1\r\n'
    for (const name of Object.keys(headers)) text += `${name}: ${headers[name]}\r\n`
    text += '\r\n'
    texts.set(headers, text)
  }
  return `${method} ${path}${text}`
}
