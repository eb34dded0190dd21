/**
 * The way of healed events into the log. A topic takes them directly. A log in files has one writer: while a door holds it, they
 * go through the door's inbox; when nothing does, the log is opened here, for a second at a time, so that a door that starts
 * meanwhile is not kept waiting.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../base/clock.ts'
import { isLandfallError } from '../../base/errors.ts'
import type { EventLog } from '../../log/log.ts'
import type { Position } from '../../model/position.ts'
import { isLogServer, type Places } from '../places.ts'
import { openLogAt } from '../rooms.ts'
import { appendHealed, type HealedRecord, isTaken, putIntoInbox, takeInbox } from './replay-inbox.ts'

export interface ReplayLogOptions {
  places: Places
  /** The furthest position that a table knows. */
  knownEnd: Position | undefined
  signal?: AbortSignal
  onNote?: (text: string) => void
}

const HELD_MS = 1000
const POLL_MS = 50
/** After so long somebody who waits is told why. */
const PATIENCE_MS = 5000

export class ReplayLog {
  readonly #options: ReplayLogOptions
  readonly #clock = systemClock()
  #log: EventLog | undefined
  #openedAt = 0

  constructor(options: ReplayLogOptions) {
    this.#options = options
  }

  /** Durable in the log when resolved. Cut short: they may be there or come later, and land once in either case. */
  async append(records: HealedRecord[]): Promise<void> {
    const { places } = this.#options
    const log = await this.#open()
    if (log !== undefined) {
      await appendHealed(log, records, this.#clock.nowMicros())
      if (!isLogServer(places) && performance.now() - this.#openedAt > HELD_MS) await this.close()
      return
    }
    await this.#handOver(await putIntoInbox(places.paths.replay, records))
  }

  async close(): Promise<void> {
    const log = this.#log
    this.#log = undefined
    await log?.[Symbol.asyncDispose]()
  }

  /** The log, or undefined while somebody else has it. */
  async #open(): Promise<EventLog | undefined> {
    if (this.#log !== undefined) return this.#log
    const { places, knownEnd, onNote } = this.#options
    try {
      this.#log = await openLogAt(places, {
        lockWaitMs: 0,
        ...(knownEnd === undefined ? {} : { knownEnd }),
        ...(onNote === undefined ? {} : { onNote }),
      })
    } catch (error) {
      if (isLandfallError(error, 'base/locked')) return undefined
      throw error
    }
    this.#openedAt = performance.now()
    return this.#log
  }

  /** Waits for the door. Should it be gone, its work is done here. */
  async #handOver(name: string): Promise<void> {
    const { places, signal, onNote } = this.#options
    const { replay } = places.paths
    const began = performance.now()
    let lookedAt = began
    let isTold = false
    while (!(await isTaken(replay, name))) {
      signal?.throwIfAborted()
      await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal })
      if (performance.now() - lookedAt < HELD_MS) continue
      lookedAt = performance.now()
      const log = await this.#open()
      if (log !== undefined) {
        await takeInbox(replay, log, this.#clock)
        await this.close()
      }
      if (!isTold && lookedAt - began > PATIENCE_MS) {
        onNote?.('the door holds the log and has not taken the events yet; they are kept for it')
        isTold = true
      }
    }
  }
}
