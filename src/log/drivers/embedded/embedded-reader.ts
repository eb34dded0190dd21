/** Reads the embedded log in any process, beside its writer: only what is durable, by random access or following. */
import { systemCode } from '../../../base/errors.ts'
import type { Position } from '../../../model/position.ts'
import { nextOffset } from '../../../model/position.ts'
import { NEVER_ABORTED } from '../../end-waiters.ts'
import type { LogBatch, LogReader, ReadOptions } from '../../log.ts'
import { checkLogId, checkReadFrom, positionAt } from '../../positions.ts'
import { cutByBytes } from '../../record-cursor.ts'
import { DurableFollower, type DurableSource } from './follower.ts'
import { absent, loadIdentity } from './identity.ts'
import { listSegments, segmentPath } from './segment.ts'
import { SegmentReader, SparseIndex } from './segment-reader.ts'

const BATCH_BYTES_MAX = 4 * 1024 * 1024

export interface EmbeddedReaderOptions {
  directory: string
  /** How long to wait for a log that is not there yet (its writer may be starting). Default 0. */
  waitMs?: number
}

/** Throws `log/absent` (kind `retry`) when no writer has opened a log there. */
export async function openEmbeddedReader(options: EmbeddedReaderOptions): Promise<EmbeddedReader> {
  const until = performance.now() + (options.waitMs ?? 0)
  for (;;) {
    const identity = await loadIdentity(options.directory)
    const source = identity && DurableFollower.open(options.directory, identity.id)
    if (source !== undefined) return new EmbeddedReader(options.directory, identity!.id, source)
    if (performance.now() > until) throw absent(options.directory)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** One read's place: the segment it stands in, and what was durable when that was looked up. */
interface Place {
  segment: SegmentReader
  epoch: number
  active: number
}

export class EmbeddedReader implements LogReader {
  readonly id: string
  readonly consecutive = true
  readonly #directory: string
  readonly #source: DurableSource
  readonly #index = new SparseIndex()
  #closed = false

  constructor(directory: string, id: string, source: DurableSource) {
    this.#directory = directory
    this.id = id
    this.#source = source
  }

  async start(): Promise<Position> {
    return positionAt(this.id, await this.#startOffset())
  }

  async end(): Promise<Position> {
    return positionAt(this.id, this.#source.current().next)
  }

  async *read(options: ReadOptions): AsyncGenerator<LogBatch> {
    const bytesMax = options.batchBytesMax ?? BATCH_BYTES_MAX
    const signal = options.signal ?? NEVER_ABORTED
    const end = this.#source.current().next
    const stop = options.follow ? Number.POSITIVE_INFINITY : end
    let offset = checkReadFrom(options.from, this.id, await this.#startOffset(), end)
    const buffer = options.reuseBytes ? alternatingBuffers() : undefined
    let place: Place | undefined
    try {
      while (offset < stop && !signal.aborted && !this.#closed) {
        const durable = { ...this.#source.current() }
        if (durable.next <= offset) {
          await this.#source.waitBeyond(offset, signal)
          continue
        }
        if (place === undefined || !holds(place, offset, durable.epoch, durable.segment)) {
          await place?.segment.close()
          place = undefined
          // First what is durable, then the list: whatever is durable stands in a segment of the list.
          const segment = await this.#openSegment(offset)
          place = { segment, epoch: durable.epoch, active: durable.segment }
        }
        const limit = Math.min(durable.next, stop, place.segment.successor ?? Number.POSITIVE_INFINITY)
        const durableBytes = place.segment.baseOffset === durable.segment ? durable.position : undefined
        const { bytes, next } = await place.segment.read(offset, limit, bytesMax, durableBytes, buffer)
        for (const batch of cutByBytes(bytes, offset, next, bytesMax)) {
          yield batch
          offset = batch.next
          if (signal.aborted || this.#closed) return
        }
      }
    } finally {
      await place?.segment.close()
    }
  }

  async waitBeyond(position: Position, signal: AbortSignal): Promise<void> {
    checkLogId(position, this.id)
    await this.#source.waitBeyond(nextOffset(position, 0), signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#source.close()
  }

  async #startOffset(): Promise<number> {
    return (await listSegments(this.#directory))[0] ?? 0
  }

  /** The segment with the highest base at or below `offset`. Retention may take it away in between: then looks again. */
  async #openSegment(offset: number): Promise<SegmentReader> {
    for (;;) {
      const bases = await listSegments(this.#directory)
      checkReadFrom(positionAt(this.id, offset), this.id, bases[0] ?? offset, this.#source.current().next)
      this.#index.forgetBefore(bases[0] ?? 0)
      const at = bases.findLastIndex((base) => base <= offset)
      const base = bases[at] ?? 0
      try {
        return await SegmentReader.open(segmentPath(this.#directory, base), base, bases[at + 1], this.#index)
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || bases.length === 0) throw error
      }
    }
  }
}

/**
 * Whether the open segment is still the one for `offset`. After a takeover or a new start of the writer the file of a base may
 * be another one, and a new segment may begin below what the old one holds: then it is looked up again.
 */
function holds(place: Place, offset: number, epoch: number, active: number): boolean {
  if (place.epoch !== epoch || place.active !== active) return false
  return place.segment.successor === undefined || offset < place.segment.successor
}

/** Two buffers in turn, each as large as what was last asked of it needed at most. */
function alternatingBuffers(): (size: number) => Buffer {
  const buffers = [Buffer.alloc(0), Buffer.alloc(0)]
  let turn = 0
  return (size) => {
    turn = 1 - turn
    if (buffers[turn]!.length < size) buffers[turn] = Buffer.allocUnsafeSlow(size)
    return buffers[turn]!
  }
}
