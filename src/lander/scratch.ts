/**
 * The rows of one chunk on their way from the log to DuckDB: bytes, not objects. One line each, fields parted by \x01, no quotes:
 *
 *   row · kind · offset · received_at (µs, less `baseMicros`) · event_id · request headers · value
 *
 * `row` counts from 0; `kind` has four digits and names one of `kinds` (what rows have in common), so that a verdict found
 * later can be put over it in place. JSON text has no control characters but blanks, so \x01 and the newline are free
 * once newlines between tokens are made blanks. Values that are not such text never get here: see `replaceValue`.
 */
import { isUtf8 } from 'node:buffer'
import type { RecordCursor } from '../log/log.ts'
import { readable } from './readable.ts'

/** What a record's row is to become. */
export type Fate = 'judge' | 'duplicate' | 'dead'

/** What rows of a chunk have in common. */
export interface RowKind {
  partition: number
  /** `Plan.version` that the record names, or null. */
  plan: string | null
  source: string | null
  fate: Fate
}

const SEPARATOR = 1
const NEWLINE = 10
const KIND_DIGITS = 4

export class Scratch {
  rows = 0
  length = 0
  /** Bytes of values, which is what limits count. */
  valueBytes = 0
  baseMicros = 0
  lineBytesMax = 0
  readonly kinds: RowKind[] = []
  buffer: Buffer
  readonly #kindIds = new Map<string, number>()
  /** Per row: where its line and its value begin, and where the value ends. */
  #lineAt: Uint32Array
  #valueAt: Uint32Array
  #valueEnd: Uint32Array
  #kindOf: Uint16Array
  #offsets: Float64Array

  /** With room for so many bytes and rows; it grows. */
  constructor(bytes = 1 << 16, rows = 1024) {
    this.buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes))
    this.#lineAt = new Uint32Array(Math.ceil(rows))
    this.#valueAt = new Uint32Array(Math.ceil(rows))
    this.#valueEnd = new Uint32Array(Math.ceil(rows))
    this.#kindOf = new Uint16Array(Math.ceil(rows))
    this.#offsets = new Float64Array(Math.ceil(rows))
  }

  kindId(kind: RowKind): number {
    const key = `${kind.partition}/${kind.plan ?? ''}/${kind.source ?? ''}/${kind.fate}/${kind.plan === null}${kind.source === null}`
    let id = this.#kindIds.get(key)
    if (id === undefined) {
      id = this.kinds.length
      this.kinds.push(kind)
      this.#kindIds.set(key, id)
    }
    return id
  }

  /** Adds the cursor's record. `value` replaces its value where it must not stand as it is. Returns the row. */
  add(
    kind: number,
    cursor: RecordCursor,
    idBytes: Buffer,
    idStart: number,
    idEnd: number,
    headersStart: number,
    headersEnd: number,
    value: Buffer | undefined,
  ): number {
    const row = this.rows
    const from = value === undefined ? Math.max(cursor.valueStart, 0) : 0
    const to = value === undefined ? (cursor.valueStart < 0 ? 0 : cursor.valueEnd) : value.length
    this.#reserve(row, to - from + (idEnd - idStart) + (headersEnd - headersStart) + 80)
    if (row === 0) this.baseMicros = cursor.receivedAt
    this.#lineAt[row] = this.length
    this.#kindOf[row] = kind
    this.#offsets[row] = cursor.offset
    this.#number(row)
    this.buffer[this.length++] = SEPARATOR
    this.#writeKind(this.length, kind)
    this.length += KIND_DIGITS
    this.buffer[this.length++] = SEPARATOR
    this.#number(cursor.offset)
    this.buffer[this.length++] = SEPARATOR
    this.#number(cursor.receivedAt - this.baseMicros)
    this.buffer[this.length++] = SEPARATOR
    this.#copy(idBytes, idStart, idEnd)
    this.buffer[this.length++] = SEPARATOR
    if (headersEnd > headersStart) this.#copy(cursor.bytes, headersStart, headersEnd)
    this.buffer[this.length++] = SEPARATOR
    this.#valueAt[row] = this.length
    this.#copy(value ?? cursor.bytes, from, to)
    this.#valueEnd[row] = this.length
    this.buffer[this.length++] = NEWLINE
    this.valueBytes += to - from
    this.lineBytesMax = Math.max(this.lineBytesMax, this.length - this.#lineAt[row]!)
    this.rows = row + 1
    return row
  }

  kindOf(row: number): RowKind {
    return this.kinds[this.#kindOf[row]!]!
  }

  offsetOf(row: number): number {
    return this.#offsets[row]!
  }

  /** The row of an offset of a partition, or -1. Offsets of one partition ascend with the rows. */
  rowOf(partition: number, offset: number): number {
    if (this.kinds.every((kind) => kind.partition === partition)) {
      let low = 0
      let high = this.rows
      while (low < high) {
        const middle = (low + high) >>> 1
        if (this.#offsets[middle]! < offset) low = middle + 1
        else high = middle
      }
      return low < this.rows && this.#offsets[low] === offset ? low : -1
    }
    for (let row = 0; row < this.rows; row++) {
      if (this.#offsets[row] === offset && this.kindOf(row).partition === partition) return row
    }
    return -1
  }

  setFate(row: number, fate: Fate): void {
    const kind = this.kindId({ ...this.kindOf(row), fate })
    this.#kindOf[row] = kind
    const at = this.buffer.indexOf(SEPARATOR, this.#lineAt[row]) + 1
    this.#writeKind(at, kind)
  }

  valueOf(row: number): Buffer {
    return this.buffer.subarray(this.#valueAt[row]!, this.#valueEnd[row]!)
  }

  /** What the row's line says of the record. */
  recordOf(row: number): { eventId: string; receivedAt: number; value: Buffer } {
    const line = this.buffer.toString('latin1', this.#lineAt[row], this.#valueAt[row])
    const [, , , received, eventId] = line.split('\x01')
    return { eventId: eventId!, receivedAt: Number(received) + this.baseMicros, value: this.valueOf(row) }
  }

  /**
   * Makes every value one line of UTF-8: newlines become blanks. Returns the rows whose value cannot be such a line (not UTF-8,
   * or a control character that no JSON has); their value here is blanked, `bad` keeps it readable.
   */
  seal(): { row: number; bad: string }[] {
    const bad: { row: number; bad: string }[] = []
    const { buffer } = this
    const suspicious =
      !isUtf8(buffer.subarray(0, this.length)) || buffer.subarray(0, this.length).includes(13)
    for (let row = 0; row < this.rows; row++) {
      const end = this.#valueEnd[row]!
      if (!suspicious && buffer.indexOf(NEWLINE, this.#lineAt[row]) === end) continue
      const value = this.valueOf(row)
      if (isUtf8(value) && !value.includes(SEPARATOR) && !value.includes(0)) {
        for (let at = this.#valueAt[row]!; at < end; at++) {
          if (buffer[at] === NEWLINE || buffer[at] === 13) buffer[at] = 32
        }
        continue
      }
      bad.push({ row, bad: readable(value) })
      value.fill(32)
    }
    return bad
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  #reserve(row: number, bytes: number): void {
    if (row >= this.#lineAt.length) {
      const grown = this.#lineAt.length * 2
      this.#lineAt = enlarge(this.#lineAt, new Uint32Array(grown))
      this.#valueAt = enlarge(this.#valueAt, new Uint32Array(grown))
      this.#valueEnd = enlarge(this.#valueEnd, new Uint32Array(grown))
      this.#kindOf = enlarge(this.#kindOf, new Uint16Array(grown))
      this.#offsets = enlarge(this.#offsets, new Float64Array(grown))
    }
    if (this.length + bytes <= this.buffer.length) return
    const buffer = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + bytes))
    this.buffer.copy(buffer, 0, 0, this.length)
    this.buffer = buffer
  }

  /** Short runs byte by byte: a call into native code costs more than 40 bytes. */
  #copy(from: Buffer, start: number, end: number): void {
    if (end - start > 48) {
      from.copy(this.buffer, this.length, start, end)
      this.length += end - start
      return
    }
    const { buffer } = this
    let at = this.length
    for (let i = start; i < end; i++) buffer[at++] = from[i]!
    this.length = at
  }

  #writeKind(at: number, kind: number): void {
    let rest = kind
    for (let i = at + KIND_DIGITS - 1; i >= at; i--) {
      this.buffer[i] = 48 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
  }

  #number(value: number): void {
    const { buffer } = this
    let rest = value
    if (rest < 0) {
      buffer[this.length++] = 45
      rest = -rest
    }
    let digits = 1
    for (let limit = 10; rest >= limit; limit *= 10) digits += 1
    let at = this.length + digits
    this.length = at
    // Twice 32-bit arithmetic is faster than one long division in doubles.
    if (rest > 999_999_999) {
      let low = rest % 1_000_000_000
      rest = (rest - low) / 1_000_000_000
      for (let i = 0; i < 9; i++) {
        const next = (low / 10) | 0
        buffer[--at] = 48 + low - next * 10
        low = next
      }
    }
    do {
      const next = Math.floor(rest / 10)
      buffer[--at] = 48 + rest - next * 10
      rest = next
    } while (rest > 0)
  }
}

function enlarge<T extends Uint32Array | Uint16Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
