/**
 * Fetches for one read: one request to each leader at a time, and whichever answers first is handed on. A broker that goes away is waited
 * for; a leader that moves is found again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { type Cluster, isPassing, logIdOf, nameOf, type TopicView } from './cluster.ts'
import { type Fetched, fetchBatches } from './fetch.ts'
import { CODE, missingTopic, remadeTopic, unavailable } from './kafka-errors.ts'
import { EARLIEST, LATEST, listOffsets } from './offsets.ts'

export interface FetcherParts {
  cluster: Cluster
  topicId: string
  bytesMax: number
  /** Wait for a broker as long as it takes; else some time. */
  follow: boolean
  onNote(text: string): void
}

/** How long a broker waits for something to come. */
const WAIT_MAX_MS = 500
/** Leaders and partitions are looked at again this often. */
const VIEW_MAX_AGE_MS = 5000
const PAUSE_MS = { first: 50, last: 2000 }
/** A read that does not follow gives up after this long without an answer. */
const OUTAGE_MAX_MS = 30_000
/** A topic that is not there may be on its way (metadata spread slowly), but not for longer. */
const MISSING_MAX_MS = 5000

type Wanted = [partition: number, offset: number][]

let fetchers = 0

export class Fetcher {
  readonly #parts: FetcherParts
  /** Connections of its own: a broker answers the requests of a connection one after the other, and ours wait. */
  readonly #purpose = `fetch-${fetchers++}`
  readonly #underWay = new Map<number, Promise<{ leader: number; fetched: Fetched[] }>>()
  readonly #stop = new AbortController()
  #view: TopicView | undefined
  #turn = 0
  #failingSince: number | undefined
  #pauseMs = PAUSE_MS.first
  #noted = false

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  /** How many the topic has, as far as we know. */
  get partitions(): number {
    return this.#view?.leaders.length ?? 0
  }

  /** Nothing more is fetched; a `next` under way returns. */
  stop(): void {
    this.#stop.abort()
    this.#parts.cluster.release(this.#purpose)
  }

  /** What one leader has of the partitions from these offsets on; nothing after a while, or when it was stopped. */
  async next(wanted: Wanted): Promise<Fetched[]> {
    try {
      const fetched = await this.#fetchSome(wanted)
      this.#goesOn()
      return fetched
    } catch (error) {
      if (this.#stop.signal.aborted) return []
      await this.#waitAfter(error, wanted)
      return []
    }
  }

  async #fetchSome(wanted: Wanted): Promise<Fetched[]> {
    const { cluster } = this.#parts
    this.#view = await cluster.topic(this.#failingSince === undefined ? VIEW_MAX_AGE_MS : 0)
    if (this.#view.id !== this.#parts.topicId) throw this.#remade(this.#view, wanted)
    const { leaders } = this.#view
    const led = Map.groupBy(wanted, ([partition]) => leaders[partition])
    for (const [leader, partitions] of led) {
      if (leader === undefined || this.#underWay.has(leader)) continue
      this.#underWay.set(leader, this.#fetch(leader, partitions))
    }
    if (this.#underWay.size === 0) throw unavailable('a partition of the topic has no leader now')
    const { leader, fetched } = await Promise.race(this.#underWay.values())
    this.#underWay.delete(leader)
    const result: Fetched[] = []
    for (const one of fetched) {
      if (one.errorCode === CODE.none) result.push(one)
      else await this.#onCode(one.errorCode, one.partition, wanted)
    }
    return result
  }

  async #fetch(leader: number, wanted: Wanted): Promise<{ leader: number; fetched: Fetched[] }> {
    const { cluster, topicId, bytesMax } = this.#parts
    try {
      const connection = await cluster.connectionTo(leader, this.#purpose)
      // The broker fills the answer in the order of the request: each partition is the first in turn.
      const turn = this.#turn++ % wanted.length
      const order = [...wanted.slice(turn), ...wanted.slice(0, turn)]
      const answer = await fetchBatches(cluster.access.library, connection, {
        topicId,
        maxWaitMs: WAIT_MAX_MS,
        bytesMax,
        wanted: order.map(([partition, offset]) => ({ partition, offset })),
      })
      if (answer.errorCode !== CODE.none) await this.#onCode(answer.errorCode, 0, wanted)
      return { leader, fetched: answer.partitions }
    } catch (error) {
      this.#underWay.delete(leader)
      throw error
    }
  }

  /** Always throws. */
  async #onCode(code: number, partition: number, wanted: Wanted): Promise<never> {
    const { cluster, topicId } = this.#parts
    if (code === CODE.offsetOutOfRange) throw await this.#outOfRange(partition, wanted)
    if (code === CODE.topicAuthorizationFailed) {
      const hint = 'docs/reference/kafka.md lists the rights that are needed'
      throw new LandfallError(
        'fix-config',
        'log/not-allowed',
        `reading ${nameOf(cluster)}: Kafka does not allow it`,
        { hint },
      )
    }
    if (
      code === CODE.unknownTopicId ||
      code === CODE.inconsistentTopicId ||
      code === CODE.unknownTopicOrPartition
    ) {
      const view = await cluster.topic()
      if (view.id !== topicId) throw this.#remade(view, wanted)
    }
    throw unavailable(`Kafka answers with error ${code} when partition ${partition} is read`)
  }

  async #outOfRange(partition: number, wanted: Wanted): Promise<LandfallError> {
    const { cluster, topicId } = this.#parts
    const [start, end] = await Promise.all(
      [EARLIEST, LATEST].map((time) => listOffsets(cluster, topicId, time, OUTAGE_MAX_MS)),
    )
    const at = wanted.find(([one]) => one === partition)![1]
    const [first, last] = [start![partition] ?? 0, end![partition] ?? 0]
    const gap = at < first ? { from: at, to: first } : { from: last, to: at }
    return new LandfallError(
      'bad-data',
      'log/out-of-range',
      `reading log kafka:${topicId} from offset ${at} of partition ${partition}: it holds ${first} to ${last}`,
      {
        hint:
          at < first
            ? `Offsets ${gap.from} to ${gap.to} are gone by retention: go on from ${first} and account for the gap`
            : 'The log is behind what was already read from it: restore the topic',
        details: { ...gap, start: first, end: last, partition },
      },
    )
  }

  #remade(view: TopicView, wanted: Wanted): LandfallError {
    const { cluster, topicId } = this.#parts
    return remadeTopic(cluster.target.topic, `kafka:${topicId}`, logIdOf(view), Object.fromEntries(wanted))
  }

  #goesOn(): void {
    if (this.#noted) this.#parts.onNote(`reading ${nameOf(this.#parts.cluster)} goes on`)
    this.#noted = false
    this.#failingSince = undefined
    this.#pauseMs = PAUSE_MS.first
  }

  async #waitAfter(error: unknown, wanted: Wanted): Promise<void> {
    const now = performance.now()
    this.#failingSince ??= now
    const outage = now - this.#failingSince
    const isMissing = isLandfallError(error, 'log/no-topic')
    if (isMissing && outage > MISSING_MAX_MS) throw this.#gone(wanted)
    if (!isMissing && !isPassing(error)) throw error
    if (!this.#parts.follow && outage > OUTAGE_MAX_MS) throw error
    if (!this.#noted && outage > MISSING_MAX_MS) {
      this.#noted = true
      this.#parts.onNote(`reading ${nameOf(this.#parts.cluster)} waits: ${(error as Error).message}`)
    }
    await sleep(this.#pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {})
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS.last)
  }

  #gone(wanted: Wanted): LandfallError {
    const { topic } = this.#parts.cluster.target
    const missing = missingTopic(topic)
    return new LandfallError('fix-config', missing.code, `the topic ${topic} was deleted while it was read`, {
      hint: missing.hint!,
      details: { topic, gap: Object.fromEntries(wanted) },
    })
  }
}
