/**
 * The embedded engine: DuckDB over the lake's files and the spool's. Nothing of DuckDB is loaded before the first query, so a
 * query process that nobody asks costs next to nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clock, systemClock } from '../../../base/clock.ts'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import type { Lake } from '../../../lake/lake.ts'
import type { LogReader } from '../../../log/log.ts'
import { answerCommand, textResult } from '../../answer-command.ts'
import { type Command, parseCommand } from '../../commands.ts'
import type { QueryOptions, QueryResult, SqlEngine, TableColumn, Value } from '../../sql.ts'
import { unknownTable } from '../../unknown-table.ts'
import { Admission } from './admission.ts'
import type { Answer } from './answer.ts'
import { CheckedStatements, type CheckedText } from './checked-statements.ts'
import { Deadline } from './deadline.ts'
import type { Executor, Watch } from './executor.ts'
import { MemoryGuard } from './memory-guard.ts'
import { outputNames } from './output-names.ts'
import type { StatementParser } from './parser.ts'
import { type PinnedQuery, Pinner } from './pin.ts'
import { relationSql, shapeOf } from './relation.ts'
import { SpoolReader } from './spool-reader.ts'
import { trinoTypeOf } from './types.ts'

export interface DuckdbEngineSettings {
  /** Queries that run at once (default 4; 2 when Node's thread pool has its usual 4 threads, of which each query holds one). */
  runningMax?: number
  /** Queries that wait for a place (default 32). */
  waitingMax?: number
  /** How long a query waits for the spool to reach the log's end (default 2,000 ms). */
  spoolWaitMs?: number
  /** Default 300,000 ms. */
  timeoutMs?: number
  /** Rows of an answer (default 1,000,000). */
  rowsMax?: number
  /** Length of a statement in characters (default 1,000,000, as in Trino). */
  statementMax?: number
  /** Bytes of memory of all queries together (default 1e9), and of disk for what does not fit (default 4e9). */
  memoryMax?: number
  temporaryMax?: number
  /**
   * Bytes of the whole process beyond which running queries are ended (default: memoryMax + 1e9). DuckDB's own limit does not count
   * what a single function builds before it hands its value on.
   */
  processMemoryMax?: number
  /** Default: a new directory below the system's, removed at close. */
  temporaryDirectory?: string
  /** Default: the number of cores. */
  threads?: number
}

export interface DuckdbEngineParts {
  lake: Lake
  /** Without it answers reach as far as the spool does, and say nothing about the log's end. */
  log?: LogReader
  spoolDirectory?: string
  settings?: DuckdbEngineSettings
  clock?: Clock
}

const DEFAULTS = {
  waitingMax: 32,
  spoolWaitMs: 2000,
  timeoutMs: 300_000,
  rowsMax: 1_000_000,
  statementMax: 1_000_000,
  memoryMax: 1e9,
  temporaryMax: 4e9,
} as const

/** An answer that nobody reads to its end is dropped after this time. */
const ABANDONED_MS = 300_000
const REPEATS_MAX = 3

/** What the first query loads. */
interface Machinery {
  parser: StatementParser
  statements: CheckedStatements
  executor: Executor
  temporaryDirectory: string | undefined
}

interface EngineWatch extends Watch {
  splits: number
}

export function openDuckdbEngine(parts: DuckdbEngineParts): Promise<SqlEngine> {
  return Promise.resolve(new DuckdbEngine(parts))
}

class DuckdbEngine implements SqlEngine {
  readonly #lake: Lake
  readonly #settings: Required<Omit<DuckdbEngineSettings, 'temporaryDirectory'>> & DuckdbEngineSettings
  readonly #spool: SpoolReader | undefined
  readonly #pinner: Pinner
  readonly #admission: Admission
  readonly #clock: Clock
  readonly #spoolDirectory: string | undefined
  readonly #closing = new AbortController()
  readonly #memoryGuard: MemoryGuard
  readonly #inFlight = new Set<Promise<unknown>>()
  readonly #answers = new Set<Answer>()
  #machinery: Promise<Machinery> | undefined

  constructor({ lake, log, spoolDirectory, settings = {}, clock = systemClock() }: DuckdbEngineParts) {
    const runningMax = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) >= 8 ? 4 : 2
    const processMemoryMax = (settings.memoryMax ?? DEFAULTS.memoryMax) + 1e9
    this.#settings = {
      ...DEFAULTS,
      runningMax,
      processMemoryMax,
      threads: availableParallelism(),
      ...settings,
    }
    this.#memoryGuard = new MemoryGuard(this.#settings.processMemoryMax)
    this.#lake = lake
    this.#clock = clock
    this.#spoolDirectory = spoolDirectory
    this.#spool = spoolDirectory === undefined ? undefined : new SpoolReader(spoolDirectory)
    this.#pinner = new Pinner({ lake, log, spool: this.#spool, spoolWaitMs: this.#settings.spoolWaitMs })
    this.#admission = new Admission(this.#settings.runningMax, this.#settings.waitingMax)
  }

  listTables(): Promise<string[]> {
    return this.#lake.listTables().then((names) => names.toSorted())
  }

  async describe(table: string): Promise<TableColumn[]> {
    const tables = await this.#lake.listTables()
    const name = tables.find((known) => known.toLowerCase() === table.toLowerCase())
    const state = name === undefined ? undefined : await this.#lake.load(name)
    if (!state) throw unknownTable(table, tables)
    return state.schema.fields.map((field) => ({ name: field.name, type: trinoTypeOf(field.type) }))
  }

  async query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason as Error
    if (sql.length > this.#settings.statementMax) {
      const message = `the statement has ${sql.length} characters, at most ${this.#settings.statementMax} are read`
      throw new LandfallError('fix-request', 'sql/too-complex', message)
    }
    const command = parseCommand(sql)
    const work =
      command && command.kind !== 'explain'
        ? answerCommand(this, command, sql)
        : this.#run(sql, command, options)
    this.#inFlight.add(work)
    try {
      return await work
    } finally {
      this.#inFlight.delete(work)
    }
  }

  async #run(
    sql: string,
    command: Extract<Command, { kind: 'explain' }> | undefined,
    options: QueryOptions,
  ): Promise<QueryResult> {
    const timeoutMs = Math.min(options.timeoutMs ?? this.#settings.timeoutMs, this.#settings.timeoutMs)
    const deadline = new Deadline(timeoutMs, this.#clock, options.signal, this.#closing.signal)
    const unguard = this.#memoryGuard.watch(deadline)
    let leave: (() => void) | undefined
    try {
      leave = await this.#admission.enter(deadline.signal)
      const watch: EngineWatch = { splits: 0 }
      options.onRunning?.(() => ({ percentage: 0, rows: 0, ...watch.read?.(), splits: watch.splits }))
      // Blanks instead of EXPLAIN keep every place in the statement.
      const body = command ? sql.slice(0, command.at).replace(/[^\n]/g, ' ') + command.body : sql
      return await this.#runRepeating(body, command, options, deadline, watch)
    } finally {
      leave?.()
      unguard()
      deadline.stop()
    }
  }

  /** A file that is gone when DuckDB opens it (the query was suspended for long): everything is pinned anew. */
  async #runRepeating(
    sql: string,
    command: Extract<Command, { kind: 'explain' }> | undefined,
    options: QueryOptions,
    deadline: Deadline,
    watch: EngineWatch,
  ): Promise<QueryResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#runOnce(sql, command, options, deadline, watch)
      } catch (error) {
        if (!isLandfallError(error, 'sql/files-moved') || attempt === REPEATS_MAX) throw error
      }
    }
  }

  async #runOnce(
    sql: string,
    command: Extract<Command, { kind: 'explain' }> | undefined,
    options: QueryOptions,
    { signal }: Deadline,
    watch: EngineWatch,
  ): Promise<QueryResult> {
    const { statements, executor } = await this.#start()
    return statements.with(sql, (checked) =>
      this.#runChecked(executor, checked, command, options, signal, watch),
    )
  }

  async #runChecked(
    executor: Executor,
    checked: CheckedText,
    command: Extract<Command, { kind: 'explain' }> | undefined,
    options: QueryOptions,
    signal: AbortSignal,
    watch: EngineWatch,
  ): Promise<QueryResult> {
    const pinned = await this.#pinner.pin(checked.tables, signal)
    for (const { locations } of pinned.tables.values()) watch.splits += locations.length
    try {
      const relations = relationsOf(pinned)
      if (command) {
        const plan = await executor.explain(checked.sql, relations, command.analyze, signal)
        return { ...textResult(['Query Plan'], [[plan]]), freshness: pinned.freshness }
      }
      if (options.columnsOnly) {
        const columns = await executor.columnsOf(checked.sql, relations, signal)
        return {
          ...textResult([], []),
          columns: outputNames(checked.tree, columns),
          freshness: pinned.freshness,
        }
      }
      const rowsMax = Math.min(options.rowsMax ?? this.#settings.rowsMax, this.#settings.rowsMax)
      const shape = Array.from(pinned.tables, ([name, { state }]) => shapeOf(name, state.schema)).join('\n')
      const answer = await executor.run(checked.sql, relations, shape, rowsMax, signal, watch)
      const columns = outputNames(checked.tree, answer.columns)
      return { columns, pages: this.#pages(answer, options.signal), freshness: pinned.freshness }
    } finally {
      pinned.release()
    }
  }

  /** Pages of an answer; dropped when it is cancelled, abandoned or the engine closes. */
  #pages(answer: Answer, signal: AbortSignal | undefined): AsyncIterable<Value[][]> {
    this.#answers.add(answer)
    const drop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', drop)
      this.#answers.delete(answer)
      answer.close()
    }
    const timer = setTimeout(drop, ABANDONED_MS)
    timer.unref()
    signal?.addEventListener('abort', drop, { once: true })
    const pages = answer.pages()
    return (async function* () {
      try {
        for await (const page of pages) {
          yield page
          timer.refresh()
        }
      } finally {
        drop()
      }
    })()
  }

  #start(): Promise<Machinery> {
    this.#machinery ??= this.#load().catch((error: unknown) => {
      this.#machinery = undefined
      throw error
    })
    return this.#machinery
  }

  async #load(): Promise<Machinery> {
    const [{ StatementParser }, { Executor }] = await Promise.all([
      import('./parser.ts'),
      import('./executor.ts'),
    ])
    const own = this.#settings.temporaryDirectory
    const temporaryDirectory = own ?? (await mkdtemp(join(tmpdir(), 'landfall-sql-')))
    const root = this.#lake.storage.url
    const directories = [root.startsWith('file:') ? fileURLToPath(root) : root]
    if (this.#spoolDirectory !== undefined) directories.push(this.#spoolDirectory)
    const parser = await StatementParser.open()
    const executor = await Executor.open({ ...this.#settings, temporaryDirectory, directories })
    const statements = new CheckedStatements(parser, () => this.#lake.listTables())
    return {
      parser,
      statements,
      executor,
      temporaryDirectory: own === undefined ? temporaryDirectory : undefined,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new LandfallError('closed', 'sql/closed', 'the query engine is closed'))
    }
    await Promise.allSettled(this.#inFlight)
    for (const answer of this.#answers) answer.close()
    this.#answers.clear()
    this.#spool?.close()
    const machinery = await this.#machinery?.catch(() => undefined)
    this.#machinery = undefined
    if (!machinery) return
    machinery.parser.close()
    await machinery.executor.close()
    const directory = machinery.temporaryDirectory
    if (directory !== undefined) await rm(directory, { recursive: true, force: true })
  }
}

function relationsOf(pinned: PinnedQuery): Map<string, string> {
  const relations = [...pinned.tables].map(
    ([name, table]) => [name, relationSql(table.state.metadata, table.locations)] as const,
  )
  return new Map(relations)
}
