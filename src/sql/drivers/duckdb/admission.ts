import { LandfallError } from '../../../base/errors.ts'

interface Waiting {
  user: string
  enter(): void
  refuse(error: LandfallError): void
}

/**
 * Lets so many queries run and so many wait. Each user has a line of their own, and the lines take turns: a user with a hundred
 * queries has one of them started between any two of somebody else's. A place that becomes free is handed over at once.
 *
 * When all lines together are full, the newcomer is turned away with `sql/overloaded`; a newcomer whose line is shorter than
 * another by two takes the last place of the longest one instead.
 */
export class Admission {
  readonly #runningMax: number
  readonly #waitingMax: number
  #running = 0
  /** In the order of turns; no line is empty. */
  readonly #lines = new Map<string, Waiting[]>()

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax
    this.#waitingMax = waitingMax
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    let count = 0
    for (const line of this.#lines.values()) count += line.length
    return count
  }

  /**
   * Resolves with the function that gives the place back. Rejects with the signal's reason when it aborts first. `onQueued` is called
   * when the query has to wait, with a look at how many start before it.
   */
  async enter(signal: AbortSignal, user = '', onQueued?: (ahead: () => number) => void): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#running >= this.#runningMax) await this.#wait(signal, user, onQueued)
    else this.#running++
    let left = false
    return () => {
      if (left) return
      left = true
      const next = this.#takeNext()
      // The place is handed over, so that nobody who comes just now can overtake.
      if (next) next.enter()
      else this.#running--
    }
  }

  #takeNext(): Waiting | undefined {
    const [turn] = this.#lines
    if (!turn) return undefined
    const [user, line] = turn
    const next = line.shift()
    this.#lines.delete(user)
    if (line.length > 0) this.#lines.set(user, line)
    return next
  }

  #wait(signal: AbortSignal, user: string, onQueued?: (ahead: () => number) => void): Promise<void> {
    if (this.waiting >= this.#waitingMax) this.#makeRoom(user)
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#remove(entry)
        reject(signal.reason as Error)
      }
      const settled = () => signal.removeEventListener('abort', onAbort)
      const entry: Waiting = {
        user,
        enter: () => {
          settled()
          resolve()
        },
        refuse: (error) => {
          settled()
          reject(error)
        },
      }
      const line = this.#lines.get(user)
      if (line) line.push(entry)
      else this.#lines.set(user, [entry])
      signal.addEventListener('abort', onAbort, { once: true })
      onQueued?.(() => this.#ahead(entry))
    })
  }

  #makeRoom(user: string): void {
    const message = `${this.#running} queries run and ${this.waiting} wait, more are not taken`
    const overloaded = new LandfallError('retry', 'sql/overloaded', message, {
      hint: 'Try again in a moment',
    })
    const longest = [...this.#lines.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
    if (longest.length < (this.#lines.get(user)?.length ?? 0) + 2) throw overloaded
    const last = longest.at(-1)!
    this.#remove(last)
    last.refuse(overloaded)
  }

  #remove(entry: Waiting): void {
    const line = this.#lines.get(entry.user)
    const at = line?.indexOf(entry) ?? -1
    if (at < 0) return
    line!.splice(at, 1)
    if (line!.length === 0) this.#lines.delete(entry.user)
  }

  /** How many are started before this one, as things are now. */
  #ahead(entry: Waiting): number {
    const users = [...this.#lines.keys()]
    const turn = users.indexOf(entry.user)
    const round = this.#lines.get(entry.user)?.indexOf(entry) ?? -1
    if (round < 0) return 0
    return users.reduce((sum, user, i) => {
      const started = i < turn ? round + 1 : round
      return sum + Math.min(this.#lines.get(user)!.length, started)
    }, 0)
  }
}
