/**
 * Reads the frames of one segment file at an offset, up to a limit that its caller knows to be durable. Finds its place by a
 * sparse index that is made while walking: offset and byte position of a frame, one about every MiB.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { LandfallError } from '../../../base/errors.ts'
import { isIntact, readHeader } from '../../record-batch.ts'
import { FrameScanner, findFrameBeyond, readExactly } from './frame-scanner.ts'

const INDEX_STEP_BYTES = 1024 * 1024
const READ_BYTES_MIN = 16 * 1024

/** Whole, checked frames; the first one holds the offset that was asked for. */
export interface Frames {
  bytes: Buffer
  /** Offset behind the last record in `bytes`, or the limit when that is lower. */
  next: number
}

/** Places in segment files, shared by all reads of a reader. A file that was replaced has another inode, so other places. */
export class SparseIndex {
  readonly #places = new Map<string, { offsets: number[]; positions: number[] }>()

  /** The last known frame at or before `offset`. */
  find(file: string, offset: number): { offset: number; position: number } | undefined {
    const places = this.#places.get(file)
    if (places === undefined) return undefined
    let low = 0
    let high = places.offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (places.offsets[middle]! <= offset) low = middle + 1
      else high = middle
    }
    if (low === 0) return undefined
    return { offset: places.offsets[low - 1]!, position: places.positions[low - 1]! }
  }

  /** Remembers a frame behind those known, if it is far enough from the last. */
  add(file: string, offset: number, position: number): void {
    let places = this.#places.get(file)
    if (places === undefined) {
      places = { offsets: [], positions: [] }
      this.#places.set(file, places)
    }
    const last = places.positions.at(-1) ?? 0
    if (position < last + INDEX_STEP_BYTES) return
    places.offsets.push(offset)
    places.positions.push(position)
  }

  /** Forgets segments that lie before `base`. */
  forgetBefore(base: number): void {
    for (const file of this.#places.keys()) if (Number(file.split('/')[0]) < base) this.#places.delete(file)
  }
}

export class SegmentReader {
  readonly baseOffset: number
  /** Offset at which the next segment begins; undefined when this was the last. */
  readonly successor: number | undefined
  readonly #path: string
  readonly #handle: FileHandle
  readonly #index: SparseIndex
  readonly #file: string
  /** Where the frame stands that begins with `#frameOffset`. */
  #position = 0
  #frameOffset: number

  private constructor(
    path: string,
    handle: FileHandle,
    inode: number,
    baseOffset: number,
    successor: number | undefined,
    index: SparseIndex,
  ) {
    this.#path = path
    this.#handle = handle
    this.#file = `${baseOffset}/${inode}`
    this.baseOffset = baseOffset
    this.successor = successor
    this.#index = index
    this.#frameOffset = baseOffset
  }

  static async open(
    path: string,
    baseOffset: number,
    successor: number | undefined,
    index: SparseIndex,
  ): Promise<SegmentReader> {
    const handle = await open(path, 'r')
    const { ino } = await handle.stat()
    return new SegmentReader(path, handle, ino, baseOffset, successor, index)
  }

  /**
   * Frames from the one that holds `offset`, about `bytesMax` bytes of them and at least one. `limit`: an offset that the log
   * has durably reached, beyond `offset`; `durableBytes`: the bytes of this file that hold it, where they are known; `buffer`: gives
   * room for so many bytes. Throws `log/damaged` when there is no whole frame with `offset` in it.
   */
  async read(
    offset: number,
    limit: number,
    bytesMax: number,
    durableBytes = Infinity,
    buffer?: (size: number) => Buffer,
  ): Promise<Frames> {
    // The file of the active segment is laid out far ahead of what it holds.
    const end = Math.min((await this.#handle.stat()).size, durableBytes)
    await this.#seek(offset, limit, end)
    const size = Math.min(Math.max(bytesMax, READ_BYTES_MIN), end - this.#position)
    let bytes = await readExactly(this.#handle, this.#position, size, buffer?.(size))
    const first = readHeader(bytes, 0)
    if (first !== undefined && first.length > bytes.length) {
      bytes = await readExactly(this.#handle, this.#position, Math.min(first.length, end - this.#position))
    }
    let at = 0
    for (;;) {
      const header = readHeader(bytes, at)
      if (header === undefined || header.baseOffset !== this.#frameOffset) break
      if (at > 0 && at + header.length > bytesMax) break
      if (!isIntact(bytes, at, header.length)) break
      at += header.length
      this.#advance(header.length, header.nextOffset)
      if (this.#frameOffset >= limit) break
    }
    if (this.#frameOffset <= offset) throw await this.#damage(offset, limit, end)
    return { bytes: bytes.subarray(0, at), next: Math.min(this.#frameOffset, limit) }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  #advance(bytes: number, nextOffset: number): void {
    this.#position += bytes
    this.#frameOffset = nextOffset
    this.#index.add(this.#file, nextOffset, this.#position)
  }

  /** Goes to the frame that holds `offset`. Damage on the way there is stepped over; damage at `offset` is thrown. */
  async #seek(offset: number, limit: number, end: number): Promise<void> {
    if (this.#frameOffset === offset) return
    const place = this.#index.find(this.#file, offset)
    if (place !== undefined && (place.offset > this.#frameOffset || this.#frameOffset > offset)) {
      this.#position = place.position
      this.#frameOffset = place.offset
    } else if (this.#frameOffset > offset) {
      this.#position = 0
      this.#frameOffset = this.baseOffset
    }
    const scanner = new FrameScanner(this.#handle, this.#position, end)
    while (this.#frameOffset < offset) {
      const frame = await scanner.next(this.#frameOffset)
      if (frame === undefined) {
        const damage = await this.#damage(this.#frameOffset, limit, end)
        const { to, resumeAt } = damage.details as { to: number; resumeAt: number }
        if (to > offset) throw damage
        this.#position = resumeAt
        this.#frameOffset = to
        scanner.position = resumeAt
      } else if (frame.nextOffset > offset) return
      else this.#advance(frame.length, frame.nextOffset)
    }
  }

  /** The exact range that cannot be read: up to the next whole frame, or to the limit. */
  async #damage(from: number, limit: number, end: number): Promise<LandfallError> {
    const rest = await readExactly(this.#handle, this.#position, Math.max(end - this.#position, 0))
    const beyond = findFrameBeyond(rest, from)
    const known = beyond !== undefined && beyond.header.baseOffset < limit ? beyond : undefined
    const to = known?.header.baseOffset ?? limit
    return new LandfallError(
      'bad-data',
      'log/damaged',
      `reading ${this.#path} at byte ${this.#position}: records ${from} to ${to} are damaged and are not served`,
      {
        hint: `Restore this segment from a backup, or go on from offset ${to} and account for the gap`,
        details: {
          from,
          to,
          path: this.#path,
          position: this.#position,
          resumeAt: this.#position + (known?.at ?? rest.length),
        },
      },
    )
  }
}
