/** Which request is answered by what. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../base/access.ts'
import type { Session } from '../sql/sql.ts'
import { aboutOf, namesOf } from './about.ts'
import { analysisOf } from './analyses.ts'
import { Assets } from './assets.ts'
import type { Dashboard, DashboardParts, LetterChoice } from './dashboard.ts'
import { Downloads } from './downloads.ts'
import { EventStream } from './event-stream.ts'
import { FlowWatch } from './flow-watch.ts'
import {
  badRequest,
  busy,
  checkAction,
  checkReading,
  notFound,
  readJson,
  sendFailure,
  sendJson,
  textOf,
} from './http.ts'
import { describeTable, listTables } from './tables.ts'
import { Tail } from './tail.ts'

const API = '/ui/api/'
const PAGE = '/ui/page/'
/** A page that somebody looks at has one. */
const STREAMS_MAX = 200
/** A process each, which may take 512 MB. */
const PREVIEWS_MAX = 2

export class DashboardServer implements Dashboard {
  readonly #parts: DashboardParts
  readonly #assets = new Assets()
  readonly #flow: FlowWatch
  readonly #tail: Tail
  readonly #downloads: Downloads
  readonly #streams = new Set<EventStream>()
  #previews = 0

  constructor(parts: DashboardParts) {
    this.#parts = parts
    this.#flow = new FlowWatch(parts)
    this.#tail = new Tail(parts.log)
    this.#downloads = new Downloads(parts.engine)
  }

  async serve(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    try {
      await this.#route(request, response, caller)
    } catch (error) {
      sendFailure(response, error)
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://here')
    const path = url.pathname
    if (path.startsWith(API)) return this.#api(request, response, caller, url)
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notFound(`nothing is at ${path}`)
    if (path === '/') return this.#assets.send(request, response, 'index.html')
    if (path.startsWith(PAGE)) return this.#assets.send(request, response, path.slice(PAGE.length))
    if (path === '/ui/' || path === '/ui') return void response.writeHead(303, { location: '/' }).end()
    throw notFound(`nothing is at ${path}`)
  }

  async #api(request: IncomingMessage, response: ServerResponse, caller: Caller, url: URL): Promise<void> {
    const [room = '', ...rest] = url.pathname.slice(API.length).split('/').map(decodePart)
    const { lake, pipeline, engine } = this.#parts
    if (room === 'downloads' && rest.length === 0) return this.#download(request, response, caller)
    if (room === 'repairs') return this.#repair(request, response)
    if (room === 'analyses') return this.#analyse(request, response)
    checkReading(request)
    if (room === 'downloads') return this.#downloads.send(response, rest[0]!)
    if (room === 'about') return sendJson(response, await aboutOf(this.#parts, caller))
    if (room === 'names') return sendJson(response, await namesOf(engine, lake, pipeline))
    if (room === 'flow') return this.#watchFlow(request, response)
    if (room === 'tail') return this.#watchTail(request, response, url.searchParams)
    if (room !== 'tables') throw notFound(`nothing is at ${url.pathname}`)
    if (rest.length === 0) return sendJson(response, await listTables(lake, pipeline))
    sendJson(response, await describeTable(lake, rest[0]!))
  }

  #watchFlow(request: IncomingMessage, response: ServerResponse): void {
    const stream = this.#open(request, response)
    stream.onClose(
      this.#flow.listen((event, data) => {
        // The next picture makes up for one that a slow page did not get.
        if (!stream.isSlow) stream.send(event, data)
      }),
    )
  }

  #watchTail(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    const stream = this.#open(request, response)
    const type = query.get('type') ?? ''
    const text = query.get('text') ?? ''
    let missed = 0
    const end = this.#tail.listen(
      { ...(type === '' ? {} : { type }), ...(text === '' ? {} : { text }) },
      ({ events, skipped }) => {
        if (stream.isSlow) missed += events.length + skipped
        else {
          stream.send('events', JSON.stringify({ events, skipped: skipped + missed }))
          missed = 0
        }
      },
    )
    stream.onClose(end)
  }

  #open(request: IncomingMessage, response: ServerResponse): EventStream {
    if (this.#streams.size >= STREAMS_MAX)
      throw busy('dashboard/streams', `${STREAMS_MAX} pages are open already`, 'Close some of them')
    const stream = new EventStream(request, response)
    this.#streams.add(stream)
    stream.onClose(() => this.#streams.delete(stream))
    return stream
  }

  async #download(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    checkAction(request)
    const { sql, format } = await readJson(request)
    if (format !== 'csv' && format !== 'parquet') throw badRequest('format: expected csv or parquet')
    const { id, rows, bytes } = await this.#downloads.make(
      textOf(sql, 'sql'),
      format,
      sessionOf(caller),
      untilGone(response),
    )
    sendJson(response, { path: `ui/api/downloads/${id}`, rows, bytes })
  }

  /** Changes nothing and reads nothing: what is asked is the page's to ask. */
  async #analyse(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkAction(request)
    sendJson(response, analysisOf(this.#parts.pipeline, await readJson(request)))
  }

  async #repair(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkAction(request)
    const { repairs } = this.#parts
    if (repairs === undefined) throw notFound('repairs are not shown here')
    const { repair, filter } = await readJson(request)
    const name = repair === null || repair === undefined ? null : textOf(repair, 'repair', 200)
    if (name !== null && !(await repairs.list()).includes(name)) throw notFound(`there is no repair ${name}`)
    if (this.#previews >= PREVIEWS_MAX)
      throw busy('dashboard/previews', `${PREVIEWS_MAX} previews run already`, 'Each ends within a minute')
    this.#previews += 1
    try {
      sendJson(response, await repairs.preview(name, choiceOf(filter), untilGone(response)))
    } finally {
      this.#previews -= 1
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.close()
    this.#flow[Symbol.dispose]()
    this.#tail[Symbol.dispose]()
    await this.#downloads[Symbol.asyncDispose]()
  }
}

function sessionOf({ user }: Caller): Session {
  return {
    ...(user === undefined ? {} : { user }),
    source: 'landfall-dashboard',
    clientTags: [],
    properties: {},
    preparedStatements: {},
  }
}

/** Aborts when nobody is there any more to be answered. */
function untilGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.on('close', () => {
    if (!response.writableEnded) gone.abort(new Error('the page has left'))
  })
  return gone.signal
}

function choiceOf(filter: unknown): LetterChoice {
  const given = (typeof filter === 'object' && filter !== null ? filter : {}) as Record<string, unknown>
  const choice: LetterChoice = {}
  for (const name of ['reason', 'field', 'event'] as const)
    if (given[name] !== undefined && given[name] !== null) choice[name] = textOf(given[name], name, 1000)
  return choice
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw badRequest('the address is not encoded as it should be')
  }
}
