/**
 * Kafka's record batch, version 2 (magic 2), encoded: https://kafka.apache.org/documentation/#recordbatch
 *
 *      0  baseOffset            int64    offset of the first record
 *      8  batchLength           int32    bytes after this field
 *     12  partitionLeaderEpoch  int32    0
 *     16  magic                 int8     2
 *     17  crc                   uint32   CRC-32C of everything from `attributes` to the end
 *     21  attributes            int16    0: no compression, create time
 *     23  lastOffsetDelta       int32    recordsCount - 1
 *     27  baseTimestamp         int64    milliseconds of the first record
 *     35  maxTimestamp          int64    milliseconds of the latest record
 *     43  producerId            int64    -1
 *     51  producerEpoch         int16    -1
 *     53  baseSequence          int32    -1
 *     57  recordsCount          int32
 *     61  records:
 *           length          varint       bytes after this field
 *           attributes      int8         0
 *           timestampDelta  varlong      milliseconds from baseTimestamp
 *           offsetDelta     varint       from baseOffset
 *           keyLength       varint       -1: null
 *           key
 *           valueLength     varint       -1: null (erased)
 *           value
 *           headersCount    varint
 *             nameLength    varint
 *             name
 *             valueLength   varint
 *             value
 *
 * Numbers are big-endian; a varint is zigzag, then seven bits a byte, lowest first. The CRC does not cover the first 21
 * bytes, so who reads a frame compares `baseOffset` with the offset that must come, and `partitionLeaderEpoch` with 0.
 *
 * A marker is a batch without records and without an offset of its own: recordsCount 0, lastOffsetDelta -1, `baseOffset` =
 * the offset of the next record to come. See docs/formats/log.md.
 */
import { crc32c } from '@node-rs/crc32'
import type { NewRecord } from '../model/record.ts'
import { recordHeader } from '../model/record.ts'

export const BATCH_HEADER_BYTES = 61
/** Bytes before the ones that `batchLength` counts. */
export const LENGTH_END = 12
const CRC_AT = 17
/** Bit of the attributes: the broker's time stands for that of every record. */
const APPEND_TIME = 0x08
const CRC_FROM = 21
const MICROS = recordHeader.micros

/** About the bytes that records take in a frame: values, text (one byte a character) and what frames them. */
export function estimateBytes(records: readonly NewRecord[]): number {
  let bytes = 0
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    bytes += record.value.length + (record.key === null ? 0 : record.key.length) + 20
    const headers = record.headers
    for (let h = 0; h < headers.length; h++) bytes += headers[h]![0].length + headers[h]![1].length + 4
  }
  return bytes
}

function roomFor(record: NewRecord): number {
  let text = record.key === null ? 0 : record.key.length
  const headers = record.headers
  for (let h = 0; h < headers.length; h++) text += headers[h]![0].length + headers[h]![1].length + 4
  // A UTF-16 unit takes at most three bytes of UTF-8; 64 covers lengths, deltas and the header `us`.
  return record.value.length + text * 3 + 64
}

/** Who wrote a batch, and as how manyeth record of its partition, so that a broker knows a repeat (KIP-98). */
export interface BatchProducer {
  id: bigint
  epoch: number
  /** Of the first record. */
  sequence: number
}

/**
 * One batch in the making. Records are encoded the moment they are added, into one buffer that grows and is used again;
 * only the header waits until the base offset is known.
 */
export class BatchBuilder {
  #bytes: Buffer
  #end = BATCH_HEADER_BYTES
  #count = 0
  #baseMs = 0
  #maxMs = 0

  constructor(bytes = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes)
  }

  get count(): number {
    return this.#count
  }

  /** Bytes of the whole batch so far, its header included. */
  get length(): number {
    return this.#end
  }

  /** Bytes that the buffer holds on to. */
  get capacity(): number {
    return this.#bytes.length
  }

  clear(): void {
    this.cutBack(0, BATCH_HEADER_BYTES)
  }

  /** Forgets the records from the `count`-th on, which begins at `length` (both as they were read before it came). */
  cutBack(count: number, length: number): void {
    this.#count = count
    this.#end = length
  }

  add(record: NewRecord): void {
    const room = roomFor(record)
    if (this.#end + room > this.#bytes.length) this.#grow(room)
    const ms = Math.floor(record.receivedAt / 1000)
    const micros = record.receivedAt - ms * 1000
    if (this.#count === 0) {
      this.#baseMs = ms
      this.#maxMs = ms
    } else if (ms > this.#maxMs) this.#maxMs = ms

    const bytes = this.#bytes
    const value = record.value
    const start = this.#end
    // The length comes first and is known last: leave the room it will most likely take.
    const guess = varintSize(value.length + 64)
    let at = start + guess
    bytes[at++] = 0
    at = putVarlong(bytes, at, ms - this.#baseMs)
    at = putVarint(bytes, at, this.#count)
    at = record.key === null ? putVarint(bytes, at, -1) : putText(bytes, at, record.key)
    at = putVarint(bytes, at, value.length)
    bytes.set(value, at)
    at = putHeaders(bytes, at + value.length, record.headers, micros)

    const length = at - start - guess
    const size = varintSize(length)
    if (size !== guess) {
      bytes.copyWithin(start + size, start + guess, at)
      at += size - guess
    }
    putVarint(bytes, start, length)
    this.#end = at
    this.#count += 1
  }

  /** Writes the header for this base offset; the bytes stay valid until `clear` or `add`. May be called again. */
  seal(baseOffset: number, producer?: BatchProducer): Buffer {
    const bytes = this.#bytes
    writeHeader(bytes, baseOffset, this.#end, this.#count, this.#baseMs, this.#maxMs)
    if (producer !== undefined) {
      bytes.writeBigInt64BE(producer.id, 43)
      bytes.writeInt16BE(producer.epoch, 51)
      bytes.writeInt32BE(producer.sequence, 53)
    }
    const batch = bytes.subarray(0, this.#end)
    bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM, this.#end)), CRC_AT)
    return batch
  }

  #grow(room: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + room))
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }
}

/** A marker: says that everything below `nextOffset` was durable when it was written. */
export function encodeMarker(nextOffset: number, nowMs: number): Buffer {
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES)
  writeHeader(bytes, nextOffset, BATCH_HEADER_BYTES, 0, nowMs, nowMs)
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_AT)
  return bytes
}

function writeHeader(
  bytes: Buffer,
  baseOffset: number,
  end: number,
  count: number,
  baseMs: number,
  maxMs: number,
): void {
  putInt64(bytes, 0, baseOffset)
  bytes.writeInt32BE(end - LENGTH_END, 8)
  bytes.writeInt32BE(0, 12)
  bytes[16] = 2
  bytes.writeInt16BE(0, 21)
  bytes.writeInt32BE(count - 1, 23)
  putInt64(bytes, 27, baseMs)
  putInt64(bytes, 35, maxMs)
  bytes.fill(0xff, 43, 57)
  bytes.writeInt32BE(count, 57)
}

/** What the header of a batch says. */
export interface BatchHeader {
  baseOffset: number
  /** Bytes of the whole batch. */
  length: number
  /** Offset behind the last record: equal to `baseOffset` in a marker. */
  nextOffset: number
  count: number
  baseMs: number
  maxMs: number
}

/** The header at `at`, or undefined when what stands there cannot be one of ours (zeros, garbage, too few bytes). */
export function readHeader(bytes: Buffer, at: number): BatchHeader | undefined {
  if (at + BATCH_HEADER_BYTES > bytes.length || bytes[at + 16] !== 2 || bytes.readInt32BE(at + 12) !== 0)
    return
  const length = bytes.readInt32BE(at + 8) + LENGTH_END
  const count = bytes.readInt32BE(at + 57)
  const last = bytes.readInt32BE(at + 23)
  if (length < BATCH_HEADER_BYTES || count < 0 || last !== count - 1) return
  const baseOffset = getInt64(bytes, at)
  if (baseOffset < 0 || baseOffset + count > Number.MAX_SAFE_INTEGER) return
  const baseMs = getInt64(bytes, at + 27)
  return {
    baseOffset,
    length,
    nextOffset: baseOffset + count,
    count,
    baseMs,
    maxMs: getInt64(bytes, at + 35),
  }
}

/**
 * The header of a batch that is known to be whole, as a cursor needs it. It may be a broker's: under a leader's epoch, with offsets
 * that compaction has left no record for. With `appendTime` all records have the time `maxMs`.
 */
export function readWholeHeader(
  bytes: Buffer,
  at: number,
): (BatchHeader & { appendTime: boolean }) | undefined {
  if (at + BATCH_HEADER_BYTES > bytes.length || bytes[at + 16] !== 2) return
  const baseOffset = getInt64(bytes, at)
  return {
    baseOffset,
    length: bytes.readInt32BE(at + 8) + LENGTH_END,
    nextOffset: baseOffset + bytes.readInt32BE(at + 23) + 1,
    count: bytes.readInt32BE(at + 57),
    baseMs: getInt64(bytes, at + 27),
    maxMs: getInt64(bytes, at + 35),
    appendTime: (bytes[at + 22]! & APPEND_TIME) !== 0,
  }
}

/** Whether the batch of that length at `at` is whole: its checksum is right. */
export function isIntact(bytes: Buffer, at: number, length: number): boolean {
  if (at + length > bytes.length) return false
  return crc32c(bytes.subarray(at + CRC_FROM, at + length)) === bytes.readUInt32BE(at + CRC_AT)
}

function getInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
}

function putInt64(bytes: Buffer, at: number, value: number): void {
  bytes.writeInt32BE(Math.floor(value / 0x1_0000_0000), at)
  bytes.writeUInt32BE(value >>> 0, at + 4)
}

/** Bytes of a non-negative length as a varint. */
function varintSize(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag >= 0x80) {
    bytes[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  bytes[at++] = zigzag
  return at
}

function putVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return putVarint(bytes, at, value)
  let zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  while (zigzag >= 0x80n) {
    bytes[at++] = Number(zigzag & 0x7fn) | 0x80
    zigzag >>= 7n
  }
  bytes[at++] = Number(zigzag)
  return at
}

/** Length and UTF-8 bytes of a text. Short ASCII, which is nearly all of it, without a call into C++. */
function putText(bytes: Buffer, at: number, text: string): number {
  const length = text.length
  if (length <= 96) {
    let to = putVarint(bytes, at, length)
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) break
      bytes[to++] = unit
    }
    if (i === length) return to
  }
  const encoded = Buffer.byteLength(text)
  const to = putVarint(bytes, at, encoded)
  return to + bytes.write(text, to, encoded, 'utf8')
}

function putHeaders(bytes: Buffer, at: number, headers: NewRecord['headers'], micros: number): number {
  let count = micros === 0 ? 0 : 1
  for (let h = 0; h < headers.length; h++) if (headers[h]![0] !== MICROS) count += 1
  at = putVarint(bytes, at, count)
  for (let h = 0; h < headers.length; h++) {
    const header = headers[h]!
    if (header[0] === MICROS) continue
    at = putText(bytes, at, header[0])
    at = putText(bytes, at, header[1])
  }
  return micros === 0 ? at : putText(bytes, putText(bytes, at, MICROS), String(micros))
}
