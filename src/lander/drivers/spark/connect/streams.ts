/**
 * Structured Streaming over Spark Connect: a query is started from a relation (SQL text over a streaming source) into a table, and
 * belongs to the session: it goes on when the client dies, the same session id finds it again, and it ends with the session or the
 * server. Starting the same checkpoint again goes on behind the last micro-batch that was committed.
 */
import { LandfallError } from '../../../../base/errors.ts'
import type { SparkConnect } from './client.ts'
import type { QueryId, Relation, Reply } from './relation.ts'

export interface StreamSettings {
  /** Its name, unique among the active queries of the session. */
  name: string
  input: Relation
  /** `catalog.namespace.table`, quoted where needed; rows are appended. */
  table: string
  /** Where Spark keeps what it has done, as Spark's Hadoop client writes it. */
  checkpoint: string
  /** Starts a micro-batch so often when there is something new; `once`: everything that is there when it starts, and then it ends. */
  trigger: { everyMs: number } | 'once'
  /** Options of the sink. */
  options?: Record<string, string>
}

export interface StreamStatus {
  active: boolean
  /** What it does just now, in Spark's words. */
  message: string
}

/** One micro-batch, as told after its commit. */
export interface StreamProgress {
  batchId: number
  inputRows: number
  /** Offsets of each source, as JSON values of its own (Kafka: topic → partition → offset): from … up to, not including. */
  sources: { start: unknown; end: unknown; latest: unknown }[]
}

export interface StreamQuery {
  id: QueryId
  name: string
}

/** A statement to Spark about a query: short, whatever the query does. */
const ASK_MS = 60_000
const CATCH_UP_MS = 10 * 60_000

export async function startStream(spark: SparkConnect, settings: StreamSettings): Promise<StreamQuery> {
  const { name, input, table, checkpoint, trigger, options } = settings
  const replies = await spark.command({
    write_stream_operation_start: {
      input,
      format: 'iceberg',
      output_mode: 'append',
      query_name: name,
      table_name: table,
      options: { ...options, checkpointLocation: checkpoint },
      ...(trigger === 'once'
        ? { available_now: true }
        : { processing_time_interval: `${trigger.everyMs} milliseconds` }),
    },
  })
  const started = replies.find((reply) => reply.write_stream_operation_start_result)
  const id = started?.write_stream_operation_start_result?.query_id
  if (id === undefined) throw unanswered(spark, `the start of ${name}`)
  return { id, name }
}

/** The queries of this session that are active. */
export async function activeStreams(spark: SparkConnect): Promise<StreamQuery[]> {
  const replies = await spark.command({ streaming_query_manager_command: { active: true } }, ASK_MS)
  const active = replies.find((reply) => reply.streaming_query_manager_command_result)
  const queries = active?.streaming_query_manager_command_result?.active?.active_queries ?? []
  return queries.map(({ id, name = '' }) => ({ id, name }))
}

export async function streamStatus(spark: SparkConnect, query: StreamQuery): Promise<StreamStatus> {
  const { status } = await ask(spark, query, { status: true })
  return { active: status?.is_active === true, message: status?.status_message ?? '' }
}

/** The newest micro-batches, oldest first; Spark keeps the last `spark.sql.streaming.numRecentProgressUpdates`. */
export async function streamProgress(spark: SparkConnect, query: StreamQuery): Promise<StreamProgress[]> {
  const { recent_progress: recent } = await ask(spark, query, { recent_progress: true })
  return (recent?.recent_progress_json ?? []).map(readProgress)
}

/** The newest micro-batch; undefined before the first. */
export async function lastProgress(
  spark: SparkConnect,
  query: StreamQuery,
): Promise<StreamProgress | undefined> {
  const { recent_progress: last } = await ask(spark, query, { last_progress: true })
  const json = last?.recent_progress_json?.[0]
  return json === undefined ? undefined : readProgress(json)
}

/** Why it ended, in one line; undefined when it runs or was stopped. */
export async function streamFailure(spark: SparkConnect, query: StreamQuery): Promise<string | undefined> {
  const { exception } = await ask(spark, query, { exception: true })
  return exception?.exception_message?.split('\n')[0]
}

/** Waits until everything that the source has now is committed. */
export async function processAllAvailable(
  spark: SparkConnect,
  query: StreamQuery,
  timeoutMs = CATCH_UP_MS,
): Promise<void> {
  await ask(spark, query, { process_all_available: true }, timeoutMs)
}

/** Waits until it has ended; false: it still runs after this time. A failure of the query is thrown. */
export async function awaitStream(
  spark: SparkConnect,
  query: StreamQuery,
  timeoutMs: number,
): Promise<boolean> {
  const waiting = { await_termination: { timeout_ms: timeoutMs } }
  const { await_termination: ended } = await ask(spark, query, waiting, timeoutMs + ASK_MS)
  return ended?.terminated === true
}

/** Stops it; a micro-batch that is under way is given up. Resolves when it has ended. */
export async function stopStream(spark: SparkConnect, query: StreamQuery): Promise<void> {
  await ask(spark, query, { stop: true })
}

type Answer = NonNullable<Reply['streaming_query_command_result']>

async function ask(
  spark: SparkConnect,
  query: StreamQuery,
  question: object,
  timeoutMs = ASK_MS,
): Promise<Answer> {
  const replies = await spark.command(
    { streaming_query_command: { query_id: query.id, ...question } },
    timeoutMs,
  )
  const answer = replies.find((reply) => reply.streaming_query_command_result)
  if (answer === undefined) throw unanswered(spark, query.name)
  return answer.streaming_query_command_result!
}

function unanswered(spark: SparkConnect, what: string): LandfallError {
  return new LandfallError(
    'retry',
    'lander/spark-failed',
    `Spark at ${spark.address} gave no answer to ${what}`,
    {
      hint: 'Look at the log of the server',
    },
  )
}

interface ProgressJson {
  batchId: number
  sources: { numInputRows: number; startOffset?: unknown; endOffset?: unknown; latestOffset?: unknown }[]
}

function readProgress(json: string): StreamProgress {
  const { batchId, sources } = JSON.parse(json) as ProgressJson
  return {
    batchId,
    inputRows: sources.reduce((sum, { numInputRows }) => sum + numInputRows, 0),
    sources: sources.map(({ startOffset, endOffset, latestOffset }) => ({
      start: readOffset(startOffset),
      end: readOffset(endOffset),
      latest: readOffset(latestOffset),
    })),
  }
}

/** Offsets stand there as JSON or as its text, as the source has it. */
function readOffset(offset: unknown): unknown {
  return typeof offset === 'string' ? JSON.parse(offset) : (offset ?? null)
}
