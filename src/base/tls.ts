/** TLS for the doors: certificate and key from PEM files, taken over anew when they change, without dropping a connection. */
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { LandfallError, systemCode } from './errors.ts'
import { watchFiles } from './watch-files.ts'

/** Codes of a certificate that the client cannot trust, as Node names them. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|CERT_.*|ERR_TLS_CERT_ALTNAME_INVALID)$/

/** Why a client does not trust who answers at an https address; undefined when its error is another one. */
export function untrusted(address: string, error: unknown): LandfallError | undefined {
  const cause = (error as { cause?: unknown } | null)?.cause ?? error
  if (!UNTRUSTED.test(systemCode(cause) ?? '')) return undefined
  return new LandfallError(
    'fix-config',
    'tls/untrusted',
    `the certificate at ${address} is not trusted: ${(cause as Error).message}`,
    {
      hint: 'Name the certificate of its authority with --ca FILE or NODE_EXTRA_CA_CERTS',
      cause,
    },
  )
}

export interface TlsFiles {
  /** The certificate, and those between it and the root after it. */
  cert: string
  key: string
}

export interface Tls extends Disposable {
  /** As `createServer` of node:https; connections that come after a change of the files get the new certificate. */
  createServer(options: ServerOptions, listener?: RequestListener): Server
}

interface Pem {
  cert: Buffer
  key: Buffer
}

const MIN_VERSION = 'TLSv1.2'
/** First byte of a TLS connection: a record of kind "handshake". */
const HANDSHAKE = 0x16
/** A connection that says nothing is let go. */
const SILENT_MS = 10_000
const PLAIN_ANSWER = 'this address speaks TLS: use https://\n'

/** Throws `tls/file` or `tls/pair`. `onError` is told when changed files cannot be used; then the certificate stays what it was. */
export async function openTls(files: TlsFiles, onError: (error: unknown) => void): Promise<Tls> {
  let pem = await loadPem(files)
  const servers = new Set<Server>()
  const watching = watchFiles([files.cert, files.key], async () => {
    try {
      pem = await loadPem(files)
      for (const server of servers) server.setSecureContext({ ...pem, minVersion: MIN_VERSION })
    } catch (error) {
      onError(error)
    }
  })
  return {
    createServer(options, listener) {
      const server = createServer(
        { ...options, ...pem, minVersion: MIN_VERSION, handshakeTimeout: SILENT_MS },
        listener,
      )
      servers.add(server)
      server.once('close', () => servers.delete(server))
      answerPlainHttp(server)
      return server
    },
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  }
}

/** Reads both files and tries them together: a renewal that is half done is noticed here. */
async function loadPem({ cert, key }: TlsFiles): Promise<Pem> {
  const pem = { cert: await readPem('certificate', cert), key: await readPem('key', key) }
  try {
    createSecureContext({ ...pem, minVersion: MIN_VERSION })
  } catch (error) {
    const mismatch = systemCode(error) === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
    throw new LandfallError(
      'fix-config',
      'tls/pair',
      mismatch
        ? `the key ${key} is not that of the certificate ${cert}`
        : `the certificate ${cert} and the key ${key} cannot be used: ${(error as Error).message}`,
      { hint: 'Give a certificate (chain) and its unencrypted key as PEM files', cause: error },
    )
  }
  return pem
}

async function readPem(what: string, path: string): Promise<Buffer> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    const why = systemCode(error) ?? (error as Error).message
    throw badFile(`the TLS ${what} ${path} cannot be read: ${why}`, error)
  }
  if (!bytes.includes('-----BEGIN ')) throw badFile(`the TLS ${what} ${path} is not PEM`)
  return bytes
}

function badFile(message: string, cause?: unknown): LandfallError {
  return new LandfallError('fix-config', 'tls/file', message, {
    hint: 'Name PEM files with --tls-cert and --tls-key',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Who speaks plain HTTP here by mistake is told so, and does not see a broken connection. */
function answerPlainHttp(server: Server): void {
  const [secure] = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const sockets = new Set<Socket>()
  const closeAllConnections = server.closeAllConnections.bind(server)
  // HTTP knows a connection only when its handshake is done.
  server.closeAllConnections = () => {
    closeAllConnections()
    for (const socket of sockets) socket.destroy()
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const refuse = () => socket.destroy()
    socket.setTimeout(SILENT_MS, refuse)
    socket.on('error', refuse)
    socket.once('data', (first: Buffer) => {
      socket.pause()
      if (first[0] !== HANDSHAKE) {
        socket.end(
          `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${PLAIN_ANSWER.length}\r\nConnection: close\r\n\r\n${PLAIN_ANSWER}`,
        )
        socket.resume()
        return
      }
      socket.setTimeout(0)
      socket.off('timeout', refuse)
      socket.unshift(first)
      secure!.call(server, socket)
    })
  })
}
