/** Walks over the frames of a segment file, one after the other, in bounded memory. */
import type { FileHandle } from 'node:fs/promises'
import { BATCH_HEADER_BYTES, type BatchHeader, isIntact, readHeader } from '../../record-batch.ts'

const CHUNK_BYTES = 1024 * 1024

export class FrameScanner {
  /** Where the next frame begins. */
  position: number
  readonly #handle: FileHandle
  readonly #end: number
  #window: Buffer = Buffer.alloc(0)
  #windowAt = 0

  constructor(handle: FileHandle, position: number, end: number) {
    this.#handle = handle
    this.position = position
    this.#end = end
  }

  /**
   * Steps over the frame at `position` if it is whole and begins with that offset; otherwise stays and answers undefined.
   * With one commit in flight a frame that is not what it should be is the torn last one, or damage.
   */
  async next(baseOffset: number): Promise<BatchHeader | undefined> {
    if (!(await this.#load(BATCH_HEADER_BYTES))) return undefined
    const header = readHeader(this.#window, this.position - this.#windowAt)
    if (header === undefined || header.baseOffset !== baseOffset) return undefined
    if (!(await this.#load(header.length))) return undefined
    if (!isIntact(this.#window, this.position - this.#windowAt, header.length)) return undefined
    this.position += header.length
    return header
  }

  /** All bytes from `position` on, or undefined when they are zeros (or none): laid out and never written. */
  async rest(): Promise<Buffer | undefined> {
    for (let at = this.position; at < this.#end; at += CHUNK_BYTES) {
      const chunk = await readExactly(this.#handle, at, Math.min(CHUNK_BYTES, this.#end - at))
      if (!isAllZero(chunk)) {
        return readExactly(this.#handle, this.position, this.#end - this.position)
      }
    }
    return undefined
  }

  async #load(length: number): Promise<boolean> {
    if (this.position + length > this.#end) return false
    if (this.position >= this.#windowAt && this.position + length <= this.#windowAt + this.#window.length) {
      return true
    }
    const size = Math.min(Math.max(length, CHUNK_BYTES), this.#end - this.position)
    this.#window = await readExactly(this.#handle, this.position, size)
    this.#windowAt = this.position
    return this.#window.length >= length
  }
}

/** `length` bytes at `position`, fewer only where the file ends; they stand in `into` when they fit. */
export async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  into?: Buffer,
): Promise<Buffer> {
  const fits = into !== undefined && length <= into.length
  const bytes = fits ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done === length ? bytes : bytes.subarray(0, done)
}

/** Producer id, producer epoch and base sequence of every frame; JSON text never holds these bytes. */
const NO_PRODUCER = Buffer.alloc(14, 0xff)
const NO_PRODUCER_AT = 43

/**
 * The first whole frame behind the start of `bytes` whose base offset lies above `offset`: proof that what stands before it was
 * durable. What stands at the very start is the broken frame itself; its base offset, which no checksum covers, proves nothing.
 */
export function findFrameBeyond(
  bytes: Buffer,
  offset: number,
): { at: number; header: BatchHeader } | undefined {
  for (let found = bytes.indexOf(NO_PRODUCER); found >= 0; found = bytes.indexOf(NO_PRODUCER, found + 1)) {
    const at = found - NO_PRODUCER_AT
    const header = at <= 0 ? undefined : readHeader(bytes, at)
    if (header === undefined || header.baseOffset <= offset) continue
    // A record takes seven bytes at least.
    if ((header.baseOffset - offset) * 7 <= at && isIntact(bytes, at, header.length)) return { at, header }
  }
  return undefined
}

function isAllZero(bytes: Buffer): boolean {
  const words = bytes.length >>> 2
  const aligned =
    bytes.byteOffset % 4 === 0 ? new Int32Array(bytes.buffer, bytes.byteOffset, words) : undefined
  if (aligned === undefined) return bytes.every((byte) => byte === 0)
  for (let i = 0; i < words; i++) if (aligned[i] !== 0) return false
  for (let i = words * 4; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}
