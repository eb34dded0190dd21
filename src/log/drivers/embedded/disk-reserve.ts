import type { Clock } from '../../../base/clock.ts'
import { diskFull } from '../../log-errors.ts'
import type { LogFiles } from './files.ts'

const CHECK_MS = 1000

/** Keeps the last part of the disk free: what has landed can then still be committed and trimmed. */
export class DiskReserve {
  readonly #files: LogFiles
  readonly #directory: string
  readonly #reserve: number
  readonly #clock: Clock
  #checkedMs = 0
  #free = 1
  #checking = false

  /** `reserve`: part of the disk that must stay free, 0 to 1. */
  constructor(files: LogFiles, directory: string, reserve: number, clock: Clock) {
    this.#files = files
    this.#directory = directory
    this.#reserve = reserve
    this.#clock = clock
  }

  get isLow(): boolean {
    return this.#free < this.#reserve
  }

  /** Throws `log/disk-full` below the reserve, by what was seen about a second ago. */
  check(): void {
    const now = this.#clock.monotonicMs()
    if (now - this.#checkedMs >= CHECK_MS && !this.#checking) void this.look()
    if (!this.isLow) return
    const percent = (part: number) => `${(part * 100).toFixed(1)} %`
    throw diskFull(
      `appending to the log at ${this.#directory}: ${percent(this.#free)} of the disk is free, ${percent(this.#reserve)} is kept in reserve`,
      { free: this.#free, reserve: this.#reserve },
    )
  }

  async look(): Promise<void> {
    this.#checking = true
    try {
      const { total, free } = await this.#files.space(this.#directory)
      if (total > 0) this.#free = free / total
    } catch {
      // A disk that cannot be asked is not taken for full; a write to it says what is wrong.
    } finally {
      this.#checking = false
      this.#checkedMs = this.#clock.monotonicMs()
    }
  }
}
