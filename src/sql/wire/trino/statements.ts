import { randomInt } from 'node:crypto'
import { LandfallError } from '../../../base/errors.ts'
import { Statement, type StatementOptions } from './statement.ts'

/** A statement whose answer nobody fetches ends after this time. */
const ABANDONED_MS = 300_000
/** While the engine still computes, its client asks every second; one that is silent for so long has gone. */
const SILENT_MS = 15_000
/** An ended statement can be asked for its last page again for so long. */
const KEPT_MS = 30_000
/** One whose end was not told yet, when room is needed. */
const UNTOLD_MS = 5000
const SWEEP_MS = 1000

export interface StatementsLimits {
  /** Statements at a time, ended ones that are kept included. */
  liveMax: number
}

/** The statements that clients have open. */
export class Statements {
  readonly #limits: StatementsLimits
  readonly #byId = new Map<string, Statement>()
  readonly #run = randomInt(36 ** 4, 36 ** 5).toString(36)
  readonly #sweeper: NodeJS.Timeout
  #count = 0

  constructor(limits: StatementsLimits) {
    this.#limits = limits
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS)
    this.#sweeper.unref()
  }

  get live(): number {
    return this.#byId.size
  }

  get computing(): number {
    return [...this.#byId.values()].filter((statement) => statement.computing).length
  }

  open(options: Omit<StatementOptions, 'id'>): Statement {
    if (this.#byId.size >= this.#limits.liveMax) this.#forgetEnded()
    if (this.#byId.size >= this.#limits.liveMax) {
      throw new LandfallError(
        'retry',
        'sql/overloaded',
        `${this.#byId.size} statements are open, more are not taken`,
        {
          hint: 'Read answers to their end or cancel them',
        },
      )
    }
    const time = new Date()
      .toISOString()
      .replace(/[-:]|\..*/g, '')
      .replace('T', '_')
    const id = `${time}_${String(this.#count++).padStart(5, '0')}_${this.#run}`
    const statement = new Statement({ ...options, id })
    this.#byId.set(id, statement)
    return statement
  }

  find(id: string): Statement | undefined {
    return this.#byId.get(id)
  }

  kill(id: string, error: LandfallError): 'killed' | 'not-found' | 'not-running' {
    const statement = this.#byId.get(id)
    if (!statement) return 'not-found'
    if (statement.ended) return 'not-running'
    statement.cancel(error)
    return 'killed'
  }

  /** Makes room. An end that its client has not heard of yet is kept for a while: it asks at once, or it has gone. */
  #forgetEnded(): void {
    const now = performance.now()
    for (const [id, statement] of this.#byId) {
      if (!statement.ended) continue
      if (statement.told || now - statement.lastAsked > UNTOLD_MS) this.#byId.delete(id)
    }
  }

  #sweep(): void {
    const now = performance.now()
    for (const [id, statement] of this.#byId) {
      const silent = statement.held > 0 ? 0 : now - statement.lastAsked
      if (statement.ended) {
        if (silent > KEPT_MS) this.#byId.delete(id)
      } else if (silent > (statement.computing ? SILENT_MS : ABANDONED_MS)) {
        statement.cancel(new LandfallError('closed', 'sql/abandoned', 'nobody fetched the answer'))
      }
    }
  }

  /** Cancels everything that is open. */
  close(): void {
    clearInterval(this.#sweeper)
    for (const statement of this.#byId.values()) {
      statement.cancel(new LandfallError('closed', 'sql/cancelled', 'the query server is being stopped'))
    }
  }
}
