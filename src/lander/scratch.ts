/**
 * The rows of one chunk on their way from the log to DuckDB: bytes and numbers in flat buffers, column by column, no objects.
 * They are the pages of the scratch file as they stand (scratch-file.ts):
 *
 *   "offset" · received (µs) · happened (µs) · kind · event_id · h (request headers, "" for none) · raw (the value)
 *
 * A row is known by its number, from 0; `kind` names one of `kinds` (what rows have in common), so that a verdict found later can be
 * put over it in place. Columns that say nothing (one kind only, no headers at all, no healed events) are not in the file.
 */
import { isUtf8 } from 'node:buffer'
import type { RecordCursor } from '../log/log.ts'
import { recordHeader } from '../model/record.ts'
import { print, type Seed } from './duplicates/prints.ts'
import { readable } from './readable.ts'
import { type RowGroup, type ScratchColumn, writeScratchFile } from './scratch-file.ts'
import { GROUP_BITS, GROUP_MASK, type Group, keepGroups, LENGTH_BYTES, takeGroup } from './scratch-memory.ts'

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

/** The names of the columns that a scratch file has. */
export type ScratchColumns = ReadonlySet<string>

export class Scratch {
  rows = 0
  /** Bytes of values, which is what limits count. */
  valueBytes = 0
  readonly kinds: RowKind[] = []
  readonly #seed: Seed
  readonly #kindIds = new Map<string, number>()
  /** Rows of each partition as of so many rows; only kept when there are several. */
  #byPartition: { rows: number; of: Map<number, number[]> } | undefined
  readonly #groups: Group[] = []
  #hasHeaders = false
  /** Row of a healed event → µs at which its dead letter was received. */
  readonly #happened = new Map<number, number>()

  /** `seed`: of the ids' prints. */
  constructor(seed: Seed) {
    this.#seed = seed
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

  /**
   * Begins a row with its event id, `bytes[start, end)`, which is fingerprinted on the way. False when it is none: then another one must
   * be given.
   */
  begin(bytes: DataView, start: number, end: number): boolean {
    const at = this.rows & GROUP_MASK
    if (at === 0 && this.rows >>> GROUP_BITS === this.#groups.length) {
      this.#groups.push(takeGroup(this.#groups.at(-1)))
    }
    const group = this.#group(this.rows)
    if (!group.ids.addId(at, bytes, start, end, this.#seed)) return false
    group.prints[at * 2] = print.high
    group.prints[at * 2 + 1] = print.low
    return true
  }

  /** Completes the row by the cursor's record. `value` replaces its value where it must not stand as it is. Returns the row. */
  add(
    kind: number,
    cursor: RecordCursor,
    headersStart: number,
    headersEnd: number,
    value: Buffer | undefined,
  ): number {
    const row = this.rows
    const at = row & GROUP_MASK
    const group = this.#group(row)
    group.rows = at + 1
    group.kinds[at] = kind
    group.offsets[at] = cursor.offset
    group.received[at] = cursor.receivedAt
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

  setHappened(row: number, micros: number): void {
    this.#happened.set(row, micros)
  }

  valueOf(row: number): Buffer {
    return this.#group(row).values.get(row & GROUP_MASK)
  }

  /** Puts the print of the row's id into `print`. */
  printOf(row: number): void {
    const { prints } = this.#group(row)
    const at = (row & GROUP_MASK) * 2
    print.high = prints[at]!
    print.low = prints[at + 1]!
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

  /** Writes the scratch file. */
  async write(path: string): Promise<ScratchColumns> {
    const columns: ScratchColumn[] = [
      { name: 'offset', type: 'DOUBLE' },
      { name: 'received', type: 'DOUBLE' },
      { name: 'event_id', type: 'BYTE_ARRAY' },
      { name: 'raw', type: 'BYTE_ARRAY' },
    ]
    if (this.kinds.length > 1) columns.push({ name: 'kind', type: 'INT32' })
    if (this.#hasHeaders) columns.push({ name: 'h', type: 'BYTE_ARRAY' })
    if (this.#happened.size > 0) columns.push({ name: 'happened', type: 'DOUBLE' })
    const groups = this.#groups.map((group, index): RowGroup => {
      const { rows, offsets, received, ids, values, kinds } = group
      const pages = [view(offsets, rows), view(received, rows), ids.bytes(), values.bytes()]
      if (this.kinds.length > 1) pages.push(view(kinds, rows))
      if (this.#hasHeaders) pages.push(group.headersBefore(rows).bytes())
      if (this.#happened.size > 0) pages.push(view(this.#happenedOf(index << GROUP_BITS, group), rows))
      return { rows, columns: pages }
    })
    await writeScratchFile(path, columns, groups)
    return new Set(columns.map(({ name }) => name))
  }

  /** Gives the memory back, for the next chunks; nothing of this one may be asked for any more. */
  release(): void {
    keepGroups(this.#groups.splice(0))
  }

  /** When events happened: for all but healed ones, when they were received. */
  #happenedOf(base: number, { rows, received }: Group): Float64Array {
    const happened = received.slice(0, rows)
    for (const [row, micros] of this.#happened)
      if (row >= base && row < base + rows) happened[row - base] = micros
    return happened
  }

  #group(row: number): Group {
    return this.#groups[row >>> GROUP_BITS]!
  }
}

/** The first values of an array as bytes. Parquet is little-endian, as every machine that Node runs on here. */
function view(array: Float64Array | Int32Array, rows: number): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, rows * array.BYTES_PER_ELEMENT)
}
