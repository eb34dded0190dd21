/** The record of what a process did to its files, for power-cut.ts to replay. One JSON line per step, in the order in which they were done. */
import { readFileSync, writeSync } from 'node:fs'

export type Step =
  /** The file or directory `id` was opened; `made`: it is new, `emptied`: it was there and lost its bytes. */
  | { step: 'open'; id: number; path: string; made?: boolean; emptied?: boolean }
  | { step: 'write'; id: number; at: number; bytes: string }
  | { step: 'truncate'; id: number; length: number }
  /** A sync of `id` that was begun when `from` steps were done has come back. */
  | { step: 'sync'; id: number; from: number }
  /** A file that other code (DuckDB) wrote is seen for the first time, or again: these are its bytes, none of them synced. */
  | { step: 'native'; path: string; bytes: string }
  | { step: 'mkdir'; path: string }
  | { step: 'rename' | 'link'; from: string; path: string }
  /** A file, or a directory with all that is in it. */
  | { step: 'unlink'; path: string }
  /** What the program says of itself: events that are acknowledged now, say. */
  | { step: 'mark'; data: unknown }

/** Paths are as `Operation.path`: below the directory that is watched. */
export class Trace {
  /** Steps so far. */
  length = 0
  readonly #fd: number
  /** Paths whose bytes the trace knows. */
  readonly #known = new Set<string>()
  #lines: string[] = []

  constructor(fd: number) {
    this.#fd = fd
  }

  add(step: Step): void {
    this.length += 1
    this.#lines.push(JSON.stringify(step))
    if (step.step === 'open' || step.step === 'native') this.#known.add(step.path)
    else if (step.step === 'link') this.#known.add(step.path)
    else if (step.step === 'unlink') this.#known.delete(step.path)
    else if (step.step === 'rename' && this.#known.delete(step.from)) this.#known.add(step.path)
    if (this.#lines.length >= 256) this.flush()
  }

  /** Makes the trace know the bytes of a file that other code wrote. `always`: although it knows some. */
  see(path: string, absolute: string, always = false): void {
    if (!always && this.#known.has(path)) return
    try {
      this.add({ step: 'native', path, bytes: readFileSync(absolute).toString('base64') })
    } catch {
      // A directory, or not there: the operation itself will say so.
    }
  }

  flush(): void {
    if (this.#lines.length > 0) writeSync(this.#fd, `${this.#lines.join('\n')}\n`)
    this.#lines = []
  }
}
