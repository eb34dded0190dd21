/**
 * The embedded engine: DuckDB over the lake's files and the spool's. Nothing of DuckDB is loaded before the first query, so a
 * query process that nobody asks costs next to nothing.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../../base/clock.ts'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { makeTemporary, type TemporaryDirectory } from '../../../base/temporary.ts'
import type { Lake } from '../../../lake/lake.ts'
import type { LogReader } from '../../../log/log.ts'
import { answerCommand, rowsResult, textResult } from '../../answer-command.ts'
import { type Command, type ExplainCommand, parseCommand } from '../../commands.ts'
import type { LedgerParts } from '../../names/ledger-table.ts'
import type { Place } from '../../names/namespace.ts'
import { noFile } from '../../no-file.ts'
import type { QueryOptions, QueryResult, Session, SqlEngine, TableColumn, Value } from '../../sql.ts'
import { Admission } from './admission.ts'
import type { Answer } from './answer.ts'
import { CheckedStatements, type CheckedText } from './checked-statements.ts'
import type { Relations } from './connections.ts'
import { Deadline } from './deadline.ts'
import type { Executor, Watch } from './executor.ts'
import { duckdbLimit, MemoryGuard } from './memory-guard.ts'
import { type NamedDefinitions, NamedRelations } from './named-relations.ts'
import { outputNames } from './output-names.ts'
import type { StatementParser } from './parser.ts'
import { Pinner } from './pin.ts'
import { QueryList } from './query-list.ts'
import { SpoolReader } from './spool-reader.ts'

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
  /**
   * Bytes of memory that the process takes for all queries together (default 1.5e9, of which DuckDB counts 1.05e9: `duckdbLimit`), and of
   * disk for what does not fit (default 4e9).
   */
  memoryMax?: number
  temporaryMax?: number
  /**
   * Bytes of the whole process (but mapped files) beyond which running queries are ended and new ones wait a little (default:
   * memoryMax + 500e6). DuckDB's own limit does not count what a single function builds before it hands its value on.
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
  /** False: there may be no lander on this machine; then answers reach to the last commit and nobody is waited for (default true). */
  spoolExpected?: boolean
  /** Views and files of the pipeline; default: none. */
  named?: NamedDefinitions
  /** For the relation `ledger`, which needs the log; default: there is none. */
  ledger?: LedgerParts
  settings?: DuckdbEngineSettings
  clock?: Clock
}

const DEFAULTS = {
  waitingMax: 32,
  spoolWaitMs: 2000,
  timeoutMs: 300_000,
  rowsMax: 1_000_000,
  statementMax: 1_000_000,
  memoryMax: 1.5e9,
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
  /** Where answers become files. */
  files: string
  temporary: TemporaryDirectory | undefined
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
  readonly #named: NamedRelations
  readonly #namedFiles: string[]
  readonly #queries = new QueryList()
  readonly #admission: Admission
  readonly #clock: Clock
  readonly #spoolDirectory: string | undefined
  readonly #closing = new AbortController()
  readonly #memoryGuard: MemoryGuard
  readonly #inFlight = new Set<Promise<unknown>>()
  readonly #answers = new Set<Answer>()
  #machinery: Promise<Machinery> | undefined

  constructor(parts: DuckdbEngineParts) {
    const { lake, log, spoolDirectory, named, settings = {}, clock = systemClock() } = parts
    const runningMax = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) >= 8 ? 4 : 2
    const processMemoryMax = (settings.memoryMax ?? DEFAULTS.memoryMax) + 500e6
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
    this.#spool =
      spoolDirectory === undefined ? undefined : new SpoolReader(spoolDirectory, parts.spoolExpected)
    this.#namedFiles = named?.reference.map(({ file }) => file) ?? []
    this.#named = new NamedRelations({
      lake,
      pinner: new Pinner({ lake, log, spool: this.#spool, spoolWaitMs: this.#settings.spoolWaitMs }),
      named: named ?? { views: [], reference: [] },
      ...(log && parts.ledger ? { ledger: parts.ledger } : {}),
      queries: () => this.#queries.list(),
      check: async (text, path) => {
        const { statements } = await this.#start()
        const session = { session: undefined, path }
        return statements.with(text, session, this.#closing.signal, (checked) => Promise.resolve(checked))
      },
      columnsOf: async (text, relations) =>
        (await this.#start()).executor.columnsOf(text, relations, this.#closing.signal),
    })
    this.#admission = new Admission(this.#settings.runningMax, this.#settings.waitingMax)
  }

  async listTables(): Promise<string[]> {
    return (await this.#named.namespace()).names
  }

  async describe(table: string): Promise<TableColumn[]> {
    const namespace = await this.#named.namespace()
    return [...(await this.#named.columns(namespace.resolve([table]), this.#closing.signal))]
  }

  async query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason as Error
    if (sql.length > this.#settings.statementMax) {
      const message = `the statement has ${sql.length} characters, at most ${this.#settings.statementMax} are read`
      throw new LandfallError('fix-request', 'sql/too-complex', message)
    }
    const command = parseCommand(sql)
    if (command && options.parquet) throw noFile()
    const work =
      command && command.kind !== 'explain'
        ? this.#answer(sql, command, options)
        : this.#run(sql, command, options)
    this.#inFlight.add(work)
    try {
      return await work
    } finally {
      this.#inFlight.delete(work)
    }
  }

  async #answer(
    sql: string,
    command: Exclude<Command, ExplainCommand>,
    { signal = this.#closing.signal, session }: QueryOptions,
  ): Promise<QueryResult> {
    const [contents, namespace] = await Promise.all([this.#named.contents(signal), this.#named.namespace()])
    const shown = {
      contents,
      namespace,
      columns: (resolved: Parameters<NamedRelations['columns']>[0]) => this.#named.columns(resolved, signal),
      functions: async () => (await import('./dialect/functions/list-functions.ts')).listFunctions(),
    }
    return answerCommand(shown, command, sql, placeOf(session))
  }

  async #run(sql: string, command: ExplainCommand | undefined, options: QueryOptions): Promise<QueryResult> {
    const timeoutMs = Math.min(options.timeoutMs ?? this.#settings.timeoutMs, this.#settings.timeoutMs)
    const deadline = new Deadline(this.#clock, options.signal, this.#closing.signal)
    let unguard: (() => void) | undefined
    const listing = this.#queries.add(options.queryId, sql, options.session)
    let leave: (() => void) | undefined
    try {
      leave = await this.#admission.enter(deadline.signal, options.session?.user, options.onQueued)
      await this.#memoryGuard.room(deadline.signal)
      deadline.start(timeoutMs)
      unguard = this.#memoryGuard.watch(deadline)
      listing.started()
      const watch: EngineWatch = { splits: 0 }
      options.onRunning?.(() => ({ percentage: 0, rows: 0, ...watch.read?.(), splits: watch.splits }))
      // Blanks instead of EXPLAIN keep every place in the statement.
      const body = command ? sql.slice(0, command.at).replace(/[^\n]/g, ' ') + command.body : sql
      const result = await this.#runRepeating(body, command, options, deadline, watch)
      listing.ended()
      return result
    } catch (error) {
      listing.ended(error)
      throw error
    } finally {
      leave?.()
      unguard?.()
      deadline.stop()
    }
  }

  /** A file that is gone when DuckDB opens it (the query was suspended for long): everything is pinned anew. */
  async #runRepeating(
    sql: string,
    command: ExplainCommand | undefined,
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
    command: ExplainCommand | undefined,
    options: QueryOptions,
    { signal }: Deadline,
    watch: EngineWatch,
  ): Promise<QueryResult> {
    const { statements, ...rest } = await this.#start()
    return statements.with(sql, { session: options.session, path: [] }, signal, (checked) =>
      this.#runChecked(rest, checked, command, options, signal, watch),
    )
  }

  async #runChecked(
    { executor, files }: Pick<Machinery, 'executor' | 'files'>,
    checked: CheckedText,
    command: ExplainCommand | undefined,
    options: QueryOptions,
    signal: AbortSignal,
    watch: EngineWatch,
  ): Promise<QueryResult> {
    const prepared = await this.#named.prepare(checked.relations, signal)
    const { relations, shape, freshness } = prepared
    watch.splits += prepared.splits
    try {
      if (command)
        return { ...(await this.#explain(executor, checked, command, relations, signal)), freshness }
      if (options.columnsOnly) {
        const columns = await executor.columnsOf(checked.text, relations, signal)
        return { ...textResult([], []), columns: outputNames(checked.tree, columns), freshness }
      }
      const rowsMax = Math.min(options.rowsMax ?? this.#settings.rowsMax, this.#settings.rowsMax)
      if (options.parquet) {
        await mkdir(files, { recursive: true })
        const file = { path: join(files, `${randomUUID()}.parquet`), tree: checked.tree }
        const made = await executor.writeParquet(checked.text, relations, rowsMax, signal, watch, file)
        return { ...textResult([], []), columns: made.columns, freshness, file: made.file }
      }
      const answer = await executor.run(checked.text, relations, shape, rowsMax, signal, watch)
      const columns = outputNames(checked.tree, answer.columns)
      return { columns, pages: this.#pages(answer, options.signal), freshness }
    } finally {
      prepared.release()
    }
  }

  async #explain(
    executor: Executor,
    { text }: CheckedText,
    { form, analyze }: ExplainCommand,
    relations: Relations,
    signal: AbortSignal,
  ): Promise<QueryResult> {
    if (form === 'validate') {
      await executor.columnsOf(text, relations, signal)
      return rowsResult([{ name: 'Valid', type: 'boolean' }], [[true]])
    }
    const kind = analyze ? 'ANALYZE' : form === 'json' ? '(FORMAT json)' : ''
    return textResult(['Query Plan'], [[await executor.explain(text, relations, kind, signal)]])
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
    const temporary = own === undefined ? await makeTemporary('sql') : undefined
    const temporaryDirectory = own ?? temporary!.path
    const directories = [...this.#lake.storage.leaseDirectories]
    if (this.#spoolDirectory !== undefined) directories.push(this.#spoolDirectory)
    const files = join(temporaryDirectory, 'answers')
    directories.push(files)
    const parser = await StatementParser.open()
    const access = { temporaryDirectory, directories, files: this.#namedFiles }
    const memoryMax = duckdbLimit(this.#settings.memoryMax)
    const executor = await Executor.open({ ...this.#settings, ...access, memoryMax })
    const statements = new CheckedStatements(parser, this.#named)
    return {
      parser,
      statements,
      executor,
      files,
      temporary,
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
    await rm(machinery.files, { recursive: true, force: true })
    await machinery.temporary?.[Symbol.asyncDispose]()
  }
}

function placeOf(session: Session | undefined): Place {
  return { catalog: session?.catalog, schema: session?.schema }
}
