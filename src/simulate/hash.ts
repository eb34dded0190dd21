/** A number from 0 to 1 that depends on nothing but the numbers given (murmur3's finalizer over each): for choices that are made far apart. */
export function unitOf(seed: number, a: number, b: number): number {
  return hashOf(seed, a, b) / 2 ** 32
}

/** 0 ≤ x < 2^32. */
export function hashOf(seed: number, a: number, b: number): number {
  return (
    mix((mix((mix(seed | 0) ^ Math.imul(a | 0, 0x9e3779b1)) | 0) ^ Math.imul(b | 0, 0x85ebca6b)) | 0) >>> 0
  )
}

function mix(value: number): number {
  let h = (value + 0x6d2b79f5) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
