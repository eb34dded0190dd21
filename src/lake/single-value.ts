import type { PrimitiveType } from './metadata.ts'

/**
 * Single values in Iceberg's binary form (spec, "Appendix D: Single-value serialization"): little-endian numbers, days and
 * microseconds since 1970, decimals as the shortest big-endian two's complement of the unscaled value, UTF-8 text.
 */
export function encodeValue(type: PrimitiveType, value: boolean | number | bigint | string): Buffer {
  switch (type) {
    case 'boolean':
      return Buffer.from([value ? 1 : 0])
    case 'int':
    case 'date': {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32LE(Number(value))
      return bytes
    }
    case 'long':
    case 'timestamptz': {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(BigInt(value))
      return bytes
    }
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(Number(value))
      return bytes
    }
    case 'string':
    case 'binary':
      return Buffer.from(String(value))
    default:
      return encodeUnscaled(BigInt(value))
  }
}

function encodeUnscaled(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) length += 1
  const bytes = Buffer.alloc(length)
  let rest = BigInt.asUintN(length * 8, value)
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** A value from its binary form as text, the way Iceberg prints it for people: `2021-07-30T18:43:03.611+00:00`, `1.10`. */
export function decodeValue(type: PrimitiveType, bytes: Buffer): string {
  switch (type) {
    case 'boolean':
      return String(bytes[0] !== 0)
    case 'int':
      return String(bytes.readInt32LE())
    case 'long':
      return String(bytes.readBigInt64LE())
    case 'double':
      return String(bytes.readDoubleLE())
    case 'date':
      return new Date(bytes.readInt32LE() * 86_400_000).toISOString().slice(0, 10)
    case 'timestamptz':
      return decodeTime(bytes.readBigInt64LE())
    case 'string':
      return bytes.toString()
    case 'binary':
      return bytes.toString('base64')
    default:
      return decodeDecimal(bytes, Number(/, *(\d+)/.exec(type)![1]))
  }
}

function decodeTime(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, -5)
  return `${seconds}.${fraction.toString().padStart(6, '0')}+00:00`
}

function decodeDecimal(bytes: Buffer, scale: number): string {
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Bounds of text are cut to this many code points, as Iceberg's `truncate(16)` metrics. */
const BOUND_LENGTH = 16

/** The first code points of the smallest value: still a lower bound. */
export function lowerTextBound(min: string): Buffer {
  return Buffer.from([...min].slice(0, BOUND_LENGTH).join(''))
}

/**
 * The first code points of the largest value with the last one that can be counted up, counted up: an upper bound.
 * Undefined when none can (all are U+10FFFF).
 */
export function upperTextBound(max: string): Buffer | undefined {
  const points = [...max]
  if (points.length <= BOUND_LENGTH) return Buffer.from(max)
  for (let i = BOUND_LENGTH - 1; i >= 0; i--) {
    const next = points[i]!.codePointAt(0)! + 1
    if (next > 0x10ffff) continue
    // Surrogates are no characters: after U+D7FF comes U+E000.
    const character = String.fromCodePoint(next >= 0xd800 && next <= 0xdfff ? 0xe000 : next)
    return Buffer.from(points.slice(0, i).join('') + character)
  }
  return undefined
}
