import { randomUUID } from 'node:crypto'
import type { Position } from '../../model/position.ts'
import { nextOffset } from '../../model/position.ts'
import type { NewRecord } from '../../model/record.ts'
import { EndWaiters, NEVER_ABORTED } from '../end-waiters.ts'
import type { Appended, EventLog, LogBatch, ReadOptions } from '../log.ts'
import { closed, overloaded, tooLarge } from '../log-errors.ts'
import { checkLogId, checkReadFrom, positionAt } from '../positions.ts'
import { BatchBuilder, estimateBytes } from '../record-batch.ts'
import { cutByBytes } from '../record-cursor.ts'

export interface MemoryLogSettings {
  id?: string
  queuedBytesMax?: number
  appendBytesMax?: number
  /** Stands for the sync: awaited before records count as durable; when it rejects, those records were never there. */
  sync?: () => Promise<void>
}

interface Frame {
  baseOffset: number
  nextOffset: number
  bytes: Buffer
}

interface Waiting {
  records: readonly NewRecord[]
  bytes: number
  resolve: (appended: Appended) => void
  reject: (error: unknown) => void
}

/** A log in the memory of this process, for tests: same promises, same bytes, gone with the process. */
export function createMemoryLog(settings: MemoryLogSettings = {}): EventLog {
  return new MemoryLog(settings)
}

class MemoryLog implements EventLog {
  readonly id: string
  readonly consecutive = true
  readonly pressure: { queuedBytes: number; queuedBytesMax: number }
  readonly #appendBytesMax: number
  readonly #sync: (() => Promise<void>) | undefined
  readonly #waiters = new EndWaiters()
  readonly #frames: Frame[] = []
  #start = 0
  #end = 0
  #queue: Waiting[] = []
  #committing: Promise<void> | undefined
  #closed = false

  constructor(settings: MemoryLogSettings) {
    this.id = settings.id ?? randomUUID()
    this.pressure = { queuedBytes: 0, queuedBytesMax: settings.queuedBytesMax ?? 32 * 1024 * 1024 }
    this.#appendBytesMax = settings.appendBytesMax ?? 16 * 1024 * 1024
    this.#sync = settings.sync
  }

  append(records: readonly NewRecord[]): Promise<Appended> {
    if (this.#closed) throw closed()
    const bytes = estimateBytes(records)
    if (bytes > this.#appendBytesMax) throw tooLarge(bytes, this.#appendBytesMax)
    const { queuedBytes, queuedBytesMax } = this.pressure
    if (queuedBytes > 0 && queuedBytes + bytes > queuedBytesMax) throw overloaded(queuedBytes, queuedBytesMax)
    this.pressure.queuedBytes += bytes
    return new Promise((resolve, reject) => {
      this.#queue.push({ records: records.map(copyRecord), bytes, resolve, reject })
      this.#committing ??= this.#commitAll()
    })
  }

  async start(): Promise<Position> {
    return positionAt(this.id, this.#start)
  }

  async end(): Promise<Position> {
    return positionAt(this.id, this.#end)
  }

  async *read(options: ReadOptions): AsyncGenerator<LogBatch> {
    const bytesMax = options.batchBytesMax ?? 4 * 1024 * 1024
    const stop = options.follow ? Number.POSITIVE_INFINITY : this.#end
    const signal = options.signal ?? NEVER_ABORTED
    let offset = checkReadFrom(options.from, this.id, this.#start, this.#end)
    for (;;) {
      if (signal.aborted || this.#closed || offset >= stop) return
      const frame = this.#frameAt(offset)
      if (frame === undefined) {
        await this.#waiters.wait(offset, signal)
        continue
      }
      for (const batch of cutByBytes(frame.bytes, offset, frame.nextOffset, bytesMax)) {
        yield batch
        offset = batch.next
      }
    }
  }

  async waitBeyond(position: Position, signal: AbortSignal): Promise<void> {
    checkLogId(position, this.id)
    const offset = nextOffset(position, 0)
    while (this.#end <= offset && !signal.aborted && !this.#closed) await this.#waiters.wait(offset, signal)
  }

  async trim(before: Position): Promise<void> {
    const offset = nextOffset(before, 0)
    while (this.#frames[0] !== undefined && this.#frames[0].nextOffset <= offset) {
      this.#start = this.#frames.shift()!.nextOffset
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#committing
    this.#waiters.wake()
  }

  #frameAt(offset: number): Frame | undefined {
    checkReadFrom(positionAt(this.id, offset), this.id, this.#start, this.#end)
    let low = 0
    let high = this.#frames.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#frames[middle]!.nextOffset <= offset) low = middle + 1
      else high = middle
    }
    return this.#frames[low]
  }

  async #commitAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const group = this.#queue
      this.#queue = []
      await this.#commit(group)
    }
    this.#committing = undefined
  }

  async #commit(group: Waiting[]): Promise<void> {
    let failure: unknown
    let failed = false
    try {
      await this.#sync?.()
    } catch (error) {
      failure = error
      failed = true
    }
    // A failure takes with it what was queued behind the failed calls.
    if (failed) group.push(...this.#queue.splice(0))
    for (const { records, bytes, resolve, reject } of group) {
      this.pressure.queuedBytes -= bytes
      if (failed) reject(failure)
      else resolve({ partition: 0, baseOffset: this.#keep(records) })
    }
    this.#waiters.wake(this.#end)
  }

  #keep(records: readonly NewRecord[]): number {
    const baseOffset = this.#end
    if (records.length === 0) return baseOffset
    const batch = new BatchBuilder(estimateBytes(records) + 256)
    for (const record of records) batch.add(record)
    this.#end += records.length
    this.#frames.push({ baseOffset, nextOffset: this.#end, bytes: batch.seal(baseOffset) })
    return baseOffset
  }
}

function copyRecord(record: NewRecord): NewRecord {
  return { ...record, value: Uint8Array.from(record.value) }
}
