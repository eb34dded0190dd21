/**
 * `state/refusals.json`: what a door has refused since the file was made (docs/formats/ledger.md). Written once a second at most, when
 * something was refused, and at the stop. A crash may lose the last second: of what was refused, never of what was accepted. A disk
 * that is full delays the file and nothing else.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { makeDirectory, readIfPresent, replaceFile } from '../base/files.ts'
import type { CollectorLogger } from './logger.ts'
import type { Refused, RefusedCounts } from './refused.ts'

export interface Refusals {
  version: 1
  /** Which door: a random UUID, made with the file. */
  door: string
  /** RFC 3339: what was refused from here … */
  since: string
  /** … to here. */
  until: string
  refused: Refused[]
}

const FILE = 'refusals.json'
const INTERVAL_MS = 1000

/** What the door of a state directory has refused; undefined when it never refused anything, or the file is not ours to read. */
export async function readRefusals(stateDirectory: string): Promise<Refusals | undefined> {
  const bytes = await readIfPresent(join(stateDirectory, FILE))
  if (bytes === undefined) return undefined
  try {
    const found = JSON.parse(bytes.toString('utf8')) as Partial<Refusals>
    return found.version === 1 && Array.isArray(found.refused) ? (found as Refusals) : undefined
  } catch {
    return undefined
  }
}

export class RefusalsFile implements AsyncDisposable {
  readonly #directory: string
  readonly #counts: RefusedCounts
  readonly #logger: CollectorLogger
  readonly #head: Pick<Refusals, 'door' | 'since'>
  readonly #timer: NodeJS.Timeout
  #written = 0
  #writing: Promise<void> = Promise.resolve()
  #failing = false

  private constructor(directory: string, counts: RefusedCounts, logger: CollectorLogger, before?: Refusals) {
    this.#directory = directory
    this.#counts = counts
    this.#logger = logger
    this.#head = before ?? { door: randomUUID(), since: new Date().toISOString() }
    counts.restore(before?.refused ?? [])
    this.#timer = setInterval(() => void this.#save(), INTERVAL_MS)
    this.#timer.unref()
  }

  /** Goes on with the file of the directory's last door. */
  static async open(
    directory: string,
    counts: RefusedCounts,
    logger: CollectorLogger,
  ): Promise<RefusalsFile> {
    return new RefusalsFile(directory, counts, logger, await readRefusals(directory))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#save()
  }

  /** One write after the other. Never throws. */
  #save(): Promise<void> {
    if (this.#counts.total !== this.#written) this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async #write(): Promise<void> {
    const { total } = this.#counts
    if (total === this.#written) return
    const { door, since } = this.#head
    const until = new Date().toISOString()
    const file: Refusals = { version: 1, door, since, until, refused: this.#counts.list() }
    try {
      await makeDirectory(this.#directory)
      await replaceFile(join(this.#directory, FILE), `${JSON.stringify(file)}\n`)
      this.#written = total
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ err: error }, 'the counts of what was refused were not written')
      this.#failing = true
    }
  }
}
