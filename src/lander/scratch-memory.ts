/**
 * The memory of chunks: rows in flat buffers, column by column, which are the pages of the scratch file. It belongs to the process
 * and is used again and again: new memory has to be cleared by the kernel, and makes the garbage collector go over everything.
 */
import { printId, type Seed } from './duplicates/prints.ts'

/** Rows of a group: a power of two, so that a row finds its group by a shift. */
export const GROUP_BITS = 15
const GROUP_ROWS = 1 << GROUP_BITS
export const GROUP_MASK = GROUP_ROWS - 1

/** About two chunks. */
const KEPT_BYTES_MAX = 96 * 1024 * 1024
/** Events come in bursts; so long after the last one memory is given back. */
const KEPT_MS = 30_000

let kept: Group[] = []
let keptBytes = 0
let giveBack: NodeJS.Timeout | undefined

/** A group without rows; a new one has room for about as much as `before` needed. */
export function takeGroup(before: Group | undefined): Group {
  const group = kept.pop()
  if (group === undefined) return new Group(before)
  keptBytes -= group.bytes
  return group
}

/** Takes back groups whose rows nobody asks for any more. */
export function keepGroups(groups: readonly Group[]): void {
  for (const group of groups) {
    if (keptBytes + group.bytes > KEPT_BYTES_MAX) continue
    group.clear()
    kept.push(group)
    keptBytes += group.bytes
  }
  giveBack ??= setTimeout(forget, KEPT_MS).unref()
  giveBack.refresh()
}

function forget(): void {
  kept = []
  keptBytes = 0
  giveBack = undefined
}

/** Rows that become one row group of the file. */
export class Group {
  rows = 0
  // Doubles hold offsets and microseconds exactly, and unlike 64-bit integers cost no object.
  readonly offsets = new Float64Array(GROUP_ROWS)
  readonly received = new Float64Array(GROUP_ROWS)
  readonly kinds = new Int32Array(GROUP_ROWS)
  /** Fingerprints of the ids, high and low half of each. */
  readonly prints = new Uint32Array(GROUP_ROWS * 2)
  /** 1 where a route made the event. */
  readonly routes = new Uint8Array(GROUP_ROWS)
  readonly ids: Texts
  readonly values: Texts
  /** Empty until the first row that has some. */
  readonly headers = new Texts(0)

  /** With room for about as much as the group before it needed. */
  constructor(before?: Group) {
    this.ids = new Texts(before?.ids.length ?? 0)
    this.values = new Texts(before?.values.length ?? 0)
  }

  /** What it holds on to. */
  get bytes(): number {
    const { offsets, received, kinds, prints, routes } = this
    const numbers = [offsets, received, kinds, prints, routes].reduce(
      (sum, { byteLength }) => sum + byteLength,
      0,
    )
    return numbers + this.ids.capacity + this.values.capacity + this.headers.capacity
  }

  /** The headers, with empty ones for all rows before `at`. */
  headersBefore(at: number): Texts {
    while (this.headers.rows < at) this.headers.addEmpty(this.headers.rows)
    return this.headers
  }

  clear(): void {
    this.rows = 0
    this.ids.clear()
    this.values.clear()
    this.headers.clear()
  }
}

/** Of each text's length, before it. */
export const LENGTH_BYTES = 4

/** Texts one behind the other, each after its length: PLAIN values of Parquet. */
export class Texts {
  rows = 0
  length = 0
  #buffer: Buffer
  #view: DataView
  /** Where each text begins, behind its length. */
  readonly #at = new Uint32Array(GROUP_ROWS)

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.05))
    this.#view = viewOf(this.#buffer)
  }

  get capacity(): number {
    return this.#buffer.length + this.#at.byteLength
  }

  add(row: number, from: Buffer, start: number, end: number): void {
    const size = end - start
    this.addLength(row, size)
    const { length } = this
    const to = this.#buffer
    // Short runs byte by byte: a call into native code costs more than 48 bytes.
    if (size > 48) from.copy(to, length, start, end)
    else for (let i = 0; i < size; i++) to[length + i] = from[start + i]!
    this.length = length + size
  }

  /** Adds an event id and fingerprints it; false, and nothing is added, when it is none. */
  addId(row: number, from: DataView, start: number, end: number, seed: Seed): boolean {
    const before = this.length
    this.addLength(row, end - start)
    if (printId(seed, from, start, end, this.#view, this.length)) {
      this.length += end - start
      return true
    }
    this.length = before
    this.rows = row
    return false
  }

  addEmpty(row: number): void {
    this.addLength(row, 0)
  }

  get(row: number): Buffer {
    const at = this.#at[row]!
    return this.#buffer.subarray(at, at + this.#buffer.readUInt32LE(at - LENGTH_BYTES))
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  clear(): void {
    this.rows = 0
    this.length = 0
  }

  addLength(row: number, size: number): void {
    const at = this.length
    if (at + size + LENGTH_BYTES > this.#buffer.length) this.#grow(at + size + LENGTH_BYTES)
    this.#view.setUint32(at, size, true)
    this.length = at + LENGTH_BYTES
    this.#at[row] = this.length
    this.rows = row + 1
  }

  #grow(least: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, least, 1 << 14))
    this.#buffer.copy(buffer, 0, 0, this.length)
    this.#buffer = buffer
    this.#view = viewOf(buffer)
  }
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
