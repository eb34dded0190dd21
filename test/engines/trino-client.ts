/**
 * A small client of the Trino protocol for tests, independent of `src`: what a server answers, as it answers it. Keeps the session that
 * the server asks it to keep.
 */
export interface TrinoAnswer {
  columns: { name: string; type: string }[]
  /** Values as in the protocol's JSON; integers beyond 2^53 are bigint. */
  rows: unknown[][]
  error?: TrinoError
}

export interface TrinoError {
  name: string
  type: string
  message: string
  line?: number
  column?: number
}

export interface TrinoPage {
  columns?: { name: string; type: string }[]
  data?: unknown[][]
  nextUri?: string
  error?: {
    errorName: string
    errorType: string
    message: string
    errorLocation?: { lineNumber: number; columnNumber: number }
  }
}

export interface SessionOptions {
  catalog?: string
  schema?: string
  timeZone?: string
  headers?: Record<string, string>
}

const CAPABILITIES = 'PATH,PARAMETRIC_DATETIME,SESSION_AUTHORIZATION'
const QUERY_MAX_MS = 5 * 60_000

export class TrinoSession {
  readonly url: string
  readonly #headers: Record<string, string>
  readonly #properties = new Map<string, string>()
  readonly #prepared = new Map<string, string>()

  constructor(url: string, options: SessionOptions = {}) {
    this.url = url
    this.#headers = { 'x-trino-user': 'test', 'x-trino-client-capabilities': CAPABILITIES }
    this.#headers['x-trino-time-zone'] = options.timeZone ?? 'UTC'
    if (options.catalog) this.#headers['x-trino-catalog'] = options.catalog
    if (options.schema) this.#headers['x-trino-schema'] = options.schema
    Object.assign(this.#headers, options.headers)
  }

  /** The whole answer; an error of the statement is part of it, anything else rejects. */
  async query(sql: string): Promise<TrinoAnswer> {
    const answer: TrinoAnswer = { columns: [], rows: [] }
    for await (const page of this.pages(sql)) {
      if (page.columns) answer.columns = page.columns.map(({ name, type }) => ({ name, type }))
      for (const row of page.data ?? []) answer.rows.push(row)
      if (page.error) answer.error = readError(page.error)
    }
    return answer
  }

  /** The pages of an answer as they come, for answers that are too large to hold. */
  async *pages(sql: string): AsyncGenerator<TrinoPage> {
    const signal = AbortSignal.timeout(QUERY_MAX_MS)
    let response = await fetch(`${this.url}/v1/statement`, {
      method: 'POST',
      body: sql,
      headers: this.#allHeaders(),
      signal,
    })
    for (;;) {
      const text = await response.text()
      if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 500)}: ${sql.slice(0, 200)}`)
      this.#keep(response.headers)
      const page = parsePage(text)
      yield page
      if (!page.nextUri) return
      response = await fetch(page.nextUri, { headers: this.#allHeaders(), signal })
    }
  }

  #allHeaders(): Record<string, string> {
    const list = (entries: Map<string, string>) =>
      [...entries].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(',')
    const headers = { ...this.#headers }
    if (this.#properties.size > 0) headers['x-trino-session'] = list(this.#properties)
    if (this.#prepared.size > 0) headers['x-trino-prepared-statement'] = list(this.#prepared)
    return headers
  }

  #keep(headers: Headers): void {
    for (const name of ['catalog', 'schema', 'path']) {
      const value = headers.get(`x-trino-set-${name}`)
      if (value !== null) this.#headers[`x-trino-${name}`] = value
    }
    const keep = (header: string, into: Map<string, string>) => {
      for (const entry of headers.get(header)?.split(',') ?? []) {
        const [name, value = ''] = entry.trim().split('=') as [string, string?]
        into.set(name, decodeURIComponent(value.replaceAll('+', ' ')))
      }
    }
    keep('x-trino-set-session', this.#properties)
    keep('x-trino-added-prepare', this.#prepared)
    const gone = headers.get('x-trino-clear-session')
    if (gone !== null) this.#properties.delete(gone)
    const deallocated = headers.get('x-trino-deallocated-prepare')
    if (deallocated !== null) this.#prepared.delete(deallocated)
  }
}

const LONG_NUMBER = /[[,:]-?\d{16,}[\],}]/

function parsePage(text: string): TrinoPage {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as TrinoPage
  const exact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source!)
      : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown) as TrinoPage
}

export function readError(error: NonNullable<TrinoPage['error']>): TrinoError {
  const { errorName: name, errorType: type, message, errorLocation } = error
  if (!errorLocation) return { name, type, message }
  return { name, type, message, line: errorLocation.lineNumber, column: errorLocation.columnNumber }
}
