/** Answers, made whole before the first row is handed out. */
import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api'
import { LandfallError } from '../../../base/errors.ts'
import type { ResultColumn, Value } from '../../sql.ts'
import type { KnownType } from './dialect/sql-type.ts'
import { translateDuckdbError } from './duckdb-errors.ts'
import { rowsOf } from './values.ts'

/** The temporary table of a connection that holds its answer. */
export const ANSWER = '__landfall_answer'

/** An answer that is whole: no row of it can fail. */
export interface Answer {
  columns: ResultColumn[]
  rows: number
  /** Pages in order. Closes the answer at the end, on an error and when the reader leaves. */
  pages(): AsyncGenerator<Value[][]>
  close(): void
}

/** An answer that was read at once. */
export class SmallAnswer implements Answer {
  readonly columns: ResultColumn[]
  readonly rows: number
  #page: Value[][]

  constructor(columns: ResultColumn[], page: Value[][]) {
    this.columns = columns
    this.rows = page.length
    this.#page = page
  }

  async *pages(): AsyncGenerator<Value[][]> {
    if (this.rows === 0) return
    if (this.#page.length === 0) throw endedEarly(this.rows)
    yield this.#page
    this.close()
  }

  close(): void {
    this.#page = []
  }
}

export class TableAnswer implements Answer {
  readonly columns: ResultColumn[]
  readonly rows: number
  readonly #connection: DuckDBConnection
  readonly #types: readonly KnownType[]
  readonly #released = Promise.withResolvers<void>()
  #closed = false
  #inUse = false

  constructor(
    connection: DuckDBConnection,
    columns: ResultColumn[],
    types: readonly KnownType[],
    rows: number,
  ) {
    this.#connection = connection
    this.#types = types
    this.columns = columns
    this.rows = rows
  }

  async *pages(): AsyncGenerator<Value[][]> {
    let left = this.rows
    try {
      if (left === 0) return
      const result: DuckDBResult = await this.#use(() => this.#connection.stream(`FROM ${ANSWER}`))
      while (left > 0) {
        const chunk = await this.#use(() => result.fetchChunk())
        if (!chunk || chunk.rowCount === 0) throw endedEarly(left)
        left -= chunk.rowCount
        yield rowsOf(chunk, this.#types)
      }
    } finally {
      this.close()
    }
  }

  /** A connection must not be closed while DuckDB works on it: whoever closes meanwhile leaves that to the end of the work. */
  async #use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw endedEarly(this.rows)
    this.#inUse = true
    try {
      return await work()
    } catch (error) {
      throw this.#closed ? endedEarly(this.rows) : translateDuckdbError(error, { prefixBytes: 0 })
    } finally {
      this.#inUse = false
      if (this.#closed) this.#release()
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#inUse) this.#connection.interrupt()
    else this.#release()
  }

  /**
   * Drops the rows before the connection: a stream that JavaScript has not collected yet would keep them, and JavaScript does not
   * know how large they are.
   */
  #release(): void {
    void this.#connection
      .run(`DROP TABLE ${ANSWER}`)
      .catch(() => {})
      .finally(() => {
        this.#connection.closeSync()
        this.#released.resolve()
      })
  }

  /** Resolves when nothing of the answer is left. */
  get released(): Promise<void> {
    return this.#released.promise
  }
}

function endedEarly(left: number): LandfallError {
  return new LandfallError('closed', 'sql/cancelled', `the answer was ended ${left} rows before its end`)
}
