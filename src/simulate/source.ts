/** Where a sender gets its requests from: in their order, but of one player only one at a time. */
import type { SimulatedRequest } from './requests.ts'

/** A request that belongs to a player waits until the one before it is answered. */
export interface OwnedRequest extends SimulatedRequest {
  player?: number
}

export interface RequestSource {
  /** The next one that may be sent now; undefined: none now, or never again when `ended`. */
  take(): OwnedRequest | undefined
  /** A player's request has its answer. */
  release(request: OwnedRequest): void
  readonly ended: boolean
}

/** So many are looked at beyond those that wait for their player: else one player with much to do would hold up nobody, and fill the memory. */
const AHEAD_MAX = 4096

export class PlayerSource implements RequestSource {
  readonly #requests: Iterator<OwnedRequest>
  /** Players with a request in flight → their requests that wait. */
  readonly #busy = new Map<number, OwnedRequest[]>()
  #released: OwnedRequest[] = []
  #waiting = 0
  #left: number

  constructor(requests: Iterable<OwnedRequest>, count: number) {
    this.#requests = requests[Symbol.iterator]()
    this.#left = count
  }

  get ended(): boolean {
    return this.#left === 0 && this.#waiting === 0
  }

  take(): OwnedRequest | undefined {
    const released = this.#released.pop()
    if (released !== undefined) {
      this.#waiting -= 1
      return released
    }
    while (this.#left > 0 && this.#waiting < AHEAD_MAX) {
      const { done, value } = this.#requests.next()
      if (done === true) {
        this.#left = 0
        return undefined
      }
      this.#left -= 1
      const { player } = value
      if (player === undefined) return value
      const queue = this.#busy.get(player)
      if (queue === undefined) {
        this.#busy.set(player, NONE)
        return value
      }
      if (queue === NONE) this.#busy.set(player, [value])
      else queue.push(value)
      this.#waiting += 1
    }
    return undefined
  }

  release({ player }: OwnedRequest): void {
    if (player === undefined) return
    const next = this.#busy.get(player)?.shift()
    if (next === undefined) this.#busy.delete(player)
    else this.#released.push(next)
  }
}

/** A player with nothing that waits, which is most of them: one list for all. */
const NONE: OwnedRequest[] = []

/** So many requests are made before they can be sent. */
const READY_MAX = 8

/** Requests that are made while others are under way. `onReady` is called when there is one again, or the end. */
export class AsyncSource implements RequestSource {
  readonly #requests: AsyncIterator<SimulatedRequest>
  readonly #onReady: (error?: unknown) => void
  readonly #ready: SimulatedRequest[] = []
  #left: number
  #making = false
  #over = false

  constructor(requests: AsyncIterable<SimulatedRequest>, count: number, onReady: (error?: unknown) => void) {
    this.#requests = requests[Symbol.asyncIterator]()
    this.#left = count
    this.#onReady = onReady
  }

  get ended(): boolean {
    return this.#over && this.#ready.length === 0
  }

  take(): SimulatedRequest | undefined {
    const request = this.#ready.shift()
    if (!this.#making && !this.#over) void this.#make()
    return request
  }

  release(): void {}

  async #make(): Promise<void> {
    this.#making = true
    try {
      while (this.#ready.length < READY_MAX && !this.#over) {
        const { done, value } =
          this.#left > 0 ? await this.#requests.next() : { done: true, value: undefined }
        if (done === true || value === undefined) this.#over = true
        else {
          this.#left -= 1
          this.#ready.push(value)
        }
        this.#onReady()
      }
    } catch (error) {
      this.#over = true
      this.#onReady(error)
    } finally {
      this.#making = false
    }
  }
}
