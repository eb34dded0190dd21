import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../../base/errors.ts'
import type { Deadline } from './deadline.ts'

const LOOK_MS = 100
/** DuckDB's allocator gives back what ended queries held within about two seconds. */
const ROOM_WAIT_MS = 3_000
/**
 * What the process holds before the first row is read (bytes): Node 50 MB, the code and catalogs of two DuckDBs as much. Mapped files (Node,
 * DuckDB, 95 MB) are the kernel's to drop, and are not counted.
 */
const BEFORE_ROWS = 100e6
/** Of what DuckDB counts its allocator takes a fifth to a third more: 566 MB at a limit of 400 MB, 712 MB at 500 MB (the hundred included). */
const COUNTED = 0.75

/** The limit of DuckDB with which a process holds about so many bytes (of its own, not mapped); below 300 MB it is somewhat more. */
export function duckdbLimit(memoryMax: number): number {
  return Math.round(Math.max(memoryMax / 2, (memoryMax - BEFORE_ROWS) * COUNTED))
}

/** Looks at the memory of the process while queries run, and ends them all when it is beyond the bound. */
export class MemoryGuard {
  readonly #bytesMax: number
  readonly #watched = new Set<Deadline>()
  #timer: NodeJS.Timeout | undefined

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Returns what ends the watch. */
  watch(deadline: Deadline): () => void {
    this.#watched.add(deadline)
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref()
    return () => {
      this.#watched.delete(deadline)
      if (this.#watched.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  /** Resolves when the process is within its bound, or after a while: who comes now is not to be ended for what others held. */
  async room(signal: AbortSignal): Promise<void> {
    const until = performance.now() + ROOM_WAIT_MS
    while (this.#beyond() !== undefined && !signal.aborted && performance.now() < until) await sleep(LOOK_MS)
  }

  #look(): void {
    const bytes = this.#beyond()
    if (bytes === undefined) return
    const megabytes = (value: number) => `${Math.round(value / 1e6)} MB`
    const message = `queries were ended because the process uses ${megabytes(bytes)} of ${megabytes(this.#bytesMax)}`
    for (const deadline of this.#watched) {
      deadline.end(
        new LandfallError('retry', 'sql/out-of-memory', message, { hint: 'Ask for less at a time' }),
      )
    }
  }

  /** What the process holds, when that is more than it may. All that is resident is told at once; what of it is mapped takes longer. */
  #beyond(): number | undefined {
    if (process.memoryUsage.rss() <= this.#bytesMax) return undefined
    const bytes = ownBytes()
    return bytes > this.#bytesMax ? bytes : undefined
  }
}

/** Memory of the process without mapped files; with them where the system does not tell. */
function ownBytes(): number {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  } catch {
    // There is no /proc.
  }
  return process.memoryUsage.rss()
}
