/** Which segments may go: the oldest ones, whole, wholly landed, and only as many as age or size asks for. */
import { open, stat } from 'node:fs/promises'
import { BATCH_HEADER_BYTES, readHeader } from '../../record-batch.ts'
import type { LogFiles } from './files.ts'
import { listSegments, segmentPath } from './segment.ts'

export interface RetentionSettings {
  /** Records older than this may go. */
  ageMs: number
  /** Segments beyond this many bytes may go. */
  bytes: number
}

export interface TrimOrder {
  /** Everything below has landed and no snapshot needs it. */
  before: number
  nowMs: number
  /** The disk is below its reserve: whatever has landed may go. */
  diskIsLow: () => Promise<boolean>
}

/**
 * Removes what may go, oldest first. The directory is synced after each removal, so that a power cut leaves the newest segments
 * without a gap between them. The last segment stays always: its name keeps the offset to go on from.
 */
export async function trimSegments(
  files: LogFiles,
  directory: string,
  settings: RetentionSettings,
  order: TrimOrder,
): Promise<number> {
  const bases = await listSegments(directory)
  const sizes = await Promise.all(bases.map(async (base) => (await stat(segmentPath(directory, base))).size))
  let total = sizes.reduce((sum, size) => sum + size, 0)
  let removed = 0
  for (let i = 0; i + 1 < bases.length && bases[i + 1]! <= order.before; i++) {
    const mayGo =
      total > settings.bytes ||
      (await isOlder(segmentPath(directory, bases[i + 1]!), order.nowMs - settings.ageMs)) ||
      (await order.diskIsLow())
    if (!mayGo) break
    await files.unlink(segmentPath(directory, bases[i]!))
    await files.syncDirectory(directory)
    total -= sizes[i]!
    removed += 1
  }
  return removed
}

/** Whether the segment that follows begins before `ms`: then all of the one before it was received before that. */
async function isOlder(successor: string, ms: number): Promise<boolean> {
  const handle = await open(successor, 'r')
  try {
    const bytes = Buffer.alloc(BATCH_HEADER_BYTES)
    await handle.read(bytes, 0, bytes.length, 0)
    const header = readHeader(bytes, 0)
    return header !== undefined && header.baseMs < ms
  } finally {
    await handle.close()
  }
}
