/** Reads a topic in any process: from any position, to the end or following. Only what all in-sync replicas have is handed out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Position } from '../../../model/position.ts'
import { nextOffset } from '../../../model/position.ts'
import { NEVER_ABORTED } from '../../end-waiters.ts'
import type { LogBatch, LogReader, ReadOptions } from '../../log.ts'
import { checkLogId, checkReadFrom } from '../../positions.ts'
import { cutByBytes } from '../../record-cursor.ts'
import { plainBatches } from './batches.ts'
import type { Cluster } from './cluster.ts'
import type { Fetched } from './fetch.ts'
import { Fetcher } from './fetcher.ts'
import { EARLIEST, LATEST, listOffsets } from './offsets.ts'

const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** How long an answer about ends may take when brokers come and go. */
const ASK_MAX_MS = 15_000
const LOOK_MS = 50

export interface KafkaReaderParts {
  cluster: Cluster
  topicId: string
  /** Resolves when it is certain what the log holds. */
  settled?: () => Promise<void>
  /** Told when a follower waits for a broker that does not answer, and when it goes on. */
  onNote(text: string): void
}

export class KafkaReader implements LogReader {
  readonly id: string
  readonly consecutive = false
  readonly #parts: KafkaReaderParts
  readonly #reads = new Set<Fetcher>()
  #closed = false

  constructor(parts: KafkaReaderParts) {
    this.#parts = parts
    this.id = `kafka:${parts.topicId}`
  }

  start(): Promise<Position> {
    return this.#position(EARLIEST)
  }

  async end(): Promise<Position> {
    await this.#parts.settled?.()
    return this.#position(LATEST)
  }

  async *read(options: ReadOptions): AsyncGenerator<LogBatch> {
    const signal = options.signal ?? NEVER_ABORTED
    const bytesMax = options.batchBytesMax ?? BATCH_BYTES_MAX
    if (options.from !== undefined) checkLogId(options.from, this.id)
    const [start, end] = await Promise.all([this.start(), this.end()])
    const next = startsOf(options.from, start, end)
    const stopAt = (partition: number) =>
      options.follow ? Number.POSITIVE_INFINITY : nextOffset(end, partition)
    const { cluster, topicId, onNote } = this.#parts
    const fetcher = new Fetcher({ cluster, topicId, bytesMax, follow: options.follow, onNote })
    this.#reads.add(fetcher)
    const onAbort = () => fetcher.stop()
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted && !this.#closed) {
        if (options.follow) addNewPartitions(next, fetcher.partitions)
        const wanted = [...next].filter(([partition, offset]) => offset < stopAt(partition))
        if (wanted.length === 0) return
        for (const fetched of await fetcher.next(wanted)) {
          const from = next.get(fetched.partition)!
          for (const batch of this.#batches(fetched, from, stopAt(fetched.partition), bytesMax)) {
            yield batch
            next.set(fetched.partition, batch.next)
            if (signal.aborted || this.#closed) return
          }
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#reads.delete(fetcher)
      fetcher.stop()
    }
  }

  async waitBeyond(position: Position, signal: AbortSignal): Promise<void> {
    checkLogId(position, this.id)
    while (!signal.aborted && !this.#closed) {
      const { next } = await this.end()
      if (Object.keys(next).some((key) => next[Number(key)]! > nextOffset(position, Number(key)))) return
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
    }
  }

  /** The cluster is let go too: it is this reader's alone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#parts.cluster[Symbol.asyncDispose]()
  }

  /** Ends the reads; the cluster stays. */
  close(): void {
    this.#closed = true
    for (const fetcher of this.#reads) fetcher.stop()
  }

  async #position(time: number): Promise<Position> {
    const { cluster, topicId } = this.#parts
    const offsets = await listOffsets(cluster, topicId, time, ASK_MAX_MS)
    return {
      logId: this.id,
      next: Object.fromEntries(Object.entries(offsets).map(([key, offset]) => [key, offset ?? 0])),
    }
  }

  *#batches(fetched: Fetched, from: number, stop: number, bytesMax: number): Generator<LogBatch> {
    const plain = plainBatches(this.#parts.cluster.access.library, fetched, from)
    const next = Math.min(plain.next, stop)
    if (next > from) yield* cutByBytes(plain.bytes, from, next, bytesMax, fetched.partition)
  }
}

/** Throws `log/out-of-range` with the exact gap. */
function startsOf(from: Position | undefined, start: Position, end: Position): Map<number, number> {
  const next = new Map<number, number>()
  const known = new Set([...Object.keys(end.next), ...Object.keys(from?.next ?? {})].map(Number))
  for (const partition of known) {
    const [first, last] = [nextOffset(start, partition), nextOffset(end, partition)]
    next.set(partition, checkReadFrom(from, end.logId, first, last, partition))
  }
  return next
}

/** Partitions that were added to the topic after the read began, from their first record. */
function addNewPartitions(next: Map<number, number>, partitions: number): void {
  for (let partition = 0; partition < partitions; partition++) {
    if (!next.has(partition)) next.set(partition, 0)
  }
}
