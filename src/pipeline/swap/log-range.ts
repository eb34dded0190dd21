/** A log as if it held one range only: what a rehearsal lands. */
import type { LogBatch, LogReader, ReadOptions, RecordCursor } from '../../log/log.ts'
import { nextOffset, type Position } from '../../model/position.ts'
import type { LogRecord } from '../../model/record.ts'

/**
 * `from` to `to` (exclusive) of a log, under the log's own id. Whoever reads it finds the log begin and end there, so that
 * two landers that are given the same range land the same records, whatever is appended meanwhile.
 */
export class LogRange implements LogReader {
  readonly id: string
  readonly consecutive: boolean
  readonly #log: LogReader
  readonly #from: Position
  readonly #to: Position

  constructor(log: LogReader, from: Position, to: Position) {
    this.id = log.id
    this.consecutive = log.consecutive
    this.#log = log
    this.#from = from
    this.#to = to
  }

  start(): Promise<Position> {
    return Promise.resolve(this.#from)
  }

  end(): Promise<Position> {
    return Promise.resolve(this.#to)
  }

  /** Nothing comes after the end, so following it is reading to the end and then waiting for the signal. */
  async *read(options: ReadOptions): AsyncGenerator<LogBatch> {
    const from = options.from ?? this.#from
    const left = new Set(this.#partitionsBeyond(from))
    if (left.size > 0) {
      for await (const batch of this.#log.read({ ...options, from, follow: false })) {
        const to = nextOffset(this.#to, batch.partition)
        if (!left.has(batch.partition)) continue
        yield batch.next > to ? cutAt(batch, to) : batch
        if (batch.next >= to) left.delete(batch.partition)
        if (left.size === 0) break
      }
    }
    if (options.follow && options.signal !== undefined) await aborted(options.signal)
  }

  async waitBeyond(position: Position, signal: AbortSignal): Promise<void> {
    if (this.#partitionsBeyond(position).length === 0) await aborted(signal)
  }

  /** Partitions of which there is something at or beyond `position`. */
  #partitionsBeyond(position: Position): number[] {
    return Object.keys(this.#to.next)
      .map(Number)
      .filter((partition) => nextOffset(this.#to, partition) > nextOffset(position, partition))
  }

  /** The log is its owner's to close. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The records of a batch before an offset. */
function cutAt(batch: LogBatch, to: number): LogBatch {
  return {
    partition: batch.partition,
    next: to,
    get records(): readonly LogRecord[] {
      return batch.records.filter((record) => record.offset < to)
    },
    cursor: () => boundedCursor(batch.cursor(), to),
  }
}

function boundedCursor(cursor: RecordCursor, to: number): RecordCursor {
  const next = cursor.next.bind(cursor)
  return new Proxy(cursor, {
    get(target, name) {
      if (name === 'next') return () => next() && target.offset < to
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
