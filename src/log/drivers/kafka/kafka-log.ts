/**
 * A topic of Kafka as the log. Its id is the topic's, so a topic that is deleted and made again is another log; its positions are Kafka's
 * offsets, its records what `kcat` shows, with the names of our record headers. docs/reference/kafka.md, decision 13.
 */
import { LandfallError } from '../../../base/errors.ts'
import { nextOffset, type Position } from '../../../model/position.ts'
import type { NewRecord } from '../../../model/record.ts'
import type { Appended, EventLog, LogBatch, ReadOptions } from '../../log.ts'
import { checkLogId } from '../../positions.ts'
import { Cluster, type TopicView } from './cluster.ts'
import { Access, type ConnectSettings } from './connection.ts'
import { takeOver } from './identity.ts'
import { opening } from './kafka-errors.ts'
import { KafkaReader } from './kafka-reader.ts'
import { loadKafkaLibrary } from './library.ts'
import { deleteRecords, EARLIEST, LATEST, listOffsets } from './offsets.ts'
import { Producer } from './producer.ts'
import { BATCH_BYTES_MAX, notesOn, openTopic, readTopicConfig, type TopicConfig } from './topic.ts'
import { type KafkaCredentials, type KafkaTarget, parseKafkaUrl } from './url.ts'

export interface KafkaLogSettings extends ConnectSettings {
  /** Most bytes of one append. Default 16 MiB, and no more than a batch of the topic may have. */
  appendBytesMax?: number
  /** Most bytes that wait to become durable; beyond it append throws `log/overloaded`. Default 32 MiB. */
  queuedBytesMax?: number
  /** How long an append is tried while brokers come and go. Default 30 s. */
  deliveryMaxMs?: number
  /** `trim` lets go of what is older, of a topic that keeps everything. Default 7 days. */
  retention?: { ageMs: number }
}

export interface KafkaAccess {
  /** `kafka://host:9092/topic?…` */
  url: string
  credentials?: KafkaCredentials
  /** Told what whoever runs this should know. */
  onNote?: (text: string) => void
}

export interface KafkaLogOptions extends KafkaLogSettings, KafkaAccess {
  /** The furthest position that any table or snapshot knows: a log that ends before it is refused. */
  knownEnd?: Position
  /** Hears once when the log died (`log/fenced`, `log/wrong-log`): end the process. */
  onDead?: (error: LandfallError) => void
  /** This is the only writer (a pipeline with state): the topic must have one partition, and an earlier writer is locked out. */
  exclusive?: boolean
}

const MIB = 1024 * 1024
/** Appends share a batch up to this; a larger one goes alone. */
const SHARED_BATCH_BYTES_MAX = MIB
/** What frames a batch is not counted by whoever appends. */
const FRAME_BYTES = 4096
const ASK_MAX_MS = 15_000

/** Opens the topic for writing; makes it when it is missing and the URL does not say `create=false`. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const cluster = await openCluster(options)
  try {
    return await openWriter(cluster, options)
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw opening(cluster.target.topic, error)
  }
}

/** A reader in any process. `waitMs`: how long to wait for a topic that is not there yet. */
export async function openKafkaReader(
  options: KafkaAccess & ConnectSettings & { waitMs?: number },
): Promise<KafkaReader> {
  const cluster = await openCluster(options)
  try {
    const until = performance.now() + (options.waitMs ?? 0)
    for (;;) {
      const view = await openTopic(cluster, false).catch((error: unknown) => error as LandfallError)
      if (!(view instanceof Error)) return readerOf(cluster, view, options)
      if (view.code !== 'log/no-topic' || performance.now() > until) throw view
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw opening(cluster.target.topic, error)
  }
}

function readerOf(cluster: Cluster, view: TopicView, { onNote }: KafkaAccess): KafkaReader {
  return new KafkaReader({ cluster, topicId: view.id, onNote: onNote ?? (() => {}) })
}

async function openCluster({
  url,
  credentials,
  ...settings
}: KafkaAccess & ConnectSettings): Promise<Cluster> {
  const target: KafkaTarget = parseKafkaUrl(url)
  const library = await loadKafkaLibrary()
  return Cluster.open(new Access(library, target, credentials, settings), target)
}

async function openWriter(cluster: Cluster, options: KafkaLogOptions): Promise<EventLog> {
  const { exclusive = false, deliveryMaxMs = 30_000, onNote = () => {} } = options
  const { topic } = cluster.target
  const view = await openTopic(cluster, cluster.target.create)
  if (exclusive && view.leaders.length > 1) throw severalPartitions(topic, view.leaders.length)
  const config = await readTopicConfig(cluster)
  for (const note of notesOn(topic, config)) onNote(note)
  if (options.knownEnd !== undefined) checkLogId(options.knownEnd, `kafka:${view.id}`)
  // First nobody else can append, then the end is looked at: from here on it is ours.
  const identity = exclusive ? await takeOver(cluster, view.id, deliveryMaxMs) : undefined
  const ends = await listOffsets(cluster, view.id, LATEST, ASK_MAX_MS)
  if (options.knownEnd !== undefined) checkEnd(topic, ends, options.knownEnd)
  const messageBytesMax = config?.messageBytesMax ?? MIB
  const producer = new Producer(
    {
      appendBytesMax: options.appendBytesMax ?? BATCH_BYTES_MAX,
      queuedBytesMax: options.queuedBytesMax ?? 32 * MIB,
      messageBytesMax,
      batchBytesMax: Math.min(SHARED_BATCH_BYTES_MAX, messageBytesMax - FRAME_BYTES),
      deliveryMaxMs,
      replicaMaxMs: options.requestTimeoutMs ?? 10_000,
      exclusive,
    },
    {
      cluster,
      topicId: view.id,
      ends: view.leaders.map((_, partition) => ends[partition] ?? 0),
      identity,
      onDead: options.onDead ?? (() => {}),
    },
  )
  const retentionMs = options.retention?.ageMs ?? 7 * 24 * 3600_000
  return new KafkaLog({ cluster, topicId: view.id, producer, config, retentionMs, onNote })
}

interface KafkaLogParts {
  cluster: Cluster
  topicId: string
  producer: Producer
  config: TopicConfig | undefined
  retentionMs: number
  onNote(text: string): void
}

class KafkaLog implements EventLog {
  readonly id: string
  readonly consecutive = false
  readonly #parts: KafkaLogParts
  readonly #reader: KafkaReader
  #closing: Promise<void> | undefined

  constructor(parts: KafkaLogParts) {
    const { cluster, topicId, producer, onNote } = parts
    this.#parts = parts
    this.#reader = new KafkaReader({ cluster, topicId, settled: () => producer.settled(), onNote })
    this.id = this.#reader.id
  }

  get pressure(): { queuedBytes: number; queuedBytesMax: number } {
    return this.#parts.producer.pressure
  }

  append(records: readonly NewRecord[]): Promise<Appended> {
    return this.#parts.producer.append(records)
  }

  start(): Promise<Position> {
    return this.#reader.start()
  }

  end(): Promise<Position> {
    return this.#reader.end()
  }

  read(options: ReadOptions): AsyncIterable<LogBatch> {
    return this.#reader.read(options)
  }

  waitBeyond(position: Position, signal: AbortSignal): Promise<void> {
    return this.#reader.waitBeyond(position, signal)
  }

  /** Of a topic that keeps everything; one that has a retention of its own is left to Kafka. Bytes are not looked at. */
  async trim(before: Position): Promise<void> {
    checkLogId(before, this.id)
    const { cluster, topicId, config, retentionMs } = this.#parts
    if (this.#closing !== undefined || config === undefined) return
    if (config.retentionMs !== null || config.retentionBytes !== null) return
    const [first, young] = await Promise.all([
      listOffsets(cluster, topicId, EARLIEST, ASK_MAX_MS),
      listOffsets(cluster, topicId, Math.floor(Date.now() - retentionMs), ASK_MAX_MS),
    ])
    const gone: Record<number, number> = {}
    for (const key of Object.keys(first)) {
      const partition = Number(key)
      const to = Math.min(nextOffset(before, partition), young[partition] ?? Number.POSITIVE_INFINITY)
      if (to > first[partition]!) gone[partition] = to
    }
    if (Object.keys(gone).length > 0) await deleteRecords(cluster, topicId, gone)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#parts.producer.stop()
    this.#reader.close()
    await this.#parts.cluster[Symbol.asyncDispose]()
  }
}

function severalPartitions(topic: string, partitions: number): LandfallError {
  return new LandfallError(
    'fix-config',
    'log/topic',
    `the topic ${topic} has ${partitions} partitions: a pipeline with state needs one, because its handlers run in the order of the log`,
    { hint: 'Name another topic, with partitions=1, or keep the state in a database of the application' },
  )
}

function checkEnd(topic: string, ends: Record<number, number | null>, known: Position): void {
  for (const [key, next] of Object.entries(known.next)) {
    const end = ends[Number(key)] ?? 0
    if (end >= next) continue
    throw new LandfallError(
      'bad-data',
      'log/damaged',
      `partition ${key} of topic ${topic} ends at ${end}, and tables have landed up to ${next}: records ${end} to ${next} are lost`,
      {
        hint: 'Restore the topic, or move the data directory aside and begin anew',
        details: { partition: Number(key), from: end, to: next },
      },
    )
  }
}
