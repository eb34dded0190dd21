/** Where a reader learns of the durable end: from the writer in its own process, or from the file `durable` of another. */
import { type FSWatcher, watch } from 'node:fs'
import { LandfallError } from '../../../base/errors.ts'
import { EndWaiters } from '../../end-waiters.ts'
import { type Durable, DurableFileReader, durablePath } from './durable.ts'

export interface DurableSource {
  /** What is durable now; the object changes with it. */
  current(): Readonly<Durable>
  /** Resolves when `next` is beyond `offset`, when `signal` aborts, or when the source closes. */
  waitBeyond(offset: number, signal: AbortSignal): Promise<void>
  close(): void
}

/** A watch may miss changes (network disks, other kernels), so the file is looked at this often while somebody waits. */
const POLL_MS = 1000
const TORN_TRIES = 50

/** Follows the writer of another process: a file watch while somebody waits, else nothing at all. */
export class DurableFollower implements DurableSource {
  readonly #directory: string
  readonly #file: DurableFileReader
  readonly #waiters = new EndWaiters()
  #last: Durable
  #watcher: FSWatcher | undefined
  #poll: NodeJS.Timeout | undefined
  #closed = false

  private constructor(directory: string, file: DurableFileReader) {
    this.#directory = directory
    this.#file = file
    this.#last = { epoch: -1, segment: 0, position: 0, next: 0 }
    this.#last = this.current()
  }

  static open(directory: string, logId: string): DurableFollower | undefined {
    const file = DurableFileReader.open(directory, logId)
    if (file === undefined) return undefined
    if (file.read() === undefined) {
      file.close()
      return undefined
    }
    return new DurableFollower(directory, file)
  }

  current(): Readonly<Durable> {
    for (let tries = 0; tries < TORN_TRIES; tries++) {
      const durable = this.#file.read()
      if (durable === undefined) continue
      this.#last = durable
      return durable
    }
    throw new LandfallError(
      'bad-data',
      'log/damaged',
      `reading ${durablePath(this.#directory)}: no slot is whole`,
      {
        hint: 'Start the collector: it writes this file again when it opens the log',
      },
    )
  }

  async waitBeyond(offset: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#closed) {
      this.#startWatching()
      const waiting = this.#waiters.wait(offset, signal)
      // After the watch began, so that nothing falls in between.
      if (this.current().next > offset) this.#waiters.wake(this.#last.next)
      await waiting
      if (this.#waiters.size === 0) this.#stopPolling()
      if (this.#last.next > offset) return
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopPolling()
    this.#watcher?.close()
    this.#waiters.wake()
    this.#file.close()
  }

  #startWatching(): void {
    this.#poll ??= setInterval(this.#look, POLL_MS)
    if (this.#watcher !== undefined) return
    try {
      this.#watcher = watch(durablePath(this.#directory), this.#look)
      this.#watcher.on('error', () => {
        this.#watcher?.close()
        this.#watcher = undefined
      })
    } catch {
      // No watches left on this machine: the poll is enough to be right, if not to be quick.
    }
  }

  #stopPolling(): void {
    clearInterval(this.#poll)
    this.#poll = undefined
  }

  readonly #look = (): void => {
    if (this.#closed || this.#waiters.size === 0) return
    try {
      this.#waiters.wake(this.current().next)
    } catch {
      // Whoever waits looks for himself and meets the error where it can be handled.
      this.#waiters.wake()
    }
  }
}
