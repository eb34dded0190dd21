/**
 * The door for SQL clients: Trino's client protocol over any engine, and the health and metrics of the process.
 *
 *   POST   /v1/statement                        SQL text → id and nextUri
 *   GET    /v1/statement/executing/ID/SLUG/N    a page; held up to a second while there is none
 *   DELETE the same                             cancels
 *   GET    /v1/query/ID, /ui/query.html?ID      what is known of a statement; DELETE of the first cancels it
 *   GET    /v1/info, /v1/info/state, /v1/status who we are
 *   GET    /healthz, /readyz, /metrics
 *   GET    /, /ui/…                               pages for people, where there are any
 *
 * Other doors may be mounted below a path of their own.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Access, type Caller, createAccess } from '../../../base/access.ts'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import type { Tls } from '../../../base/tls.ts'
import { runInSession, type SessionParts } from '../../session/run-in-session.ts'
import type { SqlEngine } from '../../sql.ts'
import { SERVER_VERSION } from '../../trino-protocol.ts'
import { checkExposure, isCrossSite, isForeignName, refuseOtherName } from './access.ts'
import { linksOf, readBody, sendJson, sendPage, sendText } from './http.ts'
import { createSqlMetrics, type SqlMetrics } from './metrics.ts'
import { sendAboutPage, sendQueryInfo, sendQueryPage } from './query-info.ts'
import { prefixOf, readClientRequest } from './session-headers.ts'
import type { Statement } from './statement.ts'
import { Statements } from './statements.ts'

export interface SqlServerParts {
  engine: SqlEngine
  host: string
  /** 0: a free one. */
  port: number
  /** Who may ask (default: everybody). */
  access?: Access
  /** Speak https; stays the caller's. */
  tls?: Tls
  /** Other doors on this address. */
  mounts?: readonly Mount[]
  /** Answers `/` and what is below `/ui/`; default: a page that says what is here. Never throws. */
  pages?: (request: IncomingMessage, response: ServerResponse, caller: Caller) => Promise<void>
  /** Listen beyond this machine without a token. */
  insecure?: boolean
  /** Why the process is not ready to answer; undefined when it is. */
  health?: () => Promise<string | undefined>
  /** Told of a mistake of ours: its client learns no more than that there was one. */
  onMistake?: (error: unknown) => void
  /** More metrics in Prometheus' text format. */
  metrics?: () => Promise<string>
  settings?: SqlServerSettings
}

/** Serves every request below a path, and decides itself who may ask. Never throws. */
export interface Mount {
  /** `/iceberg` */
  prefix: string
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
}

export interface SqlServerSettings {
  /** Bytes of a statement (default 4 MiB). */
  bodyBytesMax?: number
  /** Statements that are open at a time (default 256). */
  statementsMax?: number
}

export interface SqlServer extends AsyncDisposable {
  readonly url: string
  readonly host: string
  readonly port: number
}

const EVERYBODY = createAccess(null)
const DEFAULTS = { bodyBytesMax: 4 * 1024 * 1024, statementsMax: 256 }

export async function openSqlServer(parts: SqlServerParts): Promise<SqlServer> {
  checkExposure(parts.host, parts.access ?? EVERYBODY, parts.insecure ?? false)
  const server = new TrinoServer(parts)
  await server.listen()
  return server
}

class TrinoServer implements SqlServer {
  readonly host: string
  readonly #parts: SqlServerParts
  readonly #settings: Required<SqlServerSettings>
  readonly #server: Server
  readonly #statements: Statements
  readonly #metrics: SqlMetrics
  readonly #session: SessionParts
  readonly #startedAt = performance.now()
  #closing = false

  constructor(parts: SqlServerParts) {
    this.host = parts.host
    this.#parts = parts
    this.#settings = { ...DEFAULTS, ...parts.settings }
    this.#statements = new Statements({ liveMax: this.#settings.statementsMax })
    this.#session = {
      engine: parts.engine,
      killQuery: (id, error) => this.#statements.kill(id, error),
    }
    this.#metrics = createSqlMetrics({
      computing: () => this.#statements.computing,
      open: () => this.#statements.live,
    })
    const bounds = { maxHeaderSize: 64 * 1024, requestTimeout: 30_000, keepAliveTimeout: 60_000 }
    this.#server = parts.tls === undefined ? createServer(bounds) : parts.tls.createServer(bounds)
    this.#server.on('request', (request, response) => void this.#answer(request, response))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `${this.#parts.tls === undefined ? 'http' : 'https'}://${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const { host, port } = this.#parts
        reject(
          new LandfallError(
            'fix-config',
            'sql/listen',
            `cannot listen on ${host}:${port}: ${error.code === 'EADDRINUSE' ? 'the port is in use' : (error.code ?? error.message)}`,
            {
              hint: 'Choose another address with --sql',
              cause: error,
            },
          ),
        )
      })
      this.#server.listen(this.#parts.port, this.#parts.host, () => resolve())
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response)
    } catch (error) {
      if (isLandfallError(error, 'sql/overloaded')) {
        response.setHeader('retry-after', '1')
        return sendText(response, 503, error.message)
      }
      if (isLandfallError(error))
        return sendText(response, error.kind === 'fix-request' ? 400 : 500, error.message)
      this.#parts.onMistake?.(error)
      sendText(response, 500, 'internal error')
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0]!
    const method = request.method ?? 'GET'
    const reads = method === 'GET' || method === 'HEAD'
    if (reads && path === '/healthz') return sendText(response, 200, 'ok\n')
    if (reads && path === '/readyz') return this.#ready(response)
    if (isCrossSite(request)) return sendText(response, 403, 'requests of other sites are not answered')
    const isPage = path === '/' || (path.startsWith('/ui') && path !== '/ui/query.html')
    if (isForeignName(request, this.host, this.#parts.access ?? EVERYBODY, isPage))
      return sendText(
        response,
        403,
        'this address is asked by another name than its own; set a token to allow that',
      )
    const mount = this.#parts.mounts?.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
    if (mount) return mount.serve(request, response)
    const caller = (this.#parts.access ?? EVERYBODY).identify(request.headers.authorization)
    if (caller === undefined) {
      response.setHeader('www-authenticate', 'Basic realm="Landfall SQL"')
      return sendText(response, 401, 'a token is needed: Authorization: Bearer …, or as the password')
    }
    const denied = refuseOtherName(request, caller)
    if (denied !== undefined) return sendText(response, 403, denied)
    if (reads && path === '/metrics') return this.#sendMetrics(response)
    if (reads && path === '/v1/info') return this.#info(response)
    if (reads && path === '/v1/info/state') return sendJson(response, 'ACTIVE')
    if (reads && path === '/v1/status') return this.#info(response)
    if (isPage && this.#parts.pages) return this.#parts.pages(request, response, caller)
    if (reads && path === '/') return void response.writeHead(303, { location: '/ui/' }).end()
    if (reads && path === '/ui/') return sendAboutPage(response, SERVER_VERSION)
    if (reads && path === '/ui/query.html') return sendQueryPage(response, this.#queryOf(request))
    if (path.startsWith('/v1/statement')) return this.#statement(request, response, path)
    const query = /^\/v1\/query\/([^/]+)$/.exec(path)
    if (query) return this.#query(request, response, query[1]!)
    sendText(response, 404, `nothing is at ${method} ${path}`)
  }

  async #statement(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (path === '/v1/statement') {
      if (request.method === 'POST') return this.#post(request, response)
      return refuseMethod(response, 'POST')
    }
    const page = /^\/v1\/statement\/(?:queued|executing)\/([^/]+)\/([^/]+)\/([0-9]+)$/.exec(path)
    if (!page) return sendText(response, 404, `nothing is at ${path}`)
    if (['GET', 'HEAD', 'DELETE'].includes(request.method!)) return this.#page(request, response, page)
    refuseMethod(response, 'GET, DELETE')
  }

  async #post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#closing) return sendText(response, 503, 'the query server is being stopped')
    const client = readClientRequest(request.headers)
    if (!client) return refuseNobody(request, response)
    const sql = await readBody(request, this.#settings.bodyBytesMax)
    if (sql === undefined) {
      response.setHeader('connection', 'close')
      return sendText(response, 413, `a statement has at most ${this.#settings.bodyBytesMax} bytes`)
    }
    if (sql.trim() === '') return sendText(response, 400, 'SQL statement is empty')
    const startedAt = performance.now()
    const statement = this.#statements.open({
      sql,
      session: client.session,
      run: (options) => runInSession(this.#session, sql, options),
      parametric: client.capabilities.has('PARAMETRIC_DATETIME'),
      prefix: client.prefix,
      onEnd: (state, error) => {
        const outcome = state === 'FINISHED' ? 'ok' : isLandfallError(error) ? error.code : 'sql/failed'
        this.#metrics.ended(outcome, (performance.now() - startedAt) / 1000)
        if (outcome === 'sql/failed') this.#parts.onMistake?.(error)
      },
    })
    await sendPage(request, response, statement.first(linksOf(request)))
  }

  async #page(
    request: IncomingMessage,
    response: ServerResponse,
    [, id, slug, token]: RegExpExecArray,
  ): Promise<void> {
    const statement = this.#statements.find(id!)
    if (statement?.slug !== slug) return sendText(response, 404, 'Error 404 Not Found: Query not found')
    if (request.method === 'DELETE') {
      statement!.cancel(cancelled())
      response.writeHead(204).end()
      return
    }
    const page = await statement!.page(Number(token), linksOf(request))
    if (!page) return sendText(response, 410, 'Error 410 Gone: this page was fetched before')
    await sendPage(request, response, page)
  }

  #queryOf(request: IncomingMessage): Statement | undefined {
    return this.#statements.find((request.url ?? '').split('?')[1] ?? '')
  }

  #query(request: IncomingMessage, response: ServerResponse, id: string): void {
    const client = readClientRequest(request.headers)
    if (!client) return refuseNobody(request, response)
    const statement = this.#statements.find(id)
    if (statement && statement.options.session.user !== client.session.user) {
      return sendText(response, 403, `this query is not of user ${client.session.user}`)
    }
    if (request.method === 'DELETE') {
      statement?.cancel(cancelled())
      response.writeHead(204).end()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(response, 'GET, DELETE')
    if (!statement) return sendText(response, 410, 'Error 410 Gone: nothing is known of this query any more')
    sendQueryInfo(response, statement)
  }

  async #ready(response: ServerResponse): Promise<void> {
    const reason = this.#closing ? 'the query server is being stopped' : await this.#parts.health?.()
    if (reason === undefined) sendText(response, 200, 'ready\n')
    else sendText(response, 503, `${reason}\n`)
  }

  async #sendMetrics(response: ServerResponse): Promise<void> {
    const own = await this.#metrics.registry.metrics()
    const more = (await this.#parts.metrics?.()) ?? ''
    response.writeHead(200, { 'content-type': this.#metrics.registry.contentType }).end(own + more)
  }

  #info(response: ServerResponse): void {
    const minutes = (performance.now() - this.#startedAt) / 60_000
    const info = {
      nodeVersion: { version: SERVER_VERSION },
      environment: 'landfall',
      coordinator: true,
      starting: false,
      uptime: `${minutes.toFixed(2)}m`,
    }
    sendJson(response, info)
  }

  /** Stops taking statements, cancels what runs and waits for the requests that are being answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#statements.close()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
      setTimeout(() => this.#server.closeAllConnections(), 2000).unref()
    })
  }
}

function cancelled(): LandfallError {
  return new LandfallError('closed', 'sql/cancelled', 'the query was cancelled')
}

/** A statement has somebody who asks. */
function refuseNobody(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('www-authenticate', 'Basic realm="Landfall SQL"')
  const header = prefixOf(request.headers) === 'x-presto' ? 'X-Presto-User' : 'X-Trino-User'
  sendText(response, 401, `who asks? Basic authentication or ${header} must be sent`)
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('allow', allowed)
  sendText(response, 405, `Error 405 Method Not Allowed: allowed here is ${allowed}`)
}
