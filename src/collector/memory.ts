import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import { makeDirectory } from '../base/files.ts'
import type { EventLog } from '../log/log.ts'
import type { Pipeline } from '../model/definition.ts'
import { nextOffset, type Position } from '../model/position.ts'
import { type LogRecord, recordHeader } from '../model/record.ts'
import { AnswerBook, parseAnswerHeader } from './idempotency.ts'
import type { CollectorSettings } from './limits.ts'
import type { CollectorLogger } from './logger.ts'
import { type Remembered, readStateFile, writeStateFile } from './state-file.ts'
import { type Reducer, type StateEvent, StateStore } from './state-store.ts'

/** Without state and without a file, at most so many records are searched for stored answers. */
const ANSWER_SEARCH_RECORDS = 1_000_000

/**
 * What the collector remembers between requests: the state by key and the answers by `Idempotency-Key`. Both are
 * functions of the log: a file carries them as of a position (`statePosition`), and what lies behind that position is read
 * from the log again. So the file may be late or lost, and is never ahead of what is durable.
 */
export class CollectorMemory {
  readonly states: StateStore | undefined
  readonly answers: AnswerBook
  readonly #log: EventLog
  readonly #pipeline: string
  readonly #version: string
  readonly #path: string
  readonly #settings: CollectorSettings
  readonly #logger: CollectorLogger
  /** Everything before it has been applied. */
  #position: Position
  /** The log has several, so that only the place of a request's first event is known when it is read again. */
  #isSpread = false
  #saved: Position | undefined
  #changes = 0
  #saving: Promise<void> | undefined
  #saveFailed = false
  #timer: NodeJS.Timeout | undefined
  #recovering: Promise<void> | undefined
  #closed = false

  constructor(
    { definition, compiled }: Pipeline,
    log: EventLog,
    directory: string,
    settings: CollectorSettings,
    logger: CollectorLogger,
  ) {
    const state = definition.state
    this.states = state === undefined ? undefined : new StateStore(state as unknown as Reducer)
    this.answers = new AnswerBook(settings, compiled.duplicates.windowMs)
    this.#log = log
    this.#pipeline = compiled.name
    this.#version = stateVersion(state)
    this.#path = join(directory, 'collector.state')
    this.#settings = settings
    this.#logger = logger
    this.#position = { logId: log.id, next: {} }
  }

  /** False while it is unknown whether the latest events are in the log. */
  get sure(): boolean {
    return this.#recovering === undefined
  }

  /** The log must not be trimmed beyond this: from here on it is read again after a restart. Null without state. */
  get statePosition(): Position | null {
    return this.states === undefined ? null : (this.#saved ?? { logId: this.#log.id, next: {} })
  }

  /** Brings back what was remembered: the file, then the log behind it. */
  async restore(): Promise<void> {
    const start = await this.#log.start()
    const end = await this.#log.end()
    this.#isSpread = Object.keys(end.next).length > 1
    const remembered = await this.#usable(start, end)
    if (remembered !== undefined) {
      for (const [key, value] of remembered.states) this.states?.restore(key, value)
      for (const answer of remembered.answers) this.answers.put(answer)
      const { logId, next } = remembered.position
      this.#saved = remembered.position
      // Of its own: what is applied from here on is not in the file.
      this.#position = { logId, next: { ...next } }
    } else {
      this.#position = this.states === undefined ? recent(start, end) : start
    }
    await this.#readOn()
    this.#timer = setInterval(() => this.#saveIfChanged(), this.#settings.snapshotIntervalMs)
    this.#timer.unref()
  }

  /** Records up to `next` are durable and applied; `events` of them were new. */
  advance(partition: number, next: number, events: number): void {
    // While it is unknown what the log holds, only reading it moves the position.
    if (this.#recovering !== undefined) return
    if (next > nextOffset(this.#position, partition)) this.#position.next[partition] = next
    this.#changes += events
    if (this.#changes >= this.#settings.snapshotEvents) this.#saveIfChanged()
  }

  /**
   * It is unknown whether an append is in the log. State and stored answers are uncertain until the log has been read up to
   * its end; routes that need them are refused until then.
   */
  doubt(): void {
    if (this.#recovering !== undefined || this.#closed) return
    this.states?.suspend()
    this.#recovering = this.#recover()
  }

  /** Writes the file, if there is something new. */
  async save(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving
    if (this.#changes === 0 && this.#saved !== undefined) return
    this.#saving = this.#write()
    try {
      await this.#saving
    } finally {
      this.#saving = undefined
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closed = true
    await this.#recovering
    await this.save()
  }

  #saveIfChanged(): void {
    if (this.#changes === 0 || this.#saving !== undefined) return
    this.save().catch((error: unknown) => {
      if (!this.#saveFailed)
        this.#logger.warn({ err: error, path: this.#path }, 'the state could not be written')
      this.#saveFailed = true
    })
  }

  async #write(): Promise<void> {
    // One tick: values, answers and position belong together. Later changes do not touch what was taken here.
    const changes = this.#changes
    const position = { logId: this.#log.id, next: { ...this.#position.next } }
    const remembered: Remembered = {
      pipeline: this.#pipeline,
      version: this.#version,
      position,
      states: this.states?.entries() ?? [],
      answers: this.answers.entries(),
    }
    await makeDirectory(join(this.#path, '..'))
    await writeStateFile(this.#path, remembered)
    this.#changes -= changes
    this.#saved = position
    this.#saveFailed = false
  }

  async #usable(start: Position, end: Position): Promise<Remembered | undefined> {
    await mkdir(join(this.#path, '..'), { recursive: true })
    const complete = Object.values(start.next).every((offset) => offset === 0)
    const remembered = await this.#read(complete)
    if (remembered === undefined) {
      if (complete || this.states === undefined) return undefined
      throw this.#gap('there is no state file', start)
    }
    if (remembered.position.logId !== this.#log.id) throw this.#otherLog(remembered.position.logId)
    for (const [partition, next] of Object.entries(remembered.position.next)) {
      if (next > nextOffset(end, Number(partition))) throw this.#ahead(remembered.position, end)
    }
    for (const [partition, first] of Object.entries(start.next)) {
      if (first <= nextOffset(remembered.position, Number(partition))) continue
      if (this.states === undefined) return undefined
      throw this.#gap(
        `the state file reaches offset ${nextOffset(remembered.position, Number(partition))}`,
        start,
      )
    }
    if (remembered.version === this.#version || this.states === undefined) return remembered
    if (complete) {
      this.#logger.info({}, 'the definition of the state has changed: it is made anew from the log')
      return undefined
    }
    this.#logger.warn(
      {},
      'the definition of the state has changed, but the log has let go of its beginning: values are kept as they are',
    )
    return remembered
  }

  async #read(complete: boolean): Promise<Remembered | undefined> {
    try {
      return await readStateFile(this.#path)
    } catch (error) {
      if (!isLandfallError(error, 'collector/state-damaged') || !(complete || this.states === undefined))
        throw error
      this.#logger.warn({ err: error }, 'the state file is damaged: the state is made anew from the log')
      return undefined
    }
  }

  /** Applies everything from the position to the durable end. */
  async #readOn(): Promise<void> {
    for await (const batch of this.#log.read({ from: this.#position, follow: false })) {
      for (const record of batch.records) {
        this.#apply(record)
        this.#position.next[batch.partition] = record.offset + 1
      }
      this.#position.next[batch.partition] = batch.next
      this.#changes += batch.records.length
      await nextTurn()
    }
  }

  #apply(record: LogRecord): void {
    let route = false
    for (const [name, value] of record.headers) {
      if (name === recordHeader.route) route = true
      else if (name === recordHeader.answer) {
        const answer = parseAnswerHeader(value.toString())
        const { partition, offset, receivedAt } = record
        const run = this.#isSpread ? { run: 1 } : {}
        if (answer !== undefined) this.answers.put({ ...answer, partition, offset, ...run, receivedAt })
      }
    }
    if (!route || this.states === undefined) return
    try {
      this.states.apply(record.key?.toString() ?? '', JSON.parse(record.value.toString()) as StateEvent)
    } catch (error) {
      throw new LandfallError(
        'fix-config',
        'collector/state-reduce',
        `applying the event at offset ${record.offset} to the state`,
        {
          hint: 'state.reduce must accept every event that the log holds',
          cause: error,
          details: { partition: record.partition, offset: record.offset },
        },
      )
    }
  }

  async #recover(): Promise<void> {
    for (let wait = 50; !this.#closed; wait = Math.min(wait * 2, 2_000)) {
      await new Promise((resolve) => setTimeout(resolve, wait))
      // The appends that were under way settle first: all of them are durable or refused then, and the end says which.
      if (this.states?.pending) continue
      try {
        await this.#readOn()
        break
      } catch (error) {
        this.#logger.warn({ err: error }, 'reading the log again after an unknown outcome failed')
      }
    }
    this.#recovering = undefined
    if (!this.#closed) this.states?.resume()
  }

  #gap(found: string, start: Position): LandfallError {
    return new LandfallError(
      'bad-data',
      'collector/state-gap',
      `restoring the state of pipeline ${this.#pipeline}: ${found}, and the log begins at ${JSON.stringify(start.next)}`,
      {
        hint: 'Restore the state directory from a backup',
      },
    )
  }

  #otherLog(found: string): LandfallError {
    return new LandfallError(
      'fix-config',
      'collector/state-other-log',
      `restoring the state from ${this.#path}: it belongs to log ${found}, and the log here is ${this.#log.id}`,
      {
        hint: 'Use the state directory of this log, or remove the file to make the state anew',
      },
    )
  }

  #ahead(found: Position, end: Position): LandfallError {
    return new LandfallError(
      'bad-data',
      'collector/state-ahead',
      `restoring the state from ${this.#path}: it reaches ${JSON.stringify(found.next)}, and the log ends at ${JSON.stringify(end.next)}`,
      {
        hint: 'The log has lost records: restore it from a backup',
      },
    )
  }
}

/** Changes with the initial value and with the text of the functions. */
function stateVersion(state: Pipeline['definition']['state']): string {
  if (state === undefined) return ''
  const text = [JSON.stringify(state.initial), String(state.key), String(state.reduce)].join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** The last records of a long log. */
function recent(start: Position, end: Position): Position {
  const next: Record<number, number> = {}
  for (const [partition, last] of Object.entries(end.next)) {
    const first = nextOffset(start, Number(partition))
    next[Number(partition)] = Math.max(first, last - ANSWER_SEARCH_RECORDS)
  }
  return { logId: start.logId, next }
}
