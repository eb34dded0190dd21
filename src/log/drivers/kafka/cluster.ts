/** The cluster as far as one topic concerns it: which brokers there are, who leads which partition, connections to them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import type { Access, BrokerConnection } from './connection.ts'
import { CODE, missingTopic, notAllowed, protocolCode, unavailable } from './kafka-errors.ts'
import { describeTarget, type KafkaTarget } from './url.ts'

export interface TopicView {
  /** Uuid. */
  id: string
  /** Ascending; index = partition. Undefined while nobody leads it. */
  leaders: (number | undefined)[]
}

/** What is asked of a broker: key of the API and the version we speak. Kafka 3.1 has all of them. */
const NEEDED = [
  { name: 'Produce', key: 0, version: 9 },
  { name: 'Fetch', key: 1, version: 13 },
  { name: 'ListOffsets', key: 2, version: 7 },
  { name: 'Metadata', key: 3, version: 12 },
  { name: 'CreateTopics', key: 19, version: 7 },
  { name: 'InitProducerId', key: 22, version: 4 },
  { name: 'DescribeConfigs', key: 32, version: 4 },
]
const PRODUCE_BY_ID = 13
const BACKOFF_MS = { first: 50, last: 1000 }

export class Cluster implements AsyncDisposable {
  readonly access: Access
  readonly target: KafkaTarget
  /** Produce may name the topic by its id (Kafka 4.0), so that nothing is ever written to another topic of the same name. */
  producesById = false
  #brokers = new Map<number, { host: string; port: number }>()
  #view: TopicView | undefined
  #viewedAt = 0
  #looking: Promise<TopicView> | undefined
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  #closed = false

  private constructor(access: Access, target: KafkaTarget) {
    this.access = access
    this.target = target
  }

  /** Talks to the first of the brokers that answers. Throws `log/unreachable`, `log/unauthenticated`, `log/too-old`, … */
  static async open(access: Access, target: KafkaTarget): Promise<Cluster> {
    const cluster = new Cluster(access, target)
    try {
      await cluster.#checkVersions(await cluster.#anyBroker())
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** The topic as of `maxAgeMs` ago at most. Throws `log/no-topic`. */
  topic(maxAgeMs = 0): Promise<TopicView> {
    if (this.#view !== undefined && performance.now() - this.#viewedAt <= maxAgeMs)
      return Promise.resolve(this.#view)
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** The connection of a broker for one purpose; requests of different purposes do not wait for each other. */
  async connectionTo(node: number, purpose: string): Promise<BrokerConnection> {
    const broker = this.#brokers.get(node)
    if (broker === undefined) throw unavailable(`broker ${node} is not in the cluster now`)
    return this.#connection(`${purpose}@${broker.host}:${broker.port}`, broker.host, broker.port)
  }

  /** Some broker, for what any of them answers. */
  anyConnection(): Promise<BrokerConnection> {
    return this.#anyBroker()
  }

  /** Broker that coordinates a transactional id. */
  async coordinatorOf(transactionalId: string): Promise<BrokerConnection> {
    const { findCoordinatorV4, FindCoordinatorKeyTypes } = this.access.library
    const connection = await this.#anyBroker()
    const { coordinators } = await connection.call(
      findCoordinatorV4.api,
      FindCoordinatorKeyTypes.TRANSACTION,
      [transactionalId],
    )
    const { host, port } = coordinators[0]!
    return this.#connection(`coordinator@${host}:${port}`, host, port)
  }

  /** Lets a purpose's connections go, with what is under way on them. */
  release(purpose: string): void {
    for (const [key, connection] of this.#connections) {
      if (!key.startsWith(`${purpose}@`)) continue
      this.#connections.delete(key)
      connection.then((open) => open.close()).catch(() => {})
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const all = [...this.#connections.values()]
    this.#connections.clear()
    for (const connection of await Promise.allSettled(all)) {
      if (connection.status === 'fulfilled') connection.value.close()
    }
  }

  async #connection(key: string, host: string, port: number): Promise<BrokerConnection> {
    if (this.#closed) throw new LandfallError('retry', 'log/closed', 'talking to Kafka: the log is closed')
    const known = this.#connections.get(key)
    if (known !== undefined && (await known).isOpen) return known
    // Another caller may have seen that it is closed, and opened a new one.
    if (this.#connections.get(key) !== known) return this.#connection(key, host, port)
    const opening = this.access.connect(host, port)
    this.#connections.set(key, opening)
    try {
      return await opening
    } catch (error) {
      if (this.#connections.get(key) === opening) this.#connections.delete(key)
      throw error
    }
  }

  /** Brokers of the cluster first, then those of the URL. */
  async #anyBroker(): Promise<BrokerConnection> {
    const known = [...this.#brokers.values(), ...this.target.brokers]
    let failure: unknown
    for (const { host, port } of known) {
      try {
        return await this.#connection(`control@${host}:${port}`, host, port)
      } catch (error) {
        // Wrong credentials are wrong everywhere.
        if (isLandfallError(error) && error.kind !== 'retry') throw error
        failure ??= error
      }
    }
    throw failure
  }

  async #checkVersions(connection: BrokerConnection): Promise<void> {
    const { apiVersionsV3 } = this.access.library
    const answer = await connection.call(apiVersionsV3.api, 'landfall', '1').catch((error: unknown) => {
      throw protocolCode(error) === undefined
        ? error
        : tooOld(connection.address, 'it does not even tell its versions')
    })
    const known = new Map(
      answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]),
    )
    for (const { name, key, version } of NEEDED) {
      const range = known.get(key)
      if (range === undefined || range.maxVersion < version || range.minVersion > version) {
        const found =
          range === undefined ? 'not at all' : `in versions ${range.minVersion} to ${range.maxVersion}`
        throw tooOld(connection.address, `it speaks ${name} ${found}, and version ${version} is needed`)
      }
    }
    this.producesById = (known.get(0)?.maxVersion ?? 0) >= PRODUCE_BY_ID
  }

  async #look(): Promise<TopicView> {
    const { topic } = this.target
    const connection = await this.#anyBroker()
    const answer = await connection
      .call(this.access.library.metadataV12.api, [topic], false, false)
      .catch((error: unknown) => {
        const { response } = error as { response?: Metadata }
        if (response === undefined) throw error
        return response
      })
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    const found = answer.topics[0]
    if (found === undefined || found.errorCode === CODE.unknownTopicOrPartition) throw missingTopic(topic)
    if (found.errorCode === CODE.topicAuthorizationFailed) {
      throw notAllowed('looking at', topic, new Error('TOPIC_AUTHORIZATION_FAILED'))
    }
    if (found.errorCode !== CODE.none && found.errorCode !== CODE.leaderNotAvailable) {
      throw unavailable(`Kafka answers with error ${found.errorCode} when it is asked for topic ${topic}`)
    }
    const leaders: TopicView['leaders'] = []
    for (const { partitionIndex, leaderId } of found.partitions) {
      leaders[partitionIndex] = this.#brokers.has(leaderId) ? leaderId : undefined
    }
    this.#view = { id: found.topicId, leaders }
    this.#viewedAt = performance.now()
    return this.#view
  }
}

interface Metadata {
  brokers: { nodeId: number; host: string; port: number }[]
  topics: { errorCode: number; topicId: string; partitions: { partitionIndex: number; leaderId: number }[] }[]
}

function tooOld(address: string, found: string): LandfallError {
  return new LandfallError('fix-config', 'log/too-old', `Kafka at ${address} is too old: ${found}`, {
    hint: 'Use Kafka 3.1 or newer',
  })
}

/**
 * Tries until it succeeds, with growing pauses; the last failure is thrown when `maxMs` are over, `stop` says so, or at once when
 * another try cannot help.
 */
export async function untilDone<T>(
  maxMs: number,
  work: () => Promise<T>,
  mayRetry: (error: unknown) => boolean = isPassing,
): Promise<T> {
  const until = performance.now() + maxMs
  for (let pause = BACKOFF_MS.first; ; pause = Math.min(pause * 2, BACKOFF_MS.last)) {
    try {
      return await work()
    } catch (error) {
      if (!mayRetry(error) || performance.now() + pause > until) throw error
    }
    await sleep(pause)
  }
}

const PASSING: readonly number[] = [
  CODE.leaderNotAvailable,
  CODE.notLeaderOrFollower,
  CODE.requestTimedOut,
  CODE.coordinatorLoadInProgress,
  CODE.coordinatorNotAvailable,
  CODE.notCoordinator,
  CODE.kafkaStorageError,
  CODE.fencedLeaderEpoch,
  CODE.unknownLeaderEpoch,
  CODE.offsetNotAvailable,
  CODE.concurrentTransactions,
]

/** Whether the same may succeed a moment later. */
export function isPassing(error: unknown): boolean {
  if (isLandfallError(error)) return error.kind === 'retry' && error.code !== 'log/closed'
  const code = protocolCode(error)
  return code !== undefined && PASSING.includes(code)
}

export function logIdOf(view: TopicView): string {
  return `kafka:${view.id}`
}

export function nameOf(cluster: Cluster): string {
  return describeTarget(cluster.target)
}
