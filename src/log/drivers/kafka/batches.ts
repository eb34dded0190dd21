/**
 * From what a broker hands out to what our cursor reads: whole batches of plain records, one behind the other. Marks of transactions
 * and what such a mark took back are left out, compressed batches are opened; their offsets stay taken, so there may be gaps.
 */
import { crc32c } from '@node-rs/crc32'
import { LandfallError } from '../../../base/errors.ts'
import { BATCH_HEADER_BYTES, LENGTH_END } from '../../record-batch.ts'
import type { Fetched } from './fetch.ts'
import type { KafkaLibrary } from './library.ts'

const COMPRESSION = 0x07
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
/** A key of a control record: version, then its type. */
const ABORT = 0

export interface PlainBatches {
  bytes: Buffer
  /** The offset behind the last batch, whether it had records for us or not; `from` when not one was whole. */
  next: number
}

/** Throws `log/damaged` with the range that cannot be read. */
export function plainBatches(library: KafkaLibrary, fetched: Fetched, from: number): PlainBatches {
  const { bytes, partition } = fetched
  const pieces: Buffer[] = []
  const taken = new TakenBack(fetched)
  let next = from
  let start = 0
  let at = 0
  while (at + BATCH_HEADER_BYTES <= bytes.length) {
    const length = bytes.readInt32BE(at + 8) + LENGTH_END
    if (bytes[at + 16] !== 2) throw unreadable(partition, next, 'a message of a format before Kafka 0.11')
    if (at + length > bytes.length) break
    if (crc32c(bytes.subarray(at + 21, at + length)) !== bytes.readUInt32BE(at + 17)) {
      throw unreadable(partition, next, 'its checksum is wrong')
    }
    const attributes = bytes.readInt16BE(at + 21)
    const isPlain = (attributes & (COMPRESSION | CONTROL | TRANSACTIONAL)) === 0
    if (!isPlain) {
      if (at > start) pieces.push(bytes.subarray(start, at))
      const batch = bytes.subarray(at, at + length)
      if (!taken.leavesOut(batch, attributes))
        pieces.push(opened(library, batch, attributes, partition, next))
      start = at + length
    }
    next = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1
    at += length
  }
  if (pieces.length === 0) return { bytes: bytes.subarray(start, at), next }
  if (at > start) pieces.push(bytes.subarray(start, at))
  return { bytes: Buffer.concat(pieces), next }
}

/** Knows, batch by batch in their order, whose transactions are being read that were taken back (KIP-98). */
class TakenBack {
  readonly #coming: Fetched['aborted']
  readonly #open = new Set<bigint>()

  constructor({ aborted }: Fetched) {
    this.#coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  leavesOut(batch: Buffer, attributes: number): boolean {
    if ((attributes & TRANSACTIONAL) === 0) return (attributes & CONTROL) !== 0
    const last = Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23)
    while (this.#coming[0] !== undefined && this.#coming[0].firstOffset <= last) {
      this.#open.add(this.#coming.shift()!.producerId)
    }
    const producer = batch.readBigInt64BE(43)
    if ((attributes & CONTROL) === 0) return this.#open.has(producer)
    if (controlType(batch) === ABORT) this.#open.delete(producer)
    return true
  }
}

/** The type in the key of the only record of a control batch: length, attributes, two deltas, key length, version, type. */
function controlType(batch: Buffer): number {
  let at = BATCH_HEADER_BYTES
  const skip = () => {
    while (batch[at++]! >= 0x80);
  }
  skip()
  at += 1
  skip()
  skip()
  skip()
  return batch.readInt16BE(at + 2)
}

function opened(
  library: KafkaLibrary,
  batch: Buffer,
  attributes: number,
  partition: number,
  at: number,
): Buffer {
  const algorithm = library.compressionsAlgorithmsByBitmask[attributes & COMPRESSION]
  if ((attributes & COMPRESSION) === 0) return batch
  if (algorithm === undefined)
    throw unreadable(partition, at, `compression ${attributes & COMPRESSION} is not known`)
  let records: Buffer
  try {
    records = algorithm.decompressSync(batch.subarray(BATCH_HEADER_BYTES))
  } catch (error) {
    throw unreadable(partition, at, `it cannot be decompressed (${(error as Error).message})`)
  }
  const plain = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), records])
  plain.writeInt32BE(plain.length - LENGTH_END, 8)
  plain.writeInt16BE(attributes & ~COMPRESSION, 21)
  return plain
}

function unreadable(partition: number, from: number, found: string): LandfallError {
  return new LandfallError(
    'bad-data',
    'log/damaged',
    `reading offset ${from} of partition ${partition} of the topic: ${found}`,
    {
      hint: 'Restore the topic, or account for the gap and go on behind it',
      details: { partition, from },
    },
  )
}
