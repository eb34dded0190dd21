/** Gathers appends into frames: bounded, encoded at once, in the order of the calls. */
import type { NewRecord } from '../../../model/record.ts'
import type { Appended } from '../../log.ts'
import { overloaded, tooLarge } from '../../log-errors.ts'
import { BatchBuilder, estimateBytes } from '../../record-batch.ts'

export interface FrameQueueSettings {
  frameBytesMax: number
  appendBytesMax: number
  queuedBytesMax: number
}

/** The records of one commit and who waits for it. */
export interface Frame {
  builder: BatchBuilder
  /** Estimated bytes, as counted in `pressure`. */
  bytes: number
  calls: Call[]
}

export interface Call {
  /** Index of its first record in the frame. */
  delta: number
  resolve: (appended: Appended) => void
  reject: (error: unknown) => void
}

/** Frames whose buffers are kept for the next ones, and the largest buffer kept. */
const POOL_FRAMES = 3
const POOL_BYTES = 8 * 1024 * 1024

export class FrameQueue {
  readonly pressure: { queuedBytes: number; queuedBytesMax: number }
  readonly #settings: FrameQueueSettings
  readonly #pool: Frame[] = []
  #gathering: Frame[] = []

  constructor(settings: FrameQueueSettings) {
    this.#settings = settings
    this.pressure = { queuedBytes: 0, queuedBytesMax: settings.queuedBytesMax }
  }

  get isEmpty(): boolean {
    return this.#gathering.length === 0
  }

  /** Throws `log/too-large` or `log/overloaded`, and then nothing was queued. */
  add(records: readonly NewRecord[]): Promise<Appended> {
    const bytes = estimateBytes(records)
    const { appendBytesMax, frameBytesMax } = this.#settings
    if (bytes > appendBytesMax) throw tooLarge(bytes, appendBytesMax)
    const { queuedBytes, queuedBytesMax } = this.pressure
    if (queuedBytes > 0 && queuedBytes + bytes > queuedBytesMax) throw overloaded(queuedBytes, queuedBytesMax)

    const last = this.#gathering.at(-1)
    const fits =
      last !== undefined && (last.builder.count === 0 || last.builder.length + bytes <= frameBytesMax)
    const frame = fits ? last : (this.#pool.pop() ?? { builder: new BatchBuilder(), bytes: 0, calls: [] })
    const delta = frame.builder.count
    addAll(frame.builder, records)
    if (!fits) this.#gathering.push(frame)
    frame.bytes += bytes
    this.pressure.queuedBytes += bytes
    const calls = frame.calls
    return new Promise((resolve, reject) => calls.push({ delta, resolve, reject }))
  }

  /** The frame to commit next; no call comes to it any more. */
  take(): Frame | undefined {
    return this.#gathering.shift()
  }

  takeAll(): Frame[] {
    const all = this.#gathering
    this.#gathering = []
    return all
  }

  /** Takes back a frame that is settled, answers its calls' list. */
  release(frame: Frame): Call[] {
    const calls = frame.calls
    this.pressure.queuedBytes -= frame.bytes
    frame.builder.clear()
    frame.bytes = 0
    frame.calls = []
    if (this.#pool.length < POOL_FRAMES && frame.builder.capacity <= POOL_BYTES) this.#pool.push(frame)
    return calls
  }

  /** Lets go of the buffers that are kept, when nothing happens. */
  dropBuffers(): void {
    this.#pool.length = 0
  }
}

/** All of them or none. */
function addAll(builder: BatchBuilder, records: readonly NewRecord[]): void {
  const { count, length } = builder
  try {
    for (let i = 0; i < records.length; i++) builder.add(records[i]!)
  } catch (error) {
    builder.cutBack(count, length)
    throw error
  }
}
