/** Where the partitions of the topic begin and end, and letting go of their beginnings. */

import { type Cluster, isPassing, logIdOf, untilDone } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { CODE, protocolCode, remadeTopic, unavailable } from './kafka-errors.ts'

const READ_COMMITTED = 1
/** Instead of a time: the first offset, the end of what may be read. */
export const EARLIEST = -2
export const LATEST = -1
const DELETE_MAX_MS = 10_000

/**
 * Per partition the first offset at or after a time (ms, or EARLIEST, LATEST); null when there is none. Throws `log/wrong-log` when the
 * topic is not `topicId` any more, and waits up to `maxMs` for leaders.
 */
export function listOffsets(
  cluster: Cluster,
  topicId: string,
  time: number,
  maxMs: number,
): Promise<Record<number, number | null>> {
  return untilDone(maxMs, () => listOnce(cluster, topicId, time), mayPass)
}

/** Offsets are asked by name: a topic that is another one must not answer for it. */
async function listOnce(
  cluster: Cluster,
  topicId: string,
  time: number,
): Promise<Record<number, number | null>> {
  const { listOffsetsV7 } = cluster.access.library
  const offsets: Record<number, number | null> = {}
  await eachLeader(cluster, topicId, async (connection, partitions) => {
    const asked = partitions.map((partitionIndex) => ({
      partitionIndex,
      currentLeaderEpoch: -1,
      timestamp: BigInt(time),
    }))
    const answer = await connection.call(listOffsetsV7.api, -1, READ_COMMITTED, [
      { name: cluster.target.topic, partitions: asked },
    ])
    for (const { partitionIndex, offset } of answer.topics[0]!.partitions) {
      offsets[partitionIndex] = offset < 0n ? null : Number(offset)
    }
  })
  return offsets
}

/** Lets go of everything before the offsets. */
export async function deleteRecords(
  cluster: Cluster,
  topicId: string,
  before: Record<number, number>,
): Promise<void> {
  const { deleteRecordsV2 } = cluster.access.library
  await untilDone(
    DELETE_MAX_MS,
    () =>
      eachLeader(cluster, topicId, async (connection, led) => {
        const partitions = led
          .filter((partition) => before[partition] !== undefined)
          .map((partitionIndex) => ({ partitionIndex, offset: BigInt(before[partitionIndex]!) }))
        if (partitions.length === 0) return
        await connection.call(
          deleteRecordsV2.api,
          [{ name: cluster.target.topic, partitions }],
          DELETE_MAX_MS,
        )
      }),
    mayPass,
  )
}

async function eachLeader(
  cluster: Cluster,
  topicId: string,
  work: (connection: BrokerConnection, partitions: number[]) => Promise<void>,
): Promise<void> {
  const view = await cluster.topic()
  if (view.id !== topicId) throw remadeTopic(cluster.target.topic, `kafka:${topicId}`, logIdOf(view), {})
  const led = Map.groupBy(view.leaders.keys(), (partition) => view.leaders[partition])
  if (led.has(undefined)) throw unavailable('a partition of the topic has no leader now')
  await Promise.all(
    [...led].map(async ([leader, partitions]) =>
      work(await cluster.connectionTo(leader!, 'control'), partitions),
    ),
  )
}

function mayPass(error: unknown): boolean {
  // Just made, or its leader has not heard of it yet.
  return isPassing(error) || protocolCode(error) === CODE.unknownTopicOrPartition
}
