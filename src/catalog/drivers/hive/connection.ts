import { readFileSync } from 'node:fs'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { LandfallError, systemCode } from '../../../base/errors.ts'
import { textAt } from './struct.ts'
import { decodeReply, EXCEPTION, encodeCall, type ThriftReply, type ThriftStruct } from './thrift.ts'

export interface ConnectionOptions {
  host: string
  port: number
  /** Each message behind its length (`metastore.thrift.framed.transport.enabled`). */
  framed?: boolean
  tls?: TlsOptions
  /** Until a connection stands, and until a call is answered. A server whose thread has died leaves the connection open. */
  callMs: number
}

/** Paths of PEM files. */
export interface TlsOptions {
  ca?: string
  cert?: string
  key?: string
}

/** The call may have been carried out: its answer never came. */
export class NoAnswer extends Error {}
/** The call was never sent. */
export class NotSent extends Error {}
/** The server does not know this method. */
export class UnknownMethod extends Error {}

const UNKNOWN_METHOD = 1
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024

/**
 * One connection to a metastore, made when it is needed and again when it broke. Calls are answered in order, so they wait for each other;
 * what one of them changed, the next one sees.
 */
export class Connection {
  readonly options: ConnectionOptions
  #socket: Socket | undefined
  #sequence = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ConnectionOptions) {
    this.options = options
  }

  /** The reply's struct: field 0 is the result, others are declared exceptions. */
  call(method: string, args: ThriftStruct): Promise<ThriftStruct> {
    const turn = this.#last.then(() => this.#call(method, args))
    this.#last = turn.catch(() => {})
    return turn
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #call(method: string, args: ThriftStruct): Promise<ThriftStruct> {
    const socket = await this.#connected()
    this.#sequence = (this.#sequence + 1) & 0x7fff_ffff
    const message = encodeCall(method, this.#sequence, args)
    let reply: ThriftReply
    try {
      reply = await this.#exchange(socket, this.options.framed ? [frame(message), message] : [message])
      if (reply.sequence !== this.#sequence || reply.name !== method)
        throw new Error('an answer to another call')
    } catch (error) {
      this.close()
      if (error instanceof LandfallError) throw error
      throw new NoAnswer((error as Error).message, { cause: error })
    }
    if (reply.kind === EXCEPTION) throw applicationError(method, reply.body)
    return reply.body
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable) return this.#socket
    this.close()
    const { host, port, tls, callMs } = this.options
    const socket =
      tls === undefined
        ? connectPlain({ host, port })
        : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...pem(tls) })
    socket.setNoDelay()
    // Between calls nobody listens for one; the next call finds the socket destroyed.
    socket.on('error', () => {})
    await new Promise<void>((resolve, reject) => {
      const refuse = (cause: Error) => {
        clearTimeout(timer)
        socket.destroy()
        reject(new NotSent(cause.message || systemCode(cause) || 'no connection', { cause }))
      }
      const timer = setTimeout(refuse, callMs, new Error(`no connection within ${callMs} ms`))
      socket.once('error', refuse)
      socket.once('close', () => refuse(new Error('it closed the connection at once')))
      socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    this.#socket = socket
    return socket
  }

  #exchange(socket: Socket, message: Buffer[]): Promise<ThriftReply> {
    const { framed = false, callMs } = this.options
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0)
      const timer = setTimeout(() => done(new Error(`no answer within ${callMs} ms`)), callMs)
      const onData = (chunk: Buffer) => {
        received = Buffer.concat([received, chunk])
        try {
          const reply = replyIn(received, framed)
          if (reply !== undefined) done(reply)
          else if (received.length > MESSAGE_BYTES_MAX)
            done(new Error(`an answer of more than ${MESSAGE_BYTES_MAX} bytes`))
        } catch (error) {
          done(error as Error)
        }
      }
      const onClose = () => done(new Error('the connection was closed'))
      const onError = (error: Error) => done(error)
      const done = (result: ThriftReply | Error) => {
        clearTimeout(timer)
        socket.off('data', onData).off('close', onClose).off('error', onError)
        if (result instanceof Error) reject(result)
        else resolve(result)
      }
      socket.on('data', onData).on('close', onClose).on('error', onError)
      for (const part of message) socket.write(part)
    })
  }
}

function replyIn(bytes: Buffer, framed: boolean): ThriftReply | undefined {
  refuseOtherProtocols(bytes)
  if (!framed) return decodeReply(bytes)
  if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE()) return undefined
  return decodeReply(bytes.subarray(4))
}

/** A server with Kerberos answers in SASL's framing (a status from 1 to 5, then a length), one in HTTP mode with HTTP, one with TLS with an alert. */
function refuseOtherProtocols(bytes: Buffer): void {
  const [first] = bytes
  if (first === undefined) return
  const text = bytes.subarray(0, 5).toString('latin1')
  let found: string | undefined
  let hint = 'Give the metastore’s own port, with thrift over a binary transport'
  if (text.startsWith('HTTP/')) found = 'HTTP'
  else if (first === 0x15 && bytes[1] === 0x03) {
    found = 'TLS'
    hint = 'Add ?tls=true&ca=FILE to the catalog’s URL'
  } else if (first >= 1 && first <= 5) {
    found = 'SASL (Kerberos), which Landfall does not speak'
    hint =
      'Give a metastore without Kerberos (metastore.sasl.enabled=false), or an Iceberg REST catalog before it'
  }
  if (found === undefined) return
  throw new LandfallError('fix-config', 'catalog/other-protocol', `the metastore answers with ${found}`, {
    hint,
  })
}

function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return length
}

function applicationError(method: string, body: ThriftStruct): Error {
  const message = textAt(body, 1) ?? 'without a reason'
  if (body.get(2)?.value === UNKNOWN_METHOD) return new UnknownMethod(`${method}: ${message}`)
  // The server gave up in the middle of it.
  return new NoAnswer(`${method}: ${message}`)
}

function pem({ ca, cert, key }: TlsOptions) {
  const read = (path: string) => {
    try {
      return readFileSync(path)
    } catch (cause) {
      throw new LandfallError('fix-config', 'tls/file', `${path} cannot be read: ${systemCode(cause)}`, {
        cause,
      })
    }
  }
  return {
    ...(ca === undefined ? {} : { ca: read(ca) }),
    ...(cert === undefined ? {} : { cert: read(cert) }),
    ...(key === undefined ? {} : { key: read(key) }),
  }
}
