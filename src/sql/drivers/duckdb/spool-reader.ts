/**
 * The query's side of the spool (its format: src/lander/spool.ts): reads the manifest, asks the lander for what is missing, and
 * keeps files by hard links while a query reads them.
 *
 * The few small system calls are synchronous: queries occupy the threads that Node's asynchronous calls would wait for.
 */
import {
  existsSync,
  type FSWatcher,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { checksumInName } from '../../../base/checksum.ts'
import { isLandfallError, LandfallError, systemCode } from '../../../base/errors.ts'
import { openSealed } from '../../../base/sealed-json.ts'
import { type SpoolManifest, spoolPaths } from '../../../lander/spool.ts'
import { formatPosition, type Position } from '../../../model/position.ts'
import { CheckedFiles } from '../../../storage/checked-files.ts'
import { reaches } from './positions.ts'

/** A manifest that did not move during a whole wait has no lander behind it: later queries wait only this long. */
const STALLED_WAIT_MS = 40
/** Where the file system reports no changes, we look this often. */
const POLL_MS = 15

/** Counts the pins of this process, over all its engines. */
let pinCount = 0

export interface PinnedSpoolFiles {
  /** Paths in the order asked for. */
  paths: string[]
  release(): void
}

export class SpoolReader {
  readonly #directory: string
  #present: boolean
  #watcher: FSWatcher | undefined
  readonly #checked = new CheckedFiles()
  readonly #wakers = new Set<() => void>()
  #cached: { mark: string; manifest: SpoolManifest } | undefined
  /** Mark of the manifest that a whole wait saw unmoved. */
  #stalledAt: string | undefined

  /** `expected`: a lander of this machine is there or is coming, so its answer is waited for. */
  constructor(directory: string, expected = true) {
    this.#directory = directory
    this.#present = expected
    removeStalePins(join(directory, spoolPaths.pins))
  }

  /** Whether a lander of this machine writes, or ever wrote, a spool here. */
  get present(): boolean {
    this.#present ||= existsSync(this.#directory)
    return this.#present
  }

  /** The current manifest, or undefined when there is none. */
  read(): SpoolManifest | undefined {
    const path = join(this.#directory, spoolPaths.manifest)
    const mark = this.#mark()
    if (mark === undefined) return undefined
    if (this.#cached?.mark === mark) return this.#cached.manifest
    try {
      const manifest = openManifest(readFileSync(path))
      if (manifest?.version !== 1) return undefined
      this.#cached = { mark, manifest }
      return manifest
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /** The manifest as soon as it reaches `end`, or what it is after `waitMs`. The lander is asked for the rest at once. */
  async waitFor(end: Position, waitMs: number, signal: AbortSignal): Promise<SpoolManifest | undefined> {
    let manifest = this.read()
    if (manifest && reaches(manifest.end, end)) return manifest
    const before = this.#mark() ?? 'none'
    const until =
      performance.now() + (this.#stalledAt === before ? Math.min(STALLED_WAIT_MS, waitMs) : waitMs)
    this.#ask(end)
    while (!signal.aborted && performance.now() < until) {
      await this.#change(Math.min(POLL_MS, until - performance.now()))
      manifest = this.read()
      if (manifest && reaches(manifest.end, end)) break
    }
    this.#stalledAt = (this.#mark() ?? 'none') === before ? before : undefined
    return manifest
  }

  /** Throws `sql/spool-damaged` when a file that is pinned is not the one that the lander wrote. Each is looked at once. */
  async check(files: readonly string[], { paths }: PinnedSpoolFiles, signal: AbortSignal): Promise<void> {
    const pinned = files.map((file, i) => ({
      file: paths[i]!,
      url: file,
      bytes: statSync(paths[i]!).size,
      crc32c: checksumInName(file),
    }))
    try {
      await this.#checked.check(pinned, signal)
    } catch (error) {
      if (!isLandfallError(error, 'storage/damaged')) throw error
      throw new LandfallError('bad-data', 'sql/spool-damaged', `in ${this.#directory}: ${error.message}`, {
        hint: 'Restart the lander: it makes the spool anew from the log',
        cause: error,
      })
    }
  }

  /** Hard links to files of the spool, or undefined when one is gone: the lander has moved on and the query pins anew. */
  pin(files: readonly string[]): PinnedSpoolFiles | undefined {
    if (files.length === 0) return { paths: [], release: () => {} }
    const directory = join(this.#directory, spoolPaths.pins, `${process.pid}-${++pinCount}`)
    mkdirSync(directory, { recursive: true })
    const release = () => rmSync(directory, { recursive: true, force: true })
    try {
      const paths = files.map((file, i) => {
        const path = join(directory, `${i}-${basename(file)}`)
        linkSync(join(this.#directory, file), path)
        return path
      })
      return { paths, release }
    } catch (error) {
      release()
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#wake()
  }

  /** Changes with every new manifest, since each comes as a new file by rename. */
  #mark(): string | undefined {
    const stat = statSync(join(this.#directory, spoolPaths.manifest), { bigint: true, throwIfNoEntry: false })
    return stat && `${stat.ino}:${stat.mtimeNs}:${stat.size}`
  }

  #ask(end: Position): void {
    const path = join(this.#directory, spoolPaths.ask)
    const temporary = `${path}.${process.pid}.tmp`
    try {
      writeFileSync(temporary, formatPosition(end))
      renameSync(temporary, path)
    } catch (error) {
      // Without a spool directory nobody is there to be asked.
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  #change(waitMs: number): Promise<void> {
    this.#startWatching()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#wakers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, Math.max(1, waitMs))
      this.#wakers.add(done)
    })
  }

  #startWatching(): void {
    if (this.#watcher) return
    try {
      this.#watcher = watch(this.#directory, { persistent: false }, () => this.#wake())
      this.#watcher.on('error', () => {
        this.#watcher?.close()
        this.#watcher = undefined
      })
    } catch {
      // No directory yet, or no watches left: the poll sees the change a little later.
    }
  }

  #wake(): void {
    for (const waker of this.#wakers) waker()
  }
}

/** Undefined: not synced, so after a power cut it may be anything; the lander makes it anew when it starts. */
function openManifest(bytes: Buffer): SpoolManifest | undefined {
  try {
    return openSealed(bytes) as unknown as SpoolManifest
  } catch {
    return undefined
  }
}

/** Removes the pins of processes that are gone, and of an earlier process with our own number. */
function removeStalePins(directory: string): void {
  const startedAt = Date.now() - process.uptime() * 1000
  for (const name of listIfPresent(directory)) {
    const pid = Number.parseInt(name, 10)
    if (!Number.isSafeInteger(pid)) continue
    const path = join(directory, name)
    const stat = statSync(path, { throwIfNoEntry: false })
    const stale = pid === process.pid ? (stat?.mtimeMs ?? 0) < startedAt : !isAlive(pid)
    if (stale) rmSync(path, { recursive: true, force: true })
  }
}

function listIfPresent(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
