import { type Stats, statSync } from 'node:fs'
import { checksumOfFile } from '../base/checksum.ts'
import { LandfallError, systemCode } from '../base/errors.ts'

/** A local file that is an object, or a copy of one. */
export interface FileToCheck {
  file: string
  /** URL of the object. */
  url: string
  bytes: number
  crc32c?: string | undefined
}

/** Files remembered, about 200 bytes each. */
const KNOWN_MAX = 100_000
/** Files read at once: a disk is fast with a few, and Node's thread pool is not for us alone. */
const CHECKS_MAX = 2

/**
 * Reads each file once and compares its checksum, before this process first uses it. Objects never change, so a file that was right is
 * right as long as it is the same file (inode, size, time of change); bits that turn later on the disk are met by the next process,
 * and by `landfall verify`.
 */
export class CheckedFiles {
  readonly #markOf: (found: Stats) => string
  /** URL of an object → the file that was right. */
  readonly #known = new Map<string, string>()
  readonly #running = new Map<string, Promise<void>>()

  /** `markOf`: by what a file is known again. */
  constructor(markOf = ({ ino, size, mtimeMs }: Stats) => `${ino}:${size}:${mtimeMs}`) {
    this.#markOf = markOf
  }

  /** Throws `storage/damaged` with what was expected and found, `storage/not-found` when there is no file. */
  async check(files: readonly FileToCheck[], signal?: AbortSignal): Promise<void> {
    const unknown = files.filter((file) => file.crc32c !== undefined && !this.#isKnown(file))
    if (unknown.length === 0) return
    let next = 0
    const work = async () => {
      try {
        while (next < unknown.length) await this.#checkOnce(unknown[next++]!, signal)
      } catch (error) {
        next = unknown.length
        throw error
      }
    }
    await Promise.all(Array.from({ length: Math.min(CHECKS_MAX, unknown.length) }, work))
  }

  #isKnown({ url, file }: FileToCheck): boolean {
    const known = this.#known.get(url)
    return known !== undefined && known === this.#mark(file)
  }

  /** Whoever asks for a file that is being read waits for the one reading. */
  async #checkOnce(file: FileToCheck, signal: AbortSignal | undefined): Promise<void> {
    const running = this.#running.get(file.url)
    if (running !== undefined) {
      await running.catch(() => {})
      signal?.throwIfAborted()
      if (this.#isKnown(file)) return
    }
    const check = this.#check(file, signal)
    this.#running.set(file.url, check)
    try {
      await check
    } finally {
      if (this.#running.get(file.url) === check) this.#running.delete(file.url)
    }
  }

  async #check({ file, url, bytes, crc32c }: FileToCheck, signal: AbortSignal | undefined): Promise<void> {
    const mark = this.#mark(file)
    if (mark === undefined) throw gone(url)
    const found = await checksumOfFile(file, bytes, signal).catch((error: unknown) => {
      throw systemCode(error) === 'ENOENT' ? gone(url, error) : error
    })
    if (found !== crc32c) throw damagedObject(url, crc32c!, found)
    this.#known.delete(url)
    this.#known.set(url, mark)
    if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!)
  }

  #mark(file: string): string | undefined {
    const found = statSync(file, { throwIfNoEntry: false })
    return found && this.#markOf(found)
  }
}

function gone(url: string, cause?: unknown): LandfallError {
  return new LandfallError('bad-data', 'storage/not-found', `no object ${url}`, {
    hint: 'The file was deleted: "landfall verify --repair" makes its rows again from the log',
    details: { url },
    cause,
  })
}

export function damagedObject(url: string, expected: string, found: string): LandfallError {
  return new LandfallError(
    'bad-data',
    'storage/damaged',
    `${url} is damaged: expected crc32c ${expected}, found ${found}`,
    {
      hint: 'Run "landfall verify --repair": it makes the rows of the file again from the log',
      details: { url, expected, found },
    },
  )
}
