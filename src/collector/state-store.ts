import { later } from './answers.ts'
import { sealState } from './plain-value.ts'

/** A route's event as the reducer sees it. */
export type StateEvent = { event_type: string } & Record<string, unknown>

/** The functions of the pipeline's `state`. */
export interface Reducer {
  initial: unknown
  reduce(state: unknown, event: StateEvent): unknown
}

/** Events of one request that are queued in the log and not yet durable. */
export interface Pending {
  key: string
  events: readonly StateEvent[]
  /** The value that they were applied to, and what came out. */
  base: unknown
  value: unknown
  /** Requests that saw `value` and wait for it to be durable. */
  watchers: Watcher[]
}

interface Watcher {
  durable: () => void
  failed: (error: unknown) => void
}

interface Waiter {
  enter: (turn: Turn) => void
  refuse: (error: unknown) => void
}

/** A key with a handler under way or with events that are not durable yet. Others have only their durable value. */
interface ActiveKey {
  /** Durable value with the pending events applied: what the next handler sees. */
  value: unknown
  pending: Pending[]
  busy: boolean
  waiting: Waiter[]
  /** Counts failed appends: a handler that began before one of them saw a state that never was. */
  failures: number
}

/**
 * The state of a pipeline by key, and the turns of its handlers.
 *
 * Handlers of one key run one at a time, in the order in which they came. A turn ends when the handler's events are
 * *queued* in the log, not when they are durable: the next handler works on a state that may still fail. What makes that
 * safe: nobody gets an answer before everything that the answer was made from is durable (`Turn.seen`), and when an append
 * fails, every append queued behind it fails too (the log promises that), the value goes back to what is durable, and
 * a handler that had already begun is refused when it wants to append (`Turn.check`).
 *
 * Durable values change only when the log has said so, in the log's order: at any moment they are the fold of all
 * durable events, which is what a snapshot writes and what a restart finds.
 */
export class StateStore {
  readonly #reducer: Reducer
  readonly #durable = new Map<string, unknown>()
  readonly #active = new Map<string, ActiveKey>()
  #suspended = false

  constructor(reducer: Reducer) {
    this.#reducer = reducer
    sealState(reducer.initial, 'state.initial')
  }

  /** Number of keys with a value of their own. */
  get size(): number {
    return this.#durable.size
  }

  /** Whether events are queued that are not settled yet. */
  get pending(): boolean {
    for (const { pending } of this.#active.values()) if (pending.length > 0) return true
    return false
  }

  /** Waits for the key's turn. Throws when the state is not known for certain (see `suspend`). */
  enter(key: string): Turn | Promise<Turn> {
    if (this.#suspended) throw unsure()
    let active = this.#active.get(key)
    if (active === undefined) {
      active = { value: this.value(key), pending: [], busy: false, waiting: [], failures: 0 }
      this.#active.set(key, active)
    }
    if (active.busy) {
      const { waiting } = active
      return new Promise((enter, refuse) => waiting.push({ enter, refuse }))
    }
    active.busy = true
    return this.#turn(key, active)
  }

  /** The durable value of a key. */
  value(key: string): unknown {
    return this.#durable.has(key) ? this.#durable.get(key) : this.#reducer.initial
  }

  /** All durable values. They are frozen, so the list stays what it is while it is written. */
  entries(): [string, unknown][] {
    return [...this.#durable]
  }

  restore(key: string, value: unknown): void {
    this.#durable.set(key, sealState(value, `state of ${JSON.stringify(key)}`))
  }

  clear(): void {
    this.#durable.clear()
  }

  /** Applies a durable event that was read from the log. */
  apply(key: string, event: StateEvent): void {
    this.#durable.set(key, this.reduce(this.value(key), event))
  }

  reduce(state: unknown, event: StateEvent): unknown {
    return sealState(this.#reducer.reduce(state, event), `state after ${event.event_type}`)
  }

  /** The events are durable. To be called in the order of the log, in the same tick as the position moves on. */
  durable(pending: Pending): void {
    if (this.#suspended) return this.#watched(pending)
    const before = this.value(pending.key)
    let value = pending.value
    // Another base means that something before these events failed; then the durable events alone decide.
    if (before !== pending.base) {
      value = before
      for (const event of pending.events) value = this.reduce(value, event)
    }
    this.#durable.set(pending.key, value)
    this.#watched(pending)
  }

  /** The events were not stored (or nobody knows: then call `suspend` before this). */
  failed(pending: Pending, error: unknown): void {
    const active = this.#settle(pending)
    active.failures++
    active.value = this.#fold(pending.key, active)
    for (const watcher of pending.watchers) watcher.failed(error)
  }

  /** Lets no handler run until `resume`: it is unknown whether some events are in the log. */
  suspend(): void {
    this.#suspended = true
    for (const active of this.#active.values()) {
      active.failures++
      for (const waiter of active.waiting.splice(0)) waiter.refuse(unsure())
    }
  }

  resume(): void {
    this.#suspended = false
    for (const [key, active] of this.#active) active.value = this.#fold(key, active)
  }

  /** Without the value: whoever suspended the store reads it from the log. */
  #watched(pending: Pending): void {
    this.#settle(pending)
    for (const watcher of pending.watchers) watcher.durable()
  }

  #turn(key: string, active: ActiveKey): Turn {
    return new Turn(this, key, active, () => this.#leave(key, active))
  }

  #settle(pending: Pending): ActiveKey {
    const active = this.#active.get(pending.key)!
    active.pending.splice(active.pending.indexOf(pending), 1)
    this.#forget(pending.key, active)
    return active
  }

  #fold(key: string, active: ActiveKey): unknown {
    let value = this.value(key)
    for (const { events } of active.pending) for (const event of events) value = this.reduce(value, event)
    return value
  }

  #leave(key: string, active: ActiveKey): void {
    const next = active.waiting.shift()
    if (next !== undefined) return next.enter(this.#turn(key, active))
    active.busy = false
    this.#forget(key, active)
  }

  #forget(key: string, active: ActiveKey): void {
    if (!active.busy && active.pending.length === 0) this.#active.delete(key)
  }
}

/** One handler's turn at a key. */
export class Turn {
  readonly #store: StateStore
  readonly #key: string
  readonly #active: ActiveKey
  readonly #failures: number
  readonly #base: unknown
  readonly #leave: () => void
  readonly #events: StateEvent[] = []
  #left = false
  /** The state as this handler sees it, with its own events applied. */
  value: unknown

  constructor(store: StateStore, key: string, active: ActiveKey, leave: () => void) {
    this.#store = store
    this.#key = key
    this.#active = active
    this.#failures = active.failures
    this.#base = active.value
    this.#leave = leave
    this.value = active.value
  }

  /** Applies an event of this handler. What the reducer throws changes nothing. */
  apply(event: StateEvent): void {
    this.value = this.#store.reduce(this.value, event)
    this.#events.push(event)
  }

  /** Throws `collector/state-moved` when an append that this handler's state was made from has failed meanwhile. */
  check(): void {
    if (this.#active.failures !== this.#failures) {
      throw later(
        'state-moved',
        'an earlier event of the same key could not be stored; nothing of this request was',
      )
    }
  }

  /** The handler's events are queued in the log: the next handler sees them. `durable` or `failed` of the store follows. */
  queued(): Pending {
    const pending: Pending = {
      key: this.#key,
      events: this.#events,
      base: this.#base,
      value: this.value,
      watchers: [],
    }
    this.#active.value = this.value
    this.#active.pending.push(pending)
    return pending
  }

  /** Resolves when everything that this handler saw is durable; undefined when it is. Rejects when it was not stored. */
  get seen(): Promise<void> | undefined {
    const last = this.#active.pending.at(-1)
    if (last === undefined) return undefined
    return new Promise((durable, failed) => last.watchers.push({ durable, failed }))
  }

  /** Ends the turn; the next handler of the key runs. A second call does nothing. */
  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#leave()
  }
}

function unsure() {
  return later(
    'state-moved',
    'it is not known whether the latest events were stored; the log is being read again',
  )
}
