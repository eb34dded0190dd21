/**
 * The writer of a topic: idempotent, acks=all, one round under way.
 *
 *   append → gather (encoded at once) → Produce to each leader → all in-sync replicas have it → resolve, in order
 *               ↑ the next round gathers meanwhile: the broker's answer is the linger, there is no timer
 *
 * What can happen to a round, and what its calls are told:
 * - A leader moves, a connection breaks, a broker restarts, an answer is late: the same batches go out again with the same numbers, until
 *   `deliveryMaxMs` are over. The broker knows a repeat and answers with the offset of the first (it remembers the last five batches
 *   of a producer and partition; ours is always the last).
 * - The time is over, or Kafka refuses: `log/unknown-outcome` when any batch of the round has, or may have, reached its partition; else the
 *   refusal itself. What was queued behind is told `log/unavailable`: it was never sent.
 * - Afterwards the numbers are worth nothing: the next round goes out under a new identity. Exclusive (a pipeline with state), taking the new
 *   identity also settles the unknown: nothing of the old one can come any more, and who reads the log waits for that (`settled`).
 * - Exclusive, and the epoch is refused: another collector has taken over. Nothing more is answered, the log is dead (`log/fenced`).
 * - Exclusive, and a round does not begin where the last one ended: somebody without our name writes beside us. What was decided without
 *   knowing those records is told `log/unknown-outcome`, and the state is read from the log again.
 * - The topic is another one: the log is dead (`log/wrong-log`). Brokers before 4.0 are told the topic by name; there an offset lower
 *   than one we had shows it.
 */
import { isLandfallError, type LandfallError } from '../../../base/errors.ts'
import type { NewRecord } from '../../../model/record.ts'
import type { Appended } from '../../log.ts'
import { closed, overloaded, tooLarge } from '../../log-errors.ts'
import { type BatchBuilder, estimateBytes } from '../../record-batch.ts'
import { type Cluster, logIdOf, untilDone } from './cluster.ts'
import { newIdentity, type ProducerIdentity, takeOver } from './identity.ts'
import { CODE, fenced, notAllowed, remadeTopic, unavailable, unknownOutcome } from './kafka-errors.ts'
import { LATEST, listOffsets } from './offsets.ts'
import { type Produced, produce } from './produce.ts'
import { appendedAt, type Call, Round, type RoundLimits } from './round.ts'

export interface ProducerSettings extends RoundLimits {
  appendBytesMax: number
  queuedBytesMax: number
  /** How long a round is tried. */
  deliveryMaxMs: number
  /** How long a broker may wait for its replicas. */
  replicaMaxMs: number
  /** This is the one writer, and takes the topic over. */
  exclusive: boolean
}

export interface ProducerParts {
  cluster: Cluster
  topicId: string
  /** Per partition: the offset that the next record will have, as far as we know. */
  ends: number[]
  /** Exclusive: already taken over. */
  identity: ProducerIdentity | undefined
  /** Hears once that the log is dead. */
  onDead(error: LandfallError): void
}

/** Buffers that are kept for the next rounds hold no more than this each. */
const SPARE_BYTES_MAX = 4 * 1024 * 1024
const SPARE_MAX = 16
const LAST_SEQUENCE = 0x7fff_ffff

type Outcome =
  | { is: 'there'; baseOffset: number }
  /** Not there yet; `maybe`: it may be. */
  | { is: 'later'; maybe: boolean; why: unknown }
  | { is: 'refused'; maybe: boolean; error: LandfallError; dead?: boolean }

export class Producer {
  readonly pressure: { queuedBytes: number; queuedBytesMax: number }
  readonly #settings: ProducerSettings
  readonly #parts: ProducerParts
  readonly #sequences: number[]
  #identity: ProducerIdentity | undefined
  #taking: Promise<ProducerIdentity> | undefined
  #queue: Round[] = []
  readonly #spare: BatchBuilder[] = []
  #sending: Promise<void> | undefined
  #stopped: LandfallError | undefined

  constructor(settings: ProducerSettings, parts: ProducerParts) {
    this.#settings = settings
    this.#parts = parts
    this.#identity = parts.identity
    this.#sequences = parts.ends.map(() => 0)
    this.pressure = { queuedBytes: 0, queuedBytesMax: settings.queuedBytesMax }
  }

  append(records: readonly NewRecord[]): Promise<Appended> {
    if (this.#stopped !== undefined) throw this.#stopped
    const bytes = estimateBytes(records)
    const { appendBytesMax } = this.#settings
    if (bytes > appendBytesMax) throw tooLarge(bytes, appendBytesMax)
    const { queuedBytes, queuedBytesMax } = this.pressure
    if (queuedBytes > 0 && queuedBytes + bytes > queuedBytesMax) throw overloaded(queuedBytes, queuedBytesMax)
    const { round, ...place } = this.#gather(records)
    this.pressure.queuedBytes += bytes
    return new Promise((resolve, reject) => {
      round.calls.push({ ...place, bytes, count: records.length, resolve, reject })
      this.#sending ??= this.#sendAll()
    })
  }

  /** Exclusive: resolves when it is certain what the log holds. Throws when that cannot be had now. */
  async settled(): Promise<void> {
    if (!this.#settings.exclusive || this.#identity !== undefined) return
    if (this.#stopped?.cause !== undefined) throw this.#stopped
    await this.#identify()
  }

  /** Takes no more, and resolves when all that was taken is settled. */
  async stop(): Promise<void> {
    this.#stopped ??= closed()
    await this.#sending
  }

  #gather(records: readonly NewRecord[]): Pick<Call, 'partition' | 'index' | 'places'> & { round: Round } {
    const partitions = this.#sequences.length
    const last = this.#queue.at(-1)
    const place = last?.take(records, partitions, this.#settings, this.#spare)
    if (last !== undefined && place !== undefined) return { round: last, ...place }
    const round = new Round()
    const first = round.take(records, partitions, this.#settings, this.#spare)!
    this.#queue.push(round)
    return { round, ...first }
  }

  async #sendAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) await this.#send(this.#queue.shift()!)
    this.#sending = undefined
  }

  async #send(round: Round): Promise<void> {
    const until = performance.now() + this.#settings.deliveryMaxMs
    const outcomes = new Map<number, Outcome>()
    let maybe = false
    try {
      if (round.batches.size > 0) {
        const identity = await this.#identify()
        const sealed = this.#seal(round, identity)
        // The last try begins before the time is over; each ends by the time that a request may take.
        await untilDone(
          Math.max(0, until - performance.now()),
          async () => {
            for (const [partition, outcome] of await this.#try(sealed, outcomes)) {
              outcomes.set(partition, outcome)
              if (outcome.is !== 'there') maybe ||= outcome.maybe
            }
            const all = [...outcomes.values()]
            const later = all.find((outcome) => outcome.is === 'later')
            if (later !== undefined && !all.some((outcome) => outcome.is === 'refused'))
              throw new Later(later.why)
          },
          (error) => error instanceof Later,
        )
      }
    } catch (error) {
      this.#fail(round, error, maybe, outcomes)
      return
    }
    const refused = [...outcomes.values()].find((outcome) => outcome.is === 'refused')
    if (refused !== undefined) this.#fail(round, refused.error, maybe, outcomes, refused.dead)
    else this.#settle(round, outcomes)
  }

  /** The numbers stay with the batches, however often they are sent. */
  #seal(round: Round, { id, epoch }: ProducerIdentity): { partition: number; bytes: Buffer }[] {
    return [...round.batches]
      .filter(([, { count }]) => count > 0)
      .map(([partition, batch]) => ({
        partition,
        bytes: batch.seal(0, { id, epoch, sequence: this.#sequences[partition]! }),
      }))
  }

  /** Sends what is not there yet, each to its leader. */
  async #try(
    sealed: { partition: number; bytes: Buffer }[],
    before: ReadonlyMap<number, Outcome>,
  ): Promise<[number, Outcome][]> {
    const { cluster, topicId } = this.#parts
    const left = sealed.filter(({ partition }) => before.get(partition)?.is !== 'there')
    // After a failure the leaders may be others.
    const view = await cluster
      .topic(before.size === 0 ? Number.POSITIVE_INFINITY : 0)
      .catch((error: unknown) => error)
    if (!isView(view))
      return left.map(({ partition }) => [partition, { is: 'later', maybe: false, why: view }])
    if (view.id !== topicId) {
      const error = remadeTopic(cluster.target.topic, `kafka:${topicId}`, logIdOf(view), {
        ...this.#parts.ends,
      })
      return left.map(({ partition }) => [partition, { is: 'refused', maybe: false, error, dead: true }])
    }
    const led = Map.groupBy(left, ({ partition }) => view.leaders[partition])
    const answers = await Promise.all([...led].map(([leader, batches]) => this.#sendTo(leader, batches)))
    return answers.flat()
  }

  async #sendTo(
    leader: number | undefined,
    batches: { partition: number; bytes: Buffer }[],
  ): Promise<[number, Outcome][]> {
    const { cluster, topicId } = this.#parts
    const everyone = (outcome: Outcome) =>
      batches.map(({ partition }): [number, Outcome] => [partition, outcome])
    if (leader === undefined)
      return everyone({ is: 'later', maybe: false, why: unavailable('a partition has no leader') })
    const connection = await cluster
      .connectionTo(leader, 'produce')
      .catch((error: unknown) => error as LandfallError)
    if (!('send' in connection)) {
      if (connection.kind === 'retry') return everyone({ is: 'later', maybe: false, why: connection })
      return everyone({ is: 'refused', maybe: false, error: connection })
    }
    try {
      const answers = await produce(cluster.access.library, connection, {
        topic: { name: cluster.target.topic, id: topicId },
        byId: cluster.producesById,
        timeoutMs: this.#settings.replicaMaxMs,
        batches,
      })
      return answers.map((answer) => [answer.partition, this.#judge(answer)])
    } catch (why) {
      return everyone({ is: 'later', maybe: true, why })
    }
  }

  #judge({ partition, errorCode, baseOffset, message }: Produced): Outcome {
    const { cluster, topicId, ends } = this.#parts
    const { topic } = cluster.target
    const words = `Kafka answers with error ${errorCode}${message === null ? '' : ` (${message})`}`
    const refused = (error: LandfallError, dead = false): Outcome => ({
      is: 'refused',
      maybe: false,
      error,
      dead,
    })
    switch (errorCode) {
      case CODE.none:
        if (baseOffset >= ends[partition]! || cluster.producesById) return { is: 'there', baseOffset }
        return refused(
          remadeTopic(topic, `kafka:${topicId}`, 'of another topic of this name', { ...ends }),
          true,
        )
      case CODE.messageTooLarge:
      case CODE.recordListTooLarge:
        return refused(tooLarge(this.#settings.batchBytesMax, this.#settings.messageBytesMax))
      case CODE.topicAuthorizationFailed:
      case CODE.clusterAuthorizationFailed:
        return refused(notAllowed('writing to', topic, new Error(words)))
      case CODE.invalidProducerEpoch:
      case CODE.producerFenced:
        return refused(fenced(topic), this.#settings.exclusive)
      case CODE.corruptMessage:
      case CODE.unknownTopicOrPartition:
      case CODE.leaderNotAvailable:
      case CODE.notLeaderOrFollower:
      case CODE.notEnoughReplicas:
      case CODE.kafkaStorageError:
      case CODE.fencedLeaderEpoch:
      case CODE.unknownTopicId:
      case CODE.inconsistentTopicId:
        return { is: 'later', maybe: false, why: new Error(words) }
      case CODE.requestTimedOut:
      case CODE.notEnoughReplicasAfterAppend:
        return { is: 'later', maybe: true, why: new Error(words) }
      case CODE.duplicateSequenceNumber:
        return { is: 'refused', maybe: true, error: unknownOutcome(words) }
      default:
        return refused(unavailable(words))
    }
  }

  #settle(round: Round, outcomes: ReadonlyMap<number, Outcome>): void {
    const { ends } = this.#parts
    const bases = new Map<number, number>()
    let interrupted = false
    for (const [partition, outcome] of outcomes) {
      if (outcome.is !== 'there') continue
      const { count } = round.batches.get(partition)!
      if (this.#settings.exclusive && outcome.baseOffset !== ends[partition]) interrupted = true
      bases.set(partition, outcome.baseOffset)
      ends[partition] = outcome.baseOffset + count
      this.#sequences[partition] = after(this.#sequences[partition]!, count)
    }
    if (interrupted) {
      const error = unknownOutcome(
        `somebody else writes to topic ${this.#parts.cluster.target.topic} as well`,
      )
      this.#reject([round], error)
      this.#reject(this.#queue.splice(0), unavailable('it was queued behind what somebody else interrupted'))
      return
    }
    for (const call of this.#release(round)) {
      call.resolve(appendedAt(call, (partition) => bases.get(partition) ?? ends[partition]!))
    }
  }

  #fail(
    round: Round,
    error: unknown,
    maybe: boolean,
    outcomes: ReadonlyMap<number, Outcome>,
    dead = false,
  ): void {
    this.#identity = undefined
    this.#sequences.fill(0)
    const why = error instanceof Later ? error.why : error
    const words = why instanceof Error ? why.message : String(why)
    const isThere = [...outcomes.values()].some((outcome) => outcome.is === 'there')
    const told =
      maybe || isThere
        ? unknownOutcome(words, why)
        : isLandfallError(why) && why.kind !== 'retry'
          ? why
          : unavailable(words, why)
    const behind = this.#queue.splice(0)
    if (dead) {
      this.#stopped = closed(why)
      this.#reject([round], told)
      this.#reject(behind, this.#stopped)
      this.#parts.onDead(why as LandfallError)
      return
    }
    this.#reject([round], told)
    this.#reject(behind, unavailable('it was queued behind what could not be appended', why))
  }

  #reject(rounds: readonly Round[], error: unknown): void {
    for (const round of rounds) for (const call of this.#release(round)) call.reject(error)
  }

  /** The round is over: its bytes wait no more, its buffers are free. */
  #release(round: Round): Call[] {
    for (const call of round.calls) this.pressure.queuedBytes -= call.bytes
    for (const batch of round.batches.values()) {
      batch.clear()
      if (batch.capacity <= SPARE_BYTES_MAX && this.#spare.length < SPARE_MAX) this.#spare.push(batch)
    }
    return round.calls
  }

  #identify(): Promise<ProducerIdentity> {
    if (this.#identity !== undefined) return Promise.resolve(this.#identity)
    const { cluster, topicId } = this.#parts
    const { exclusive, deliveryMaxMs } = this.#settings
    this.#taking ??= (
      exclusive ? takeOver(cluster, topicId, deliveryMaxMs) : newIdentity(cluster, deliveryMaxMs)
    )
      .then(async (identity) => {
        if (exclusive) await this.#lookAtEnd()
        this.#identity = identity
        return identity
      })
      .finally(() => {
        this.#taking = undefined
      })
    return this.#taking
  }

  /** Behind the mark of taking over, and whatever was there before it. */
  async #lookAtEnd(): Promise<void> {
    const { cluster, topicId, ends } = this.#parts
    const found = await listOffsets(cluster, topicId, LATEST, this.#settings.deliveryMaxMs)
    ends[0] = found[0] ?? ends[0]!
  }
}

/** A try that another one may better. */
class Later extends Error {
  readonly why: unknown

  constructor(why: unknown) {
    super('later')
    this.why = why
  }
}

function isView(found: unknown): found is { id: string; leaders: (number | undefined)[] } {
  return typeof found === 'object' && found !== null && 'leaders' in found
}

/** Kafka's running numbers begin again at 0 behind the largest int32. */
function after(sequence: number, count: number): number {
  return sequence > LAST_SEQUENCE - count ? count - (LAST_SEQUENCE - sequence) - 1 : sequence + count
}
