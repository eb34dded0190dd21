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
