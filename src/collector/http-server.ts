import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { isLandfallError, LandfallError, systemCode } from '../base/errors.ts'
import { answerToError, refuse } from './answers.ts'
import type { CollectorSettings } from './limits.ts'

/**
 * Fastify as a router and nothing more: bodies are read by `BodyReader` (bounds before bytes), answers are written by
 * `sendAnswer`, and there is no hook and no log line per request.
 */
export function createHttpServer(settings: CollectorSettings): FastifyInstance {
  const app = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    routerOptions: {
      maxParamLength: settings.headerBytesMax,
      caseSensitive: true,
      ignoreTrailingSlash: false,
    },
    http: {
      maxHeaderSize: settings.headerBytesMax,
      headersTimeout: Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs),
      connectionsCheckingInterval: Math.min(1_000, settings.headersTimeoutMs),
    },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (_error, request, reply) => {
      const error = refuse('bad-url', 'the path has a wrong %-escape', 'Encode it as UTF-8 with %XX')
      plainAnswer(request.raw, reply.raw, error)
    },
  })
  app.server.maxConnections = settings.connectionsMax
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // Whoever asks before sending too much is told at once.
    if (!(Number(request.headers['content-length']) > settings.bodyBytesMax)) response.writeContinue()
    app.server.emit('request', request, response)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined))
  app.setErrorHandler((error, request, reply) => {
    const type = systemCode(error) === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    plainAnswer(
      request.raw,
      reply.raw,
      type ? refuse('media-type', 'the Content-Type', 'Send one of the form type/subtype') : error,
    )
  })
  return app
}

/** An answer outside the routes, in the form that the path suggests. */
export function plainAnswer(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const form = request.url!.startsWith('/v1/') ? 'json' : 'text'
  const { status, headers, body } = answerToError(error, form)
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** What is said on a connection whose request cannot be read. */
const UNREADABLE: Record<string, [status: number, text: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers of the request are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive in time'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the extensions of a chunk are too large'],
}

function refuseConnection(error: Error, socket: Socket): void {
  const code = systemCode(error) ?? ''
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, text] = UNREADABLE[code] ?? [400, 'the request is not HTTP']
  const body = `${text}\n`
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
  // Cut at once, what the client still sends would take its answer away; kept, it could send for ever.
  setTimeout(() => socket.destroy(), 1_000).unref()
}

/** Listens, and says what stands in the way. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    if (isLandfallError(error)) throw error
    const code = systemCode(error)
    const problem =
      code === 'EADDRINUSE'
        ? 'the port is in use'
        : code === 'EACCES'
          ? 'the port may not be used'
          : (error as Error).message
    throw new LandfallError('fix-config', 'collector/listen', `listening on ${host}:${port}: ${problem}`, {
      hint: 'Choose another address with --http HOST:PORT',
      cause: error,
    })
  }
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('listening on a port gave no address')
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${shown}:${address.port}`
}

/** How long the last answers may take to leave. */
const LAST_BYTES_MS = 1_000

/** After `app.close()`: lets connections go as their last answer has left, and cuts what is left after a moment. */
export async function leaveConnections(app: FastifyInstance, closed: Promise<unknown>): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), 10)
  const cut = setTimeout(() => app.server.closeAllConnections(), LAST_BYTES_MS)
  try {
    await closed
  } finally {
    clearInterval(idle)
    clearTimeout(cut)
  }
}
