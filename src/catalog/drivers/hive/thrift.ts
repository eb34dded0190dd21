/**
 * Thrift's binary protocol, as much of it as a metastore speaks (thrift-binary-protocol.md of Apache Thrift).
 *
 *   message  0x8001 | 00 | kind (1 call, 2 reply, 3 exception) · name (i32 length, bytes) · i32 sequence · struct
 *   struct   fields (i8 type · i16 id · value), then 0
 *   list     i8 type · i32 count · values          map  i8 key type · i8 value type · i32 count · keys and values
 *
 * A struct is read with whatever fields it has, under their ids, and written back the same: what a newer server knows more of a table
 * stays when we change the table. The npm package `thrift` would need 2.9 MB of code made from a foreign description, and drops
 * such fields.
 */
export const thriftType = {
  stop: 0,
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const

export type ThriftStruct = Map<number, ThriftField>
export interface ThriftField {
  type: number
  value: ThriftValue
}
export interface ThriftList {
  of: number
  items: ThriftValue[]
}
export interface ThriftMap {
  keys: number
  values: number
  entries: [ThriftValue, ThriftValue][]
}
/** Text and bytes are both a Buffer: which of them it is, the protocol does not tell. */
export type ThriftValue = boolean | number | bigint | Buffer | ThriftStruct | ThriftList | ThriftMap

export interface ThriftReply {
  kind: number
  name: string
  sequence: number
  body: ThriftStruct
}

export const REPLY = 2
export const EXCEPTION = 3
const CALL = 1
const VERSION = 0x8001_0000
/** Nothing of a metastore is nested deeper than a table: 5. */
const DEPTH_MAX = 32

export function encodeCall(name: string, sequence: number, args: ThriftStruct): Buffer {
  const out = new Writer()
  out.i32(VERSION | CALL)
  out.bytes(Buffer.from(name))
  out.i32(sequence)
  out.struct(args)
  return out.take()
}

/** The reply at the beginning of `bytes`; undefined while it is not complete. Throws on what is no reply. */
export function decodeReply(bytes: Buffer): ThriftReply | undefined {
  const from = new Reader(bytes)
  try {
    const head = from.i32() >>> 0
    if (head >>> 16 !== 0x8001) throw new Error(`expected a thrift message, found ${shown(bytes)}`)
    const name = from.bytes().toString()
    const sequence = from.i32()
    return { kind: head & 0xff, name, sequence, body: from.struct(0) }
  } catch (error) {
    if (error instanceof Incomplete) return undefined
    throw error
  }
}

const shown = (bytes: Buffer) => JSON.stringify(bytes.subarray(0, 16).toString('latin1'))

class Incomplete extends Error {}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  struct(depth: number): ThriftStruct {
    const struct: ThriftStruct = new Map()
    for (;;) {
      const type = this.#byte()
      if (type === thriftType.stop) return struct
      const id = this.#take(2).readInt16BE()
      struct.set(id, { type, value: this.#value(type, depth + 1) })
    }
  }

  i32(): number {
    return this.#take(4).readInt32BE()
  }

  bytes(): Buffer {
    return this.#take(this.#count(1))
  }

  #value(type: number, depth: number): ThriftValue {
    if (depth > DEPTH_MAX) throw new Error('a thrift message is nested too deeply')
    switch (type) {
      case thriftType.bool:
        return this.#byte() === 1
      case thriftType.byte:
        return this.#take(1).readInt8()
      case thriftType.double:
        return this.#take(8).readDoubleBE()
      case thriftType.i16:
        return this.#take(2).readInt16BE()
      case thriftType.i32:
        return this.i32()
      case thriftType.i64:
        return this.#take(8).readBigInt64BE()
      case thriftType.string:
        return this.bytes()
      case thriftType.struct:
        return this.struct(depth)
      case thriftType.map:
        return this.#map(depth)
      case thriftType.set:
      case thriftType.list:
        return this.#list(depth)
      default:
        throw new Error(`a thrift message has a field of type ${type}, which there is not`)
    }
  }

  #list(depth: number): ThriftList {
    const of = this.#byte()
    const count = this.#count(1)
    return { of, items: Array.from({ length: count }, () => this.#value(of, depth + 1)) }
  }

  #map(depth: number): ThriftMap {
    const keys = this.#byte()
    const values = this.#byte()
    const count = this.#count(2)
    const entries = Array.from({ length: count }, (): [ThriftValue, ThriftValue] => [
      this.#value(keys, depth + 1),
      this.#value(values, depth + 1),
    ])
    return { keys, values, entries }
  }

  /** A count, of things of `size` bytes at least: more than there are bytes are not here yet. */
  #count(size: number): number {
    const count = this.i32()
    if (count < 0) throw new Error(`a thrift message has a length of ${count}`)
    if (count * size > this.#bytes.length - this.#at) throw new Incomplete()
    return count
  }

  #byte(): number {
    return this.#take(1)[0]!
  }

  #take(count: number): Buffer {
    const end = this.#at + count
    if (end > this.#bytes.length) throw new Incomplete()
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}

class Writer {
  readonly #parts: Buffer[] = []

  take(): Buffer {
    return Buffer.concat(this.#parts)
  }

  struct(struct: ThriftStruct): void {
    for (const [id, { type, value }] of struct) {
      this.#byte(type)
      this.#fixed(2, (buffer) => buffer.writeInt16BE(id))
      this.#value(type, value)
    }
    this.#byte(thriftType.stop)
  }

  i32(value: number): void {
    this.#fixed(4, (buffer) => buffer.writeInt32BE(value | 0))
  }

  bytes(value: Buffer): void {
    this.i32(value.length)
    this.#parts.push(value)
  }

  #value(type: number, value: ThriftValue): void {
    switch (type) {
      case thriftType.bool:
        return this.#byte(value === true ? 1 : 0)
      case thriftType.byte:
        return this.#fixed(1, (buffer) => buffer.writeInt8(value as number))
      case thriftType.double:
        return this.#fixed(8, (buffer) => buffer.writeDoubleBE(value as number))
      case thriftType.i16:
        return this.#fixed(2, (buffer) => buffer.writeInt16BE(value as number))
      case thriftType.i32:
        return this.i32(value as number)
      case thriftType.i64:
        return this.#fixed(8, (buffer) => buffer.writeBigInt64BE(value as bigint))
      case thriftType.string:
        return this.bytes(value as Buffer)
      case thriftType.struct:
        return this.struct(value as ThriftStruct)
      case thriftType.map:
        return this.#map(value as ThriftMap)
      default:
        return this.#list(value as ThriftList)
    }
  }

  #list({ of, items }: ThriftList): void {
    this.#byte(of)
    this.i32(items.length)
    for (const item of items) this.#value(of, item)
  }

  #map({ keys, values, entries }: ThriftMap): void {
    this.#byte(keys)
    this.#byte(values)
    this.i32(entries.length)
    for (const [key, value] of entries) {
      this.#value(keys, key)
      this.#value(values, value)
    }
  }

  #byte(value: number): void {
    this.#parts.push(Buffer.of(value))
  }

  #fixed(size: number, write: (buffer: Buffer) => void): void {
    const buffer = Buffer.alloc(size)
    write(buffer)
    this.#parts.push(buffer)
  }
}
