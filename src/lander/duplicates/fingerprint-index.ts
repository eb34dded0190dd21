/**
 * Which event ids a partition has seen: a 64-bit fingerprint of the id → the offset of its record, in flat typed arrays (12 bytes
 * a slot, open addressing). A hit is a candidate, never a verdict. The seed is random, so nobody can choose ids that collide.
 *
 * 64 shards grow one at a time, so growing needs little memory at once; 10 million ids take about 200 MB.
 */
import { randomBytes } from 'node:crypto'

const SHARDS = 64
const SLOT = 3
const CAPACITY_MIN = 64
const CAPACITY_LARGE = 16_384
const LOAD_MAX = 0.75

const seed = randomBytes(8)
const SEED_1 = seed.readUInt32LE(0)
const SEED_2 = seed.readUInt32LE(4)

/** The two halves of a fingerprint; written by `printId`, so that no object is made per record. */
export const print = { high: 0, low: 0 }

/**
 * Fingerprints the id `from[start, end)` into `print`, and copies it to `to` at `at` on the way. False when it is none: all bytes of an id
 * are in `[!-~]`.
 */
export function printId(from: DataView, start: number, end: number, to: DataView, at: number): boolean {
  let a = SEED_1 ^ (end - start)
  let b = SEED_2
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
export function fingerprint(id: string): void {
  const bytes = Buffer.from(id, 'latin1')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  printId(view, 0, bytes.length, view, 0)
}

function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return h ^ (h >>> 16)
}

interface Shard {
  /** Three words a slot: high, low (0: free), offset modulo 2^32. */
  slots: Uint32Array
  /** Number of slots, a power of two, less one. */
  mask: number
  used: number
}

export class FingerprintIndex {
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => ({
    slots: new Uint32Array(CAPACITY_MIN * SLOT),
    mask: CAPACITY_MIN - 1,
    used: 0,
  }))
  /** Entries of offsets below this are gone. */
  #floor = 0
  #latest = 0

  /** Entries, those beneath the floor that are not swept yet among them. */
  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.used, 0)
  }

  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.slots.byteLength, 0)
  }

  /**
   * Reads where the search for a print begins, for nothing but its way into the processor's cache: many of these at once cost little
   * more than one, while each search alone would wait for memory.
   */
  touch(high: number, low: number): number {
    const { slots, mask } = this.#shards[high >>> 26]!
    return slots[(low & mask) * SLOT]!
  }

  /** Adds the id of `print` at `offset`, unless a record may have it already: then nothing changes and it says true. */
  hasOrAdd(offset: number): boolean {
    const shard = this.#shards[print.high >>> 26]!
    const { slots } = shard
    const { high, low } = print
    const end = slots.length
    let at = (low & shard.mask) * SLOT
    for (; slots[at + 1] !== 0; at = at + SLOT === end ? 0 : at + SLOT) {
      if (slots[at] === high && slots[at + 1] === low && this.#whole(slots[at + 2]!, offset) >= this.#floor)
        return true
    }
    if ((shard.used + 1) * SLOT > end * LOAD_MAX) {
      this.add(offset)
      return false
    }
    if (offset > this.#latest) this.#latest = offset
    slots[at] = high
    slots[at + 1] = low
    slots[at + 2] = offset >>> 0
    shard.used += 1
    return false
  }

  /** Offsets before `offset` whose record may have the id of `print`, newest first. */
  find(offset: number): number[] {
    const { slots, mask } = this.#shards[print.high >>> 26]!
    const found: number[] = []
    const end = slots.length
    for (let at = (print.low & mask) * SLOT; slots[at + 1] !== 0; at = at + SLOT === end ? 0 : at + SLOT) {
      if (slots[at] !== print.high || slots[at + 1] !== print.low) continue
      const whole = this.#whole(slots[at + 2]!, offset)
      if (whole >= this.#floor && whole < offset) found.push(whole)
    }
    return found.sort((a, b) => b - a)
  }

  add(offset: number): void {
    const shard = this.#shards[print.high >>> 26]!
    if (offset > this.#latest) this.#latest = offset
    if ((shard.used + 1) * SLOT > shard.slots.length * LOAD_MAX) this.#rehash(shard)
    put(shard, print.high, print.low, offset)
    shard.used += 1
  }

  /** Forgets all entries of offsets below `floor`; their memory is reused as shards fill up. */
  forgetBelow(floor: number): void {
    if (floor > this.#floor) this.#floor = floor
  }

  /** Gives back the memory of what was forgotten now. */
  sweep(): void {
    for (const shard of this.#shards) this.#rehash(shard)
  }

  /** The newest offset not beyond `before` that is `stored` modulo 2^32. */
  #whole(stored: number, before: number): number {
    return before - ((before - stored) >>> 0)
  }

  #rehash(shard: Shard): void {
    const { slots } = shard
    let live = 0
    for (let at = 0; at < slots.length; at += SLOT) if (this.#isLive(slots, at)) live += 1
    let capacity = CAPACITY_MIN
    // Small ones grow fourfold: half the work and garbage of doubling.
    while (live + 1 > capacity * (capacity < CAPACITY_LARGE ? 0.2 : 0.6)) capacity *= 2
    shard.slots = new Uint32Array(capacity * SLOT)
    shard.mask = capacity - 1
    for (let at = 0; at < slots.length; at += SLOT) {
      if (this.#isLive(slots, at)) put(shard, slots[at]!, slots[at + 1]!, slots[at + 2]!)
    }
    shard.used = live
  }

  #isLive(slots: Uint32Array, at: number): boolean {
    return slots[at + 1] !== 0 && this.#whole(slots[at + 2]!, this.#latest) >= this.#floor
  }
}

function put({ slots, mask }: Shard, high: number, low: number, offset: number): void {
  let at = (low & mask) * SLOT
  while (slots[at + 1] !== 0) at = at + SLOT === slots.length ? 0 : at + SLOT
  slots[at] = high
  slots[at + 1] = low
  slots[at + 2] = offset >>> 0
}
