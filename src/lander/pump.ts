/**
 * The movement of the lander: log → chunk → spool → batch → tables. At any time at most one chunk fills, one is prepared, one is
 * judged, one is written and one batch is committed, each on its own; this loop decides what begins when, and sleeps until
 * something has changed.
 */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { LogBatch, LogReader, RecordCursor } from '../log/log.ts'
import { nextOffset, type Position } from '../model/position.ts'
import type { Chunk } from './intake.ts'
import type { PreparedChunk, Session } from './session.ts'
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
/** Records that are taken at a stretch: what else is due waits no longer than about a millisecond. */
const TAKEN_AT_ONCE = 2048
/** The first chunk after a rest is this share of a full one, each further one twice that of the one before: the judge begins early. */
const FIRST_SHARE = 1 / 4

/** Chunks that will be one commit per table. */
interface OpenBatch {
  /** In the order of the log. */
  chunks: JudgedChunk[]
  /** Of all its chunks, those under way among them. */
  bytes: number
  rows: number
  /** Cut and not in `chunks` yet. */
  underWay: number
}

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
  #preparing: Promise<void> | undefined
  #judging: Promise<void> | undefined
  #writing: Promise<void> | undefined
  #landing: Promise<void> | undefined
  /** Of a full chunk, what the next one must have. */
  #share = FIRST_SHARE
  /** Chunks are cut for this one … */
  #open: OpenBatch = emptyBatch()
  /** … and this one, when all its chunks are written, lands next. */
  #closed: OpenBatch | undefined
  #asked: Position | undefined
  /** Per partition, the end of the last chunk that was cut. */
  readonly #cutTo: Record<number, number> = {}
  /** Monotonic times: when the oldest record of the open batch came, the oldest one in the intake, and the newest one. */
  #since: number | undefined
  #filledSince = 0
  #latest = 0
  /** The open batch is due: cut what is taken in, then close it. */
  #flush = false
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
    return this.#parts.session.intake.chunk.scratch.rows + this.#open.rows + (this.#closed?.rows ?? 0)
  }

  /** Something is taken in and not committed yet, be it offsets without a record. */
  get #isPending(): boolean {
    const { chunks, underWay } = this.#open
    return !this.#parts.session.intake.isEmpty || chunks.length + underWay > 0 || this.#closed !== undefined
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
    const batches = log.read({ from: this.position, follow, reuseBytes: true, signal: stopReading.signal })
    this.#reading = batches[Symbol.asyncIterator]()
    try {
      for (;;) {
        this.#throwFailure()
        const late = this.#now() > stopBy
        const stopping = this.#ended || late || (lastEnd !== undefined && this.#hasTaken(lastEnd))
        const more = !stopping && this.#read()
        this.#advance(stopping && !late)
        if (this.#isIdle && stopping && (late || !this.#isPending)) break
        // What has ended meanwhile is seen before more is taken.
        if (more) await setImmediate()
        else await this.#wait(stopBy)
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      stopReading.abort()
      await this.#settle()
      // A read that waits at the end returns by the signal.
      await this.#nextBatch?.catch(() => {})
      await this.#reading.return?.()
      this.#reading = undefined
    }
    this.#throwFailure()
  }

  get #isIdle(): boolean {
    return this.#underWay.every((stage) => stage === undefined)
  }

  get #underWay(): (Promise<void> | undefined)[] {
    return [this.#preparing, this.#judging, this.#writing, this.#landing]
  }

  /** Waits for what is under way; a chunk that was judged goes on to be written. */
  async #settle(): Promise<void> {
    while (!this.#isIdle) await Promise.allSettled(this.#underWay)
  }

  /** Takes some records; true when more can be taken at once. */
  #read(): boolean {
    const { intake } = this.#parts.session
    if (this.#isHeld) return false
    if (!this.#drained && this.#nextBatch === undefined && this.#ahead === undefined) {
      this.#nextBatch = this.#fetch()
    }
    if (this.#batch !== undefined && !intake.isFull) {
      const before = intake.chunk.scratch.rows
      const wasEmpty = intake.isEmpty
      if (intake.take(this.#batch.batch, this.#batch.cursor, { rows: TAKEN_AT_ONCE })) this.#step()
      if (intake.chunk.scratch.rows > before || intake.isEmpty !== wasEmpty) {
        this.#latest = this.#now()
        this.#since ??= this.#latest
        if (wasEmpty) this.#filledSince = this.#latest
      }
    }
    return this.#batch !== undefined && !intake.isFull
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

  /** Begins to work at and to land what is due. */
  #advance(stopping: boolean): void {
    const { session, disk } = this.#parts
    const { intake } = session
    if (stopping || this.#isDue()) this.#flush = true
    const free = disk()
    if (!free.commit) return
    this.#land()
    if (this.#isFull) this.#close()
    if (!intake.isEmpty && this.#preparing === undefined && !this.#isHeld && !this.#isFull) {
      // Until the judge is free it can only become more, and all who ask are answered by one chunk.
      const wanted = this.#judging === undefined && free.spool && this.#isAsked()
      const due = this.#flush && this.#closed === undefined
      if (intake.isFull || due || wanted || this.#isEnough) this.#cut()
    }
    // What comes after the last chunk is cut belongs to the next batch.
    if (this.#flush && intake.isEmpty) this.#close()
    this.#land()
  }

  /** Much is there to come, and this is enough to go on with. */
  get #isEnough(): boolean {
    if (this.#batch === undefined) return false
    if (this.#isIdle && this.#open.rows === 0 && this.#closed === undefined) this.#share = FIRST_SHARE
    return (
      this.#parts.session.intake.chunk.scratch.valueBytes >= this.#parts.settings.chunkBytes * this.#share
    )
  }

  #cut(): void {
    const { session } = this.#parts
    const chunk = session.intake.cut()
    Object.assign(this.#cutTo, endsOf(chunk))
    const batch = this.#open
    batch.bytes += chunk.scratch.valueBytes
    batch.rows += chunk.scratch.rows
    batch.underWay += 1
    this.#share = Math.min(1, this.#share * 2)
    // There is room again.
    this.#wake()
    this.#preparing = this.#guard(() => this.#prepare(chunk, batch)).then(() => {
      this.#preparing = undefined
      this.#wake()
    })
  }

  /** Prepares a chunk, and hands it on when the one before it is judged. */
  async #prepare(chunk: Chunk, batch: OpenBatch): Promise<void> {
    const prepared = await this.#parts.session.prepare(chunk)
    await this.#judging
    if (this.#failure !== undefined) return
    this.#judging = this.#guard(() => this.#judge(prepared, batch)).then(() => {
      this.#judging = undefined
      this.#wake()
    })
  }

  /** Judges a chunk, and hands it on when the one before it is written. */
  async #judge(prepared: PreparedChunk, batch: OpenBatch): Promise<void> {
    const { session, spool, onChange } = this.#parts
    const judged = await session.judge(prepared)
    await this.#writing
    if (this.#failure !== undefined) return
    this.#writing = this.#guard(async () => {
      const written = await session.write(judged)
      batch.chunks.push(written)
      batch.underWay -= 1
      await spool.add(written)
      onChange()
    }).then(() => {
      this.#writing = undefined
      this.#wake()
    })
  }

  /** The open batch is complete, as soon as its last chunk is written. One can wait; another is held in the intake. */
  #close(): void {
    if (this.#closed !== undefined) return
    this.#flush = false
    this.#since = this.#parts.session.intake.isEmpty ? undefined : this.#filledSince
    if (this.#open.chunks.length + this.#open.underWay === 0) return
    this.#closed = this.#open
    this.#open = emptyBatch()
  }

  #land(): void {
    const { session, afterBatch, onChange } = this.#parts
    const batch = this.#closed
    if (batch === undefined || batch.underWay > 0 || this.#landing !== undefined) return
    this.#closed = undefined
    this.#landing = this.#guard(async () => {
      const plan = await session.plan(this.position, batch.chunks)
      await session.land(plan, batch.chunks)
      this.position = plan.to
      onChange()
      await afterBatch(batch.rows)
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

  /** One batch is committed and another one waits for that: nothing more fits into the spool. */
  get #isHeld(): boolean {
    return this.#landing !== undefined && this.#closed !== undefined
  }

  get #isFull(): boolean {
    const { batchBytes, batchRows } = this.#parts.settings
    return this.#open.bytes >= batchBytes || this.#open.rows >= batchRows
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
    if (this.#since === undefined || this.#flush) return undefined
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

function emptyBatch(): OpenBatch {
  return { chunks: [], bytes: 0, rows: 0, underWay: 0 }
}
