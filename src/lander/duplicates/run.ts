/** A run: ids on disk that do not change any more, in order of their prints. In memory are a filter and the first print of each block. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { ENTRY_WORDS, offsetOf, partitionOf } from './entry.ts'
import { IdFilter } from './id-filter.ts'
import {
  BLOCK_BYTES,
  BLOCK_WORDS,
  blocksFor,
  COUNT_WORD,
  damaged,
  lowerBound,
  PIECE_BLOCKS,
  type RunFile,
  readBlocks,
} from './run-blocks.ts'

/** What the manifest says of a run. */
export interface RunFacts {
  number: number
  entries: number
  /** Per partition: all its records are before this offset … */
  next: Record<number, number>
  /** … and everything before it was received at this time (µs) at latest. */
  receivedMax: Record<number, number>
}

/** An id that is looked for; what is found is put into `offsets`. */
export interface WantedId {
  high: number
  low: number
  partition: number
  /** Only records before it count. */
  before: number
  offsets: number[]
}

/** Blocks that are read at once. */
const READS_MAX = 32

export function runPath(directory: string, number: number): string {
  return join(directory, `run-${number}.ids`)
}

export class Run {
  readonly facts: RunFacts
  readonly file: RunFile
  readonly filter: IdFilter
  /** High half of the first print of each block. */
  readonly #firsts: Uint32Array

  constructor(facts: RunFacts, file: RunFile, filter: IdFilter, firsts: Uint32Array) {
    this.facts = facts
    this.file = file
    this.filter = filter
    this.#firsts = firsts
  }

  /** Opens a run and reads it once from end to end: throws `lander/ids-damaged` when it is not what was written. */
  static async open(directory: string, facts: RunFacts): Promise<Run> {
    const path = runPath(directory, facts.number)
    const handle = await open(path, 'r')
    try {
      const file = { path, number: facts.number, entries: facts.entries, handle }
      const blocks = blocksFor(facts.entries)
      if ((await handle.stat()).size !== blocks * BLOCK_BYTES) throw damaged(file, blocks)
      const filter = new IdFilter(facts.entries)
      const firsts = new Uint32Array(blocks)
      const words = new Uint32Array(PIECE_BLOCKS * BLOCK_WORDS)
      for (let first = 0; first < blocks; first += PIECE_BLOCKS) {
        const count = Math.min(PIECE_BLOCKS, blocks - first)
        await readBlocks(file, first, count, words)
        for (let i = 0; i < count; i++) {
          const block = words.subarray(i * BLOCK_WORDS, (i + 1) * BLOCK_WORDS)
          firsts[first + i] = block[0]!
          const end = block[COUNT_WORD]! * ENTRY_WORDS
          for (let at = 0; at < end; at += ENTRY_WORDS) filter.add(block[at]!, block[at + 1]!)
        }
      }
      return new Run(facts, file, filter, firsts)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  get bytes(): number {
    return this.filter.bytes + this.#firsts.byteLength
  }

  /** Looks for the ids that the filter lets through. */
  async find(wanted: readonly WantedId[]): Promise<void> {
    const admitted = wanted.filter(({ high, low }) => this.filter.has(high, low))
    const byBlock = new Map<number, WantedId[]>()
    for (const id of admitted) {
      for (let block = this.#firstBlock(id.high); block >= 0; block = this.#nextBlock(block, id.high)) {
        const there = byBlock.get(block)
        if (there === undefined) byBlock.set(block, [id])
        else there.push(id)
      }
    }
    const blocks = [...byBlock].sort(([a], [b]) => a - b)
    for (let i = 0; i < blocks.length; i += READS_MAX) {
      await Promise.all(blocks.slice(i, i + READS_MAX).map(([block, ids]) => this.#findIn(block, ids)))
    }
  }

  async close(): Promise<void> {
    await this.file.handle.close()
  }

  async #findIn(block: number, wanted: readonly WantedId[]): Promise<void> {
    const words = new Uint32Array(BLOCK_WORDS)
    await readBlocks(this.file, block, 1, words)
    const end = words[COUNT_WORD]! * ENTRY_WORDS
    for (const { high, low, partition, before, offsets } of wanted) {
      for (let at = lowerBound(words, high); at < end && words[at] === high; at += ENTRY_WORDS) {
        if (words[at + 1] !== low || partitionOf(words, at) !== partition) continue
        const offset = offsetOf(words, at)
        if (offset < before) offsets.push(offset)
      }
    }
  }

  /** The first block that may have a print with this high half, or -1. */
  #firstBlock(high: number): number {
    let low = 0
    let end = this.#firsts.length
    while (low < end) {
      const middle = (low + end) >>> 1
      if (this.#firsts[middle]! < high) low = middle + 1
      else end = middle
    }
    // The block before may end with it.
    return low > 0 ? low - 1 : this.#nextBlock(-1, high)
  }

  #nextBlock(block: number, high: number): number {
    return block + 1 < this.#firsts.length && this.#firsts[block + 1]! <= high ? block + 1 : -1
  }
}
