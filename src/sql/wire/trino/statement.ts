/**
 * One statement of a client: the pages of its answer by token, as `GET nextUri` asks for them.
 *
 * A page is made only when it is asked for, so a slow client holds back the engine and nothing gathers here but the last page,
 * which is kept in case its answer was lost on the way: asking for the same token again gives the same bytes.
 */
import { randomBytes } from 'node:crypto'
import { LandfallError } from '../../../base/errors.ts'
import { CATALOG, parseCommand, SCHEMA } from '../../commands.ts'
import type { Freshness, SqlEngine, Value } from '../../sql.ts'
import { particularsOf, toWireError } from '../../trino-errors.ts'
import {
  ERROR_HEADER,
  FRESHNESS_HEADER,
  headerJson,
  type QueryState,
  type WireResults,
} from '../../trino-protocol.ts'
import { createPageWriter, type PageWriter } from './page-writer.ts'

/** JSON text of a page at about which it is full. */
const PAGE_BYTES = 1024 * 1024
/** How long a GET is held while there is nothing to say. */
const HOLD_MS = 1000

export interface StatementOptions {
  id: string
  sql: string
  engine: SqlEngine
  /** The client understands `timestamp(6)`. */
  parametric: boolean
  /** `x-trino` or `x-presto`: the prefix the client speaks. */
  prefix: string
  onEnd: (state: 'FINISHED' | 'FAILED', error: unknown) => void
}

export interface Page {
  body: string
  headers: Record<string, string>
}

/** The addresses that a page names depend on the request: scheme and host as the client sees them. */
export type Links = (path: string) => string

interface Running {
  writer: PageWriter
  rows: AsyncIterator<Value[][]>
  freshness: Freshness
}

export class Statement {
  readonly id: string
  /** Makes the address hard to guess. */
  readonly slug = `x${randomBytes(16).toString('hex')}`
  /** When a client last asked, and how many requests are held right now. */
  lastAsked = performance.now()
  held = 0
  readonly #options: StatementOptions
  readonly #cancel = new AbortController()
  readonly #startedAt = performance.now()
  readonly #running: Promise<Running>
  #ready: Running | undefined
  #failure: unknown
  #state: QueryState = 'QUEUED'
  #token = 1
  #last: { token: number; page: Promise<Page> } | undefined
  /** Rows that a page of the engine had beyond ours. */
  #rest: Value[][] = []
  #rowsSent = 0

  constructor(options: StatementOptions) {
    this.id = options.id
    this.#options = options
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
    const { engine, sql, parametric } = this.#options
    const result = await engine.query(sql, { signal: this.#cancel.signal })
    const running = {
      writer: createPageWriter(result.columns, parametric),
      rows: result.pages[Symbol.asyncIterator](),
      freshness: result.freshness,
    }
    this.#state = 'RUNNING'
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
    this.#options.onEnd('FAILED', error)
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
        this.#options.onEnd('FINISHED', undefined)
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
      this.#rowsSent += used
    }
    return { rows, done: false }
  }

  #page(links: Links, { rows = [], nextToken }: { rows?: string[]; nextToken?: number }): Page {
    const headers: Record<string, string> = {}
    const path = `${this.id}/${this.slug}`
    const results: WireResults = {
      id: this.id,
      infoUri: links(`/ui/query.html?${this.id}`),
      stats: this.#stats(),
      warnings: [],
    }
    if (nextToken !== undefined) results.nextUri = links(`/v1/statement/executing/${path}/${nextToken}`)
    if (this.#state === 'FAILED') {
      results.error = toWireError(this.#failure)
      const particulars = particularsOf(this.#failure)
      if (particulars) headers[ERROR_HEADER] = headerJson(particulars)
    } else if (this.#ready) this.#describeResult(results, headers, this.#ready)
    // `data` is put in as text, since its rows are text already.
    const body = JSON.stringify(results)
    const data = rows.length === 0 ? '' : `,"data":[${rows.join(',')}]`
    return { body: `${body.slice(0, -1)}${data}}`, headers }
  }

  #describeResult(
    results: WireResults,
    headers: Record<string, string>,
    { writer, freshness }: Running,
  ): void {
    results.columns = writer.columns
    headers[FRESHNESS_HEADER] = headerJson(freshness)
    if (freshness.behind) results.warnings.push(behindWarning(freshness))
    const command = parseCommand(this.#options.sql)
    if (command?.kind !== 'use') return
    results.columns = []
    results.updateType = 'USE'
    headers[`${this.#options.prefix}-set-catalog`] = CATALOG
    headers[`${this.#options.prefix}-set-schema`] = SCHEMA
  }

  #stats(): WireResults['stats'] {
    const elapsed = Math.round(performance.now() - this.#startedAt)
    return {
      state: this.#state,
      queued: this.#state === 'QUEUED',
      scheduled: this.#state !== 'QUEUED',
      progressPercentage: this.ended ? 100 : 0,
      runningPercentage: this.#state === 'RUNNING' ? 100 : 0,
      nodes: 1,
      totalSplits: 1,
      queuedSplits: this.#state === 'QUEUED' ? 1 : 0,
      runningSplits: this.#state === 'RUNNING' ? 1 : 0,
      completedSplits: this.ended ? 1 : 0,
      planningTimeMillis: 0,
      analysisTimeMillis: 0,
      cpuTimeMillis: elapsed,
      wallTimeMillis: elapsed,
      queuedTimeMillis: 0,
      elapsedTimeMillis: elapsed,
      finishingTimeMillis: 0,
      physicalInputTimeMillis: 0,
      processedRows: this.#rowsSent,
      processedBytes: 0,
      physicalInputBytes: 0,
      physicalWrittenBytes: 0,
      internalNetworkInputBytes: 0,
      peakMemoryBytes: 0,
      spilledBytes: 0,
    }
  }
}

function behindWarning({ position, end }: Freshness): WireResults['warnings'][number] {
  const at = (value: Freshness['position']) => JSON.stringify(value?.next ?? {})
  return {
    warningCode: { code: 1, name: 'LANDFALL_BEHIND' },
    message: `the answer reaches to ${at(position)} of the log, which ends at ${at(end)}: the lander is behind or not running`,
  }
}
