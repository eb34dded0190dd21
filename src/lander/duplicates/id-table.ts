/**
 * Ids in memory: print → partition and offset, in flat typed arrays of entries (16 bytes a slot, open addressing). A hit is a candidate,
 * never a verdict. Shards grow one at a time, so growing needs little memory at once; a shard is a range of prints, so that the
 * table can be written out in order of prints shard by shard.
 */
import { ENTRY_BYTES, ENTRY_WORDS, offsetOf, partitionOf, placeOf } from './entry.ts'
import type { Floors } from './floors.ts'
import { print } from './prints.ts'

const SHARD_BITS = 8
const SHARDS = 1 << SHARD_BITS
const SHARD_SHIFT = 32 - SHARD_BITS
const CAPACITY_MIN = 64
const CAPACITY_LARGE = 4096
/** `sorted` counts slots in 21 bits. */
const CAPACITY_MAX = 2 ** 21
const LOAD_MAX = 0.75
/** Beyond this load a table counts as full: its shards, which are filled by chance, then are all below `LOAD_MAX`. */
const LOAD_FULL = 0.7

/** Ids of a table that takes at most so many bytes. */
export function tableIdsMax(bytes: number): number {
  const capacity = Math.min(CAPACITY_MAX, 2 ** Math.floor(Math.log2(bytes / (SHARDS * ENTRY_BYTES))))
  if (capacity >= CAPACITY_MIN) return Math.floor(SHARDS * capacity * LOAD_FULL)
  return Math.max(8, Math.floor(bytes / ENTRY_BYTES))
}

interface Shard {
  /** Entries; a low half of 0 is a free slot. */
  slots: Uint32Array
  /** Number of slots, a power of two, less one. */
  mask: number
  used: number
}

export class IdTable {
  /** Entries, those below the floors that are not swept yet among them. */
  size = 0
  readonly shards = SHARDS
  readonly #floors: Floors
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => ({
    slots: new Uint32Array(CAPACITY_MIN * ENTRY_WORDS),
    mask: CAPACITY_MIN - 1,
    used: 0,
  }))

  constructor(floors: Floors) {
    this.#floors = floors
  }

  get bytes(): number {
    return this.#shards.reduce((sum, { slots }) => sum + slots.byteLength, 0)
  }

  /**
   * Reads where the search for a print begins, for nothing but its way into the processor's cache: many of these at once cost little
   * more than one, while each search alone would wait for memory.
   */
  touch(high: number, low: number): number {
    const { slots, mask } = this.#shards[high >>> SHARD_SHIFT]!
    return slots[(low & mask) * ENTRY_WORDS]!
  }

  has(high: number, low: number, partition: number): boolean {
    const { slots, mask } = this.#shards[high >>> SHARD_SHIFT]!
    const floor = this.#floors.of(partition)
    for (let at = (low & mask) * ENTRY_WORDS; slots[at + 1] !== 0; at = following(at, slots)) {
      if (slots[at + 1] === low && slots[at] === high && isOf(slots, at, partition, floor)) return true
    }
    return false
  }

  /** Adds the id of `print`, unless a record of the partition may have it already: then nothing changes and it says true. */
  hasOrAdd(partition: number, offset: number): boolean {
    const { high, low } = print
    const shard = this.#shards[high >>> SHARD_SHIFT]!
    const { slots } = shard
    const floor = this.#floors.of(partition)
    let at = (low & shard.mask) * ENTRY_WORDS
    for (; slots[at + 1] !== 0; at = following(at, slots)) {
      if (slots[at + 1] === low && slots[at] === high && isOf(slots, at, partition, floor)) return true
    }
    if ((shard.used + 1) * ENTRY_WORDS > slots.length * LOAD_MAX) {
      this.add(partition, offset)
      return false
    }
    slots[at] = high
    slots[at + 1] = low
    slots[at + 2] = offset
    slots[at + 3] = placeOf(partition, offset)
    shard.used += 1
    this.size += 1
    return false
  }

  /** Adds the id of `print`. */
  add(partition: number, offset: number): void {
    const shard = this.#shards[print.high >>> SHARD_SHIFT]!
    if ((shard.used + 1) * ENTRY_WORDS > shard.slots.length * LOAD_MAX) this.#rehash(shard)
    put(shard, print.high, print.low, offset, placeOf(partition, offset))
    this.size += 1
  }

  /** Adds to `into` the offsets before `before` whose record may have the print. */
  find(high: number, low: number, partition: number, before: number, into: number[]): void {
    const { slots, mask } = this.#shards[high >>> SHARD_SHIFT]!
    const floor = this.#floors.of(partition)
    for (let at = (low & mask) * ENTRY_WORDS; slots[at + 1] !== 0; at = following(at, slots)) {
      if (slots[at + 1] !== low || slots[at] !== high || !isOf(slots, at, partition, floor)) continue
      const offset = offsetOf(slots, at)
      if (offset < before) into.push(offset)
    }
  }

  /** The entries of a shard that are not below the floors, in order of the prints' high halves. */
  sorted(shard: number): Uint32Array {
    const { slots, used } = this.#shards[shard]!
    // One number holds the high half and the slot, and sorts much faster than pairs.
    const keys = new Float64Array(used)
    let count = 0
    for (let at = 0; at < slots.length; at += ENTRY_WORDS) {
      if (this.#isLive(slots, at)) keys[count++] = slots[at]! * 2 ** 21 + at / ENTRY_WORDS
    }
    const found = new Uint32Array(count * ENTRY_WORDS)
    let to = 0
    for (const key of keys.subarray(0, count).sort()) {
      const at = (key % 2 ** 21) * ENTRY_WORDS
      for (let word = 0; word < ENTRY_WORDS; word++) found[to++] = slots[at + word]!
    }
    return found
  }

  #rehash(shard: Shard): void {
    const { slots } = shard
    let live = 0
    for (let at = 0; at < slots.length; at += ENTRY_WORDS) if (this.#isLive(slots, at)) live += 1
    let capacity = CAPACITY_MIN
    // Small ones grow fourfold: half the work and garbage of doubling.
    while (live + 1 > capacity * (capacity < CAPACITY_LARGE ? 0.2 : 0.6)) capacity *= 2
    this.size += live - shard.used
    shard.slots = new Uint32Array(capacity * ENTRY_WORDS)
    shard.mask = capacity - 1
    shard.used = 0
    for (let at = 0; at < slots.length; at += ENTRY_WORDS) {
      if (this.#isLive(slots, at)) put(shard, slots[at]!, slots[at + 1]!, slots[at + 2]!, slots[at + 3]!)
    }
  }

  #isLive(slots: Uint32Array, at: number): boolean {
    return slots[at + 1] !== 0 && offsetOf(slots, at) >= this.#floors.of(partitionOf(slots, at))
  }
}

function following(at: number, slots: Uint32Array): number {
  const next = at + ENTRY_WORDS
  return next === slots.length ? 0 : next
}

function isOf(slots: Uint32Array, at: number, partition: number, floor: number): boolean {
  return partitionOf(slots, at) === partition && offsetOf(slots, at) >= floor
}

function put(shard: Shard, high: number, low: number, offset: number, place: number): void {
  const { slots } = shard
  let at = (low & shard.mask) * ENTRY_WORDS
  while (slots[at + 1] !== 0) at = following(at, slots)
  slots[at] = high
  slots[at + 1] = low
  slots[at + 2] = offset
  slots[at + 3] = place
  shard.used += 1
}
