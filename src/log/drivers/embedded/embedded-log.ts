/** The log in files of this machine, with the one writer that it may have. Format: docs/formats/log.md. */
import { type Clock, systemClock } from '../../../base/clock.ts'
import { LandfallError } from '../../../base/errors.ts'
import { makeDirectory } from '../../../base/files.ts'
import { type DirectoryLock, waitForDirectoryLock } from '../../../base/lock.ts'
import type { Position } from '../../../model/position.ts'
import { nextOffset } from '../../../model/position.ts'
import type { NewRecord } from '../../../model/record.ts'
import { EndWaiters } from '../../end-waiters.ts'
import type { Appended, EventLog, LogBatch, ReadOptions } from '../../log.ts'
import { checkLogId } from '../../positions.ts'
import { DiskReserve } from './disk-reserve.ts'
import { DurableFile } from './durable.ts'
import { EmbeddedReader } from './embedded-reader.ts'
import { type LogFiles, nodeFiles } from './files.ts'
import type { DurableSource } from './follower.ts'
import { createIdentity, type LogIdentity, loadIdentity } from './identity.ts'
import { type KnownEnd, recoverLog } from './recovery.ts'
import { type RetentionSettings, trimSegments } from './retention.ts'
import { listSegments, SegmentMaker } from './segment.ts'
import { Writer } from './writer.ts'

const MIB = 1024 * 1024

export interface EmbeddedLogSettings {
  /** Bytes of a segment file, laid out ahead. Default 64 MiB. */
  segmentBytes?: number
  /** A segment is closed when its first record is older, so that retention by age can let it go. Default one day. */
  segmentAgeMs?: number
  /** A commit takes more appends while its frame is below this. Default 4 MiB. */
  frameBytesMax?: number
  /** Most bytes of one append. Default 16 MiB. */
  appendBytesMax?: number
  /** Most bytes that wait to become durable; beyond it append throws `log/overloaded`. Default 32 MiB. */
  queuedBytesMax?: number
  /** What `trim` lets go: by default what is older than 7 days and what goes beyond 16 GiB. */
  retention?: RetentionSettings
  /** Part of the disk that stays free; below it append throws `log/disk-full`. Default 0.05. */
  diskReserve?: number
  /** A marker is written after this long without an append. Default 1 s. */
  idleMarkerMs?: number
  /** How long to wait for a predecessor that is just dying. Default 2 s. */
  lockWaitMs?: number
}

export interface EmbeddedLogOptions extends EmbeddedLogSettings {
  directory: string
  clock?: Clock
  /** The furthest position that any table or snapshot knows: a log that ends before it is refused. */
  knownEnd?: Position
  /** Hears once when the log died (`log/unknown-outcome`): end the process, the next start recovers. */
  onDead?: (error: LandfallError) => void
  files?: LogFiles
}

/**
 * Opens or creates the log of a directory. Throws `base/locked` when another process has it, `log/damaged` (with the range)
 * when durable records are missing, `log/wrong-log` when `knownEnd` is of another log.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { directory } = options
  await makeDirectory(directory)
  const lock = await waitForDirectoryLock(directory, 'the log', options.lockWaitMs ?? 2000)
  try {
    return await openLocked(options, lock)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function openLocked(options: EmbeddedLogOptions, lock: DirectoryLock): Promise<EmbeddedLog> {
  const { directory, clock = systemClock(), files = nodeFiles } = options
  const identity = await openIdentity(directory, clock, options.knownEnd)
  const recovered = await recoverLog(files, directory, identity.id, knownEnd(options.knownEnd))

  const segments = new SegmentMaker(files, directory, options.segmentBytes ?? 64 * MIB)
  await segments.adopt()
  const segment = await segments.open(recovered.next, 8 * MIB)
  segments.prepare()

  const sequence = recovered.recorded?.sequence ?? 0
  const durableFile = await DurableFile.open(files, directory, identity.id, sequence)
  const reserve = new DiskReserve(files, directory, options.diskReserve ?? 0.05, clock)
  await reserve.look()
  const waiters = new EndWaiters()
  const writer = new Writer(
    {
      segmentAgeMs: options.segmentAgeMs ?? 24 * 3600_000,
      frameBytesMax: options.frameBytesMax ?? 4 * MIB,
      appendBytesMax: options.appendBytesMax ?? 16 * MIB,
      queuedBytesMax: options.queuedBytesMax ?? 32 * MIB,
      idleMarkerMs: options.idleMarkerMs ?? 1000,
    },
    { files, clock, segments, durableFile, reserve, waiters, onDead: options.onDead ?? (() => {}) },
    segment,
    (recovered.recorded?.epoch ?? 0) + 1,
  )
  await durableFile.sync()
  await files.syncDirectory(directory)
  const retention = options.retention ?? { ageMs: 7 * 24 * 3600_000, bytes: 16 * 1024 * MIB }
  const parts = { directory, clock, files, lock, segments, durableFile, reserve, waiters, retention }
  return new EmbeddedLog(identity.id, writer, parts, recovered.cutBytes)
}

async function openIdentity(
  directory: string,
  clock: Clock,
  known: Position | undefined,
): Promise<LogIdentity> {
  const identity = await loadIdentity(directory)
  if (identity !== undefined) {
    if (known !== undefined) checkLogId(known, identity.id)
    return identity
  }
  const segments = await listSegments(directory)
  if (segments.length > 0 || (known !== undefined && nextOffset(known, 0) > 0)) {
    const evidence = segments.length > 0 ? 'segments are there' : 'tables know a log that stood here'
    throw new LandfallError(
      'bad-data',
      'log/damaged',
      `opening the log at ${directory}: ${evidence}, log.json is missing`,
      {
        hint: 'Restore the log directory from a backup, or move it and its tables aside to begin anew',
        details: { directory },
      },
    )
  }
  return createIdentity(directory, clock.nowMicros() / 1000)
}

function knownEnd(position: Position | undefined): KnownEnd | undefined {
  return position && { next: nextOffset(position, 0), by: 'a table' }
}

interface EmbeddedLogParts {
  directory: string
  clock: Clock
  files: LogFiles
  lock: DirectoryLock
  segments: SegmentMaker
  durableFile: DurableFile
  reserve: DiskReserve
  waiters: EndWaiters
  retention: RetentionSettings
}

export class EmbeddedLog implements EventLog {
  readonly id: string
  readonly consecutive = true
  /** Bytes of an unfinished commit that opening cut. */
  readonly cutBytes: number
  readonly #writer: Writer
  readonly #parts: EmbeddedLogParts
  readonly #reader: EmbeddedReader
  #trimming: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(id: string, writer: Writer, parts: EmbeddedLogParts, cutBytes: number) {
    this.id = id
    this.cutBytes = cutBytes
    this.#writer = writer
    this.#parts = parts
    this.#reader = new EmbeddedReader(parts.directory, id, writerSource(writer, parts.waiters))
  }

  get pressure(): { queuedBytes: number; queuedBytesMax: number } {
    return this.#writer.pressure
  }

  append(records: readonly NewRecord[]): Promise<Appended> {
    return this.#writer.append(records)
  }

  start(): Promise<Position> {
    return this.#reader.start()
  }

  end(): Promise<Position> {
    return this.#reader.end()
  }

  read(options: ReadOptions): AsyncIterable<LogBatch> {
    return this.#reader.read(options)
  }

  waitBeyond(position: Position, signal: AbortSignal): Promise<void> {
    return this.#reader.waitBeyond(position, signal)
  }

  trim(before: Position): Promise<void> {
    checkLogId(before, this.id)
    this.#trimming = this.#trimming.catch(() => {}).then(() => this.#trim(nextOffset(before, 0)))
    return this.#trimming
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #trim(before: number): Promise<void> {
    const { files, directory, retention, clock, reserve } = this.#parts
    if (this.#closing !== undefined) return
    await trimSegments(files, directory, retention, {
      before,
      nowMs: clock.nowMicros() / 1000,
      diskIsLow: async () => {
        await reserve.look()
        return reserve.isLow
      },
    })
  }

  async #close(): Promise<void> {
    const { segments, durableFile, lock } = this.#parts
    const segment = await this.#writer.stop()
    await this.#trimming.catch(() => {})
    await this.#reader[Symbol.asyncDispose]()
    if (segment !== undefined && segment.position > 0) segments.seal(segment)
    else await this.#parts.files.close(this.#writer.segment.fd).catch(() => {})
    await segments.close()
    await durableFile.sync().catch(() => {})
    await durableFile.close()
    lock.release()
  }
}

/** The durable end as the writer of this process knows it. */
function writerSource(writer: Writer, waiters: EndWaiters): DurableSource {
  let isClosed = false
  return {
    current: () => writer.durable,
    async waitBeyond(offset, signal) {
      while (writer.durable.next <= offset && !signal.aborted && !isClosed) await waiters.wait(offset, signal)
    },
    close() {
      isClosed = true
      waiters.wake()
    },
  }
}
