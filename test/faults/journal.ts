/** What was sent and what was acknowledged, in a file beside the directory under test: one line each, so a kill leaves whole ones. */
import { existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { tablesOf } from './events.ts'
import type { Expectation } from './oracle.ts'

export class Journal implements Expectation {
  readonly sent = new Map<string, readonly string[]>()
  readonly acknowledged = new Set<string>()
  readonly #fd: number

  constructor(path: string) {
    for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
      const [what, ...ids] = line.split(' ')
      for (const id of ids) {
        if (what === 'sent') this.sent.set(id, tablesOf(id))
        else this.acknowledged.add(id)
      }
    }
    this.#fd = openSync(path, 'a')
  }

  /** Before the events are given to the door. */
  send(ids: readonly string[]): void {
    writeSync(this.#fd, `sent ${ids.join(' ')}\n`)
    for (const id of ids) this.sent.set(id, tablesOf(id))
  }

  /** When the answer is there. */
  acknowledge(ids: readonly string[]): void {
    writeSync(this.#fd, `acknowledged ${ids.join(' ')}\n`)
    for (const id of ids) this.acknowledged.add(id)
  }
}
