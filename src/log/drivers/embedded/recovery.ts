/**
 * Opening what a predecessor left: finds the durable end, cuts a torn tail, refuses damage.
 *
 * Only the last segment can be unfinished: a segment gets a successor when all its frames are durable. And of the last one only
 * the last frame can be torn, because the next is not written before the one before is synced. So, walking from its start,
 * the first thing that is not the frame that must come there is one of:
 *
 * - zeros or the end of the file: the clean end;
 * - anything else without a whole frame behind it: a commit that was under way, never answered. It is cut;
 * - anything with a whole frame of a higher offset behind it: that frame was written after this one was durable, so this one
 *   was answered and is damaged. Refused, with the range;
 * and an end below the position that `durable` recorded, or below what a table knows, is damage in each case.
 *
 * Then the tail is made durable *before anyone sees it*: after a kill -9 it may stand in the page cache only, and after a sync
 * that failed the kernel may believe pages to be written that are not. Its bytes are written again in place (the same bytes, so
 * a crash in the middle changes nothing), the file is cut, synced and closed; a new segment begins at the end.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { LandfallError } from '../../../base/errors.ts'
import { type Durable, DurableFileReader } from './durable.ts'
import { datasync, type LogFiles, writeAll } from './files.ts'
import { FrameScanner, findFrameBeyond, readExactly } from './frame-scanner.ts'
import { listSegments, segmentPath } from './segment.ts'

export interface Recovered {
  /** Offset behind the last durable record. */
  next: number
  /** Base offsets of the segments that are there, ascending. */
  segments: number[]
  /** The last segment has no record: the new one takes its place. */
  lastIsEmpty: boolean
  /** Bytes of an unfinished commit that were cut. */
  cutBytes: number
  /** What was published last, where it could be read. */
  recorded: (Durable & { sequence: number }) | undefined
}

/** What is known about the log from outside of it. */
export interface KnownEnd {
  next: number
  /** Who knows it, for the message. */
  by: string
}

export async function recoverLog(
  files: LogFiles,
  directory: string,
  logId: string,
  known: KnownEnd | undefined,
): Promise<Recovered> {
  const segments = await listSegments(directory)
  const recorded = readRecorded(directory, logId)
  const last = segments.at(-1)
  const found =
    last === undefined
      ? { next: 0, lastIsEmpty: false, cutBytes: 0 }
      : await recoverLast(files, segmentPath(directory, last), last, recorded)
  if (recorded !== undefined)
    refuseShort(directory, found.next, { next: recorded.next, by: 'its file `durable`' })
  if (known !== undefined) refuseShort(directory, found.next, known)
  return { ...found, segments, recorded }
}

function readRecorded(directory: string, logId: string): Recovered['recorded'] {
  const reader = DurableFileReader.open(directory, logId)
  const recorded = reader?.read()
  reader?.close()
  return recorded
}

async function recoverLast(
  files: LogFiles,
  path: string,
  base: number,
  recorded: Recovered['recorded'],
): Promise<{ next: number; lastIsEmpty: boolean; cutBytes: number }> {
  const handle = await open(path, 'r')
  try {
    const end = (await handle.stat()).size
    const scanner = new FrameScanner(handle, 0, end)
    let next = base
    for (let frame = await scanner.next(next); frame !== undefined; frame = await scanner.next(next)) {
      next = frame.nextOffset
    }
    const tail = await scanner.rest()
    const beyond = tail === undefined ? undefined : findFrameBeyond(tail, next)
    if (beyond !== undefined) throw damaged(path, next, beyond.header.baseOffset, scanner.position)
    if (recorded !== undefined && recorded.next > next) {
      throw damaged(path, next, recorded.next, scanner.position)
    }
    const durable = recorded?.segment === base ? Math.min(recorded.position, scanner.position) : 0
    await makeDurable(files, handle, path, durable, scanner.position)
    return { next, lastIsEmpty: next === base, cutBytes: tail === undefined ? 0 : usedBytes(tail) }
  } finally {
    await handle.close()
  }
}

/** Writes bytes `from` to `to` again, cuts the file there and syncs it. */
async function makeDurable(
  files: LogFiles,
  handle: FileHandle,
  path: string,
  from: number,
  to: number,
): Promise<void> {
  const fd = files.openExisting(path)
  const step = 4 * 1024 * 1024
  try {
    for (let at = from; at < to; at += step) {
      writeAll(files, fd, await readExactly(handle, at, Math.min(step, to - at)), at)
    }
    await datasync(files, fd)
    await files.truncate(fd, to)
    await files.sync(fd)
  } finally {
    await files.close(fd)
  }
}

function usedBytes(tail: Buffer): number {
  let end = tail.length
  while (end > 0 && tail[end - 1] === 0) end -= 1
  return end
}

function refuseShort(directory: string, next: number, known: KnownEnd): void {
  if (known.next <= next) return
  throw new LandfallError(
    'bad-data',
    'log/damaged',
    `opening the log at ${directory}: ${known.by} knows records up to offset ${known.next}, the log ends at ${next}`,
    {
      hint: `Records ${next} to ${known.next} are missing: restore the log directory, its offsets are not given out twice`,
      details: { from: next, to: known.next, directory },
    },
  )
}

function damaged(path: string, from: number, to: number, position: number): LandfallError {
  return new LandfallError(
    'bad-data',
    'log/damaged',
    `opening ${path}: records ${from} to ${to} were durable and cannot be read; the damage begins at byte ${position}`,
    {
      hint: 'Nothing was changed. Restore this segment from a backup of the log directory',
      details: { from, to, path, position },
    },
  )
}
