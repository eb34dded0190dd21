/** `lander/status.json`: what the lander last knew of itself, for people and for other processes. Not synced. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent } from '../base/files.ts'
import { openSealed, sealJson } from '../base/sealed-json.ts'
import type { Counters } from '../lake/lake.ts'
import type { Position } from '../model/position.ts'

export interface LanderStatus {
  version: 1
  pid: number
  logId: string
  epoch: number
  /** Last committed batch, the position after it, and what is landed since the first one (per partition). */
  batch: number
  position: Position
  counters: Counters
  /** Where the spool ends: queries see everything before it. */
  spooled: Position
  /** Records taken in and not committed yet. */
  pending: number
  /** Milliseconds since 1970 of the last commit of this process; null before it. */
  committedAt: number | null
  /** Ids remembered for duplicates, the memory they take, and how many of them are on disk. */
  ids: { count: number; bytes: number; spilled: number }
  /** What stopped or delayed landing last, in one line; null when all is well. */
  error: string | null
}

const INTERVAL_MS = 1000
const FILE = 'status.json'

/** What the lander of a directory last said; undefined before its first word, and where the file is not what it wrote: after a power cut it may be anything. */
export async function readLanderStatus(directory: string): Promise<LanderStatus | undefined> {
  const bytes = await readIfPresent(join(directory, FILE))
  try {
    return bytes && (openSealed(bytes) as unknown as LanderStatus)
  } catch {
    return undefined
  }
}

export class StatusFile {
  readonly #path: string
  readonly #read: () => LanderStatus
  #written = ''
  #timer: NodeJS.Timeout | undefined
  /** The first status is written at once, however young the process is. */
  #lastAt = Number.NEGATIVE_INFINITY
  #writing: Promise<void> = Promise.resolve()

  constructor(directory: string, read: () => LanderStatus) {
    this.#path = join(directory, FILE)
    this.#read = read
  }

  /** Something may have changed: written within a second, once. */
  touch(): void {
    if (this.#timer !== undefined) return
    const wait = Math.max(0, this.#lastAt + INTERVAL_MS - performance.now())
    this.#timer = setTimeout(() => void this.flush(), wait)
    this.#timer.unref()
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#lastAt = performance.now()
    this.#writing = this.#writing.then(() => this.#write())
    await this.#writing
  }

  async #write(): Promise<void> {
    const text = sealJson(`${JSON.stringify(this.#read())}\n`)
    if (text === this.#written) return
    try {
      await writeFile(`${this.#path}.tmp`, text)
      await rename(`${this.#path}.tmp`, this.#path)
      this.#written = text
    } catch {
      // Best effort: a full disk must not stop the lander here; its commits say so with a better text.
    }
  }
}
