/** Segment files: their names, the one that is written to, and the spare that is zero-filled ahead of time. */
import { readdir, rm } from 'node:fs/promises'
import { LandfallError } from '../../../base/errors.ts'
import { datasync, type LogFiles } from './files.ts'

/** The segment that is written to. */
export interface ActiveSegment {
  fd: number
  path: string
  baseOffset: number
  /** Bytes that are durable; the next frame begins here. */
  position: number
  /** Bytes that are laid out on the disk already. */
  capacity: number
  /** Milliseconds of its first record, or undefined while it has none. */
  firstMs: number | undefined
}

const SEGMENT_NAME = /^(\d{20})\.log$/

export function segmentPath(directory: string, baseOffset: number): string {
  return `${directory}/${String(baseOffset).padStart(20, '0')}.log`
}

/** Base offsets of the segments of a directory, ascending. */
export async function listSegments(directory: string): Promise<number[]> {
  const bases: number[] = []
  for (const name of await readdir(directory)) {
    const match = SEGMENT_NAME.exec(name)
    if (match !== null) bases.push(Number(match[1]))
  }
  return bases.sort((a, b) => a - b)
}

function unsynced(directory: string, cause: unknown): LandfallError {
  const said = cause instanceof Error ? cause.message : String(cause)
  return new LandfallError(
    'retry',
    'log/not-synced',
    `the directory ${directory} cannot be synced: ${said}`,
    {
      hint: 'See what the system says of this disk, then start again: what was answered is there',
      cause,
    },
  )
}

const FILL_BYTES = 1024 * 1024
const SPARE = 'spare'

/**
 * Makes the file of a new segment. Zero-filling costs a sync of the data only, where a growing file also journals its size
 * (half the latency here); it happens on the pool while the segment before is being filled.
 *
 * Steps of `open`, and what a crash after each of them leaves:
 * 1. A file under another name (`spare`, or `fresh.tmp` when the spare is not ready): not a segment, reused or removed.
 * 2. rename to `<base>.log`, which replaces a segment of the same base if one is there: only ever one without a durable record.
 *    After a power cut the name may or may not be there; both are fine, since the segment before holds everything below base.
 * 3. fsync of the directory: from here on the segment exists. Nothing is written to it before, so no frame can vanish with
 *    its name.
 * The segment before is cut to its length afterwards (`seal`), at leisure: readers and recovery go over to a new segment at
 * its base offset whatever stands behind that in the old one, be it zeros or frames of a failed sync.
 */
export class SegmentMaker {
  readonly #files: LogFiles
  readonly #directory: string
  /** Bytes of a segment. */
  readonly bytes: number
  #sealing: Promise<void> = Promise.resolve()
  #spare: Promise<number | undefined> = Promise.resolve(undefined)
  #ready = false
  #stopped = false

  constructor(files: LogFiles, directory: string, bytes: number) {
    this.#files = files
    this.#directory = directory
    this.bytes = bytes
  }

  /** Takes over a spare that a predecessor finished: it has its name only after its sync. Removes unfinished ones. */
  async adopt(): Promise<void> {
    for (const name of ['spare.tmp', 'fresh.tmp']) await rm(`${this.#directory}/${name}`, { force: true })
    try {
      const fd = this.#files.openExisting(`${this.#directory}/${SPARE}`)
      this.#spare = Promise.resolve(fd)
      this.#ready = true
    } catch {
      // None there.
    }
  }

  /** Begins to prepare the next spare, unless there is one. */
  prepare(): void {
    if (this.#ready || this.#stopped) return
    this.#spare = this.#spare.then(() => this.#fill())
  }

  /** `bytes` zero-filled bytes (`firstBytes` when no spare is ready, which is waited for; 0: a growing file). */
  async open(baseOffset: number, firstBytes = 0): Promise<ActiveSegment> {
    let fd: number
    let capacity = 0
    let from = `${this.#directory}/${SPARE}`
    const spare = this.#ready ? await this.#spare : undefined
    if (spare !== undefined) {
      fd = spare
      capacity = this.bytes
    } else {
      from = `${this.#directory}/fresh.tmp`
      fd = await this.#files.create(from)
      // No room to lay it out is no reason not to open: it then grows, and a write says so if it cannot.
      if (firstBytes > 0) capacity = await this.#zeroFill(fd, Math.min(firstBytes, this.bytes)).catch(() => 0)
    }
    const path = segmentPath(this.#directory, baseOffset)
    try {
      await this.#files.rename(from, path)
    } catch (error) {
      if (spare === undefined) await this.#files.close(fd)
      throw error
    }
    if (spare !== undefined) {
      this.#spare = Promise.resolve(undefined)
      this.#ready = false
    }
    try {
      await this.#files.syncDirectory(this.#directory)
    } catch (error) {
      await this.#files.close(fd)
      // Whatever the system calls it, it is not what a write without room is.
      throw unsynced(this.#directory, error)
    }
    return { fd, path, baseOffset, position: 0, capacity, firstMs: undefined }
  }

  /**
   * Cuts a segment that is written no more to its length and closes it, in the background. Best effort: nothing depends on it
   * but disk space.
   */
  seal(segment: ActiveSegment): void {
    this.#sealing = this.#sealing.then(() => this.#seal(segment))
  }

  /** Ends preparing; the spare stays for the next opening. */
  async close(): Promise<void> {
    this.#stopped = true
    await this.#sealing
    const fd = await this.#spare
    if (fd !== undefined) await this.#files.close(fd)
    this.#spare = Promise.resolve(undefined)
    this.#ready = false
  }

  async #seal(segment: ActiveSegment): Promise<void> {
    try {
      await this.#files.truncate(segment.fd, segment.position)
      await this.#files.sync(segment.fd)
    } catch {
      // The zeros or the dead frames behind its end stay; they are never read.
    } finally {
      await this.#files.close(segment.fd).catch(() => {})
    }
  }

  async #fill(): Promise<number | undefined> {
    if (this.#stopped) return undefined
    const temporary = `${this.#directory}/spare.tmp`
    let fd: number | undefined
    try {
      fd = await this.#files.create(temporary)
      if ((await this.#zeroFill(fd, this.bytes)) < this.bytes) throw new Error('stopped')
      await this.#files.rename(temporary, `${this.#directory}/${SPARE}`)
      this.#ready = true
      return fd
    } catch {
      // No room, or stopped: the next segment grows instead, and says so itself if it cannot.
      if (fd !== undefined) await this.#files.close(fd)
      await this.#files.unlink(temporary).catch(() => {})
      return undefined
    }
  }

  async #zeroFill(fd: number, bytes: number): Promise<number> {
    const zeros = Buffer.alloc(Math.min(FILL_BYTES, bytes))
    let filled = 0
    while (filled < bytes && !this.#stopped) {
      const piece = zeros.subarray(0, Math.min(zeros.length, bytes - filled))
      filled += await this.#files.writeBehind(fd, piece, filled)
    }
    await datasync(this.#files, fd)
    return filled
  }
}
