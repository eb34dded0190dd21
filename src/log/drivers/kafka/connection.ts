/** One connection to a broker. A request that fails or is late closes it: what would come on it later belongs to nobody. */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { API, Connection, Reader, Writer } from '@platformatic/kafka'
import { LandfallError } from '../../../base/errors.ts'
import { type Approach, connectError } from './kafka-errors.ts'
import type { KafkaLibrary } from './library.ts'
import type { KafkaCredentials, KafkaTarget, TlsTarget } from './url.ts'

export interface ConnectSettings {
  /** Default 5 s. */
  connectTimeoutMs?: number
  /** How long one request may take. Default 10 s. */
  requestTimeoutMs?: number
}

/** How to come to any broker of the cluster. */
export class Access {
  readonly library: KafkaLibrary
  readonly #target: KafkaTarget
  readonly #credentials: Required<KafkaCredentials>
  readonly #tls: TlsOptions | undefined
  readonly #settings: ConnectSettings

  /** Throws `log/credentials` without what `sasl` needs, `log/tls-file` for a file that cannot be read. */
  constructor(
    library: KafkaLibrary,
    target: KafkaTarget,
    credentials: KafkaCredentials | undefined,
    settings: ConnectSettings,
  ) {
    const { username, password } = credentials ?? {}
    if (target.sasl !== null && (!username || !password)) {
      throw new LandfallError('fix-config', 'log/credentials', `${target.sasl} needs a user and a password`, {
        hint: 'Set LANDFALL_KAFKA_USERNAME and LANDFALL_KAFKA_PASSWORD',
      })
    }
    this.library = library
    this.#target = target
    this.#credentials = { username: username ?? '', password: password ?? '' }
    this.#tls = target.tls === null ? undefined : tlsOptions(target.tls)
    this.#settings = settings
  }

  async connect(host: string, port: number): Promise<BrokerConnection> {
    const { sasl } = this.#target
    const credentials = this.#credentials
    const connection = new this.library.Connection('landfall', {
      connectTimeout: this.#settings.connectTimeoutMs ?? 5000,
      requestTimeout: this.#settings.requestTimeoutMs ?? 10_000,
      ...(this.#tls === undefined ? {} : { tls: this.#tls, tlsServerName: isName(host) }),
      ...(sasl === null ? {} : { sasl: { mechanism: sasl, ...credentials } }),
    })
    // It also tells of errors by an event, which nobody needs: every request is answered.
    connection.on('error', () => {})
    const approach = {
      address: `${host}:${port}`,
      tls: this.#tls !== undefined,
      hasCertificate: this.#tls?.cert !== undefined,
      sasl,
      username: sasl === null ? null : credentials.username,
    }
    try {
      await connection.connect(host, port)
    } catch (error) {
      connection.socket?.destroy()
      throw connectError(approach, error)
    }
    return new BrokerConnection(connection, approach)
  }
}

export class BrokerConnection {
  readonly #connection: Connection
  readonly #approach: Approach

  constructor(connection: Connection, approach: Approach) {
    this.#connection = connection
    this.#approach = approach
  }

  get isOpen(): boolean {
    return this.#connection.isConnected()
  }

  get address(): string {
    return this.#approach.address
  }

  /** A request of the library. Rejects with its error when the broker answers with one, else as `send`. */
  async call<Arguments extends unknown[], Answer>(
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> {
    try {
      return await api.async(this.#connection, ...args)
    } catch (error) {
      throw this.#judge(error)
    }
  }

  /** A request of our own making. Rejects with `log/unreachable` when no answer came: then it may have been carried out. */
  send<Answer>(
    key: number,
    version: number,
    payload: () => Writer,
    parse: (reader: Reader) => Answer,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#connection.send<Answer>(
        key,
        version,
        payload,
        (_id, _key, _version, reader) => parse(reader),
        true,
        true,
        (error, answer) => {
          if (error) reject(this.#judge(error))
          else resolve(answer as Answer)
        },
      )
    })
  }

  close(): void {
    this.#connection.socket?.destroy()
  }

  #judge(error: unknown): unknown {
    // What the broker has answered leaves the connection as it was.
    if ((error as { code?: unknown } | null)?.code === 'PLT_KFK_RESPONSE') return error
    this.close()
    return connectError(this.#approach, error)
  }
}

/** A name is checked against the certificate and told to the broker; an address is checked only. */
function isName(host: string): boolean {
  return !/^[\d.]+$|:/.test(host)
}

function tlsOptions({ ca, cert, key }: TlsTarget): TlsOptions {
  return {
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca: readPem('ca', ca) }),
    ...(cert === null ? {} : { cert: readPem('cert', cert), key: readPem('key', key!) }),
  }
}

function readPem(option: string, path: string): Buffer {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw unusable(option, path, (error as Error).message)
  }
  if (!bytes.includes('-----BEGIN ')) throw unusable(option, path, 'it is not PEM')
  return bytes
}

function unusable(option: string, path: string, found: string): LandfallError {
  return new LandfallError(
    'fix-config',
    'log/tls-file',
    `reading ${option}=${path} for TLS with Kafka: ${found}`,
    {
      hint: 'Name a PEM file',
    },
  )
}
