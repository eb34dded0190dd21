import type { IncomingMessage } from 'node:http'
import { later, refuse } from './answers.ts'
import type { CollectorSettings } from './limits.ts'
import { Shifts } from './shifts.ts'

/** Lets requests in: so many at a time, connections in shifts when they are too many, none while closing. */
export class Gate {
  readonly #settings: CollectorSettings
  readonly #shifts: Shifts
  #closing = false
  #empty: (() => void) | undefined
  underWay = 0

  constructor(settings: CollectorSettings) {
    this.#settings = settings
    this.#shifts = new Shifts(settings)
  }

  /** Of those under way, how many wait for their shift. */
  get waiting(): number {
    return this.#shifts.waiting
  }

  get open(): boolean {
    return !this.#closing && this.underWay < this.#settings.requestsMax
  }

  /** Counts a request in, or throws; `leave` counts it out. A promise, when it has to wait for its shift: see `Shifts`. */
  enter(request: IncomingMessage): Promise<void> | undefined {
    if (this.#closing) throw later('closing', 'the collector is stopping')
    if (this.underWay >= this.#settings.requestsMax) {
      throw later('overloaded', `${this.underWay} requests are being answered`)
    }
    if (request.url!.length > this.#settings.urlBytesMax) {
      throw refuse(
        'url-too-long',
        `the address is longer than ${this.#settings.urlBytesMax} bytes`,
        'Send less in it',
        {
          limit: 'urlBytesMax',
        },
      )
    }
    this.underWay++
    return this.#shifts.enter(request)
  }

  leave(): void {
    this.underWay--
    if (this.underWay === 0) this.#empty?.()
  }

  /** Lets nothing in any more; resolves when all that was in has left, or after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    this.#shifts.close()
    if (this.underWay === 0) return
    let timer: NodeJS.Timeout | undefined
    const left = new Promise<void>((resolve) => {
      this.#empty = resolve
      timer = setTimeout(resolve, graceMs)
    })
    await left
    clearTimeout(timer)
  }
}
