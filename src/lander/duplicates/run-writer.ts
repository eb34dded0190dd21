/** Writes runs: entries that come in order become blocks, and on the way a filter and the first print of each block. */
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ENTRY_WORDS, offsetOf, partitionOf } from './entry.ts'
import type { Floors } from './floors.ts'
import { IdFilter } from './id-filter.ts'
import type { IdTable } from './id-table.ts'
import { Run, type RunFacts, runPath } from './run.ts'
import {
  BLOCK_BYTES,
  BLOCK_ENTRIES,
  BLOCK_WORDS,
  blocksFor,
  COUNT_WORD,
  PIECE_BLOCKS,
  type RunFile,
  readBlocks,
  sealBlocks,
} from './run-blocks.ts'

/** What runs are made of, and what a run is called. */
export interface NewRun {
  directory: string
  facts: Omit<RunFacts, 'entries'>
  /** Throws when there is no use in going on. */
  checkpoint: () => void
}

/** Writes the entries of a table; undefined when all of them are below the floors. Synced when resolved. */
export async function writeTable(table: IdTable, made: NewRun): Promise<Run | undefined> {
  return writeRun(made, table.size, async (writer) => {
    for (let shard = 0; shard < table.shards; shard++) {
      const entries = table.sorted(shard)
      if (entries.length === 0) continue
      await writer.write(entries)
      // What lands waits for one shard at most.
      await nextTurn()
    }
  })
}

/** Makes one run of several, without the entries below the floors; undefined when none is left. Synced when resolved. */
export async function mergeRuns(
  runs: readonly Run[],
  floors: Floors,
  made: NewRun,
): Promise<Run | undefined> {
  const entries = runs.reduce((sum, { facts }) => sum + facts.entries, 0)
  return writeRun(made, entries, async (writer) => {
    let readers = runs.map(({ file }) => new RunReader(file))
    const out = new Uint32Array(PIECE_BLOCKS * BLOCK_ENTRIES * ENTRY_WORDS)
    for (;;) {
      for (const reader of readers) if (reader.isUsedUp) await reader.read()
      readers = readers.filter((reader) => !reader.isUsedUp)
      if (readers.length === 0) return
      await writer.write(out.subarray(0, takeInOrder(readers, floors, out)))
    }
  })
}

/** Fills `out` in order until it is full or a reader is used up; returns how many words it holds. */
function takeInOrder(readers: readonly RunReader[], floors: Floors, out: Uint32Array): number {
  let to = 0
  while (to < out.length) {
    let next = readers[0]!
    for (let i = 1; i < readers.length; i++) if (readers[i]!.high < next.high) next = readers[i]!
    const { words, at } = next
    if (offsetOf(words, at) >= floors.of(partitionOf(words, at))) {
      for (let word = 0; word < ENTRY_WORDS; word++) out[to++] = words[at + word]!
    }
    next.step()
    if (next.isUsedUp) break
  }
  return to
}

/** Reads the entries of a run in order. */
class RunReader {
  readonly words = new Uint32Array(PIECE_BLOCKS * BLOCK_WORDS)
  /** Where the present entry is. */
  at = 0
  /** The high half of its print. */
  high = 0
  readonly #file: RunFile
  #nextBlock = 0
  /** Blocks that were read, and the present one of them. */
  #blocks = 0
  #block = 0

  constructor(file: RunFile) {
    this.#file = file
  }

  get isUsedUp(): boolean {
    return this.#block === this.#blocks
  }

  async read(): Promise<void> {
    const count = Math.min(PIECE_BLOCKS, blocksFor(this.#file.entries) - this.#nextBlock)
    if (count === 0) return
    await readBlocks(this.#file, this.#nextBlock, count, this.words)
    this.#nextBlock += count
    this.#blocks = count
    this.#block = 0
    this.at = 0
    this.high = this.words[0]!
  }

  step(): void {
    this.at += ENTRY_WORDS
    const block = this.#block * BLOCK_WORDS
    if (this.at === block + this.words[block + COUNT_WORD]! * ENTRY_WORDS) {
      this.#block += 1
      this.at = block + BLOCK_WORDS
    }
    if (!this.isUsedUp) this.high = this.words[this.at]!
  }
}

async function writeRun(
  { directory, facts, checkpoint }: NewRun,
  entriesMax: number,
  fill: (writer: RunWriter) => Promise<void>,
): Promise<Run | undefined> {
  const path = runPath(directory, facts.number)
  const handle = await open(path, 'w+')
  try {
    const writer = new RunWriter(handle, facts.number, entriesMax, checkpoint)
    await fill(writer)
    const { entries, filter, firsts } = await writer.finish()
    if (entries > 0)
      return new Run({ ...facts, entries }, { path, number: facts.number, entries, handle }, filter, firsts)
  } catch (error) {
    await handle.close()
    await unlink(path).catch(() => {})
    throw error
  }
  await handle.close()
  await unlink(path)
  return undefined
}

class RunWriter {
  readonly #handle: FileHandle
  readonly #run: number
  readonly #checkpoint: () => void
  readonly #filter: IdFilter
  readonly #firsts: Uint32Array
  readonly #words = new Uint32Array(PIECE_BLOCKS * BLOCK_WORDS)
  /** Blocks in the file, and entries in `words`. */
  #written = 0
  #pending = 0

  constructor(handle: FileHandle, run: number, entriesMax: number, checkpoint: () => void) {
    this.#handle = handle
    this.#run = run
    this.#checkpoint = checkpoint
    this.#filter = new IdFilter(entriesMax)
    this.#firsts = new Uint32Array(blocksFor(entriesMax))
  }

  /** Takes entries, which must not be below those before. */
  async write(entries: Uint32Array): Promise<void> {
    for (let from = 0; from < entries.length; ) {
      const block = Math.floor(this.#pending / BLOCK_ENTRIES)
      const there = this.#pending % BLOCK_ENTRIES
      const count = Math.min(BLOCK_ENTRIES - there, (entries.length - from) / ENTRY_WORDS)
      const taken = entries.subarray(from, from + count * ENTRY_WORDS)
      if (there === 0) this.#firsts[this.#written + block] = taken[0]!
      for (let at = 0; at < taken.length; at += ENTRY_WORDS) this.#filter.add(taken[at]!, taken[at + 1]!)
      const to = block * BLOCK_WORDS
      this.#words.set(taken, to + there * ENTRY_WORDS)
      this.#words[to + COUNT_WORD] = there + count
      this.#pending += count
      from += taken.length
      if (this.#pending === PIECE_BLOCKS * BLOCK_ENTRIES) await this.#flush()
    }
  }

  async finish(): Promise<{ entries: number; filter: IdFilter; firsts: Uint32Array }> {
    // The last block is written whole: what it held before, in a piece before, must not stand behind its entries.
    const last = this.#pending % BLOCK_ENTRIES
    if (last > 0) {
      const block = Math.floor(this.#pending / BLOCK_ENTRIES) * BLOCK_WORDS
      this.#words.fill(0, block + last * ENTRY_WORDS, block + COUNT_WORD)
    }
    const entries = this.#written * BLOCK_ENTRIES + this.#pending
    await this.#flush()
    await this.#handle.sync()
    return { entries, filter: this.#filter, firsts: this.#firsts.slice(0, blocksFor(entries)) }
  }

  async #flush(): Promise<void> {
    this.#checkpoint()
    const blocks = blocksFor(this.#pending)
    const bytes = sealBlocks(this.#words, blocks, this.#run, this.#written)
    let place = this.#written * BLOCK_BYTES
    for (let from = 0; from < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, from, bytes.length - from, place)
      from += bytesWritten
      place += bytesWritten
    }
    this.#written += blocks
    this.#pending = 0
  }
}
