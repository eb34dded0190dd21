import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { systemCode } from '../base/errors.ts'
import { later, refuse } from './answers.ts'
import type { CollectorSettings } from './limits.ts'
import { padded } from './scan-events.ts'

const inflate = promisify(gunzip)

/** The bytes of a request, with a 0 behind them (what the scan needs). `release` gives the room back; call it once. */
export interface Body {
  bytes: Buffer
  length: number
  release(): void
}

/** What node keeps of a body that nobody reads: as much as its stream wants, and one piece more. */
const UNREAD_MAX = 128 * 1024

/** What a request may hold in memory while its body is not read. */
export function unreadBytes({ headers }: IncomingMessage): number {
  const announced = headers['content-length']
  if (announced !== undefined) return Math.min(Number(announced), UNREAD_MAX)
  return headers['transfer-encoding'] === undefined ? 0 : UNREAD_MAX
}

/** Reads bodies within their bounds, and counts what all of them hold together. */
export class BodyReader {
  readonly #settings: CollectorSettings
  bufferedBytes = 0

  constructor(settings: CollectorSettings) {
    this.#settings = settings
  }

  /**
   * Throws `collector/too-large` (of the body or of what it unpacks to), `collector/encoding`, `collector/bad-encoding`,
   * `collector/overloaded` when all bodies together take too much, `collector/aborted` when the client leaves.
   */
  async read(request: IncomingMessage): Promise<Body> {
    const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
    if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'x-gzip') {
      throw refuse(
        'encoding',
        `a body with Content-Encoding ${JSON.stringify(encoding.slice(0, 40))}`,
        'Send gzip, or no encoding',
      )
    }
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared > this.#settings.bodyBytesMax) {
      this.#drain(request)
      throw this.#tooLarge('bodyBytesMax')
    }
    const room = new Room(this)
    try {
      const { chunks, length } = await this.#collect(request, room)
      if (encoding === 'identity')
        return { bytes: padded(chunks, length), length, release: () => room.give() }
      const plain = await this.#unpack(chunks, room)
      return { bytes: padded([plain], plain.length), length: plain.length, release: () => room.give() }
    } catch (error) {
      room.give()
      throw error
    }
  }

  /** Takes room for bytes, or throws. */
  take(bytes: number): void {
    if (this.bufferedBytes + bytes > this.#settings.bufferedBytesMax) {
      throw later('overloaded', `${this.bufferedBytes} bytes of other requests are being handled`)
    }
    this.bufferedBytes += bytes
  }

  #collect(request: IncomingMessage, room: Room): Promise<{ chunks: Buffer[]; length: number }> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let length = 0
      request.on('data', (chunk: Buffer) => {
        length += chunk.length
        try {
          if (length > this.#settings.bodyBytesMax) throw this.#tooLarge('bodyBytesMax')
          room.take(chunk.length)
          chunks.push(chunk)
        } catch (error) {
          this.#drain(request)
          reject(error)
        }
      })
      request.on('end', () => resolve({ chunks, length }))
      request.on('error', () =>
        reject(refuse('aborted', 'the request ended before its body', 'Send it whole')),
      )
      request.on('aborted', () =>
        reject(refuse('aborted', 'the request ended before its body', 'Send it whole')),
      )
    })
  }

  /**
   * Reads on and throws away, so that a client that first sends and then listens sees its answer; but not without end:
   * after some times what a body may have, the connection is cut.
   */
  #drain(request: IncomingMessage): void {
    let left = this.#settings.bodyBytesMax * 4
    request.removeAllListeners('data')
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) request.socket.destroy()
    })
  }

  async #unpack(chunks: readonly Buffer[], room: Room): Promise<Buffer> {
    try {
      const plain = await inflate(Buffer.concat(chunks), { maxOutputLength: this.#settings.inflatedBytesMax })
      room.take(plain.length)
      return plain
    } catch (error) {
      if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') throw this.#tooLarge('inflatedBytesMax')
      if (systemCode(error)?.startsWith('Z_')) {
        throw refuse('bad-encoding', 'the body is not whole gzip', 'Compress it again')
      }
      throw error
    }
  }

  #tooLarge(limit: 'bodyBytesMax' | 'inflatedBytesMax') {
    const unpacked = limit === 'inflatedBytesMax' ? ', unpacked,' : ''
    return refuse(
      'too-large',
      `the body${unpacked} is larger than ${this.#settings[limit]} bytes`,
      'Send less in one request',
      {
        limit,
      },
    )
  }
}

/** What one body holds of the room. */
class Room {
  readonly #reader: BodyReader
  #bytes = 0

  constructor(reader: BodyReader) {
    this.#reader = reader
  }

  take(bytes: number): void {
    this.#reader.take(bytes)
    this.#bytes += bytes
  }

  give(): void {
    this.#reader.bufferedBytes -= this.#bytes
    this.#bytes = 0
  }
}
