/**
 * Which partition a record goes to: as Kafka's default partitioner chooses (KIP-480: murmur2 of the key's bytes), so that whoever
 * else writes to the topic with the same key meets the same partition. A record without a key goes by its event id: then a retry
 * through any collector meets its first copy.
 */
import { type NewRecord, recordHeader } from '../../../model/record.ts'

export function partitionOf(record: NewRecord, partitions: number): number {
  if (partitions === 1) return 0
  const text = record.key ?? record.headers.find(([name]) => name === recordHeader.eventId)?.[1] ?? ''
  return (murmur2(Buffer.from(text)) & 0x7fff_ffff) % partitions
}

/** MurmurHash 2 of Austin Appleby with Kafka's seed, as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  const whole = length & ~3
  let hash = 0x9747_b28c ^ length
  for (let at = 0; at < whole; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, MULTIPLIER)
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ word
  }
  if (whole < length) {
    for (let at = length - 1; at >= whole; at--) hash ^= bytes[at]! << ((at - whole) * 8)
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

const MULTIPLIER = 0x5bd1_e995
