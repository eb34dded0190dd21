/**
 * Which prints a run may have: a split block Bloom filter (as in Parquet: a block of 256 bits, one bit in each of its eight words), in
 * which the place of a block follows the order of prints. So it is filled from front to back while a run is written, a question costs one
 * line of the processor's cache, and a filter is made half as large by laying neighbouring blocks over each other.
 *
 * With 16 bits an id about one print in a thousand is taken for another; with 8, three in a hundred; with 4, one in four.
 */
const WORDS = 8
const BITS_PER_ID = 16
/** How often a filter may be made half as large. */
const FOLDS = 4
/** Odd constants of Parquet's specification. */
const SALTS = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
)

export class IdFilter {
  #words: Uint32Array
  /** Blocks ÷ 2^32. */
  #scale: number
  #folds = 0

  constructor(ids: number) {
    const step = 2 ** FOLDS
    const blocks = step * Math.max(1, Math.ceil((ids * BITS_PER_ID) / (WORDS * 32 * step)))
    this.#words = new Uint32Array(blocks * WORDS)
    this.#scale = blocks / 2 ** 32
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  get isFoldable(): boolean {
    return this.#folds < FOLDS
  }

  touch(high: number): number {
    return this.#words[this.#block(high)]!
  }

  add(high: number, low: number): void {
    const words = this.#words
    const block = this.#block(high)
    for (let i = 0; i < WORDS; i++) {
      words[block + i] = words[block + i]! | (1 << (Math.imul(low, SALTS[i]!) >>> 27))
    }
  }

  has(high: number, low: number): boolean {
    const words = this.#words
    const block = this.#block(high)
    for (let i = 0; i < WORDS; i++) {
      if (((words[block + i]! >>> (Math.imul(low, SALTS[i]!) >>> 27)) & 1) === 0) return false
    }
    return true
  }

  /** Half the memory, and more prints that are taken for others. */
  fold(): void {
    const before = this.#words
    const words = new Uint32Array(before.length / 2)
    for (let at = 0; at < words.length; at++) {
      // Blocks 2n and 2n + 1 become block n.
      const from = (at - (at % WORDS)) * 2 + (at % WORDS)
      words[at] = before[from]! | before[from + WORDS]!
    }
    this.#words = words
    this.#scale /= 2
    this.#folds += 1
  }

  #block(high: number): number {
    return Math.floor(high * this.#scale) * WORDS
  }
}
