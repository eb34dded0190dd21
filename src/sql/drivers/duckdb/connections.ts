/**
 * Connections of the instance that runs queries. One that a query leaves clean is kept for the next: its temporary views say
 * which tables it was for, and a query over tables that have not moved finds them made.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { quoteIdentifier } from '../../text.ts'
import { isInterrupt, isMissingFile, translateDuckdbError } from './duckdb-errors.ts'
import { inRelation } from './relation.ts'

/** Name of a table → the SELECT over its pinned files. */
export type Relations = ReadonlyMap<string, string>

/** What a connection needs to tell how far its query is. */
export const PROGRESS_SETTINGS = {
  enable_progress_bar: true,
  enable_progress_bar_print: false,
  progress_bar_time: 0,
}

/** As many as queries run at once. */
const IDLE_MAX = 4

export class QueryConnection {
  readonly duckdb: DuckDBConnection
  /** The views there are. A statement reaches only those of its own tables, which `become` has made anew where they moved. */
  readonly #views = new Map<string, string>()

  constructor(duckdb: DuckDBConnection) {
    this.duckdb = duckdb
  }

  /** How many of the views are there already. */
  fits(relations: Relations): number {
    let count = 0
    for (const [name, select] of relations) if (this.#views.get(name) === select) count++
    return count
  }

  async become(relations: Relations): Promise<void> {
    for (const [name, select] of relations) {
      if (this.#views.get(name) === select) continue
      try {
        await this.duckdb.run(`CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(name)} AS ${select}`)
      } catch (error) {
        if (isInterrupt(error) || isMissingFile(error)) throw error
        // Its place would be one in the text that DuckDB reads, which nobody wrote.
        throw inRelation(name, translateDuckdbError(error, { prefixBytes: 0 }))
      }
      this.#views.set(name, select)
    }
  }
}

export class Connections {
  readonly #instance: DuckDBInstance
  readonly #idle: QueryConnection[] = []
  #closed = false

  constructor(instance: DuckDBInstance) {
    this.#instance = instance
  }

  /** The idle connection that knows most of the tables, or a new one. */
  async take(relations: Relations): Promise<QueryConnection> {
    let best = -1
    let fit = -1
    for (const [i, connection] of this.#idle.entries()) {
      const fits = connection.fits(relations)
      if (fits >= fit) [best, fit] = [i, fits]
    }
    const taken = best < 0 ? undefined : this.#idle.splice(best, 1)[0]
    return taken ?? this.#open()
  }

  async #open(): Promise<QueryConnection> {
    const connection = await this.#instance.connect()
    const settings = Object.entries(PROGRESS_SETTINGS).map(([name, value]) => `SET ${name} = ${value}`)
    await connection.run(settings.join('; '))
    return new QueryConnection(connection)
  }

  /** Only for a connection on which nothing runs, nothing failed and nothing but views is left. */
  giveBack(connection: QueryConnection): void {
    this.#idle.push(connection)
    if (this.#closed || this.#idle.length > IDLE_MAX) this.#idle.shift()!.duckdb.closeSync()
  }

  close(): void {
    this.#closed = true
    for (const { duckdb } of this.#idle.splice(0)) duckdb.closeSync()
  }
}
