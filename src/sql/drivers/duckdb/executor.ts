/**
 * The one DuckDB instance that runs queries: locked down, with bounds on memory and disk.
 *
 * While it runs, a query has a connection to itself, whose temporary views are the tables it pinned. Its answer is made whole
 * inside DuckDB (a temporary table, which counts against the memory limit and spills to disk) before the first row is handed out:
 * an error then is an error of the query and never a short answer, because a stream that fails in the middle ends in Node's binding
 * like one that is complete, and does not even spoil its transaction. Rows reach JavaScript page by page; a small answer is
 * read at once and leaves its connection. A statement whose last answer was small is answered without the table: DuckDB makes that
 * whole as well, only outside its memory limit; one that has grown is made again as a table.
 */
import { rm } from 'node:fs/promises'
import { type DuckDBConnection, DuckDBInstance, type DuckDBMaterializedResult } from '@duckdb/node-api'
import { LandfallError } from '../../../base/errors.ts'
import type { AnswerFile, ResultColumn, Value } from '../../sql.ts'
import { quoteText } from '../../text.ts'
import { ANSWER, type Answer, SmallAnswer, TableAnswer } from './answer.ts'
import { Connections, PROGRESS_SETTINGS, type QueryConnection, type Relations } from './connections.ts'
import { type KnownType, typeName } from './dialect/sql-type.ts'
import type { TranslatedText } from './dialect/translate.ts'
import { isInterrupt, isMissingFile, translateDuckdbError } from './duckdb-errors.ts'
import { outputNames } from './output-names.ts'
import { copyAnswer } from './parquet-answer.ts'
import type { TreeNode } from './parser.ts'
import { Recent } from './recent.ts'
import { EXPRESSION_DEPTH_MAX, SEALED_CONFIG } from './seal.ts'
import { trinoTypeOfAnswer } from './types.ts'
import { rowsOf } from './values.ts'

export interface ExecutorSettings {
  /** Bytes, as DuckDB counts them. */
  memoryMax: number
  temporaryMax: number
  temporaryDirectory: string
  threads: number
  /** Directories DuckDB itself may open files in: lake and spool. */
  directories: string[]
  /** Files it may open elsewhere: the pipeline's (default: none). */
  files?: string[]
}

/** A look at the engine's work, there while it works. */
export interface Watch {
  read?: (() => { percentage: number; rows: number }) | undefined
}
/** What runs, and how its places are found in what the user wrote. */
export type RunText = Pick<TranslatedText, 'sql' | 'place'> & Partial<TranslatedText>

const typesOf = (text: RunText): KnownType[] => text.columns?.map(({ type }) => type) ?? []

const CREATE_ANSWER = `CREATE TEMP TABLE ${ANSWER} AS `
const INTERRUPT_AGAIN_MS = 50
/**
 * Rows that are read at once, without a stream. They stand outside DuckDB's limit until they are collected, like a page does, so they
 * are fewer than a page (2,048) has.
 */
const SMALL_ROWS = 256
const KNOWN_MAX = 256
const KNOWN_KEY_MAX = 16_000

/** Of a statement over tables of one schema. */
interface Known {
  /** What to prepare it would tell. */
  columns: ResultColumn[]
  /** Whether its last answer was small. */
  isSmall: boolean
}

export class Executor {
  readonly #instance: DuckDBInstance
  readonly #connections: Connections
  readonly #known = new Recent<Known>(KNOWN_MAX, KNOWN_KEY_MAX)
  /** Answers that hold a connection. */
  readonly #answers = new Set<TableAnswer>()
  readonly #leaving = new Set<Promise<unknown>>()

  constructor(instance: DuckDBInstance) {
    this.#instance = instance
    this.#connections = new Connections(instance)
  }

  static async open(settings: ExecutorSettings): Promise<Executor> {
    const instance = await DuckDBInstance.create(':memory:', {
      ...SEALED_CONFIG,
      memory_limit: `${settings.memoryMax}B`,
      max_temp_directory_size: `${settings.temporaryMax}B`,
      temp_directory: settings.temporaryDirectory,
      threads: String(settings.threads),
    })
    const connection = await instance.connect()
    const directories = settings.directories.map((directory) => quoteText(`${directory.replace(/\/$/, '')}/`))
    try {
      await connection.run("SET GLOBAL TimeZone = 'UTC'")
      // What queries have let go of goes back to the system without a next query: 430 MB stay after forty greedy ones, else 600.
      await connection.run('SET GLOBAL allocator_background_threads = true')
      await connection.run('SET GLOBAL errors_as_json = true')
      // As in Trino: 1e0 / 0 is Infinity.
      await connection.run('SET GLOBAL ieee_floating_point_ops = true')
      await connection.run('SET GLOBAL parquet_metadata_cache = true')
      await connection.run(`SET GLOBAL max_expression_depth = ${EXPRESSION_DEPTH_MAX}`)
      // How far a query is can be told only by a connection that may switch that on for itself.
      await connection.run(
        `SET GLOBAL allowed_configs = [${Object.keys(PROGRESS_SETTINGS).map(quoteText).join(', ')}]`,
      )
      await connection.run(`SET GLOBAL allowed_directories = [${directories.join(', ')}]`)
      const files = (settings.files ?? []).map(quoteText)
      await connection.run(`SET GLOBAL allowed_paths = [${files.join(', ')}]`)
      // From here on nothing opens a file elsewhere, and nothing undoes it.
      await connection.run('SET GLOBAL enable_external_access = false')
      await connection.run('SET GLOBAL lock_configuration = true')
    } finally {
      connection.closeSync()
    }
    return new Executor(instance)
  }

  /**
   * Runs one checked statement over relations. `shape` is equal whenever the relations have equal columns. Rejects with the
   * signal's reason when it aborts. Meanwhile `watch` can read how far it is.
   */
  async run(
    text: RunText,
    relations: Relations,
    shape: string,
    rowsMax: number,
    signal: AbortSignal,
    watch: Watch = {},
  ): Promise<Answer> {
    const key = `${shape}\n${text.sql}`
    const { connection, columns, count, rows, isInTable } = await this.#withConnection(
      signal,
      text,
      relations,
      async (connection) => {
        const { duckdb } = connection
        const known = this.#known.get(key)
        const columns = known?.columns ?? (await columnsOf(duckdb, text))
        signal.throwIfAborted()
        watch.read = () => progressOf(duckdb)
        const small = known?.isSmall ? await smallRows(duckdb, text, rowsMax) : undefined
        const answer = small ?? (await makeAnswer(duckdb, text, rowsMax))
        this.#known.set(key, { columns, isSmall: answer.rows !== undefined })
        return { connection, columns, ...answer, isInTable: small === undefined }
      },
    ).finally(() => (watch.read = undefined))
    if (rows === undefined)
      return this.#keep(new TableAnswer(connection.duckdb, columns, typesOf(text), count))
    if (isInTable) this.#leave(connection)
    else this.#connections.giveBack(connection)
    return new SmallAnswer(columns, rows)
  }

  /** The same, with the rows in a new Parquet file below an allowed directory; its columns are named by the statement's tree. Where it rejects, no file is left. */
  async writeParquet(
    text: RunText,
    relations: Relations,
    rowsMax: number,
    signal: AbortSignal,
    watch: Watch,
    { path, tree }: { path: string; tree: TreeNode },
  ): Promise<{ columns: ResultColumn[]; file: AnswerFile }> {
    const { connection, columns, rows } = await this.#withConnection(
      signal,
      text,
      relations,
      async (connection) => {
        const columns = outputNames(tree, await columnsOf(connection.duckdb, text))
        watch.read = () => progressOf(connection.duckdb)
        const rows = await createAnswer(connection.duckdb, text, rowsMax)
        await copyAnswer(connection.duckdb, columns, path)
        return { connection, columns, rows }
      },
    )
      .catch(async (error: unknown) => {
        // Also when it was whole, and the signal came just then.
        await rm(path, { force: true })
        throw error
      })
      .finally(() => (watch.read = undefined))
    this.#leave(connection)
    return { columns, file: { path, rows } }
  }

  /** The columns that the answer of one checked statement would have. */
  async columnsOf(text: RunText, relations: Relations, signal: AbortSignal): Promise<ResultColumn[]> {
    const { connection, columns } = await this.#withConnection(
      signal,
      text,
      relations,
      async (connection) => ({
        connection,
        columns: await columnsOf(connection.duckdb, text),
      }),
    )
    this.#connections.giveBack(connection)
    return columns
  }

  /** The plan of one checked statement, as text. `kind`: '', `ANALYZE`, `(FORMAT json)`. */
  async explain(text: RunText, relations: Relations, kind: string, signal: AbortSignal): Promise<string> {
    const { connection, rows } = await this.#withConnection(signal, text, relations, async (connection) => {
      await columnsOf(connection.duckdb, text)
      const rows = allRows(await runStatement(connection.duckdb, text, `EXPLAIN ${kind} `), [])
      return { connection, rows }
    })
    this.#connections.giveBack(connection)
    return rows.map((row) => String(row[1])).join('\n')
  }

  /** The connection is closed when the work fails; else it is for the caller to give back. */
  async #withConnection<T>(
    signal: AbortSignal,
    text: RunText,
    relations: Relations,
    work: (connection: QueryConnection) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const connection = await this.#connections.take(relations).catch((error: unknown) => {
      throw translateDuckdbError(error, { prefixBytes: 0 })
    })
    const stopInterrupting = interruptOn(signal, connection.duckdb)
    try {
      await connection.become(relations)
      const done = await work(connection)
      signal.throwIfAborted()
      return done
    } catch (error) {
      connection.duckdb.closeSync()
      if (signal.aborted) throw signal.reason as Error
      if (isMissingFile(error)) {
        throw new LandfallError('retry', 'sql/files-moved', 'a file of a table was gone when it was opened', {
          cause: error,
        })
      }
      throw translateDuckdbError(error, { place: text.place, prefixBytes: 0 })
    } finally {
      stopInterrupting()
    }
  }

  /** Gives a connection back once its answer is dropped; nobody waits for that. */
  #leave(connection: QueryConnection): void {
    const left: Promise<unknown> = connection.duckdb
      .run(`DROP TABLE ${ANSWER}`)
      .then(
        () => this.#connections.giveBack(connection),
        () => connection.duckdb.closeSync(),
      )
      .finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  #keep(answer: TableAnswer): TableAnswer {
    this.#answers.add(answer)
    void answer.released.then(() => this.#answers.delete(answer))
    return answer
  }

  /** Ends all answers. Queries must have ended before. */
  async close(): Promise<void> {
    for (const answer of this.#answers) answer.close()
    await Promise.all([...this.#answers].map((answer) => answer.released))
    await Promise.all(this.#leaving)
    this.#connections.close()
    this.#instance.closeSync()
  }
}

function progressOf(connection: DuckDBConnection): { percentage: number; rows: number } {
  const { percentage, rows_processed: rows } = connection.progress
  // Before the first look at it the engine says -1.
  return { percentage: Math.max(percentage, 0), rows: Number(rows) }
}

async function columnsOf(connection: DuckDBConnection, text: RunText): Promise<ResultColumn[]> {
  const prepared = await connection.prepare(text.sql).catch((error: unknown) => {
    throw isInterrupt(error) || isMissingFile(error)
      ? error
      : translateDuckdbError(error, { place: text.place, prefixBytes: 0 })
  })
  try {
    const types = typesOf(text)
    const known = types.length === prepared.columnCount
    return Array.from({ length: prepared.columnCount }, (_, i) => {
      const type = known ? types[i] : undefined
      return {
        name: prepared.columnName(i),
        type: type ? typeName(type, ', ') : trinoTypeOfAnswer(prepared.columnType(i)),
      }
    })
  } finally {
    prepared.destroySync()
  }
}

/** The answer without a table, if it is as small as it was. */
async function smallRows(
  connection: DuckDBConnection,
  text: RunText,
  rowsMax: number,
): Promise<{ count: number; rows: Value[][] } | undefined> {
  const result = await runStatement(connection, text, '')
  const count = result.rowCount
  return count > Math.min(SMALL_ROWS, rowsMax) ? undefined : { count, rows: allRows(result, typesOf(text)) }
}

/** Makes the temporary table, whose making tells its rows. */
async function createAnswer(connection: DuckDBConnection, text: RunText, rowsMax: number): Promise<number> {
  const [[made]] = allRows(await runStatement(connection, text, CREATE_ANSWER), []) as [[Value]]
  const count = Number(made)
  if (count > rowsMax) throw tooLarge(count, rowsMax)
  return count
}

/** Few rows come at once. */
async function makeAnswer(
  connection: DuckDBConnection,
  text: RunText,
  rowsMax: number,
): Promise<{ count: number; rows: Value[][] | undefined }> {
  const count = await createAnswer(connection, text, rowsMax)
  if (count > SMALL_ROWS) return { count, rows: undefined }
  // Not with a LIMIT behind the statement: on a temporary table that costs more than to ask again.
  return {
    count,
    rows: count === 0 ? [] : allRows(await connection.run(`FROM ${ANSWER}`), typesOf(text)),
  }
}

/** The rows of a result that is there already: its chunks are taken without a turn through Node's thread pool. */
function allRows(result: DuckDBMaterializedResult, types: readonly KnownType[]): Value[][] {
  const rows: Value[][] = []
  for (let i = 0; i < result.chunkCount; i++) rows.push(...rowsOf(result.getChunk(i), types))
  if (rows.length === result.rowCount) return rows
  throw new LandfallError(
    'bug',
    'sql/answer-short',
    `the answer ended after ${rows.length} rows of ${result.rowCount}`,
  )
}

async function runStatement(
  connection: DuckDBConnection,
  text: RunText,
  prefix: string,
): Promise<DuckDBMaterializedResult> {
  try {
    return await connection.run(`${prefix}${text.sql}`)
  } catch (error) {
    if (isInterrupt(error) || isMissingFile(error)) throw error
    throw translateDuckdbError(error, { place: text.place, prefixBytes: Buffer.byteLength(prefix) })
  }
}

function tooLarge(rows: number, rowsMax: number): LandfallError {
  return new LandfallError(
    'fix-request',
    'sql/too-large',
    `the answer has ${rows} rows, at most ${rowsMax} are handed out`,
    {
      hint: 'Add a LIMIT or a condition, or aggregate',
    },
  )
}

/** Interrupts what the connection runs when the signal aborts; again and again, since it may be between two statements. */
function interruptOn(signal: AbortSignal, connection: DuckDBConnection): () => void {
  let timer: NodeJS.Timeout | undefined
  const interrupt = () => {
    connection.interrupt()
    timer ??= setInterval(() => connection.interrupt(), INTERRUPT_AGAIN_MS)
  }
  signal.addEventListener('abort', interrupt, { once: true })
  return () => {
    signal.removeEventListener('abort', interrupt)
    clearInterval(timer)
  }
}
