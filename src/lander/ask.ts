/** Hears queries that wait: `spool/ask` holds the position that the last of them asked for. */
import { type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Position, parsePosition } from '../model/position.ts'
import { spoolPaths } from './spool.ts'

export class AskWatcher {
  readonly #path: string
  readonly #onAsk: (position: Position) => void
  #watcher: FSWatcher | undefined
  #poll: NodeJS.Timeout
  #last = ''

  constructor(spoolDirectory: string, pollMs: number, onAsk: (position: Position) => void) {
    this.#path = join(spoolDirectory, spoolPaths.ask)
    this.#onAsk = onAsk
    try {
      this.#watcher = watch(spoolDirectory, { persistent: false }, (_event, name) => {
        if (name === spoolPaths.ask) void this.#look()
      })
      // Without a watch (none left, a file system without notices) the poll still finds the question.
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {}
    this.#poll = setInterval(() => void this.#look(), pollMs)
    this.#poll.unref()
    void this.#look()
  }

  close(): void {
    this.#watcher?.close()
    clearInterval(this.#poll)
  }

  async #look(): Promise<void> {
    try {
      const text = await readFile(this.#path, 'utf8')
      if (text === this.#last) return
      const position = parsePosition(text)
      this.#last = text
      this.#onAsk(position)
    } catch {
      // No question, or one that is being written: the next notice or look finds it.
    }
  }
}
