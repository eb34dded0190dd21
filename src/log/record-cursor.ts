/** Kafka's record batch, version 2, decoded; the layout is drawn in record-batch.ts. Checksums are checked before. */
import { LandfallError } from '../base/errors.ts'
import type { LogRecord } from '../model/record.ts'
import { recordHeader } from '../model/record.ts'
import type { LogBatch, RecordCursor } from './log.ts'
import { BATCH_HEADER_BYTES, readWholeHeader } from './record-batch.ts'

/** Records of ours have six headers at most. */
const HEADERS_MARKED = 8
const US_0 = recordHeader.micros.charCodeAt(0)
const US_1 = recordHeader.micros.charCodeAt(1)

/** Records `first` to `next` (exclusive) of the batches that stand one behind the other in `bytes` from `at`. */
export class EncodedBatch implements LogBatch {
  readonly partition: number
  readonly next: number
  readonly #bytes: Buffer
  readonly #at: number
  readonly #first: number
  #records: LogRecord[] | undefined

  constructor(bytes: Buffer, at: number, first: number, next: number, partition = 0) {
    this.partition = partition
    this.#bytes = bytes
    this.#at = at
    this.#first = first
    this.next = next
  }

  cursor(): BatchCursor {
    return new BatchCursor(this.#bytes, this.#at, this.#first, this.next)
  }

  get records(): readonly LogRecord[] {
    if (this.#records === undefined) {
      this.#records = []
      const cursor = this.cursor()
      while (cursor.next()) this.#records.push(cursor.toRecord(this.partition))
    }
    return this.#records
  }
}

/**
 * Records `first` to `next` (exclusive) of `bytes`, in batches of about `bytesMax` bytes of values at most; a larger record
 * comes alone.
 */
export function* cutByBytes(
  bytes: Buffer,
  first: number,
  next: number,
  bytesMax: number,
  partition = 0,
): Generator<EncodedBatch> {
  let from = first
  // Values are no longer than what frames them: nothing to cut, nothing to walk over.
  if (bytes.length > bytesMax) {
    const cursor = new BatchCursor(bytes, 0, first, next)
    let gathered = 0
    while (cursor.next()) {
      const size = cursor.valueStart < 0 ? 0 : cursor.valueEnd - cursor.valueStart
      if (gathered > 0 && gathered + size > bytesMax) {
        yield new EncodedBatch(bytes, 0, from, cursor.offset, partition)
        from = cursor.offset
        gathered = 0
      }
      gathered += size
    }
  }
  yield new EncodedBatch(bytes, 0, from, next, partition)
}

export class BatchCursor implements RecordCursor {
  readonly bytes: Buffer
  offset = -1
  receivedAt = 0
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  headerStart = -1
  headerEnd = -1

  readonly #first: number
  readonly #limit: number
  #at: number
  /** Records of the current batch still to come, and where they begin to count. */
  #left = 0
  #baseOffset = 0
  #baseMs = 0
  #deltaFactor = 1
  #headersAt = 0
  #headersCount = 0
  /** Where name and value of the first headers begin and end, so that looking for one reads no numbers again. */
  readonly #marks = new Int32Array(HEADERS_MARKED * 4)

  constructor(bytes: Buffer, at: number, first: number, limit: number) {
    this.bytes = bytes
    this.#at = at
    this.#first = first
    this.#limit = limit
  }

  next(): boolean {
    for (;;) {
      while (this.#left === 0) if (!this.#enterBatch()) return false
      this.#left -= 1
      this.#readRecord()
      if (this.offset >= this.#limit) return false
      if (this.offset >= this.#first) return true
    }
  }

  findHeader(name: string): boolean {
    const marks = this.#marks
    const marked = Math.min(this.#headersCount, HEADERS_MARKED)
    for (let i = 0; i < marked; i++) {
      const nameAt = marks[i * 4]!
      if (marks[i * 4 + 1]! - nameAt !== name.length || !isText(this.bytes, nameAt, name)) continue
      this.headerStart = marks[i * 4 + 2]!
      this.headerEnd = marks[i * 4 + 3]!
      return true
    }
    return this.#headersCount > marked && this.#findUnmarked(name)
  }

  #findUnmarked(name: string): boolean {
    const end = this.#at
    this.#at = this.#headersAt
    let found = false
    for (let i = 0; i < this.#headersCount && !found; i++) {
      const length = this.#varint()
      const nameAt = this.#at
      this.#at += length
      this.#readHeaderValue()
      found = length === name.length && isText(this.bytes, nameAt, name)
    }
    this.#at = end
    return found
  }

  /** The record as an object; key, value and header values point into `bytes`. */
  toRecord(partition: number): LogRecord {
    const bytes = this.bytes
    return {
      partition,
      offset: this.offset,
      receivedAt: this.receivedAt,
      key: this.keyStart < 0 ? null : bytes.subarray(this.keyStart, this.keyEnd),
      value: this.valueStart < 0 ? bytes.subarray(0, 0) : bytes.subarray(this.valueStart, this.valueEnd),
      headers: this.#headers(),
    }
  }

  #headers(): [string, Buffer][] {
    const headers: [string, Buffer][] = []
    const end = this.#at
    this.#at = this.#headersAt
    for (let i = 0; i < this.#headersCount; i++) {
      const length = this.#varint()
      const nameAt = this.#at
      this.#at += length
      this.#readHeaderValue()
      if (isMicros(this.bytes, nameAt, length)) continue
      headers.push([
        textOf(this.bytes, nameAt, length),
        this.bytes.subarray(this.headerStart, this.headerEnd),
      ])
    }
    this.#at = end
    return headers
  }

  /** Steps into the batch at `#at`; false behind the last one or at the limit. */
  #enterBatch(): boolean {
    const header = readWholeHeader(this.bytes, this.#at)
    if (header === undefined || header.baseOffset >= this.#limit) return false
    if (header.nextOffset <= this.#first) {
      this.#at += header.length
      return true
    }
    this.#at += BATCH_HEADER_BYTES
    this.#left = header.count
    this.#baseOffset = header.baseOffset
    this.#baseMs = header.appendTime ? header.maxMs : header.baseMs
    this.#deltaFactor = header.appendTime ? 0 : 1
    return true
  }

  #readRecord(): void {
    const length = this.#varint()
    const end = this.#at + length
    this.#at += 1
    const ms = this.#baseMs + this.#varlong() * this.#deltaFactor
    this.offset = this.#baseOffset + this.#varint()
    if (this.offset < this.#first) {
      this.#at = end
      return
    }
    let size = this.#varint()
    this.keyStart = size < 0 ? -1 : this.#at
    if (size > 0) this.#at += size
    this.keyEnd = this.#at
    size = this.#varint()
    this.valueStart = size < 0 ? -1 : this.#at
    if (size > 0) this.#at += size
    this.valueEnd = this.#at
    this.#headersCount = this.#varint()
    this.#headersAt = this.#at
    this.receivedAt = ms * 1000 + this.#skipHeaders()
    if (this.#at !== end) throw this.#malformed(end)
  }

  /** Runs over the headers for the microseconds, which travel in one of them. */
  #skipHeaders(): number {
    const marks = this.#marks
    let micros = 0
    for (let i = 0; i < this.#headersCount; i++) {
      const length = this.#varint()
      const nameAt = this.#at
      this.#at += length
      const nameEnd = this.#at
      const size = this.#varint()
      const valueAt = this.#at
      if (isMicros(this.bytes, nameAt, length)) {
        micros = digits(this.bytes, valueAt, size)
      }
      if (size > 0) this.#at += size
      if (i >= HEADERS_MARKED) continue
      marks[i * 4] = nameAt
      marks[i * 4 + 1] = nameEnd
      marks[i * 4 + 2] = valueAt
      marks[i * 4 + 3] = this.#at
    }
    return micros
  }

  #readHeaderValue(): void {
    const size = this.#varint()
    this.headerStart = this.#at
    if (size > 0) this.#at += size
    this.headerEnd = this.#at
  }

  #varint(): number {
    const bytes = this.bytes
    let byte = bytes[this.#at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      byte = bytes[this.#at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw this.#malformed(this.#at)
  }

  #varlong(): number {
    const from = this.#at
    let to = from // its last byte; up to four bytes fit 32 bits for sure
    while (this.bytes[to]! >= 0x80) to += 1
    if (to - from < 4) return this.#varint()
    let value = 0n
    for (let at = to; at >= from; at--) value = (value << 7n) | BigInt(this.bytes[at]! & 0x7f)
    this.#at = to + 1
    return Number(BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n)))
  }

  #malformed(expected: number): LandfallError {
    return new LandfallError(
      'bad-data',
      'log/damaged',
      `reading the record at offset ${this.offset}: it should end at byte ${expected} and ends at ${this.#at}`,
      {
        hint: 'The checksum is right, so another program wrote these bytes: restore the segment from a backup',
        details: { from: this.offset, to: this.offset + 1 },
      },
    )
  }
}

function isMicros(bytes: Buffer, at: number, length: number): boolean {
  return length === 2 && bytes[at] === US_0 && bytes[at + 1] === US_1
}

/** Decimal 0 to 999; 0 for anything else (a foreign producer may use the name). */
function digits(bytes: Buffer, at: number, size: number): number {
  let number = 0
  for (let i = 0; i < size; i++) {
    const digit = bytes[at + i]! - 0x30
    if (digit < 0 || digit > 9 || size > 3) return 0
    number = number * 10 + digit
  }
  return number
}

function isText(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

const NAMES = new Map<number, string>()

/** A header's name as a string: the same few over and over, so each is made once (for one byte to six of ASCII). */
function textOf(bytes: Buffer, at: number, length: number): string {
  if (length === 0 || length > 6) return bytes.toString('utf8', at, at + length)
  let code = 1
  for (let i = 0; i < length; i++) {
    if (bytes[at + i]! > 0x7f) return bytes.toString('utf8', at, at + length)
    code = code * 128 + bytes[at + i]!
  }
  let name = NAMES.get(code)
  if (name === undefined) {
    name = bytes.toString('latin1', at, at + length)
    if (NAMES.size < 256) NAMES.set(code, name)
  }
  return name
}
