/**
 * Takes records of the log into a chunk. A record that bears an event id and a plan version was read strictly at a door and
 * passes as bytes; any other (a foreign producer) is read strictly here. Ids are noted for duplicates as records come.
 */
import { isUtf8 } from 'node:buffer'
import type { LogBatch, RecordCursor } from '../log/log.ts'
import { isProblem, scanObject } from '../model/json-scan.ts'
import { recordHeader } from '../model/record.ts'
import type { Candidate, Duplicates } from './duplicates/duplicates.ts'
import { derivedEventId } from './event-ids.ts'
import type { RowFault } from './judge/judge.ts'
import { readable } from './readable.ts'
import { Scratch } from './scratch.ts'

/** Names of sources and plans are short; longer texts are a foreign producer's and mean nothing here. */
const NAME_BYTES_MAX = 128
/** Foreign records may name a new plan each: a chunk is cut rather than hold more kinds than this. */
const KINDS_MAX = 500

/** Records of one chunk, not judged yet. */
export interface Chunk {
  scratch: Scratch
  candidates: Candidate[]
  faults: Map<number, RowFault>
  /** Per partition, [from, to). */
  ranges: Record<number, { from: number; to: number }>
}

export interface ChunkLimits {
  bytes: number
  rows: number
}

export class Intake {
  readonly #logId: string
  readonly #duplicates: Duplicates
  readonly #limits: ChunkLimits
  chunk: Chunk
  readonly #kindCache = new Map<string, number>()

  constructor(logId: string, duplicates: Duplicates, limits: ChunkLimits) {
    this.#logId = logId
    this.#duplicates = duplicates
    this.#limits = limits
    this.chunk = emptyChunk()
  }

  get isEmpty(): boolean {
    return this.chunk.scratch.rows === 0
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
   * `to` bounds what is taken (a redo stops at its plan's end).
   */
  take(batch: LogBatch, cursor: RecordCursor, to = Number.POSITIVE_INFINITY): boolean {
    const { partition } = batch
    while (!this.isFull) {
      if (!cursor.next() || cursor.offset >= to) {
        this.#extend(partition, Math.min(batch.next, to))
        return true
      }
      this.#add(partition, cursor)
      this.#extend(partition, cursor.offset + 1, cursor.offset)
    }
    return false
  }

  /** Hands the chunk over and begins a new one. */
  cut(): Chunk {
    const { chunk } = this
    this.chunk = emptyChunk()
    this.#kindCache.clear()
    return chunk
  }

  #extend(partition: number, to: number, from?: number): void {
    const range = this.chunk.ranges[partition]
    if (range !== undefined) range.to = Math.max(range.to, to)
    else if (from !== undefined) this.chunk.ranges[partition] = { from, to }
  }

  #add(partition: number, cursor: RecordCursor): void {
    const { chunk } = this
    const { bytes } = cursor
    const plan = cursor.findHeader(recordHeader.plan) ? this.#name(cursor) : null
    const source = cursor.findHeader(recordHeader.source) ? this.#name(cursor) : null
    let headersStart = 0
    let headersEnd = 0
    if (cursor.findHeader(recordHeader.requestHeaders)) {
      headersStart = cursor.headerStart
      headersEnd = cursor.headerEnd
    }
    const route = cursor.findHeader(recordHeader.route)
    let idBytes = bytes
    let idStart = 0
    let idEnd = 0
    let own = cursor.findHeader(recordHeader.eventId)
    if (own) {
      idStart = cursor.headerStart
      idEnd = cursor.headerEnd
      own = isIdBytes(bytes, idStart, idEnd)
    }
    if (!own) {
      idBytes = Buffer.from(derivedEventId(this.#logId, partition, cursor.offset), 'latin1')
      idStart = 0
      idEnd = idBytes.length
    }
    const fault = own && plan !== null ? undefined : this.#strict(cursor)
    if (headersEnd > headersStart && !isPlain(bytes, headersStart, headersEnd)) headersEnd = headersStart
    const kind = this.#kind(partition, plan, source, fault !== undefined)
    const value = fault === undefined ? undefined : Buffer.from(readable(valueOf(cursor)), 'utf8')
    const row = chunk.scratch.add(kind, cursor, idBytes, idStart, idEnd, headersStart, headersEnd, value)
    if (fault !== undefined) chunk.faults.set(row, fault)
    const seen = this.#duplicates.note(partition, cursor.offset, cursor.receivedAt, idBytes, idStart, idEnd)
    if (seen) chunk.candidates.push({ row, route })
  }

  #name(cursor: RecordCursor): string | null {
    const { headerStart, headerEnd } = cursor
    if (headerEnd - headerStart > NAME_BYTES_MAX || headerEnd <= headerStart) return null
    return cursor.bytes.toString('latin1', headerStart, headerEnd)
  }

  #kind(partition: number, plan: string | null, source: string | null, dead: boolean): number {
    const key = `${dead ? 'd' : 'j'}${partition}/${plan}/${source}`
    let kind = this.#kindCache.get(key)
    if (kind === undefined) {
      kind = this.chunk.scratch.kindId({ partition, plan, source, fate: dead ? 'dead' : 'judge' })
      this.#kindCache.set(key, kind)
    }
    return kind
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

const NOTHING = Buffer.alloc(0)
const MALFORMED = { reason: 'malformed_json', field: null }

function emptyChunk(): Chunk {
  return { scratch: new Scratch(), candidates: [], faults: new Map(), ranges: {} }
}

function valueOf(cursor: RecordCursor): Buffer {
  return cursor.valueStart < 0 ? NOTHING : cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd)
}

function isIdBytes(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 1 || end - start > 128) return false
  for (let at = start; at < end; at++) if (bytes[at]! < 0x21 || bytes[at]! > 0x7e) return false
  return true
}

/** Whether a text has no control characters. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! < 0x20) return false
  return isUtf8(bytes.subarray(start, end))
}
