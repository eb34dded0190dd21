/**
 * The file of a run: blocks of 4 KiB, entries in order of the prints' high halves (docs/formats/ids.md). Every block is checked
 * whenever it is read.
 *
 *   words 0 … 1019    255 entries
 *   word 1020         how many of them there are; fewer than 255 in the last block only
 *   word 1021         number of the block, from 0
 *   word 1022         number of the run
 *   word 1023         CRC-32C of all before
 */
import type { FileHandle } from 'node:fs/promises'
import { crc32c } from '@node-rs/crc32'
import { LandfallError } from '../../base/errors.ts'
import { ENTRY_WORDS } from './entry.ts'

export const BLOCK_BYTES = 4096
export const BLOCK_WORDS = BLOCK_BYTES / 4
export const BLOCK_ENTRIES = 255
export const COUNT_WORD = 1020
const BLOCK_NUMBER_WORD = 1021
const RUN_NUMBER_WORD = 1022
const CRC_WORD = 1023
/** Blocks that are written, or read in a row, at once: 256 KiB. */
export const PIECE_BLOCKS = 64

export function blocksFor(entries: number): number {
  return Math.ceil(entries / BLOCK_ENTRIES)
}

/** Completes blocks whose entries and counts are there. */
export function sealBlocks(words: Uint32Array, blocks: number, run: number, first: number): Uint8Array {
  const bytes = bytesOf(words, blocks)
  for (let i = 0; i < blocks; i++) {
    const at = i * BLOCK_WORDS
    words[at + BLOCK_NUMBER_WORD] = first + i
    words[at + RUN_NUMBER_WORD] = run
    words[at + CRC_WORD] = crc32c(bytes.subarray(at * 4, (at + CRC_WORD) * 4))
  }
  return bytes
}

export interface RunFile {
  path: string
  number: number
  entries: number
  handle: FileHandle
}

/** Reads `count` blocks from `first` on into `words`; throws `lander/ids-damaged` when they are not what was written. */
export async function readBlocks(
  file: RunFile,
  first: number,
  count: number,
  words: Uint32Array,
): Promise<void> {
  const bytes = bytesOf(words, count)
  const { bytesRead } = await file.handle.read(bytes, 0, bytes.length, first * BLOCK_BYTES)
  if (bytesRead !== bytes.length) throw damaged(file, first + Math.floor(bytesRead / BLOCK_BYTES))
  const last = blocksFor(file.entries) - 1
  for (let i = 0; i < count; i++) {
    const at = i * BLOCK_WORDS
    const block = first + i
    const entries = block < last ? BLOCK_ENTRIES : file.entries - last * BLOCK_ENTRIES
    const fits =
      words[at + COUNT_WORD] === entries &&
      words[at + BLOCK_NUMBER_WORD] === block &&
      words[at + RUN_NUMBER_WORD] === file.number &&
      words[at + CRC_WORD] === crc32c(bytes.subarray(at * 4, (at + CRC_WORD) * 4))
    if (!fits) throw damaged(file, block)
  }
}

/** Where the first entry of a block is whose high half is not below `high`; behind the last one when there is none. */
export function lowerBound(words: Uint32Array, high: number): number {
  let low = 0
  let end = words[COUNT_WORD]!
  while (low < end) {
    const middle = (low + end) >>> 1
    if (words[middle * ENTRY_WORDS]! < high) low = middle + 1
    else end = middle
  }
  return low * ENTRY_WORDS
}

export function damaged({ path }: Pick<RunFile, 'path'>, block: number): LandfallError {
  return new LandfallError(
    'bad-data',
    'lander/ids-damaged',
    `block ${block} of ${path} is not what was written`,
    {
      hint: 'Start the lander again: it makes its ids anew from the tables. See what the disk says',
      details: { path, block },
    },
  )
}

function bytesOf(words: Uint32Array, blocks: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, blocks * BLOCK_BYTES)
}
