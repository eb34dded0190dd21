import { randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import avro from 'avsc'
import { LandfallError } from '../base/errors.ts'

/**
 * Avro object container files (https://avro.apache.org/docs/1.11.1/specification/#object-container-files). The header is
 * written here with the literal schema, because Iceberg finds fields by the `field-id` attributes in it, and avsc drops
 * attributes it does not know from its own form of a schema. Longs are bigints.
 */
const longType = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer(value: bigint) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

/** Compiled types by the text of their schema: a few per table. */
const types = new Map<string, avro.Type>()

function compile(schemaText: string): avro.Type {
  let type = types.get(schemaText)
  if (type === undefined) {
    const options = { registry: { long: longType }, wrapUnions: false, assertLogicalTypes: false }
    type = avro.Type.forSchema(JSON.parse(schemaText) as avro.Schema, options as never)
    if (types.size > 256) types.clear()
    types.set(schemaText, type)
  }
  return type
}

const MAGIC = Buffer.from('Obj\x01', 'latin1')

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value) << 1n
  do {
    let byte = Number(rest & 0x7fn)
    rest >>= 7n
    if (rest > 0n) byte |= 0x80
    bytes.push(byte)
  } while (rest > 0n)
  return Buffer.from(bytes)
}

function block(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** A container file with one block of records. `metadata` are further keys of its header. */
export function writeAvro(
  schema: object,
  records: readonly unknown[],
  metadata: Record<string, string>,
): Buffer {
  const schemaText = JSON.stringify(schema)
  const type = compile(schemaText)
  const header = Object.entries({ 'avro.schema': schemaText, 'avro.codec': 'null', ...metadata })
  const sync = randomBytes(16)
  const parts = [
    MAGIC,
    varint(header.length),
    ...header.flatMap(([key, value]) => [block(key), block(value)]),
  ]
  parts.push(varint(0), sync)
  if (records.length > 0) {
    const body = Buffer.concat(records.map((record) => type.toBuffer(record)))
    parts.push(varint(records.length), varint(body.length), body, sync)
  }
  return Buffer.concat(parts)
}

/** Walks over the bytes of a container. */
class Cursor {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  long(): number {
    let shift = 0n
    let value = 0n
    let byte: number
    do {
      byte = this.bytes[this.at++]!
      value |= BigInt(byte & 0x7f) << shift
      shift += 7n
    } while (byte & 0x80)
    return Number((value >> 1n) ^ -(value & 1n))
  }

  take(length: number): Buffer {
    if (length < 0 || this.at + length > this.bytes.length) throw new Error('the file ends too early')
    const part = this.bytes.subarray(this.at, this.at + length)
    this.at += length
    return part
  }
}

function readHeader(cursor: Cursor): Map<string, Buffer> {
  if (!cursor.take(4).equals(MAGIC)) throw new Error('it does not begin with Obj\\x01')
  const header = new Map<string, Buffer>()
  for (let count = cursor.long(); count !== 0; count = cursor.long()) {
    // A negative count is followed by the block's size.
    if (count < 0) {
      cursor.long()
      count = -count
    }
    for (let i = 0; i < count; i++) {
      const key = cursor.take(cursor.long()).toString()
      header.set(key, cursor.take(cursor.long()))
    }
  }
  return header
}

/** All records of a container file by its own schema (codecs null and deflate). `name` is for the error. */
export function readAvro(bytes: Buffer, name: string): Record<string, unknown>[] {
  try {
    const cursor = new Cursor(bytes)
    const header = readHeader(cursor)
    const codec = header.get('avro.codec')?.toString() ?? 'null'
    if (codec !== 'null' && codec !== 'deflate')
      throw new Error(`expected codec null or deflate, found ${codec}`)
    const type = compile(header.get('avro.schema')?.toString() ?? '')
    const sync = cursor.take(16)
    const records: Record<string, unknown>[] = []
    while (cursor.at < bytes.length) {
      const count = cursor.long()
      const packed = cursor.take(cursor.long())
      const body = codec === 'deflate' ? inflateRawSync(packed) : packed
      for (let i = 0, offset = 0; i < count; i++) {
        const decoded = type.decode(body, offset)
        if (decoded.value === undefined) throw new Error('a record is cut off')
        records.push(decoded.value as Record<string, unknown>)
        offset = decoded.offset
      }
      if (!cursor.take(16).equals(sync)) throw new Error('a sync marker does not match')
    }
    return records
  } catch (error) {
    throw new LandfallError('bad-data', 'lake/damaged', `cannot read ${name}: ${(error as Error).message}`, {
      hint: 'Run "landfall verify --repair", or restore the file from a backup',
      details: { file: name },
      cause: error,
    })
  }
}
