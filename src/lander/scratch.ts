/**
 * The rows of one chunk on their way from the log to DuckDB: bytes and numbers in flat buffers, column by column, no objects.
 * They are the pages of the scratch file as they stand (scratch-file.ts):
 *
 *   "offset" · received (µs) · kind · event_id · h (request headers, "" for none) · raw (the value)
 *
 * A row is known by its number, from 0; `kind` names one of `kinds` (what rows have in common), so that a verdict found later can be
 * put over it in place. Columns that say nothing (one kind only, no headers at all) are not in the file.
 */
import { isUtf8 } from 'node:buffer'
import type { RecordCursor } from '../log/log.ts'
import { recordHeader } from '../model/record.ts'
import { fingerprint, print } from './duplicates/fingerprint-index.ts'
import { readable } from './readable.ts'
import { type RowGroup, type ScratchColumn, writeScratchFile } from './scratch-file.ts'

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

/** Rows of a group: a power of two, so that a row finds its group by a shift. */
const GROUP_BITS = 15
const GROUP_ROWS = 1 << GROUP_BITS
const GROUP_MASK = GROUP_ROWS - 1

export class Scratch {
  rows = 0
  /** Bytes of values, which is what limits count. */
  valueBytes = 0
  readonly kinds: RowKind[] = []
  readonly #kindIds = new Map<string, number>()
  /** Rows of each partition as of so many rows; only kept when there are several. */
  #byPartition: { rows: number; of: Map<number, number[]> } | undefined
  readonly #groups: Group[] = []
  readonly #spare: Group[]
  #hasHeaders = false

  /** Takes its memory out of `spare` first. */
  constructor(spare: Group[] = []) {
    this.#spare = spare
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
    const at = row & GROUP_MASK
    if (at === 0) this.#groups.push(this.#spare.pop() ?? new Group(this.#groups.at(-1)))
    const group = this.#groups[row >>> GROUP_BITS]!
    group.rows = at + 1
    group.kinds[at] = kind
    group.offsets[at] = cursor.offset
    group.received[at] = cursor.receivedAt
    group.ids.add(at, idBytes, idStart, idEnd)
    fingerprint(idBytes, idStart, idEnd)
    group.prints[at * 2] = print.high
    group.prints[at * 2 + 1] = print.low
    group.routes[at] = cursor.findHeader(recordHeader.route) ? 1 : 0
    if (headersEnd > headersStart) {
      this.#hasHeaders = true
      group.headersBefore(at).add(at, cursor.bytes, headersStart, headersEnd)
    } else if (group.headers.rows > 0) group.headers.addEmpty(at)
    const before = group.values.length
    if (value !== undefined) group.values.add(at, value, 0, value.length)
    else if (cursor.valueStart < 0) group.values.addEmpty(at)
    else group.values.add(at, cursor.bytes, cursor.valueStart, cursor.valueEnd)
    this.valueBytes += group.values.length - before - LENGTH_BYTES
    this.rows = row + 1
    return row
  }

  /** Calls back with the rows from `from` on, group by group: rows [first, last) of a group whose first row is `base`. */
  eachGroup(from: number, visit: (group: Group, base: number, first: number, last: number) => void): void {
    for (let row = from; row < this.rows; ) {
      const group = this.#group(row)
      const base = row - (row & GROUP_MASK)
      visit(group, base, row - base, group.rows)
      row = base + group.rows
    }
  }

  kindOf(row: number): RowKind {
    return this.kinds[this.#group(row).kinds[row & GROUP_MASK]!]!
  }

  offsetOf(row: number): number {
    return this.#group(row).offsets[row & GROUP_MASK]!
  }

  /** The row of an offset of a partition, or -1. Offsets of one partition ascend with the rows. */
  rowOf(partition: number, offset: number): number {
    const rows = this.#rowsOf(partition)
    const rowAt = (index: number) => (rows === undefined ? index : rows[index]!)
    const count = rows?.length ?? this.rows
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offsetOf(rowAt(middle)) < offset) low = middle + 1
      else high = middle
    }
    return low < count && this.offsetOf(rowAt(low)) === offset ? rowAt(low) : -1
  }

  /** The rows of a partition; undefined when they are all of them. */
  #rowsOf(partition: number): readonly number[] | undefined {
    if (this.kinds.every((kind) => kind.partition === partition)) return undefined
    if (this.#byPartition?.rows !== this.rows) {
      const of = new Map<number, number[]>()
      for (const kind of this.kinds) of.set(kind.partition, [])
      for (let row = 0; row < this.rows; row++) of.get(this.kindOf(row).partition)!.push(row)
      this.#byPartition = { rows: this.rows, of }
    }
    return this.#byPartition.of.get(partition) ?? []
  }

  setFate(row: number, fate: Fate): void {
    this.#group(row).kinds[row & GROUP_MASK] = this.kindId({ ...this.kindOf(row), fate })
  }

  valueOf(row: number): Buffer {
    return this.#group(row).values.get(row & GROUP_MASK)
  }

  recordOf(row: number): { eventId: string; receivedAt: number; value: Buffer } {
    const group = this.#group(row)
    const at = row & GROUP_MASK
    const eventId = group.ids.get(at).toString('latin1')
    return { eventId, receivedAt: group.received[at]!, value: group.values.get(at) }
  }

  /** Blanks the values that are not UTF-8, which no reader of the file would take; `bad` keeps each readable. */
  blankBytes(): { row: number; bad: string }[] {
    const bad: { row: number; bad: string }[] = []
    for (let row = 0; row < this.rows; row++) {
      const value = this.valueOf(row)
      if (isUtf8(value)) continue
      bad.push({ row, bad: readable(value) })
      value.fill(32)
    }
    return bad
  }

  /** Writes the scratch file; returns the names of its columns. */
  async write(path: string): Promise<Set<string>> {
    const columns: ScratchColumn[] = [
      { name: 'offset', type: 'DOUBLE' },
      { name: 'received', type: 'DOUBLE' },
      { name: 'event_id', type: 'BYTE_ARRAY' },
      { name: 'raw', type: 'BYTE_ARRAY' },
    ]
    if (this.kinds.length > 1) columns.push({ name: 'kind', type: 'INT32' })
    if (this.#hasHeaders) columns.push({ name: 'h', type: 'BYTE_ARRAY' })
    const groups = this.#groups.map((group): RowGroup => {
      const { rows, offsets, received, ids, values, kinds } = group
      const pages = [view(offsets, rows), view(received, rows), ids.bytes(), values.bytes()]
      if (this.kinds.length > 1) pages.push(view(kinds, rows))
      if (this.#hasHeaders) pages.push(group.headersBefore(rows).bytes())
      return { rows, columns: pages }
    })
    await writeScratchFile(path, columns, groups)
    return new Set(columns.map(({ name }) => name))
  }

  /** Gives the memory back, for the next chunks; nothing of this one may be asked for any more. */
  release(to: Group[]): void {
    for (const group of this.#groups.splice(0)) {
      group.clear()
      to.push(group)
    }
  }

  #group(row: number): Group {
    return this.#groups[row >>> GROUP_BITS]!
  }
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

const LENGTH_BYTES = 4

/** Texts one behind the other, each after its length: PLAIN values of Parquet. */
class Texts {
  rows = 0
  length = 0
  #buffer: Buffer
  /** Where each text begins, behind its length. */
  readonly #at = new Uint32Array(GROUP_ROWS)

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.05))
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
    const to = this.#buffer
    to[at] = size & 0xff
    to[at + 1] = (size >>> 8) & 0xff
    to[at + 2] = (size >>> 16) & 0xff
    to[at + 3] = size >>> 24
    this.length = at + LENGTH_BYTES
    this.#at[row] = this.length
    this.rows = row + 1
  }

  #grow(least: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, least, 1 << 14))
    this.#buffer.copy(buffer, 0, 0, this.length)
    this.#buffer = buffer
  }
}

/** The first values of an array as bytes. Parquet is little-endian, as every machine that Node runs on here. */
function view(array: Float64Array | Int32Array, rows: number): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, rows * array.BYTES_PER_ELEMENT)
}
