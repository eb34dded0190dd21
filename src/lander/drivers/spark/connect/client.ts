/**
 * A client of Spark Connect (Spark 4.1): statements and relations in, rows out; configuration; views; what streams need is in
 * streams.ts.
 *
 * Operations are reattachable: each has an id of ours, and when the connection breaks, the client attaches to it again and
 * goes on behind the last answer it has (docs: spark.connect.execute.reattachable). So an operation runs once although a
 * connection breaks. A server that has been restarted does not know it any more: `lander/spark-session-lost`, and what the
 * operation has done must be looked at. One session per client, known to the server by (user, session id).
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as Grpc from '@grpc/grpc-js'
import { LandfallError } from '../../../../base/errors.ts'
import { type ErrorInfo, isBroken, isServiceError, sparkError } from './errors.ts'
import { describeMessages } from './messages.ts'
import type { Relation, Reply } from './relation.ts'

export interface ConnectOptions {
  host: string
  port: number
  /** TLS; with the file of the authorities that are trusted beside the system's own ones. */
  tls?: { caFile?: string }
  /** Sent as `Authorization: Bearer …`. */
  token?: string
  user?: string
  /** To come back to the session of an earlier client, and to its streams. */
  sessionId?: string
}

/** Of one call; an operation may be many. Shorter than gRPC's connections live, longer than the server's streams (2 min). */
const CALL_MS = 30_000
const STREAM_MS = 180_000
/** One operation: a job over a batch. */
const OPERATION_MS = 30 * 60_000
const ATTACH_ATTEMPTS_MAX = 8
const MESSAGE_BYTES_MAX = 128 * 1024 * 1024
const CLIENT = 'landfall'

type Unary = (
  request: object,
  metadata: Grpc.Metadata,
  options: Grpc.CallOptions,
  done: (error: Grpc.ServiceError | null, answer: never) => void,
) => void
type Streaming = (
  request: object,
  metadata: Grpc.Metadata,
  options: Grpc.CallOptions,
) => Grpc.ClientReadableStream<Reply>

export async function connectSpark(options: ConnectOptions): Promise<SparkConnect> {
  const { grpc, loader } = await loadPackages()
  return new SparkConnect(options, grpc, loader)
}

async function loadPackages() {
  try {
    const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
    return { grpc, loader }
  } catch (cause) {
    throw new LandfallError(
      'fix-config',
      'lander/missing-package',
      'the Spark lander needs packages that are not installed',
      {
        hint: 'npm install @grpc/grpc-js @grpc/proto-loader @uwdata/flechette',
        cause,
      },
    )
  }
}

export class SparkConnect {
  readonly address: string
  readonly sessionId: string
  readonly #user: object
  readonly #stub: Grpc.Client & Record<string, unknown>
  readonly #metadata: Grpc.Metadata
  readonly #readStatus: (bytes: Buffer) => { details?: { type_url: string; value: Buffer }[] }
  readonly #readInfo: (bytes: Buffer) => ErrorInfo
  #observed: string | undefined

  constructor(
    options: ConnectOptions,
    grpc: typeof Grpc,
    loader: { fromJSON(json: never, options: object): Grpc.GrpcObject | object },
  ) {
    this.address = `${options.host}:${options.port}`
    this.sessionId = options.sessionId ?? randomUUID()
    const user = options.user ?? CLIENT
    this.#user = { user_id: user, user_name: user }
    const definition = loader.fromJSON(describeMessages() as never, {
      keepCase: true,
      longs: Number,
      defaults: false,
    }) as Record<string, Grpc.ServiceDefinition>
    const Stub = grpc.makeGenericClientConstructor(
      definition['spark.connect.SparkConnectService']!,
      'SparkConnect',
    )
    const ca = options.tls?.caFile
    const channel = options.tls
      ? grpc.credentials.createSsl(ca ? readFileSync(ca) : null)
      : grpc.credentials.createInsecure()
    this.#stub = new Stub(this.address, channel, {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
    }) as unknown as Grpc.Client & Record<string, unknown>
    this.#metadata = new grpc.Metadata()
    if (options.token) this.#metadata.set('authorization', `Bearer ${options.token}`)
    const reading = definition['landfall.Details']!['Read'] as unknown as {
      requestDeserialize(bytes: Buffer): never
      responseDeserialize(bytes: Buffer): never
    }
    this.#readStatus = reading.requestDeserialize
    this.#readInfo = reading.responseDeserialize
  }

  /** `4.1.3` */
  async version(): Promise<string> {
    const answer = await this.#unary<{ spark_version?: { version?: string } }>('AnalyzePlan', {
      spark_version: {},
    })
    return answer.spark_version?.version ?? ''
  }

  /** Sets configuration of this session. */
  async configure(pairs: Record<string, string>): Promise<void> {
    const entries = Object.entries(pairs).map(([key, value]) => ({ key, value }))
    await this.#unary('Config', { operation: { set: { pairs: entries } } })
  }

  /** Undefined for what is not set. */
  async setting(key: string): Promise<string | undefined> {
    const answer = await this.#unary<{ pairs?: { key: string; value?: string }[] }>('Config', {
      operation: { get_option: { keys: [key] } },
    })
    return answer.pairs?.find((pair) => pair.key === key)?.value
  }

  /** Runs a statement for its effect. */
  async run(sql: string, timeoutMs = OPERATION_MS): Promise<void> {
    await this.query(sql, timeoutMs)
  }

  /** Rows of a statement; 64-bit integers as numbers where they are exact, else bigint; times as µs since 1970 (bigint). */
  async query(sql: string, timeoutMs = OPERATION_MS): Promise<Record<string, unknown>[]> {
    const replies = await this.command({ sql_command: { input: { sql: { query: sql } } } }, timeoutMs)
    const result = replies.find((reply) => reply.sql_command_result)?.sql_command_result?.relation
    if (result === undefined) return []
    if (result.local_relation?.data) return decode([result.local_relation.data])
    return this.collect(result, timeoutMs)
  }

  async collect(root: Relation, timeoutMs = OPERATION_MS): Promise<Record<string, unknown>[]> {
    const replies = await this.#execute({ root }, timeoutMs)
    return decode(replies.flatMap((reply) => (reply.arrow_batch?.data ? [reply.arrow_batch.data] : [])))
  }

  /** Names a relation in this session, so that SQL can use it. */
  async view(name: string, input: Relation): Promise<void> {
    await this.command({ create_dataframe_view: { input, name, is_global: false, replace: true } })
  }

  command(command: object, timeoutMs = OPERATION_MS): Promise<Reply[]> {
    return this.#execute({ command }, timeoutMs)
  }

  /** Stops all that runs in this session. */
  async interrupt(): Promise<void> {
    await this.#unary('Interrupt', { interrupt_type: 1 })
  }

  /** Ends the session with its views and caches; `keep`: only the connection, so that its streams go on. */
  async close(options: { keep?: boolean } = {}): Promise<void> {
    if (!options.keep) await this.#unary('ReleaseSession', {}).catch(() => {})
    this.#stub.close()
  }

  get #base() {
    return {
      session_id: this.sessionId,
      user_context: this.#user,
      client_type: CLIENT,
      ...(this.#observed ? { client_observed_server_side_session_id: this.#observed } : {}),
    }
  }

  /** The server's own name of the session, as its first answer tells it. */
  #observe(answer: { server_side_session_id?: string }): void {
    this.#observed ??= answer.server_side_session_id
  }

  async #unary<Answer>(method: string, request: object): Promise<Answer> {
    try {
      const answered = await new Promise<Answer>((resolve, reject) => {
        const call = this.#stub[method] as Unary
        const options = { deadline: Date.now() + CALL_MS }
        call.call(this.#stub, { ...this.#base, ...request }, this.#metadata, options, (error, answer) =>
          error ? reject(error) : resolve(answer),
        )
      })
      this.#observe(answered as { server_side_session_id?: string })
      return answered
    } catch (error) {
      throw await this.#describe(error)
    }
  }

  async #execute(plan: object, timeoutMs: number): Promise<Reply[]> {
    const operation = randomUUID()
    try {
      return await this.#attached(operation, plan, performance.now() + timeoutMs)
    } catch (error) {
      throw await this.#describe(error)
    } finally {
      // The server keeps answers until they are released; that this fails costs only its memory, for a while.
      void this.#unary('ReleaseExecute', { operation_id: operation, release_all: {} }).catch(() => {})
    }
  }

  /** Runs an operation to its end, over as many connections as it takes. */
  async #attached(operation: string, plan: object, until: number): Promise<Reply[]> {
    const replies: Reply[] = []
    const first = {
      plan,
      operation_id: operation,
      request_options: [{ reattach_options: { reattachable: true } }],
    }
    let started = false
    for (let attempt = 0; ; ) {
      const before = replies.length
      try {
        const last = replies.at(-1)?.response_id
        const request = started
          ? { operation_id: operation, ...(last ? { last_response_id: last } : {}) }
          : first
        await this.#stream(started ? 'ReattachExecute' : 'ExecutePlan', request, replies, until)
        if (replies.at(-1)?.result_complete) return replies
        started = true
        attempt = 0
      } catch (error) {
        // Sent or not, the operation is known by its id: if it did not arrive, the same request is made again.
        if (started && isNotThere(error) && replies.length === 0 && attempt > 0) started = false
        else if (!isBroken(error)) throw error
        else started = true
        if (replies.length > before) attempt = 0
        attempt += 1
        if (attempt > ATTACH_ATTEMPTS_MAX || performance.now() > until) throw error
        await sleep(Math.min(2_000, 50 * 2 ** attempt))
      }
    }
  }

  #stream(method: string, request: object, replies: Reply[], until: number): Promise<void> {
    const left = Math.max(1, until - performance.now())
    return new Promise((resolve, reject) => {
      const call = (this.#stub[method] as Streaming).call(
        this.#stub,
        { ...this.#base, ...request },
        this.#metadata,
        {
          deadline: Date.now() + Math.min(STREAM_MS, left),
        },
      )
      call.on('data', (reply: Reply) => {
        this.#observe(reply)
        replies.push(reply)
      })
      call.on('error', reject)
      call.on('end', resolve)
    })
  }

  /** The server keeps an error's whole text under an id; what it sends by itself is cut off. */
  async #describe(error: unknown): Promise<LandfallError> {
    const info = this.#infoOf(error)
    const id = info?.metadata?.['errorId']
    if (id === undefined) return sparkError(error, this.address, info)
    const whole = await new Promise<{ root_error_idx?: number; errors?: { message?: string }[] } | undefined>(
      (resolve) => {
        const call = this.#stub['FetchErrorDetails'] as Unary
        const options = { deadline: Date.now() + CALL_MS }
        call.call(this.#stub, { ...this.#base, error_id: id }, this.#metadata, options, (failed, answer) =>
          resolve(failed ? undefined : answer),
        )
      },
    )
    return sparkError(error, this.address, info, whole?.errors?.[whole.root_error_idx ?? 0]?.message)
  }

  #infoOf(error: unknown): ErrorInfo | undefined {
    if (!isServiceError(error)) return undefined
    try {
      const [bytes] = error.metadata.get('grpc-status-details-bin') as Buffer[]
      if (bytes === undefined) return undefined
      const detail = this.#readStatus(bytes).details?.find(({ type_url }) =>
        type_url.endsWith('google.rpc.ErrorInfo'),
      )
      return detail && this.#readInfo(detail.value)
    } catch {
      return undefined
    }
  }
}

function isNotThere(error: unknown): boolean {
  return isServiceError(error) && error.details.includes('OPERATION_NOT_FOUND')
}

async function decode(batches: Uint8Array[]): Promise<Record<string, unknown>[]> {
  if (batches.length === 0) return []
  const { rowsOf } = await import('./rows.ts')
  return batches.flatMap(rowsOf)
}
