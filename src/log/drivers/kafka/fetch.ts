/**
 * Fetch, version 13: by the topic's id, so that a topic of the same name that was made later is told from it (KIP-516).
 *
 *   Fetch Request => replica_id max_wait_ms min_bytes max_bytes isolation_level session_id session_epoch [topic] [forgotten] rack TAG_BUFFER
 *     topic          => id UUID [partition] TAG_BUFFER
 *       partition    => index current_leader_epoch fetch_offset last_fetched_epoch log_start_offset max_bytes TAG_BUFFER
 *
 *   Fetch Response => throttle_time_ms error_code session_id [topic] TAG_BUFFER
 *     topic          => id [partition] TAG_BUFFER
 *       partition    => index error_code high_watermark last_stable_offset log_start_offset [aborted] preferred_replica records TAG_BUFFER
 *         aborted    => producer_id first_offset TAG_BUFFER
 *
 * Isolation is "read committed": what a foreign producer's transaction took back is never read.
 */
import type { Reader } from '@platformatic/kafka'
import type { BrokerConnection } from './connection.ts'
import type { KafkaLibrary } from './library.ts'

const FETCH = 1
const VERSION = 13
const READ_COMMITTED = 1
/** No session, as a full request of its own each time. */
const NO_SESSION = { id: 0, epoch: -1 }

export interface FetchOrder {
  topicId: string
  maxWaitMs: number
  bytesMax: number
  wanted: { partition: number; offset: number }[]
}

export interface AbortedTransaction {
  producerId: bigint
  firstOffset: number
}

export interface Fetched {
  partition: number
  errorCode: number
  /** Everything before it may be read. */
  stableEnd: number
  aborted: AbortedTransaction[]
  /** Batches as the broker has them; the last may be cut. */
  bytes: Buffer
}

export async function fetchBatches(
  library: KafkaLibrary,
  connection: BrokerConnection,
  { topicId, maxWaitMs, bytesMax, wanted }: FetchOrder,
): Promise<{ errorCode: number; partitions: Fetched[] }> {
  const payload = () =>
    library.Writer.create()
      .appendInt32(-1)
      .appendInt32(maxWaitMs)
      .appendInt32(1)
      .appendInt32(bytesMax)
      .appendInt8(READ_COMMITTED)
      .appendInt32(NO_SESSION.id)
      .appendInt32(NO_SESSION.epoch)
      .appendArray([topicId], (topic) => {
        topic.appendUUID(topicId).appendArray(wanted, (writer, { partition, offset }) => {
          writer
            .appendInt32(partition)
            .appendInt32(-1)
            .appendInt64(BigInt(offset))
            .appendInt32(-1)
            .appendInt64(-1n)
            .appendInt32(bytesMax)
        })
      })
      .appendArray([], () => {})
      .appendString('')
      .appendTaggedFields()
  return connection.send(FETCH, VERSION, payload, parse)
}

function parse(reader: Reader): { errorCode: number; partitions: Fetched[] } {
  reader.readInt32()
  const errorCode = reader.readInt16()
  reader.readInt32()
  const topics = reader.readArray((topic) => {
    topic.readUUID()
    return topic.readArray(readPartition)
  })
  return { errorCode, partitions: topics.flat() }
}

function readPartition(reader: Reader): Fetched {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  reader.readInt64()
  const stableEnd = Number(reader.readInt64())
  reader.readInt64()
  const aborted = reader.readArray((one) => ({
    producerId: one.readInt64(),
    firstOffset: Number(one.readInt64()),
  }))
  reader.readInt32()
  const bytes = reader.readNullableBytes() ?? NOTHING
  return { partition, errorCode, stableEnd, aborted, bytes }
}

const NOTHING = Buffer.alloc(0)
