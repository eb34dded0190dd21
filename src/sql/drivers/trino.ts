/** A Trino (or Presto, or Landfall) server as the engine, through Trino's client protocol. */
import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import { parseExact } from '../json.ts'
import { noFile } from '../no-file.ts'
import { requireReading } from '../session/writing.ts'
import type {
  Freshness,
  QueryOptions,
  QueryResult,
  ResultColumn,
  Session,
  SessionChange,
  SqlEngine,
  TableColumn,
  Value,
} from '../sql.ts'
import { quoteIdentifier } from '../text.ts'
import { type ErrorParticulars, fromWireError } from '../trino-errors.ts'
import { ERROR_HEADER, FRESHNESS_HEADER, type WireResults } from '../trino-protocol.ts'
import { fromWireValue, parseTrinoType, type TrinoType } from '../trino-types.ts'
import { LAST_COMMIT, lastCommitOf, readsTables } from './last-commit.ts'
import { fromPrestoError, fromPrestoType, fromPrestoValue } from './presto.ts'
import { otherDialect, refused, tooLarge, unreachable } from './trino-refusals.ts'
import { authorization, readSessionChange, requestHeaders } from './trino-session.ts'
import { parseTrinoUrl } from './trino-url.ts'

export interface TrinoEngineOptions {
  /** Default: the user of the URL, else who runs this process. */
  user?: string
  token?: string
  /** For servers that ask for a name and a password; over TLS only. */
  password?: string
  /** Default: of the URL, else `hive`. */
  catalog?: string
  /** Default: of the URL, else `default`. */
  schema?: string
  /** What the pipeline names and a server of theirs does not have: name → `view` or `reference file`. */
  named?: ReadonlyMap<string, string>
}

const TIMEOUT_MS = 300_000
const LAST_COMMIT_MS = 30_000
const ROWS_MAX = 1_000_000
const RETRIES_MAX = 5
const UNKNOWN_FRESHNESS: Freshness = { position: undefined, end: undefined, behind: false, batch: 0 }

/** By a URL as src/sql/drivers/trino-url.ts describes it. */
export function openTrinoEngine(url: string, options: TrinoEngineOptions = {}): SqlEngine {
  return new TrinoEngine(url, options)
}

interface Answered {
  results: WireResults
  headers: Headers
}

class TrinoEngine implements SqlEngine {
  readonly #base: string
  readonly dialect: 'trino' | 'presto'
  readonly prefix: string
  readonly #headers: Record<string, string>
  readonly #named: ReadonlyMap<string, string>
  readonly #foreign: boolean
  readonly #closing = new AbortController()
  /** The server says nothing of freshness, so the tables are asked for their last commit. */
  #asksLastCommit: boolean

  constructor(text: string, options: TrinoEngineOptions) {
    const url = parseTrinoUrl(text)
    this.#base = url.base
    this.dialect = url.dialect
    this.#named = options.named ?? new Map()
    this.#foreign = url.foreign
    this.#asksLastCommit = url.foreign
    const prefix = `x-${url.dialect}`
    this.prefix = prefix
    const user = url.user ?? options.user ?? userName()
    this.#headers = {
      [`${prefix}-user`]: user,
      [`${prefix}-source`]: 'landfall',
      [`${prefix}-catalog`]: options.catalog ?? url.catalog ?? 'hive',
      [`${prefix}-schema`]: options.schema ?? url.schema ?? 'default',
      [`${prefix}-client-capabilities`]: 'PARAMETRIC_DATETIME',
      ...authorization(url.base, user, options),
    }
  }

  async listTables(): Promise<string[]> {
    return (await this.#rows('SHOW TABLES')).map((row) => String(row[0]))
  }

  async describe(table: string): Promise<TableColumn[]> {
    const rows = await this.#rows(`DESCRIBE ${quoteIdentifier(table)}`)
    const typeOf = this.dialect === 'presto' ? fromPrestoType : String
    return rows.map((row) => ({ name: String(row[0]), type: typeOf(String(row[1])) }))
  }

  async #rows(sql: string): Promise<Value[][]> {
    const rows: Value[][] = []
    for await (const page of (await this.query(sql)).pages) rows.push(...page)
    return rows
  }

  async query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    if (options.parquet) throw noFile()
    if (this.#foreign) requireReading(sql)
    const asks = this.#asksLastCommit && readsTables(sql)
    const lastCommit = asks ? await this.#lastCommit(options) : undefined
    const result = await new Run(this, options, this.#closing.signal).start(sql)
    if (result.freshness !== UNKNOWN_FRESHNESS) this.#asksLastCommit = false
    else if (lastCommit) return { ...result, freshness: lastCommit }
    return result
  }

  /** Undefined when the tables of the session are none of ours, or the server's connector does not tell, or not in time. */
  async #lastCommit({ session, signal }: QueryOptions): Promise<Freshness | undefined> {
    const options = {
      ...(session ? { session } : {}),
      ...(signal ? { signal } : {}),
      timeoutMs: LAST_COMMIT_MS,
    }
    try {
      const rows: Value[][] = []
      const { pages } = await new Run(this, options, this.#closing.signal).start(LAST_COMMIT)
      for await (const page of pages) rows.push(...page)
      return lastCommitOf(rows[0])
    } catch (error) {
      const says = isLandfallError(error) && error.kind !== 'closed' && 'errorName' in error.details
      if (says || isLandfallError(error, 'sql/timeout')) return undefined
      throw error
    }
  }

  /** An error of the server in our words. */
  explain(error: LandfallError): LandfallError {
    const name = /^Table '?(?:[^'\s]*\.)?([^'.\s]+)'? does not exist/.exec(error.message)?.[1]
    const what = name === undefined ? undefined : this.#named.get(name)
    if (what === undefined) return error
    return new LandfallError(error.kind, error.code, error.message, {
      hint: `${name} is a ${what} of the pipeline: ask Landfall's own SQL for it, or make it on this server`,
      details: error.details,
    })
  }

  async post(sql: string, session: Session | undefined, signal: AbortSignal): Promise<Answered> {
    const headers = requestHeaders(this.prefix, session)
    return this.#send(`${this.#base}/v1/statement`, { method: 'POST', body: sql, headers, signal })
  }

  get(uri: string, signal: AbortSignal): Promise<Answered> {
    return this.#send(uri, { signal })
  }

  /** Best effort: the server drops an answer that nobody fetches anyhow. */
  async cancel(uri: string): Promise<void> {
    const signal = AbortSignal.timeout(5000)
    await fetch(uri, { method: 'DELETE', headers: this.#headers, signal }).catch(() => {})
  }

  /** A server that says 429, 502, 503 or 504 is asked again, as the protocol wants it. */
  async #send(uri: string, init: RequestInit): Promise<Answered> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(uri, {
        ...init,
        headers: { ...this.#headers, ...(init.headers as object) },
      }).catch((error: unknown) => {
        throw unreachable(this.#base, error, this.dialect)
      })
      const text = await response.text()
      if (response.ok) return { results: readResults(text, this.#base), headers: response.headers }
      const busy = [429, 502, 503, 504].includes(response.status)
      if (!busy || attempt === RETRIES_MAX) {
        throw (
          (await otherDialect(this.#base, response.status, this.dialect, text)) ??
          refused(this.#base, response.status, text)
        )
      }
      await sleep(100 * 2 ** attempt, undefined, init.signal ? { signal: init.signal } : {})
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new LandfallError('closed', 'sql/closed', 'the connection is closed'))
  }
}

/** One statement on its way through the server's pages. */
class Run {
  readonly #engine: TrinoEngine
  readonly #signal: AbortSignal
  readonly #timeoutMs: number
  readonly #timeout: AbortSignal
  readonly #closing: AbortSignal
  readonly #rowsMax: number
  readonly #session: Session | undefined
  #nextUri: string | undefined
  #change: SessionChange | undefined

  constructor(engine: TrinoEngine, options: QueryOptions, closing: AbortSignal) {
    this.#engine = engine
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#timeout = AbortSignal.timeout(this.#timeoutMs)
    this.#closing = closing
    this.#rowsMax = options.rowsMax ?? ROWS_MAX
    this.#session = options.session
    this.#signal = AbortSignal.any([this.#timeout, closing, ...(options.signal ? [options.signal] : [])])
  }

  async start(sql: string): Promise<QueryResult> {
    let answered = await this.#step(() => this.#engine.post(sql, this.#session, this.#signal))
    while (!answered.results.columns && answered.results.nextUri !== undefined) answered = await this.#next()
    const isPresto = this.#engine.dialect === 'presto'
    const { updateType } = answered.results
    const shown = isPresto && updateType !== undefined ? [] : (answered.results.columns ?? [])
    const columns = shown.map(isPresto ? readPrestoColumn : readColumn)
    // A statement that changes the session says so on its last page.
    while (updateType !== undefined && columns.length === 0 && this.#nextUri !== undefined) {
      answered = await this.#next()
    }
    return {
      columns,
      pages: this.#pages(answered, columns),
      freshness: freshnessOf(answered.headers),
      ...(updateType === undefined ? {} : { updateType }),
      ...(this.#change ? { sessionChange: this.#change } : {}),
    }
  }

  async *#pages(first: Answered, columns: ResultColumn[]): AsyncGenerator<Value[][]> {
    const types = columns.map((column) => parseTrinoType(column.type))
    const read =
      this.#engine.dialect === 'presto'
        ? (value: Value, type: TrinoType) => fromWireValue(fromPrestoValue(value, type), type)
        : fromWireValue
    let rows = 0
    let answered = first
    try {
      for (;;) {
        const data = (columns.length === 0 ? [] : (answered.results.data ?? [])) as Value[][]
        rows += data.length
        if (rows > this.#rowsMax) throw tooLarge(this.#rowsMax)
        if (data.length > 0) yield data.map((row) => row.map((value, i) => read(value, types[i]!)))
        if (this.#nextUri === undefined) return
        answered = await this.#next()
      }
    } finally {
      // Left early, or failed on our side: the server need not go on.
      if (this.#nextUri !== undefined) await this.#engine.cancel(this.#nextUri)
    }
  }

  #next(): Promise<Answered> {
    const uri = this.#nextUri!
    return this.#step(() => this.#engine.get(uri, this.#signal))
  }

  async #step(send: () => Promise<Answered>): Promise<Answered> {
    try {
      this.#signal.throwIfAborted()
      const answered = await send()
      this.#nextUri = answered.results.nextUri
      const change = readSessionChange(this.#engine.prefix, answered.headers)
      if (change) this.#change = { ...this.#change, ...change }
      const { error } = answered.results
      if (error) {
        const read = this.#engine.dialect === 'presto' ? fromPrestoError(error) : error
        throw this.#engine.explain(fromWireError(read, particularsOf(answered.headers)))
      }
      return answered
    } catch (error) {
      if (this.#nextUri !== undefined) await this.#engine.cancel(this.#nextUri)
      this.#nextUri = undefined
      throw this.#reason(error)
    }
  }

  #reason(error: unknown): unknown {
    if (this.#closing.aborted) return this.#closing.reason
    if (this.#timeout.aborted) {
      return new LandfallError(
        'fix-request',
        'sql/timeout',
        `the query was ended after ${this.#timeoutMs / 1000} s`,
      )
    }
    if (!this.#signal.aborted) return error
    return new LandfallError('closed', 'sql/cancelled', 'the query was cancelled')
  }
}

function readResults(text: string, base: string): WireResults {
  try {
    return parseExact(text) as WireResults
  } catch (error) {
    throw new LandfallError('fix-config', 'sql/not-trino', `what answers at ${base} is no SQL server`, {
      cause: error,
    })
  }
}

function freshnessOf(headers: Headers): Freshness {
  const text = headers.get(FRESHNESS_HEADER)
  if (text === null) return UNKNOWN_FRESHNESS
  return { ...UNKNOWN_FRESHNESS, ...(JSON.parse(text) as Partial<Freshness>) }
}

function particularsOf(headers: Headers): ErrorParticulars | undefined {
  const text = headers.get(ERROR_HEADER)
  return text === null ? undefined : (JSON.parse(text) as ErrorParticulars)
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container's user may have no name.
    return 'landfall'
  }
}

function readPrestoColumn({ name, type }: ResultColumn): ResultColumn {
  return { name, type: fromPrestoType(type) }
}

/** A column's type comes as a cast would name it, with intervals in capitals. */
function readColumn({ name, type }: ResultColumn): ResultColumn {
  return {
    name,
    type: type.replace(/\bINTERVAL (DAY TO SECOND|YEAR TO MONTH)\b/g, (word) => word.toLowerCase()),
  }
}
