/** The page as a client of the SQL door, in Trino's protocol: what every other client sends and gets. */
import { ServerError } from './server.ts'

export interface AnswerColumn {
  name: string
  type: string
}

export type Cell = null | boolean | number | string | Cell[] | { [key: string]: Cell }

export interface Answer {
  columns: AnswerColumn[]
  rows: Cell[][]
  /** There were more rows than asked for. */
  cut: boolean
  elapsedMs: number
  warnings: string[]
}

export class StatementError extends ServerError {
  readonly line: number | undefined
  readonly column: number | undefined

  constructor(
    message: string,
    place: { lineNumber: number; columnNumber: number } | undefined,
    hint?: string,
  ) {
    super(message, hint)
    this.line = place?.lineNumber
    this.column = place?.columnNumber
  }
}

export interface AskOptions {
  /** The proven name of who asks; null: nobody in particular. */
  user: string | null
  /** Rows beyond these are not fetched; the query ends then. */
  rowsMax: number
  signal: AbortSignal
  onProgress?: (state: string, percentage: number) => void
}

interface Page {
  nextUri?: string
  columns?: AnswerColumn[]
  data?: Cell[][]
  stats: { state: string; progressPercentage?: number }
  error?: { message: string; errorLocation?: { lineNumber: number; columnNumber: number } }
  warnings?: { message: string }[]
}

/** Rejects with the signal's reason when it aborts: then the query is ended too. */
export async function ask(sql: string, { user, rowsMax, signal, onProgress }: AskOptions): Promise<Answer> {
  const startedAt = performance.now()
  const headers = { 'x-trino-user': user ?? 'dashboard', 'x-trino-source': 'landfall-dashboard' }
  const answer: Answer = { columns: [], rows: [], cut: false, elapsedMs: 0, warnings: [] }
  let next: string | undefined
  try {
    let page = await read('v1/statement', { method: 'POST', body: sql, headers, signal })
    for (;;) {
      onProgress?.(page.stats.state, page.stats.progressPercentage ?? 0)
      if (page.columns !== undefined) answer.columns = page.columns
      for (const row of page.data ?? []) answer.rows.push(row)
      answer.warnings = page.warnings?.map(({ message }) => message) ?? []
      next = page.nextUri === undefined ? undefined : own(page.nextUri)
      if (next === undefined) break
      if (answer.rows.length > rowsMax) break
      page = await read(next, { headers, signal })
    }
  } catch (error) {
    if (next !== undefined) end(next, headers)
    throw error
  }
  if (next !== undefined) end(next, headers)
  answer.cut = answer.rows.length > rowsMax
  answer.rows.length = Math.min(answer.rows.length, rowsMax)
  answer.elapsedMs = performance.now() - startedAt
  return answer
}

/** Nobody waits for it: a query that is not ended by this ends when nobody fetches its answer. */
function end(uri: string, headers: Record<string, string>): void {
  fetch(uri, { method: 'DELETE', headers }).catch(() => {})
}

/** The door names itself as its client sees it; to this page it is always where the page came from. */
function own(uri: string): string {
  return new URL(uri).pathname.slice(1)
}

async function read(path: string, options: RequestInit): Promise<Page> {
  let answer: Response
  try {
    answer = await fetch(path, options)
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new ServerError('The server does not answer', 'It may be starting again; try once more')
  }
  if (!answer.ok) throw new ServerError((await answer.text()) || `${answer.status} ${answer.statusText}`)
  const page = parsePage(await answer.text())
  if (page.error === undefined) return page
  throw new StatementError(page.error.message, page.error.errorLocation, hintOf(answer))
}

function hintOf(answer: Response): string | undefined {
  const text = answer.headers.get('x-landfall-error')
  return text === null ? undefined : (JSON.parse(text) as { hint?: string }).hint
}

/** Whole numbers beyond 2^53 keep their digits, as text. */
function parsePage(text: string): Page {
  if (!/[0-9]{16}/.test(text)) return JSON.parse(text) as Page
  const exact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?[0-9]+$/.test(context?.source ?? '')
      ? context!.source
      : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown) as Page
}
