/**
 * An entry of the ids, in memory as on disk: four words of 32 bits (little-endian on disk).
 *
 *   0  high half of the print
 *   1  low half of the print, never 0
 *   2  offset modulo 2^32
 *   3  partition (upper 16 bits), offset divided by 2^32 (lower 16 bits)
 */
export const ENTRY_WORDS = 4
export const ENTRY_BYTES = 16

const PARTITIONS_MAX = 65_536

/** Word 3. */
export function placeOf(partition: number, offset: number): number {
  if (partition >= PARTITIONS_MAX) throw new RangeError(`partition ${partition}: ${PARTITIONS_MAX} at most`)
  return ((partition << 16) | (offset / 2 ** 32)) >>> 0
}

export function partitionOf(entries: Uint32Array, at: number): number {
  return entries[at + 3]! >>> 16
}

export function offsetOf(entries: Uint32Array, at: number): number {
  return (entries[at + 3]! & 0xffff) * 2 ** 32 + entries[at + 2]!
}
