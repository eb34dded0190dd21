/** Reads HTTP/1.1 answers out of what comes over a connection, one request at a time. Bodies are counted, not kept. */
export interface AnswerHead {
  status: number
  /** Whether the server ends the connection after this answer. */
  closes: boolean
}

const HEAD_END = Buffer.from('\r\n\r\n')
const HEAD_BYTES_MAX = 64 * 1024
const UNTIL_CLOSE = -1
const CHUNKED = -2

export class AnswerReader {
  readonly #onAnswer: (head: AnswerHead) => void
  /** Bytes of all bodies. */
  bodyBytes = 0
  #head: AnswerHead | undefined
  /** Bytes of the body that are still to come, or how its end is known. */
  #left = 0
  #held: Buffer | undefined

  constructor(onAnswer: (head: AnswerHead) => void) {
    this.#onAnswer = onAnswer
  }

  /** Throws when what comes is not HTTP. */
  push(chunk: Buffer): void {
    let bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = undefined
    while (bytes.length > 0) {
      const rest = this.#head === undefined ? this.#readHead(bytes) : this.#readBody(bytes, this.#head)
      if (rest === undefined) {
        this.#held = bytes
        return
      }
      bytes = rest
    }
  }

  /** The connection has ended, and with it an answer that lasts until then; false when there was none. */
  end(): boolean {
    if (this.#head === undefined || this.#left !== UNTIL_CLOSE) return false
    this.#done(this.#head)
    return true
  }

  /** The bytes behind the head; undefined when it is not whole yet. */
  #readHead(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(HEAD_END)
    if (end < 0) {
      if (bytes.length > HEAD_BYTES_MAX) throw new Error('the answer has no end of its head')
      return undefined
    }
    const text = bytes.toString('latin1', 0, end)
    if (!text.startsWith('HTTP/1.')) throw new Error('what answers does not speak HTTP')
    const rest = bytes.subarray(end + HEAD_END.length)
    const status = Number(text.slice(9, 12))
    // 100 Continue and its like: the answer itself is still to come.
    if (status < 200) return rest
    const head = { status, closes: /\r\nconnection: *close/i.test(text) || text.startsWith('HTTP/1.0') }
    this.#left = bodyOf(text, status)
    if (this.#left === 0) this.#done(head)
    else this.#head = head
    return rest
  }

  #readBody(bytes: Buffer, head: AnswerHead): Buffer | undefined {
    if (this.#left === CHUNKED) return this.#readChunk(bytes, head)
    const taken = this.#left === UNTIL_CLOSE ? bytes.length : Math.min(this.#left, bytes.length)
    this.bodyBytes += taken
    if (this.#left !== UNTIL_CLOSE && (this.#left -= taken) === 0) this.#done(head)
    return bytes.subarray(taken)
  }

  /** One chunk, which must be there as a whole: `size[;extension] CRLF data CRLF`; the last one has size 0 and may have trailers. */
  #readChunk(bytes: Buffer, head: AnswerHead): Buffer | undefined {
    const line = bytes.indexOf('\r\n')
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', 0, line), 16)
    if (!(size >= 0)) throw new Error('a chunk of the answer has no size')
    if (size === 0) {
      const end = bytes[line + 2] === 0x0d ? line + 2 : bytes.indexOf(HEAD_END, line)
      if (end < 0 || bytes.length < line + 4) return undefined
      this.#done(head)
      return bytes.subarray(end === line + 2 ? end + 2 : end + HEAD_END.length)
    }
    const end = line + 2 + size + 2
    if (bytes.length < end) return undefined
    this.bodyBytes += size
    return bytes.subarray(end)
  }

  #done(head: AnswerHead): void {
    this.#head = undefined
    this.#onAnswer(head)
  }
}

function bodyOf(head: string, status: number): number {
  if (status === 204 || status === 304) return 0
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (length !== null) return Number(length[1])
  return /\r\ntransfer-encoding:[^\r]*chunked/i.test(head) ? CHUNKED : UNTIL_CLOSE
}
