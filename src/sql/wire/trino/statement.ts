/**
 * One statement of a client: the pages of its answer by token, as `GET nextUri` asks for them.
 *
 * A page is made only when it is asked for, so a slow client holds back the engine and nothing gathers here but the last page,
 * which is kept in case its answer was lost on the way: asking for the same token again gives the same bytes.
 */
import { randomBytes } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import type { LandfallError } from '../../../base/errors.ts'
import { freshnessWarning } from '../../freshness.ts'
import type { QueryOptions, QueryProgress, QueryResult, Session, Value } from '../../sql.ts'
import { particularsOf, toWireError } from '../../trino-errors.ts'
import {
  ERROR_HEADER,
  FRESHNESS_HEADER,
  headerJson,
  type QueryState,
  type WireResults,
} from '../../trino-protocol.ts'
import { createPageWriter, type PageWriter } from './page-writer.ts'
import { type HeaderPrefix, sessionHeaders } from './session-headers.ts'
import { statementStats } from './statement-stats.ts'

/** JSON text of a page at about which it is full. */
const PAGE_BYTES = 1024 * 1024
/** How long a GET is held while there is nothing to say. */
const HOLD_MS = 1000

export interface StatementOptions {
  id: string
  sql: string
  session: Session
  /** Runs the statement; what it calls back tells how far it is. */
  run: (options: QueryOptions & { session: Session }) => Promise<QueryResult>
  /** The client understands `timestamp(6)`. */
  parametric: boolean
  /** The prefix the client speaks. */
  prefix: HeaderPrefix
  onEnd: (state: 'FINISHED' | 'FAILED', error: unknown) => void
}

export interface Page {
  body: string
  headers: OutgoingHttpHeaders
}

/** The addresses that a page names depend on the request: scheme and host as the client sees them. */
export type Links = (path: string) => string

interface Running {
  result: QueryResult
  writer: PageWriter
  rows: AsyncIterator<Value[][]>
}

export class Statement {
  readonly id: string
  /** Makes the address hard to guess. */
  readonly slug = `x${randomBytes(16).toString('hex')}`
  /** When a client last asked, and how many requests are held right now. */
  lastAsked = performance.now()
  held = 0
  readonly options: StatementOptions
  readonly createdAt = new Date()
  readonly #cancel = new AbortController()
  readonly #postedAt = performance.now()
  #startedAt: number | undefined
  #endedAt: number | undefined
  /** A page was made that says how it ended. */
  told = false
  readonly #running: Promise<Running>
  #ready: Running | undefined
  #failure: unknown
  #state: QueryState = 'QUEUED'
  #token = 1
  #last: { token: number; page: Promise<Page> } | undefined
  /** Rows that a page of the engine had beyond ours. */
  #rest: Value[][] = []
  #sent = { rows: 0, bytes: 0 }
  #ahead: () => number = () => 0
  #progress: () => QueryProgress = () => ({ percentage: 0, rows: 0, splits: 0 })

  constructor(options: StatementOptions) {
    this.id = options.id
    this.options = options
    this.#running = this.#start()
    this.#running.catch((error: unknown) => this.#fail(error))
  }

  get ended(): boolean {
    return this.#state === 'FINISHED' || this.#state === 'FAILED'
  }

  /** The engine is at work: nobody listening means work for nobody. */
  get computing(): boolean {
    return !this.ended && this.#ready === undefined
  }

  async #start(): Promise<Running> {
    const { run, parametric, session } = this.options
    const onRunning = (progress: () => QueryProgress) => {
      this.#startedAt = performance.now()
      this.#progress = progress
      if (this.#state === 'QUEUED') this.#state = 'RUNNING'
    }
    const result = await run({
      session,
      queryId: this.id,
      signal: this.#cancel.signal,
      onQueued: (ahead) => (this.#ahead = ahead),
      onRunning,
    })
    const running = {
      result,
      writer: createPageWriter(result.columns, parametric),
      rows: result.pages[Symbol.asyncIterator](),
    }
    this.#startedAt ??= this.#postedAt
    if (!this.ended) this.#state = 'RUNNING'
    this.#ready = running
    return running
  }

  /** Ends the statement with this error, whatever it is doing. */
  cancel(error: LandfallError): void {
    if (this.ended) return
    this.#fail(error)
    this.#cancel.abort(error)
  }

  #fail(error: unknown): void {
    if (this.ended) return
    this.#state = 'FAILED'
    this.#failure = error
    this.#endedAt = performance.now()
    this.options.onEnd('FAILED', error)
  }

  get state(): QueryState {
    return this.#state
  }

  get failure(): unknown {
    return this.#failure
  }

  /** What POST answers: nothing yet, and where to go on. */
  first(links: Links): Page {
    return this.#page(links, { nextToken: 1 })
  }

  /** The page of a token; undefined when it is older than the last one (or was never promised). */
  async page(token: number, links: Links): Promise<Page | undefined> {
    this.lastAsked = performance.now()
    if (this.#last?.token === token) return this.#last.page
    if (token !== this.#token) return undefined
    const page = this.#next(token, links)
    this.#last = { token, page }
    this.#token = token + 1
    this.held++
    try {
      return await page
    } finally {
      this.held--
      this.lastAsked = performance.now()
    }
  }

  async #next(token: number, links: Links): Promise<Page> {
    try {
      if (this.ended) return this.#page(links, {})
      const running = this.#ready ?? (await this.#within(HOLD_MS))
      if (this.ended) return this.#page(links, {})
      if (!running) return this.#page(links, { nextToken: token + 1 })
      const { rows, done } = await this.#gather(running)
      if (this.ended) return this.#page(links, {})
      if (done) {
        this.#state = 'FINISHED'
        this.#endedAt = performance.now()
        this.options.onEnd('FINISHED', undefined)
      }
      return this.#page(links, { rows, ...(done ? {} : { nextToken: token + 1 }) })
    } catch (error) {
      this.#fail(error)
      return this.#page(links, {})
    }
  }

  /** The running query, or undefined when it takes longer. */
  async #within(ms: number): Promise<Running | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ms)
    })
    const stopped = new Promise<undefined>((resolve) => {
      this.#cancel.signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    try {
      return await Promise.race([this.#running, late, stopped])
    } finally {
      clearTimeout(timer)
    }
  }

  async #gather(running: Running): Promise<{ rows: string[]; done: boolean }> {
    const rows: string[] = []
    const until = performance.now() + HOLD_MS
    for (let bytes = 0; bytes < PAGE_BYTES; ) {
      if (this.#rest.length === 0) {
        if (performance.now() > until) break
        const next = await running.rows.next()
        if (next.done) return { rows, done: true }
        this.#rest = next.value
      }
      let used = 0
      while (used < this.#rest.length && bytes < PAGE_BYTES) {
        const text = running.writer.row(this.#rest[used++]!)
        bytes += text.length + 1
        rows.push(text)
      }
      this.#rest = this.#rest.slice(used)
      this.#sent.rows += used
    }
    return { rows, done: false }
  }

  #page(links: Links, { rows = [], nextToken }: { rows?: string[]; nextToken?: number }): Page {
    const headers: OutgoingHttpHeaders = {}
    const path = `${this.id}/${this.slug}`
    // `data` is put in as text, since its rows are text already.
    const data = rows.length === 0 ? '' : `,"data":[${rows.join(',')}]`
    this.#sent.bytes += data.length
    const results: WireResults = {
      id: this.id,
      infoUri: links(`/ui/query.html?${this.id}`),
      stats: this.stats(),
      warnings: [],
    }
    this.told ||= nextToken === undefined
    if (nextToken !== undefined) {
      results.nextUri = links(`/v1/statement/executing/${path}/${nextToken}`)
      if (this.#ready) results.partialCancelUri = results.nextUri
    }
    if (this.#state === 'FAILED') {
      results.error = toWireError(this.#failure)
      const particulars = particularsOf(this.#failure)
      if (particulars) headers[ERROR_HEADER] = headerJson(particulars)
    } else if (this.#ready) this.#describeResult(results, headers, this.#ready)
    const body = JSON.stringify(results)
    return { body: `${body.slice(0, -1)}${data}}`, headers }
  }

  #describeResult(results: WireResults, headers: OutgoingHttpHeaders, { writer, result }: Running): void {
    results.columns = writer.columns
    headers[FRESHNESS_HEADER] = headerJson(result.freshness)
    const warning = freshnessWarning(result.freshness)
    if (warning) {
      results.warnings.push({ warningCode: { code: 1, name: warning.name }, message: warning.text })
    }
    if (result.updateType !== undefined) results.updateType = result.updateType
    // On the page that completes the statement: a client must not change its session for one that fails yet.
    if (result.sessionChange && this.ended) {
      Object.assign(headers, sessionHeaders(this.options.prefix, result.sessionChange))
    }
  }

  stats(): WireResults['stats'] {
    const now = this.#endedAt ?? performance.now()
    return statementStats({
      state: this.#state,
      queuedMs: (this.#startedAt ?? now) - this.#postedAt,
      elapsedMs: now - this.#postedAt,
      ahead: this.#state === 'QUEUED' ? this.#ahead() : 0,
      progress: this.#progress(),
      sent: this.#sent,
      computed: this.#ready !== undefined,
    })
  }
}
