/**
 * The one writer: gathers appends into frames and commits one frame at a time.
 *
 *   append → gather (encoded at once) → write (page cache, on the loop) → fdatasync (pool) → publish → resolve
 *               ↑ the next frame gathers while this one is being synced: the sync is the linger, there is no timer
 *
 * Failures:
 * - No room (ENOSPC and its like) while writing: that frame's appends and all queued behind them are rejected with `log/disk-full`; its
 *   bytes, if any, stand behind the durable end, where the next frame is written over them. The log goes on.
 * - A sync that fails: the kernel may have marked the pages clean without writing them, so nothing more is answered from that
 *   segment and its sync is never tried again. A new segment begins at the durable end; the frame, still in memory, is written
 *   and synced there, then answered. Readers and recovery leave the old segment at that offset (segment.ts).
 * - If that fails too: `log/unknown-outcome` for the frame that was written, `log/closed` for what was queued behind it, and the log
 *   is dead. The process should end; the next start recovers what is durable.
 */
import type { Clock } from '../../../base/clock.ts'
import { LandfallError, systemCode } from '../../../base/errors.ts'
import type { NewRecord } from '../../../model/record.ts'
import type { EndWaiters } from '../../end-waiters.ts'
import type { Appended } from '../../log.ts'
import { closed, diskFull } from '../../log-errors.ts'
import { encodeMarker } from '../../record-batch.ts'
import type { DiskReserve } from './disk-reserve.ts'
import type { Durable, DurableFile } from './durable.ts'
import { datasync, type LogFiles, writeAll } from './files.ts'
import { type Frame, FrameQueue, type FrameQueueSettings } from './frame-queue.ts'
import type { ActiveSegment, SegmentMaker } from './segment.ts'

/** Readers wait so long for what could not be published. */
const PUBLISH_AGAIN_MS = 100

export interface WriterSettings extends FrameQueueSettings {
  segmentAgeMs: number
  idleMarkerMs: number
}

export interface WriterParts {
  files: LogFiles
  clock: Clock
  segments: SegmentMaker
  durableFile: DurableFile
  reserve: DiskReserve
  waiters: EndWaiters
  /** Hears once that the log is dead. */
  onDead(error: LandfallError): void
}

export class Writer {
  /** What is durable and published. */
  readonly durable: Durable
  readonly #settings: WriterSettings
  readonly #parts: WriterParts
  readonly #queue: FrameQueue
  #segment: ActiveSegment
  #committing = false
  #scheduled = false
  #stopped: LandfallError | undefined
  #drained: (() => void) | undefined
  #idleTimer: NodeJS.Timeout | undefined
  #lastCommitMs = 0
  #unpublished: unknown
  #publishTimer: NodeJS.Timeout | undefined

  constructor(settings: WriterSettings, parts: WriterParts, segment: ActiveSegment, epoch: number) {
    this.#settings = settings
    this.#parts = parts
    this.#segment = segment
    this.#queue = new FrameQueue(settings)
    this.durable = {
      epoch,
      segment: segment.baseOffset,
      position: segment.position,
      next: segment.baseOffset,
    }
    parts.durableFile.publish(this.durable)
  }

  get pressure(): { queuedBytes: number; queuedBytesMax: number } {
    return this.#queue.pressure
  }

  append(records: readonly NewRecord[]): Promise<Appended> {
    if (this.#stopped !== undefined) throw this.#stopped
    this.#parts.reserve.check()
    const appended = this.#queue.add(records)
    this.#schedule()
    return appended
  }

  /** Takes no more, and resolves when all that was taken is settled. The log may have died of it. */
  async stop(): Promise<ActiveSegment | undefined> {
    this.#stopped ??= closed()
    clearTimeout(this.#idleTimer)
    if (this.#committing || !this.#queue.isEmpty) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    const isWell = this.#stopped.cause === undefined
    if (isWell) this.#publish()
    clearTimeout(this.#publishTimer)
    return isWell ? this.#segment : undefined
  }

  /** The one that is written to. */
  get segment(): Readonly<ActiveSegment> {
    return this.#segment
  }

  #schedule(): void {
    if (this.#committing || this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#commit)
  }

  readonly #commit = (): void => {
    this.#scheduled = false
    const frame = this.#queue.take()
    if (frame === undefined) return
    this.#committing = true
    if (frame.builder.count === 0) this.#settle(frame)
    else if (this.#needsRotation(frame)) void this.#rotateThenWrite(frame)
    else this.#write(frame)
  }

  #needsRotation(frame: Frame): boolean {
    const { position, capacity, firstMs } = this.#segment
    if (position === 0) return false
    if (position + frame.builder.length > (capacity || this.#parts.segments.bytes)) return true
    return firstMs !== undefined && this.#nowMs() - firstMs > this.#settings.segmentAgeMs
  }

  #nowMs(): number {
    return this.#parts.clock.nowMicros() / 1000
  }

  async #rotateThenWrite(frame: Frame): Promise<void> {
    const { segments } = this.#parts
    try {
      const full = this.#segment
      this.#goOnIn(await segments.open(this.durable.next))
      segments.seal(full)
    } catch (error) {
      if (isNoRoom(error)) this.#reject(frame, error)
      else this.#die(frame, error)
      return
    }
    this.#write(frame)
  }

  /** From here on frames go to this segment, which is empty and exists for good. */
  #goOnIn(segment: ActiveSegment): void {
    this.#segment = segment
    this.durable.segment = segment.baseOffset
    this.durable.position = 0
    this.#publish()
    this.#parts.segments.prepare()
  }

  #write(frame: Frame): void {
    const { files } = this.#parts
    const bytes = frame.builder.seal(this.durable.next)
    try {
      writeAll(files, this.#segment.fd, bytes, this.#segment.position)
    } catch (error) {
      if (isNoRoom(error)) this.#reject(frame, error)
      else void this.#takeOver(frame, error)
      return
    }
    files.datasync(this.#segment.fd, (error) => {
      if (error) void this.#takeOver(frame, error)
      else this.#settle(frame)
    })
  }

  /** The frame is durable: publishes, then answers. */
  #settle(frame: Frame): void {
    const baseOffset = this.durable.next
    if (frame.builder.count > 0) {
      this.#segment.firstMs ??= this.#nowMs()
      this.#advance(frame.builder.length, frame.builder.count)
    }
    const calls = this.#queue.release(frame)
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i]!
      call.resolve({ partition: 0, baseOffset: baseOffset + call.delta })
    }
    this.#parts.waiters.wake(this.durable.next)
    this.#finishCommit()
    this.#lastCommitMs = this.#parts.clock.monotonicMs()
    this.#armMarker(this.#settings.idleMarkerMs)
  }

  #advance(bytes: number, records: number): void {
    this.#segment.position += bytes
    this.durable.position = this.#segment.position
    this.durable.next += records
    this.#publish()
  }

  /** Without room it is tried again until readers see it; a file that cannot be written at all ends the log. */
  #publish(): void {
    clearTimeout(this.#publishTimer)
    try {
      this.#parts.durableFile.publish(this.durable)
    } catch (error) {
      if (isNoRoom(error)) this.#publishTimer = setTimeout(this.#publishAgain, PUBLISH_AGAIN_MS)
      else this.#unpublished = error
    }
  }

  /** What was answered is durable, and no append may come to publish it. */
  readonly #publishAgain = (): void => {
    if (this.#stopped?.cause !== undefined) return
    this.#publish()
    if (this.#unpublished !== undefined && !this.#committing) this.#finishCommit()
  }

  /** Nothing of the frame is in the log. */
  #reject(frame: Frame, cause: unknown): void {
    const text = cause instanceof Error ? cause.message : String(cause)
    const error = diskFull(
      `appending to the log: no room to write ${frame.builder.length} bytes (${text})`,
      {},
      cause,
    )
    // What was queued behind it goes with it: an event may have been made from one that is not stored now.
    this.#rejectAll([frame, ...this.#queue.takeAll()], error)
    this.#finishCommit()
  }

  /** The segment is not to be trusted any more: goes on in a new one at the durable end, first of all with this frame. */
  async #takeOver(frame: Frame | undefined, cause: unknown): Promise<void> {
    const { files, segments } = this.#parts
    const bad = this.#segment
    try {
      const fresh = await segments.open(this.durable.next)
      this.durable.epoch += 1
      this.#goOnIn(fresh)
      if (frame !== undefined) {
        writeAll(files, fresh.fd, frame.builder.seal(this.durable.next), 0)
        await datasync(files, fresh.fd)
      }
    } catch (second) {
      this.#die(frame, second, cause)
      return
    }
    if (frame === undefined) this.#finishCommit()
    else this.#settle(frame)
    segments.seal(bad)
  }

  #die(frame: Frame | undefined, cause: unknown, first?: unknown): void {
    const text = [first, cause]
      .flatMap((error) => (error instanceof Error ? [error.message] : []))
      .join('; then ')
    const unknown = new LandfallError(
      'retry',
      'log/unknown-outcome',
      `appending to the log: it could not be made durable (${text}); the records may or may not be there`,
      { hint: 'Send the same events again with the same ids: the copies are recognised', cause },
    )
    this.#stopped = closed(unknown)
    clearTimeout(this.#idleTimer)
    this.#rejectAll(frame === undefined ? [] : [frame], unknown)
    this.#rejectAll(this.#queue.takeAll(), this.#stopped)
    this.#finishCommit()
    this.#parts.waiters.wake()
    this.#parts.onDead(unknown)
  }

  #rejectAll(frames: readonly Frame[], error: unknown): void {
    const calls = frames.flatMap((frame) => this.#queue.release(frame))
    for (const call of calls) call.reject(error)
  }

  #finishCommit(): void {
    this.#committing = false
    const unpublished = this.#unpublished
    if (unpublished !== undefined) {
      // What was answered is durable; but followers would wait for it for ever.
      this.#unpublished = undefined
      this.#die(undefined, unpublished)
      return
    }
    if (!this.#queue.isEmpty) this.#schedule()
    else this.#drained?.()
  }

  #armMarker(afterMs: number): void {
    if (this.#idleTimer !== undefined || this.#stopped !== undefined) return
    this.#idleTimer = setTimeout(this.#markWhenIdle, afterMs)
    this.#idleTimer.unref()
  }

  /**
   * After a while of idleness writes a marker behind the last frame and syncs `durable`: two witnesses that the last frame was
   * whole, so that damage to it is told from a torn tail even after a power cut. Both slots of `durable` say the same then.
   */
  readonly #markWhenIdle = (): void => {
    this.#idleTimer = undefined
    if (this.#stopped !== undefined) return
    const idleMs = this.#parts.clock.monotonicMs() - this.#lastCommitMs
    const busy = this.#committing || !this.#queue.isEmpty
    if (busy || idleMs < this.#settings.idleMarkerMs) {
      this.#armMarker(Math.max(this.#settings.idleMarkerMs - (busy ? 0 : idleMs), 1))
      return
    }
    void this.#mark()
  }

  async #mark(): Promise<void> {
    const { files, durableFile } = this.#parts
    this.#committing = true
    this.#queue.dropBuffers()
    const marker = encodeMarker(this.durable.next, Math.floor(this.#nowMs()))
    try {
      writeAll(files, this.#segment.fd, marker, this.#segment.position)
    } catch {
      // No room for a marker is no reason to fail anybody.
      this.#finishCommit()
      return
    }
    try {
      await datasync(files, this.#segment.fd)
    } catch (error) {
      await this.#takeOver(undefined, error)
      return
    }
    this.#advance(marker.length, 0)
    this.#publish()
    await durableFile.sync().catch(() => {})
    this.#finishCommit()
  }
}

function isNoRoom(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
}
