/**
 * Who a producer is: an id and an epoch that the cluster gives. With them and a running number per partition a broker knows a repeat of
 * a batch, so a lost answer is asked for again without a double (KIP-98).
 *
 * One of many collectors takes a new id each time. The one collector of a pipeline with state takes the id of a name that belongs to
 * the topic, under a higher epoch, and takes the topic over by it:
 *
 *   1. InitProducerId(name)            → epoch e. The coordinator knows no writer before e any more.
 *   2. AddPartitionsToTxn(partition)     A transaction begins, with nothing in it.
 *   3. InitProducerId(name)            → the coordinator aborts it first: it writes a mark of epoch e + 1 into the partition. Then it gives
 *                                        out a higher epoch still.
 *
 * The mark makes the partition's leader refuse every batch of a lower epoch, those on their way among them. So when step 3 has answered,
 * nothing of an earlier writer can come any more: the end of the log is certain. The records themselves are no part of a transaction.
 * A crash between the steps leaves an empty transaction, which the next take-over, or its timeout, aborts.
 */
import type { Cluster } from './cluster.ts'
import { untilDone } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { CODE, notAllowed, protocolCode } from './kafka-errors.ts'

export interface ProducerIdentity {
  id: bigint
  epoch: number
}

const ADD_PARTITIONS_TO_TXN = 24
const TRANSACTION_MAX_MS = 60_000

/** An id that nobody has had. */
export function newIdentity(cluster: Cluster, maxMs: number): Promise<ProducerIdentity> {
  return untilDone(maxMs, async () => init(cluster, await cluster.anyConnection(), null))
}

/** Takes the topic over: when it resolves, no earlier writer of it can append any more. */
export function takeOver(cluster: Cluster, topicId: string, maxMs: number): Promise<ProducerIdentity> {
  const name = `landfall-${topicId}`
  return untilDone(maxMs, async () => {
    const begun = await init(cluster, await cluster.coordinatorOf(name), name)
    await beginTransaction(cluster, await cluster.coordinatorOf(name), name, begun)
    return untilDone(maxMs, async () => init(cluster, await cluster.coordinatorOf(name), name))
  })
}

async function init(
  cluster: Cluster,
  connection: BrokerConnection,
  name: string | null,
): Promise<ProducerIdentity> {
  const { initProducerIdV4 } = cluster.access.library
  try {
    const answer = await connection.call(initProducerIdV4.api, name, TRANSACTION_MAX_MS, -1n, -1)
    return { id: answer.producerId, epoch: answer.producerEpoch }
  } catch (error) {
    const code = protocolCode(error)
    if (code !== CODE.transactionalIdAuthorizationFailed && code !== CODE.clusterAuthorizationFailed)
      throw error
    throw notAllowed(
      name === null ? 'writing to' : `writing as transactional id ${name} to`,
      cluster.target.topic,
      error,
    )
  }
}

/**
 *   AddPartitionsToTxn Request (version 3) => transactional_id COMPACT_STRING, producer_id INT64, producer_epoch INT16,
 *     [topic] => name COMPACT_STRING, [partition] INT32, TAG_BUFFER
 *   Response => throttle_time_ms [topic] => name [partition] => index INT32, error_code INT16, TAG_BUFFER
 */
async function beginTransaction(
  cluster: Cluster,
  connection: BrokerConnection,
  name: string,
  { id, epoch }: ProducerIdentity,
): Promise<void> {
  const { Writer, ProtocolError } = cluster.access.library
  const payload = () =>
    Writer.create()
      .appendString(name)
      .appendInt64(id)
      .appendInt16(epoch)
      .appendArray([cluster.target.topic], (topic, text) => {
        topic
          .appendString(text)
          .appendArray([0], (writer, partition) => writer.appendInt32(partition), true, false)
      })
      .appendTaggedFields()
  const codes = await connection.send(ADD_PARTITIONS_TO_TXN, 3, payload, (reader) => {
    reader.readInt32()
    const topics = reader.readArray((topic) => {
      topic.readString()
      return topic.readArray((partition) => {
        partition.readInt32()
        return partition.readInt16()
      })
    })
    return topics.flat()
  })
  const failed = codes.find((code) => code !== CODE.none)
  if (failed !== undefined) throw new ProtocolError(failed)
}
