import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import { LandfallError, systemCode } from '../base/errors.ts'
import type { Tls } from '../base/tls.ts'
import { answerToError } from './answers.ts'
import type { CollectorSettings } from './limits.ts'
import type { RefusedCounts } from './refused.ts'

/**
 * node:http with our bounds and nothing between: bodies are read by `BodyReader` (bounds before bytes), answers are written by
 * `sendAnswer`. A framework's router and hooks took a tenth of a second of each start and a twentieth of each request.
 */
export function createHttpServer(
  settings: CollectorSettings,
  serve: RequestListener,
  refused: RefusedCounts,
  tls?: Tls,
): Server {
  const bounds = {
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    maxHeaderSize: settings.headerBytesMax,
    headersTimeout: Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs),
    connectionsCheckingInterval: Math.min(1_000, settings.headersTimeoutMs),
  }
  const server = tls === undefined ? createServer(bounds, serve) : tls.createServer(bounds, serve)
  server.maxConnections = settings.connectionsMax
  server.on('clientError', (error, socket) => refuseConnection(error, socket, refused))
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // Whoever asks before sending too much is told at once.
    if (!(Number(request.headers['content-length']) > settings.bodyBytesMax)) response.writeContinue()
    server.emit('request', request, response)
  })
  return server
}

/** An answer outside the routes, in the form that the path suggests. */
export function plainAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  refused: RefusedCounts,
): void {
  const form = request.url!.startsWith('/v1/') ? 'json' : 'text'
  const { status, headers, body, refused: reason } = answerToError(error, form)
  refused.request(reason!, status)
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

function refuseConnection(error: Error, socket: Duplex, refused: RefusedCounts): void {
  const code = systemCode(error) ?? ''
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, text] = UNREADABLE[code] ?? [400, 'the request is not HTTP']
  const body = `${text}\n`
  refused.request('collector/unreadable', status)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
  // Cut at once, what the client still sends would take its answer away; kept, it could send for ever.
  setTimeout(() => socket.destroy(), 1_000).unref()
}

/** Connections that the system keeps until they are accepted. */
const BACKLOG = 1024

/** Listens, and says what stands in the way. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  try {
    server.listen({ host, port, backlog: BACKLOG })
    await once(server, 'listening')
  } catch (error) {
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
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('listening on a port gave no address')
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `${server instanceof TlsServer ? 'https' : 'http'}://${shown}:${address.port}`
}

/** Takes no more connections; what comes on those that are there is for the gate to refuse. Resolves when all have gone. */
export function stopListening(server: Server): Promise<void> {
  // An answer from now on is the last of its connection.
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'))
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

/** How long the last answers may take to leave. */
const LAST_BYTES_MS = 1_000

/** After `stopListening`: lets connections go as their last answer has left, and cuts what is left after a moment. */
export async function leaveConnections(server: Server, closed: Promise<unknown>): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), 10)
  const cut = setTimeout(() => server.closeAllConnections(), LAST_BYTES_MS)
  try {
    await closed
  } finally {
    clearInterval(idle)
    clearTimeout(cut)
  }
}
