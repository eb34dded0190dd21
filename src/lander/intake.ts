/**
 * Takes records of the log into a chunk. A record that bears an event id and a plan version was read strictly at a door and
 * passes as bytes; any other (a foreign producer) is read strictly here. Ids are noted for duplicates as records come.
 */
import { isUtf8 } from 'node:buffer'
import type { LogBatch, RecordCursor } from '../log/log.ts'
import { HEALED_PREFIX } from '../model/healed.ts'
import { isProblem, scanObject } from '../model/json-scan.ts'
import type { Position } from '../model/position.ts'
import { recordHeader } from '../model/record.ts'
import type { Candidate, Duplicates } from './duplicates/duplicates.ts'
import { derivedEventId } from './event-ids.ts'
import type { RowFault } from './judge/judge.ts'
import { readable } from './readable.ts'
import { Scratch } from './scratch.ts'
import { viewOf } from './scratch-memory.ts'

/** Names of sources and plans are short; longer texts are a foreign producer's and mean nothing here. */
const NAME_BYTES_MAX = 128
/** Foreign records may name a new plan each: a chunk is cut rather than hold more kinds than this. */
const KINDS_MAX = 500

/** Records of one chunk, not judged yet. */
export interface Chunk {
  scratch: Scratch
  candidates: Candidate[]
  faults: Map<number, RowFault>
  /** Rows of healed events, in order: other rules say which of them repeat an earlier one (healed-events.ts). */
  healed: Set<number>
  /** Per partition, [from, to). They follow on each other: a topic's offsets without a record belong to the range they lie in. */
  ranges: Record<number, { from: number; to: number }>
}

export interface ChunkLimits {
  bytes: number
  rows: number
}

/** What tells repeated ids. */
export type NotesIds = Pick<Duplicates, 'seed' | 'note'>

export class Intake {
  readonly #logId: string
  readonly #ids: NotesIds
  readonly #limits: ChunkLimits
  chunk: Chunk
  readonly plan = new NameHeader(recordHeader.plan)
  readonly source = new NameHeader(recordHeader.source)
  #lastKind = -1
  #lastPartition = -1
  /** Per partition: everything before it is in this chunk or an earlier one. */
  #taken: Record<number, number> = {}

  constructor(logId: string, ids: NotesIds, limits: ChunkLimits) {
    this.#logId = logId
    this.#ids = ids
    this.#limits = limits
    this.chunk = this.#emptyChunk()
  }

  /** Begins at a position; what was taken in before is forgotten. */
  begin(position: Position): void {
    this.#taken = { ...position.next }
    this.chunk = this.#emptyChunk()
    this.#lastKind = -1
  }

  /** Offsets without a record are something too: the tables' position passes them. */
  get isEmpty(): boolean {
    const { scratch, ranges } = this.chunk
    return scratch.rows === 0 && Object.values(ranges).every(({ from, to }) => from === to)
  }

  get isFull(): boolean {
    const { scratch } = this.chunk
    return (
      scratch.rows >= this.#limits.rows ||
      scratch.valueBytes >= this.#limits.bytes ||
      scratch.kinds.length >= KINDS_MAX
    )
  }

  /**
   * Takes records of the batch from the cursor on until its end or until the chunk is full; true when the batch is used up.
   * `to` bounds what is taken (a redo stops at its plan's end), `rows` how much at a stretch.
   */
  take(batch: LogBatch, cursor: RecordCursor, bounds: { to?: number; rows?: number } = {}): boolean {
    const { partition } = batch
    const { to = Number.POSITIVE_INFINITY, rows = Number.POSITIVE_INFINITY } = bounds
    const view = viewOf(cursor.bytes)
    const before = this.chunk.scratch.rows
    let usedUp = false
    let last = -1
    for (let taken = 0; taken < rows && !this.isFull; taken++) {
      if (!cursor.next() || cursor.offset >= to) {
        usedUp = true
        break
      }
      this.#add(partition, cursor, view)
      last = cursor.offset
    }
    if (last >= 0) this.#extend(partition, last + 1)
    if (usedUp) this.#extend(partition, Math.min(batch.next, to))
    this.#note(partition, before)
    return usedUp
  }

  /** Hands the chunk over and begins a new one. */
  cut(): Chunk {
    const { chunk } = this
    this.chunk = this.#emptyChunk()
    this.#lastKind = -1
    return chunk
  }

  #emptyChunk(): Chunk {
    return {
      scratch: new Scratch(this.#ids.seed),
      candidates: [],
      faults: new Map(),
      healed: new Set(),
      ranges: {},
    }
  }

  #extend(partition: number, to: number): void {
    const from = this.#taken[partition] ?? 0
    if (to <= from) return
    this.#taken[partition] = to
    const range = this.chunk.ranges[partition]
    if (range !== undefined) range.to = to
    else this.chunk.ranges[partition] = { from, to }
  }

  /** `view`: the cursor's bytes. */
  #add(partition: number, cursor: RecordCursor, view: DataView): void {
    const { plan, source } = this
    const { scratch, faults } = this.chunk
    plan.read(cursor)
    source.read(cursor)
    const own = cursor.findHeader(recordHeader.eventId) && this.#beginRow(view, cursor)
    if (!own) {
      const id = Buffer.from(derivedEventId(this.#logId, partition, cursor.offset), 'latin1')
      scratch.begin(viewOf(id), 0, id.length)
    }
    const isHealed = own && isHealedId(cursor)
    let headersStart = 0
    let headersEnd = 0
    if (cursor.findHeader(recordHeader.requestHeaders)) {
      headersStart = cursor.headerStart
      headersEnd = isPlain(cursor.bytes, cursor.headerStart, cursor.headerEnd)
        ? cursor.headerEnd
        : headersStart
    }
    const fault = own && plan.text !== null ? undefined : this.#strict(cursor)
    const value = fault === undefined ? undefined : Buffer.from(readable(valueOf(cursor)), 'utf8')
    const kind = fault === undefined ? this.#kind(partition) : this.#deadKind(partition)
    const row = scratch.add(kind, cursor, headersStart, headersEnd, value)
    if (fault !== undefined) faults.set(row, fault)
    if (isHealed) this.#addHealed(row, cursor)
  }

  #addHealed(row: number, cursor: RecordCursor): void {
    const { healed, scratch } = this.chunk
    healed.add(row)
    if (!cursor.findHeader(recordHeader.happened)) return
    const text = cursor.bytes.toString('latin1', cursor.headerStart, cursor.headerEnd)
    if (/^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(Number(text)))
      scratch.setHappened(row, Number(text))
  }

  /** Begins a row with the record's own id; false when what it has is none. */
  #beginRow(view: DataView, { headerStart, headerEnd }: RecordCursor): boolean {
    const length = headerEnd - headerStart
    return length >= 1 && length <= 128 && this.chunk.scratch.begin(view, headerStart, headerEnd)
  }

  /** Looks for the ids of the rows from `from` on among all before them, in one go. */
  #note(partition: number, from: number): void {
    const { scratch, candidates, healed } = this.chunk
    scratch.eachGroup(from, (group, base, first, last) => {
      this.#ids.note(partition, group, first, last, (at) => {
        const row = base + at
        candidates.push({ row, route: group.routes[at] === 1, healed: healed.has(row) })
      })
    })
  }

  /** The kind of a record that is to be judged; that of the record before, most of the time. */
  #kind(partition: number): number {
    const { plan, source } = this
    if (this.#lastKind >= 0 && this.#lastPartition === partition && !plan.changed && !source.changed) {
      return this.#lastKind
    }
    const { text } = plan
    this.#lastPartition = partition
    this.#lastKind = this.chunk.scratch.kindId({ partition, plan: text, source: source.text, fate: 'judge' })
    plan.changed = false
    source.changed = false
    return this.#lastKind
  }

  #deadKind(partition: number): number {
    const { plan, source } = this
    return this.chunk.scratch.kindId({ partition, plan: plan.text, source: source.text, fate: 'dead' })
  }

  /** Reads a value that no door has read. */
  #strict(cursor: RecordCursor): RowFault | undefined {
    const value = valueOf(cursor)
    if (!isUtf8(value)) return { ...MALFORMED, detail: 'not UTF-8' }
    const members = scanObject(value.toString('utf8'))
    if (!isProblem(members)) return undefined
    return { ...MALFORMED, detail: `${members.problem} at character ${members.at + 1}` }
  }
}

/** A header that says the same in most records: its text is made only when its bytes are others than before. */
class NameHeader {
  /** Null when the record has none. */
  text: string | null = null
  /** Set when the text becomes another; whoever has seen it resets it. */
  changed = true
  readonly #name: string
  readonly #bytes = Buffer.alloc(NAME_BYTES_MAX)
  #length = 0

  constructor(name: string) {
    this.#name = name
  }

  read(cursor: RecordCursor): void {
    const there = cursor.findHeader(this.#name)
    const start = cursor.headerStart
    const length = there ? cursor.headerEnd - start : 0
    if (length === this.#length && this.#isSame(cursor.bytes, start)) return
    this.changed = true
    if (length <= 0 || length > NAME_BYTES_MAX) {
      this.#length = 0
      this.text = null
      return
    }
    cursor.bytes.copy(this.#bytes, 0, start, start + length)
    this.#length = length
    this.text = cursor.bytes.toString('latin1', start, start + length)
  }

  #isSame(bytes: Buffer, start: number): boolean {
    for (let i = 0; i < this.#length; i++) if (bytes[start + i] !== this.#bytes[i]) return false
    return true
  }
}

const NOTHING = Buffer.alloc(0)
const MALFORMED = { reason: 'malformed_json', field: null }

function valueOf(cursor: RecordCursor): Buffer {
  return cursor.valueStart < 0 ? NOTHING : cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd)
}

/** Whether the id that the cursor has found is a healed event's. */
function isHealedId({ bytes, headerStart, headerEnd }: RecordCursor): boolean {
  if (headerEnd - headerStart <= HEALED_PREFIX.length) return false
  for (let i = 0; i < HEALED_PREFIX.length; i++)
    if (bytes[headerStart + i] !== HEALED_PREFIX.charCodeAt(i)) return false
  return true
}

/** Whether a text has no control characters. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! < 0x20) return false
  return isUtf8(bytes.subarray(start, end))
}
