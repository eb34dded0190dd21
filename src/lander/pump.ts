/**
 * The movement of the lander: log → chunk → spool → batch → tables. At any time at most one chunk fills, one is judged and one
 * batch is committed, each on its own; this loop decides what begins when, and sleeps until something has changed.
 */
import type { Clock } from '../base/clock.ts'
import type { LogBatch, LogReader, RecordCursor } from '../log/log.ts'
import { nextOffset, type Position } from '../model/position.ts'
import type { Session } from './session.ts'
import type { LanderSettings } from './settings.ts'
import { endsOf, type JudgedChunk, type SpoolWriter } from './spool-writer.ts'

export interface PumpParts {
  session: Session
  log: LogReader
  spool: SpoolWriter
  settings: LanderSettings
  clock: Clock
  /** Whether the disk allows chunks for queries (`spool`) and commits (`commit`). */
  disk: () => { spool: boolean; commit: boolean }
  /** After each batch, beside the next one. */
  afterBatch: (rows: number) => Promise<void>
  onChange: () => void
}

export interface PumpOptions {
  /** Wait for more at the log's end, or stop there as of now. */
  follow: boolean
  signal: AbortSignal
}

const DISK_POLL_MS = 1000

export class Pump {
  readonly #parts: PumpParts
  /** Everything before is committed. */
  position: Position
  #reading: AsyncIterator<LogBatch> | undefined
  #nextBatch: Promise<void> | undefined
  #batch: { batch: LogBatch; cursor: RecordCursor } | undefined
  /** Read while the one before it is taken. */
  #ahead: LogBatch | undefined
  /** The log has nothing more to read. */
  #drained = false
  #judging: Promise<void> | undefined
  #landing: Promise<void> | undefined
  /** Judged chunks of the batch that is open. */
  #open: JudgedChunk[] = []
  #asked: Position | undefined
  /** Per partition, the end of the last chunk that was cut. */
  readonly #cutTo: Record<number, number> = {}
  /** Monotonic times: when the batch's oldest record came, and the newest one. */
  #since: number | undefined
  #latest = 0
  /** The batch is due: cut what is taken in; then: commit it when the last chunk is judged. */
  #flush = false
  #closing = false
  #failure: { error: unknown } | undefined
  #wake: () => void = () => {}
  #sleep: Promise<void> = Promise.resolve()

  constructor(parts: PumpParts, position: Position) {
    this.#parts = parts
    this.position = position
    this.#arm()
  }

  /** Records that are taken in and not committed yet. */
  get pendingRows(): number {
    return (
      this.#parts.session.intake.chunk.scratch.rows + this.#open.reduce((sum, chunk) => sum + chunk.rows, 0)
    )
  }

  /** A query waits for the spool to reach this position. */
  ask(position: Position): void {
    this.#asked = position
    this.#wake()
  }

  /**
   * Runs until the log's end (`follow: false`) or the signal. Told to stop, it goes on to the durable end as of then, as far as
   * that is done within the grace; the log keeps the rest.
   */
  async run({ follow, signal }: PumpOptions): Promise<void> {
    const { log, settings } = this.#parts
    const stopReading = new AbortController()
    this.#drained = false
    this.#batch = undefined
    this.#ahead = undefined
    let stopBy = Number.POSITIVE_INFINITY
    let lastEnd: Position | undefined
    const onAbort = () => {
      stopBy = this.#now() + settings.graceMs
      void this.#guard(async () => {
        lastEnd = await log.end()
      }).then(() => this.#wake())
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
    const batches = log.read({ from: this.position, follow, signal: stopReading.signal })
    this.#reading = batches[Symbol.asyncIterator]()
    try {
      for (;;) {
        this.#throwFailure()
        const late = this.#now() > stopBy
        const stopping = this.#ended || late || (lastEnd !== undefined && this.#hasTaken(lastEnd))
        if (!stopping) this.#read()
        this.#advance(stopping && !late)
        const idle = this.#judging === undefined && this.#landing === undefined
        if (idle && stopping && (late || this.pendingRows === 0)) break
        await this.#wait(stopBy)
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      stopReading.abort()
      await Promise.allSettled([this.#judging, this.#landing])
      // A read that waits at the end returns by the signal.
      await this.#nextBatch?.catch(() => {})
      await this.#reading.return?.()
      this.#reading = undefined
    }
    this.#throwFailure()
  }

  /** Takes records while there is room. */
  #read(): void {
    const { intake } = this.#parts.session
    if (this.#isHeld()) return
    if (!this.#drained && this.#nextBatch === undefined && this.#ahead === undefined) {
      this.#nextBatch = this.#fetch()
    }
    if (this.#batch !== undefined && !intake.isFull) {
      const before = intake.chunk.scratch.rows
      if (intake.take(this.#batch.batch, this.#batch.cursor)) this.#step()
      if (intake.chunk.scratch.rows > before) {
        this.#latest = this.#now()
        this.#since ??= this.#latest
      }
    }
    // Whatever began by this comes first.
    if (this.#batch !== undefined && !intake.isFull) this.#wake()
  }

  /** Goes on to the batch ahead. */
  #step(): void {
    const batch = this.#ahead
    this.#ahead = undefined
    this.#batch = batch && { batch, cursor: batch.cursor() }
  }

  /** Everything up to the log's end is taken. */
  get #ended(): boolean {
    return this.#drained && this.#batch === undefined && this.#ahead === undefined
  }

  async #fetch(): Promise<void> {
    try {
      const next = await this.#reading!.next()
      if (next.done) this.#drained = true
      else this.#ahead = next.value
      if (this.#batch === undefined) this.#step()
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#nextBatch = undefined
    this.#wake()
  }

  /** Begins to judge and to land what is due. */
  #advance(stopping: boolean): void {
    const { session, disk } = this.#parts
    const { intake } = session
    if (stopping || this.#isDue()) this.#flush = true
    const free = disk()
    if (!free.commit || this.#judging !== undefined) return
    // Before anything else is cut: else a stream that never pauses would only ever make chunks.
    if (this.#landing === undefined && this.#open.length > 0 && (this.#closing || this.#isBatchFull())) {
      this.#startLanding()
    }
    if (!intake.isEmpty && !this.#isHeld()) {
      const wanted = free.spool && this.#isAsked()
      if (intake.isFull || this.#flush || wanted) this.#startJudging()
    }
    if (this.#flush && (intake.isEmpty || this.#judging !== undefined)) {
      // The chunk that is cut now is the batch's last; what comes meanwhile belongs to the next one.
      this.#flush = false
      this.#closing = true
      this.#since = undefined
    }
    if (this.#judging !== undefined || this.#landing !== undefined) return
    if (this.#open.length === 0) this.#closing = false
    else if (this.#closing) this.#startLanding()
  }

  #startJudging(): void {
    const { session, spool, onChange } = this.#parts
    const chunk = session.intake.cut()
    Object.assign(this.#cutTo, endsOf(chunk))
    this.#judging = this.#guard(async () => {
      const judged = await session.judge(chunk)
      this.#open.push(judged)
      await spool.add(judged)
      onChange()
    }).then(() => {
      this.#judging = undefined
      this.#wake()
    })
  }

  #startLanding(): void {
    const { session, afterBatch, onChange } = this.#parts
    const chunks = this.#open
    this.#open = []
    this.#closing = false
    this.#since = session.intake.isEmpty ? undefined : (this.#since ?? this.#now())
    this.#landing = this.#guard(async () => {
      const plan = await session.plan(this.position, chunks)
      await session.land(plan, chunks)
      this.position = plan.to
      onChange()
      await afterBatch(chunks.reduce((sum, chunk) => sum + chunk.rows, 0))
    }).then(() => {
      this.#landing = undefined
      this.#wake()
    })
  }

  /** Runs; a failure ends the loop. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  /** The batch beside the one that is being committed is complete: nothing more fits into the spool. */
  #isHeld(): boolean {
    return this.#landing !== undefined && this.#isBatchFull()
  }

  #isBatchFull(): boolean {
    const { batchBytes, batchRows } = this.#parts.settings
    let bytes = 0
    let rows = 0
    for (const chunk of this.#open) {
      bytes += chunk.bytes
      rows += chunk.rows
    }
    return bytes >= batchBytes || rows >= batchRows
  }

  #isDue(): boolean {
    return this.#since !== undefined && this.#now() >= this.#dueAt()
  }

  #dueAt(): number {
    const { batchAgeMs, idleMs } = this.#parts.settings
    return Math.min(this.#since! + batchAgeMs, this.#latest + idleMs)
  }

  /** A query waits for records that are taken in and not in the spool. */
  #isAsked(): boolean {
    const asked = this.#asked
    if (asked === undefined || asked.logId !== this.#parts.log.id) return false
    const { spool } = this.#parts
    const partitions = Object.keys(asked.next).map(Number)
    if (partitions.every((partition) => nextOffset(spool.end, partition) >= asked.next[partition]!)) {
      this.#asked = undefined
      return false
    }
    return this.#hasTaken(asked)
  }

  /** Whether every record before `position` is in the chunk that fills, or further. */
  #hasTaken({ next }: Position): boolean {
    const { ranges } = this.#parts.session.intake.chunk
    return Object.keys(next).every((key) => {
      const partition = Number(key)
      const taken = ranges[partition]?.to ?? this.#cutTo[partition] ?? nextOffset(this.position, partition)
      return taken >= next[partition]!
    })
  }

  async #wait(stopBy: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const until = Math.min(this.#nextTime() ?? Number.POSITIVE_INFINITY, stopBy)
    if (Number.isFinite(until)) timer = setTimeout(this.#wake, Math.max(0, until - this.#now()) + 1)
    await this.#sleep
    clearTimeout(timer)
    this.#arm()
  }

  /** When to look again although nothing has happened. */
  #nextTime(): number | undefined {
    const { spool, commit } = this.#parts.disk()
    if (this.pendingRows > 0 && !(spool && commit)) return this.#now() + DISK_POLL_MS
    if (this.#since === undefined || this.#flush || this.#closing) return undefined
    return this.#dueAt()
  }

  #arm(): void {
    this.#sleep = new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #now(): number {
    return this.#parts.clock.monotonicMs()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
