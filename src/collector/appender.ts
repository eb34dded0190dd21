import { isLandfallError } from '../base/errors.ts'
import type { Appended, EventLog } from '../log/log.ts'
import type { NewRecord } from '../model/record.ts'
import type { AppendTimes } from './append-times.ts'
import type { AnswerHeader } from './idempotency.ts'
import type { LogRoom } from './log-room.ts'
import type { CollectorLogger } from './logger.ts'
import type { CollectorMemory } from './memory.ts'
import type { Counts } from './metrics.ts'
import { runsOf } from './receipts.ts'
import type { Turn } from './state-store.ts'

/** The one way from the collector into the log. */
export class Appender {
  readonly log: EventLog
  readonly #memory: CollectorMemory
  readonly #counts: Counts
  readonly #times: AppendTimes
  readonly #logger: CollectorLogger
  readonly #room: LogRoom
  #failing = false

  constructor(
    log: EventLog,
    room: LogRoom,
    memory: CollectorMemory,
    counts: Counts,
    times: AppendTimes,
    logger: CollectorLogger,
  ) {
    this.log = log
    this.#room = room
    this.#memory = memory
    this.#counts = counts
    this.#times = times
    this.#logger = logger
  }

  /**
   * Appends the records of one request, as one atomic frame in each partition; resolves when they are durable. Throws at once, with nothing
   * changed, when the log takes nothing. Everything that follows from the log's word happens in one tick: state, stored
   * answer and position move together, in the log's order.
   */
  append(records: readonly NewRecord[], turn?: Turn, answer?: AnswerHeader): Promise<Appended> {
    const began = performance.now()
    const promise = this.log.append(records)
    const pending = turn?.queued()
    turn?.leave()
    return promise.then(
      (appended) => {
        this.#room.freed()
        const { partition, baseOffset, places } = appended
        if (pending !== undefined) this.#memory.states!.durable(pending)
        if (answer !== undefined) {
          this.#memory.answers.put({
            ...answer,
            partition,
            offset: baseOffset,
            ...(places === undefined ? {} : { run: runsOf(appended, records.length)[0]!.count }),
            receivedAt: records[0]!.receivedAt,
          })
        }
        if (places === undefined) {
          this.#memory.advance(partition, baseOffset + records.length, records.length)
        } else {
          for (const { partition: at, offset, count } of runsOf(appended, records.length)) {
            this.#memory.advance(at, offset + count, count)
          }
        }
        this.#count(records, began)
        return appended
      },
      (error: unknown) => {
        this.#room.freed()
        this.#counts.appendsFailed++
        if (!this.#failing) this.#logger.error({ err: error }, 'appending to the log failed')
        this.#failing = true
        if (isLandfallError(error, 'log/unknown-outcome')) this.#memory.doubt()
        if (pending !== undefined) this.#memory.states!.failed(pending, error)
        throw error
      },
    )
  }

  #count(records: readonly NewRecord[], began: number): void {
    this.#failing = false
    this.#counts.eventsAccepted += records.length
    for (let i = 0; i < records.length; i++) this.#counts.bytesAccepted += records[i]!.value.length
    this.#times.observe((performance.now() - began) / 1000)
  }
}
