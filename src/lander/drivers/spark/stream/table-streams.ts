/**
 * One streaming query per table, side by side in a session: each reads the topic from where its table stands and stages a snapshot per
 * micro-batch under one `wap.id`. Nothing of it is visible, and nothing of it is needed again: a stream that is lost is begun anew, with
 * a checkpoint of its own, where its table stands then.
 */
import { LandfallError } from '../../../../base/errors.ts'
import type { TableDefinition } from '../../../../model/pipeline.ts'
import type { Position } from '../../../../model/position.ts'
import { nextOffset } from '../../../../model/position.ts'
import { allDone } from '../../../all-done.ts'
import { beforeSql } from '../batch/judged.ts'
import type { SparkConnect } from '../connect/client.ts'
import { readSource, sqlOver } from '../connect/relation.ts'
import {
  activeStreams,
  lastProgress,
  type StreamProgress,
  type StreamQuery,
  startStream,
  stopStream,
  streamFailure,
  streamProgress,
} from '../connect/streams.ts'
import type { KafkaPlace } from '../options.ts'
import type { SparkSql } from '../sql/compile.ts'

/** Micro-batches that Spark remembers of a query: more than come while other ones are being taken. */
const RECENT = 'spark.sql.streaming.numRecentProgressUpdates'
const RECENT_MAX = 1000

export interface TableStreamsOptions {
  spark: SparkConnect
  kafka: KafkaPlace
  logId: string
  sql: SparkSql
  tables: { definition: TableDefinition; nameInSpark: string; from: Position }[]
  partitions: number[]
  /** Set in the session before the queries start; they keep it. */
  wapId: string
  /** A folder that Spark can write, as its Hadoop client names it. */
  checkpoints: string
  everyMs: number
  /** Records at and behind it are left out. */
  until?: Position
  /** Records of a micro-batch at most. */
  rowsMax: number
}

/** A micro-batch that is staged. */
export interface Epoch {
  id: number
  end: Position
  /** Records that Spark read for it; `beyond` offsets of those lie at or behind `until`. */
  read: number
  beyond: number
}

interface TableStream {
  query: StreamQuery
  /** Of the last micro-batch that was told. */
  last: number
}

export class TableStreams {
  readonly wapId: string
  readonly partitions: ReadonlySet<number>
  readonly #spark: SparkConnect
  readonly #topic: string
  readonly #logId: string
  readonly #until: Position | undefined
  readonly #streams = new Map<string, TableStream>()

  private constructor({ spark, kafka, logId, wapId, partitions, until }: TableStreamsOptions) {
    this.#spark = spark
    this.#topic = kafka.topic
    this.#logId = logId
    this.#until = until
    this.wapId = wapId
    this.partitions = new Set(partitions)
  }

  static async start(options: TableStreamsOptions): Promise<TableStreams> {
    const { spark, tables, wapId, checkpoints, everyMs } = options
    const streams = new TableStreams(options)
    await spark.configure({ 'spark.wap.id': wapId, [RECENT]: String(RECENT_MAX) })
    const starting = tables.map(async ({ definition, nameInSpark, from }) => {
      const query = await startStream(spark, {
        name: `${wapId}-${definition.name}`,
        input: inputOf(options, definition, from),
        table: nameInSpark,
        checkpoint: `${checkpoints}/${definition.name}`,
        trigger: { everyMs },
        // Rows of several days may come in any order.
        options: { 'fanout-enabled': 'true' },
      })
      streams.#streams.set(definition.name, { query, last: -1 })
    })
    const failed = (await Promise.allSettled(starting)).find((one) => one.status === 'rejected')
    if (failed === undefined) return streams
    await streams.stop()
    throw failed.reason
  }

  /** The micro-batches of each table since the last call, in order. Throws `lander/stream-ended` when a query has ended. */
  async poll(): Promise<Map<string, Epoch[]>> {
    const active = new Set((await activeStreams(this.#spark)).map(({ id }) => id.run_id))
    const asked = [...this.#streams].map(async ([table, stream]): Promise<[string, Epoch[]]> => {
      if (!active.has(stream.query.id.run_id)) throw await this.#ended(table, stream.query)
      return [table, await this.#since(stream)]
    })
    const found = await allDone(asked)
    return new Map(found.filter(([, epochs]) => epochs.length > 0))
  }

  /** Stops what is under way. Best effort: what a query that goes on stages is never taken. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#streams.values()].map(({ query }) => stopStream(this.#spark, query)))
  }

  async #since(stream: TableStream): Promise<Epoch[]> {
    const last = await lastProgress(this.#spark, stream.query)
    if (last === undefined || last.batchId <= stream.last) return []
    const recent = last.batchId === stream.last + 1 ? [last] : await streamProgress(this.#spark, stream.query)
    const epochs: Epoch[] = []
    for (const progress of recent) {
      if (progress.batchId <= stream.last || !hasRun(progress)) continue
      if (progress.batchId !== stream.last + 1) throw missed(stream.query.name)
      stream.last = progress.batchId
      epochs.push(this.#epoch(progress))
    }
    return epochs
  }

  #epoch({ batchId: id, inputRows: read, sources: [source] }: StreamProgress): Epoch {
    const offsets = (source?.end as Record<string, Record<string, number>> | undefined)?.[this.#topic]
    const end: Position = { logId: this.#logId, next: {} }
    let beyond = 0
    for (const [key, offset] of Object.entries(offsets ?? {})) {
      const partition = Number(key)
      const last = this.#until ? Math.min(offset, nextOffset(this.#until, partition)) : offset
      end.next[partition] = last
      beyond += offset - last
    }
    return { id, end, read, beyond }
  }

  async #ended(table: string, query: StreamQuery): Promise<LandfallError> {
    const why = await streamFailure(this.#spark, query)
    return new LandfallError(
      'retry',
      'lander/stream-ended',
      `the stream of ${table} has ended: ${why ?? 'it was stopped'}`,
      {
        hint: 'It is begun again where the table stands',
      },
    )
  }
}

/** Spark tells of triggers that found nothing, too. */
function hasRun({ sources }: StreamProgress): boolean {
  return sources.some(({ start, end }) => JSON.stringify(start) !== JSON.stringify(end))
}

function missed(name: string): LandfallError {
  return new LandfallError('retry', 'lander/stream-missed', `micro-batches of ${name} went by unseen`, {
    hint: 'It is begun again where the table stands',
  })
}

function inputOf(
  { kafka, partitions, sql, rowsMax, until }: TableStreamsOptions,
  table: TableDefinition,
  from: Position,
) {
  const starting = Object.fromEntries(partitions.map((partition) => [partition, nextOffset(from, partition)]))
  const source = readSource(
    'kafka',
    {
      ...kafka.options,
      'kafka.bootstrap.servers': kafka.servers,
      assign: JSON.stringify({ [kafka.topic]: partitions }),
      startingOffsets: JSON.stringify({ [kafka.topic]: starting }),
      maxOffsetsPerTrigger: String(rowsMax),
      includeHeaders: 'true',
      'kafka.isolation.level': 'read_committed',
      failOnDataLoss: 'true',
    },
    true,
  )
  return sqlOver({ landfall_stream: source }, ({ landfall_stream: kafka }) => {
    const wanted = until ? `(SELECT * FROM ${kafka} WHERE ${beforeSql(until)})` : kafka
    return `WITH landfall_stream_records AS (${sql.recordsSql(wanted)}),
      landfall_stream_judged AS (${sql.judgedSql('landfall_stream_records')})
      ${sql.tableSql('landfall_stream_judged', table)}`
  })
}
