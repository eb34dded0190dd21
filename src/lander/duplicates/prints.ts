/**
 * Prints: 64-bit fingerprints of event ids. Equal ids have equal prints; equal prints are a hint, never a verdict. The seed is random
 * and stays with the lander's directory, so nobody can choose ids that collide.
 */
import { randomBytes } from 'node:crypto'

export interface Seed {
  readonly one: number
  readonly two: number
}

export function randomSeed(): Seed {
  const bytes = randomBytes(8)
  return { one: bytes.readInt32LE(0), two: bytes.readInt32LE(4) }
}

/** The two halves of a print; written by `printId`, so that no object is made per record. */
export const print = { high: 0, low: 0 }

/**
 * Fingerprints the id `from[start, end)` into `print`, and copies it to `to` at `at` on the way. False when it is none: all bytes of an id
 * are in `[!-~]`.
 */
export function printId(
  seed: Seed,
  from: DataView,
  start: number,
  end: number,
  to: DataView,
  at: number,
): boolean {
  let a = seed.one ^ (end - start)
  let b = seed.two
  let strange = 0
  let next = start
  for (; next + 4 <= end; next += 4, at += 4) {
    const word = from.getInt32(next, true)
    to.setInt32(at, word, true)
    // Four bytes at once: the high bit is set in one below 0x21, in one above 0x7e, and in one that has it anyway.
    strange |= word | (word - 0x21212121) | (word + 0x01010101)
    a = Math.imul(a ^ word, 0x85ebca6b)
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b ^ word, 0x9e3779b1)
    b = (b << 17) | (b >>> 15)
    b = (b + a) | 0
  }
  for (; next < end; next++, at++) {
    const byte = from.getUint8(next)
    to.setUint8(at, byte)
    if (byte < 0x21 || byte > 0x7e) strange = -1
    a = Math.imul(a ^ byte, 0x85ebca6b)
    b = Math.imul(b ^ a, 0x9e3779b1)
  }
  a = mix(a ^ (b >>> 7))
  b = mix(b + a)
  print.high = a >>> 0
  print.low = (b === 0 ? 1 : b) >>> 0
  return (strange & 0x80808080) === 0
}

/** Fingerprints an id into `print`. */
export function fingerprint(seed: Seed, id: string): void {
  const bytes = Buffer.from(id, 'latin1')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  printId(seed, view, 0, bytes.length, view, 0)
}

function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return h ^ (h >>> 16)
}
