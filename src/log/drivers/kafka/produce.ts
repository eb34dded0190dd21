/**
 * Produce, with batches as they stand in our log. Version 9 names the topic, version 13 gives its id; else they are alike:
 *
 *   Produce Request => transactional_id acks timeout_ms [topic] TAG_BUFFER
 *     transactional_id => COMPACT_NULLABLE_STRING   null
 *     acks             => INT16                     -1: all in-sync replicas
 *     timeout_ms       => INT32
 *     topic            => (name COMPACT_STRING | id UUID) [partition] TAG_BUFFER
 *       partition      => index INT32, records COMPACT_RECORDS, TAG_BUFFER
 *
 *   Produce Response => [topic] throttle_time_ms TAG_BUFFER
 *     topic            => (name | id) [partition] TAG_BUFFER
 *       partition      => index error_code base_offset log_append_time_ms log_start_offset [record_error] error_message TAG_BUFFER
 */
import type { Reader } from '@platformatic/kafka'
import type { BrokerConnection } from './connection.ts'
import type { KafkaLibrary } from './library.ts'

const PRODUCE = 0
const ALL_REPLICAS = -1

export interface ProduceOrder {
  topic: { name: string; id: string }
  byId: boolean
  timeoutMs: number
  batches: { partition: number; bytes: Buffer }[]
}

export interface Produced {
  partition: number
  errorCode: number
  baseOffset: number
  message: string | null
}

export function produce(
  library: KafkaLibrary,
  connection: BrokerConnection,
  order: ProduceOrder,
): Promise<Produced[]> {
  const { topic, byId, timeoutMs, batches } = order
  const payload = () =>
    library.Writer.create()
      .appendString(null)
      .appendInt16(ALL_REPLICAS)
      .appendInt32(timeoutMs)
      .appendArray([topic], (topicWriter) => {
        if (byId) topicWriter.appendUUID(topic.id)
        else topicWriter.appendString(topic.name)
        topicWriter.appendArray(batches, (writer, { partition, bytes }) => {
          writer
            .appendInt32(partition)
            .appendUnsignedVarInt(bytes.length + 1)
            .append(bytes)
        })
      })
      .appendTaggedFields()
  return connection.send(PRODUCE, byId ? 13 : 9, payload, (reader) => parse(reader, byId))
}

function parse(reader: Reader, byId: boolean): Produced[] {
  const topics = reader.readArray((topic) => {
    if (byId) topic.readUUID()
    else topic.readString()
    return topic.readArray((partition) => {
      const index = partition.readInt32()
      const errorCode = partition.readInt16()
      const baseOffset = Number(partition.readInt64())
      partition.readInt64()
      partition.readInt64()
      const errors = partition.readArray((error) => {
        error.readInt32()
        return error.readNullableString()
      })
      const message = partition.readNullableString() ?? errors.find((text) => text !== null) ?? null
      return { partition: index, errorCode, baseOffset, message }
    })
  })
  return topics.flat()
}
