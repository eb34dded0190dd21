/**
 * Prints of records that were noted, may repeat an earlier one, and are not decided yet. A later record of the same id must wait for
 * them too, although what they were held against may have been let go in the meantime.
 */
const BITS = 65_536

export class PendingPrints {
  /** Asked first: small enough for the processor's first cache. */
  readonly #bits = new Uint32Array(BITS / 32)
  readonly #counts = new Map<number, number>()

  has(high: number, low: number): boolean {
    return (this.#bits[low >>> 21]! >>> ((low >>> 16) & 31)) & 1 ? this.#counts.has(keyOf(high, low)) : false
  }

  add(high: number, low: number): void {
    const key = keyOf(high, low)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    this.#setBit(low)
  }

  /** They are decided. */
  remove(prints: Iterable<{ high: number; low: number }>): void {
    for (const { high, low } of prints) {
      const key = keyOf(high, low)
      const count = this.#counts.get(key)!
      if (count > 1) this.#counts.set(key, count - 1)
      else this.#counts.delete(key)
    }
    this.#bits.fill(0)
    for (const key of this.#counts.keys()) this.#setBit((key % 2 ** 21) * 2 ** 11)
  }

  #setBit(low: number): void {
    const word = low >>> 21
    this.#bits[word] = this.#bits[word]! | (1 << ((low >>> 16) & 31))
  }
}

/** 53 of the 64 bits. */
function keyOf(high: number, low: number): number {
  return high * 2 ** 21 + (low >>> 11)
}
