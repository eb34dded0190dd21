/** When a batch is due: the oldest record waits long enough, enough records wait, or nothing more comes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../base/clock.ts'
import type { LogReader } from '../../../log/log.ts'
import { type Position, samePosition } from '../../../model/position.ts'
import type { LanderSettings } from '../../settings.ts'
import { lagOf } from './batch/range.ts'

const LOOK_MS = 250

export class Due {
  readonly #log: LogReader
  readonly #settings: LanderSettings
  readonly #clock: Clock
  readonly #onEnd: (end: Position) => void

  constructor(log: LogReader, settings: LanderSettings, clock: Clock, onEnd: (end: Position) => void) {
    this.#log = log
    this.#settings = settings
    this.#clock = clock
    this.#onEnd = onEnd
  }

  /** The end of the log when what lies before it is due; undefined when told to stop. */
  async next(from: Position, signal: AbortSignal): Promise<Position | undefined> {
    const { batchAgeMs, batchRows, idleMs } = this.#settings
    let since: number | undefined
    let movedAt = 0
    let last: Position | undefined
    while (!signal.aborted) {
      const end = await this.#log.end()
      this.#onEnd(end)
      const now = this.#clock.monotonicMs()
      const lag = lagOf(from, end)
      if (last === undefined || !samePosition(last, end)) movedAt = now
      last = end
      if (lag === 0) {
        since = undefined
        await this.#log.waitBeyond(end, signal)
        continue
      }
      since ??= now
      if (lag >= batchRows || now >= since + batchAgeMs || now >= movedAt + idleMs) return end
      await sleep(Math.min(LOOK_MS, idleMs), undefined, { signal }).catch(() => {})
    }
    return undefined
  }
}
