/**
 * The topic before the first record: made when it is missing, checked when it is there.
 *
 * A topic that we make keeps everything (`retention.ms=-1`): the door lets go of what every table has landed. One that somebody else has
 * made keeps what its owner said, and we say when that may be less than what has not landed.
 */
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { formatDuration } from '../../../base/quantities.ts'
import { type Cluster, isPassing, type TopicView, untilDone } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { CODE, notAllowed, protocolCode } from './kafka-errors.ts'

/** A batch of one request must fit into one of the topic's. */
export const BATCH_BYTES_MAX = 16 * 1024 * 1024
const MADE_MAX_MS = 15_000
const ASK_MAX_MS = 10_000
const TOPIC_RESOURCE = 2 as const
const ONE_WEEK_MS = 7 * 24 * 3600_000

export interface TopicConfig {
  /** Null: kept for ever. */
  retentionMs: number | null
  retentionBytes: number | null
  compacted: boolean
  messageBytesMax: number
  minInsyncReplicas: number
}

/** The topic, with a leader for every partition. Throws `log/no-topic`, `log/not-allowed`, `log/topic`. */
export async function openTopic(cluster: Cluster, create: boolean): Promise<TopicView> {
  const { topic, partitions } = cluster.target
  let view = await untilDone(ASK_MAX_MS, () => cluster.topic()).catch((error: unknown) => {
    if (isLandfallError(error, 'log/no-topic') && create) return undefined
    throw error
  })
  if (view === undefined) {
    await untilDone(MADE_MAX_MS, () => makeTopic(cluster))
    view = await untilDone(
      MADE_MAX_MS,
      () => cluster.topic(),
      (error) => isPassing(error) || isLandfallError(error, 'log/no-topic'),
    )
  }
  view = await untilLed(cluster, view)
  if (partitions !== null && view.leaders.length !== partitions) {
    throw new LandfallError(
      'fix-config',
      'log/topic',
      `the topic ${topic} has ${view.leaders.length} partitions, and the URL of the log asks for ${partitions}`,
      { hint: 'Leave partitions= out, or name another topic: a partition added later changes where keys go' },
    )
  }
  return view
}

/** A topic that was just made, or a broker that was just started, has partitions that nobody leads yet. */
async function untilLed(cluster: Cluster, view: TopicView): Promise<TopicView> {
  const until = performance.now() + MADE_MAX_MS
  let found = view
  while (found.leaders.length === 0 || found.leaders.includes(undefined)) {
    if (performance.now() > until) {
      throw new LandfallError(
        'retry',
        'log/unreachable',
        `nobody leads a partition of the topic ${cluster.target.topic}`,
        {
          hint: 'A broker that holds it is down',
        },
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    found = await untilDone(ASK_MAX_MS, () => cluster.topic())
  }
  return found
}

async function makeTopic(cluster: Cluster): Promise<void> {
  const { topic } = cluster.target
  const connection = await cluster.anyConnection()
  try {
    await createTopic(cluster, connection, [...OURS, ...TAKES_ANY_TIME])
  } catch (error) {
    const code = protocolCode(error)
    // Another collector was faster.
    if (code === CODE.topicAlreadyExists) return
    if (code === CODE.invalidConfig) return createTopic(cluster, connection, OURS)
    if (code === CODE.topicAuthorizationFailed || code === CODE.clusterAuthorizationFailed) {
      throw notAllowed('making', topic, error)
    }
    if (code === CODE.invalidReplicationFactor) {
      throw new LandfallError(
        'fix-config',
        'log/topic',
        `making the topic ${topic}: the cluster has too few brokers for its replication`,
        {
          hint: 'Give replication= in the URL of the log, as many as there are brokers at most',
          cause: error,
        },
      )
    }
    throw error
  }
}

const OURS = [
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.bytes', value: '-1' },
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'message.timestamp.type', value: 'CreateTime' },
  { name: 'max.message.bytes', value: String(BATCH_BYTES_MAX + 64 * 1024) },
]
/** Kafka 3.6: a clock that is ahead is no reason to refuse an event. */
const TAKES_ANY_TIME = [{ name: 'message.timestamp.after.max.ms', value: '9223372036854775807' }]

async function createTopic(
  cluster: Cluster,
  connection: BrokerConnection,
  configs: { name: string; value: string }[],
): Promise<void> {
  const { topic: name, partitions, replication } = cluster.target
  const topic = {
    name,
    numPartitions: partitions ?? 1,
    replicationFactor: replication ?? -1,
    assignments: [],
    configs,
  }
  await connection.call(cluster.access.library.createTopicsV7.api, [topic], MADE_MAX_MS, false)
}

/** Undefined when we may not look. */
export async function readTopicConfig(cluster: Cluster): Promise<TopicConfig | undefined> {
  const { topic } = cluster.target
  const resource = { resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: KEYS }
  try {
    const answer = await untilDone(ASK_MAX_MS, async () => {
      const connection = await cluster.anyConnection()
      return connection.call(cluster.access.library.describeConfigsV4.api, [resource], false, false)
    })
    const values = new Map(answer.results[0]!.configs.map(({ name, value }) => [name, value ?? '']))
    const limit = (name: string) => (Number(values.get(name)) < 0 ? null : Number(values.get(name)))
    return {
      retentionMs: limit('retention.ms'),
      retentionBytes: limit('retention.bytes'),
      compacted: values.get('cleanup.policy')!.includes('compact'),
      messageBytesMax: Number(values.get('max.message.bytes')),
      minInsyncReplicas: Number(values.get('min.insync.replicas')),
    }
  } catch (error) {
    if (protocolCode(error) === CODE.topicAuthorizationFailed) return undefined
    throw error
  }
}

const KEYS = ['retention.ms', 'retention.bytes', 'cleanup.policy', 'max.message.bytes', 'min.insync.replicas']

/** What whoever runs the pipeline should know of the topic. Throws `log/topic` for one that loses what it holds. */
export function notesOn(topic: string, config: TopicConfig | undefined): string[] {
  if (config === undefined)
    return [`what topic ${topic} keeps could not be read (it needs DescribeConfigs on the topic)`]
  if (config.compacted) {
    throw new LandfallError(
      'fix-config',
      'log/topic',
      `the topic ${topic} is compacted: of events with the same key all but one would be lost`,
      {
        hint: 'Name another topic, or set its cleanup.policy to delete',
      },
    )
  }
  const notes: string[] = []
  const { retentionMs, retentionBytes, minInsyncReplicas } = config
  if (retentionMs !== null) {
    const short = retentionMs < ONE_WEEK_MS ? 'only ' : ''
    notes.push(
      `topic ${topic} keeps events ${short}${formatDuration(retentionMs)}, landed or not: a lander that is down for longer misses them`,
    )
  }
  if (retentionBytes !== null) {
    notes.push(
      `topic ${topic} keeps ${retentionBytes} bytes of a partition, landed or not: a lander that is behind further misses events`,
    )
  }
  if (minInsyncReplicas < 2) {
    notes.push(
      `topic ${topic} has min.insync.replicas=${minInsyncReplicas}: an event may be answered when one broker alone has it`,
    )
  }
  return notes
}
