/**
 * Copies of remote objects on this machine's disk, for engines that open local files. Only for objects that never change: a copy is
 * right for ever. Shared by all processes that name the same directory, without any of them waiting for another:
 *
 *   boot                             the boot of the machine that filled it
 *   objects/<hash of the URL>        a whole copy; its time is its last use
 *   processes/<pid>-<random>/lock    held as long as the process lives
 *   processes/<…>/work               folder of files being written or fetched
 *   processes/<…>/leases/<hash>      hard links to copies in use: another process may evict the name, the bytes stay
 *
 * A file gets its name in `objects` when it is whole. What a crash leaves lies in the directory of a dead process, which the next one
 * to open the cache removes. Nothing is synced, so after a power cut any copy may be damaged: another boot empties the cache. The
 * bound is on `objects`; a process looks at it again after each eighth that it has added, so it may be passed by as much per process.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, readdir, rename, stat, unlink } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { isLandfallError, LandfallError, systemCode } from '../../base/errors.ts'
import { type DirectoryLock, lockDirectory, waitForDirectoryLock } from '../../base/lock.ts'
import { CheckedFiles } from '../checked-files.ts'
import type { LeasedFiles } from '../storage.ts'

export interface CachedObject {
  url: string
  bytes: number
  /** As `LeasedObject.crc32c`. */
  crc32c?: string | undefined
  /** As `LeasedObject.fresh`. */
  fresh?: boolean
  /** Writes the whole object to a path that is free. */
  download(file: string): Promise<void>
}

const DOWNLOADS_MAX = 6
const OPEN_MAX_MS = 30_000
/** An eviction goes down to this part of the bound. */
const FILL_AFTER = 0.9

interface Lease {
  count: number
  file: Promise<string>
}

/** The process's own directory. */
interface Home {
  work: string
  leases: string
  lock: DirectoryLock
}

export class LocalCache {
  readonly directory: string
  readonly #bytesMax: number
  readonly #leases = new Map<string, Lease>()
  /** Each use of a copy changes its time. */
  readonly #checked = new CheckedFiles(({ ino, size }) => `${ino}:${size}`)
  #home: Promise<Home> | undefined
  /** Bytes added since the last look at what is there. */
  #added = 0

  constructor(directory: string, bytesMax: number) {
    this.directory = directory
    this.#bytesMax = bytesMax
  }

  /** A directory for files that are being made; they go with their process. */
  async workspace(): Promise<string> {
    return (await this.#open()).work
  }

  /** Takes a copy of what has just become an object. A file of the workspace is used up; another one stays where it is. */
  async keep(url: string, file: string, bytes: number): Promise<void> {
    try {
      await this.#open()
      linkSync(file, this.#object(nameOf(url)))
      await this.#grown(bytes)
    } catch {
      // On another disk, or full: whoever reads it fetches it.
    }
    if (file.startsWith(`${this.directory}/processes/`)) await unlink(file).catch(() => {})
  }

  async lease(objects: readonly CachedObject[], signal?: AbortSignal): Promise<LeasedFiles> {
    const total = objects.reduce((sum, { bytes }) => sum + bytes, 0)
    if (total > this.#bytesMax) throw tooSmall(objects.length, total, this.#bytesMax)
    const locations = Array.from<string>({ length: objects.length })
    const held: string[] = []
    const release = () => {
      for (const name of held.splice(0)) this.#release(name)
    }
    let next = 0
    const fetchNext = async (): Promise<void> => {
      while (next < objects.length) {
        const index = next++
        const object = objects[index]!
        signal?.throwIfAborted()
        locations[index] = await this.#acquire(object, held, signal)
      }
    }
    const workers = Array.from({ length: Math.min(DOWNLOADS_MAX, objects.length) }, fetchNext)
    const results = await Promise.allSettled(workers)
    const failed = results.find((one) => one.status === 'rejected')
    if (failed === undefined) return { locations, release }
    release()
    throw failed.reason
  }

  async #acquire(object: CachedObject, held: string[], signal: AbortSignal | undefined): Promise<string> {
    const name = nameOf(object.url)
    let lease = this.#leases.get(name)
    if (lease === undefined) {
      lease = { count: 0, file: this.#bring(name, object) }
      this.#leases.set(name, lease)
      lease.file.catch(() => this.#leases.delete(name))
    }
    lease.count += 1
    try {
      const file = await orAborted(lease.file, signal)
      held.push(name)
      return file
    } catch (error) {
      // Others may wait for the same file; it is let go of when it has come.
      lease.file.then(
        () => this.#release(name),
        () => {},
      )
      throw error
    }
  }

  #release(name: string): void {
    const lease = this.#leases.get(name)
    if (lease === undefined) return
    lease.count -= 1
    if (lease.count > 0) return
    this.#leases.delete(name)
    void lease.file.then((file) => rmSync(file, { force: true }))
  }

  /** The object under a name of this process: a link to the copy, or fetched now. */
  async #bring(name: string, object: CachedObject): Promise<string> {
    const home = await this.#open()
    const file = join(home.leases, `${name}-${randomUUID().slice(0, 8)}.parquet`)
    if (!object.fresh && this.#linkCopy(name, file, object.bytes)) {
      if (await this.#isWhole(file, object)) return file
      // The copy was damaged here: the object is fetched again.
      for (const path of [file, this.#object(name)]) rmSync(path, { force: true })
    }
    const temporary = join(home.work, `${name}-${randomUUID().slice(0, 8)}.tmp`)
    try {
      await object.download(temporary)
      const { size } = await stat(temporary)
      if (size !== object.bytes) throw wrongSize(object, size)
      await this.#checked.check([{ ...object, file: temporary }])
      await rename(temporary, file)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw systemCode(error) === 'ENOSPC' ? diskFull(this.directory, object, error) : error
    }
    try {
      linkSync(file, this.#object(name))
      await this.#grown(object.bytes)
    } catch (error) {
      // Another process was faster, or there was a copy all along.
      if (systemCode(error) !== 'EEXIST') throw error
    }
    return file
  }

  async #isWhole(file: string, object: CachedObject): Promise<boolean> {
    try {
      await this.#checked.check([{ ...object, file }])
      return true
    } catch (error) {
      if (isLandfallError(error, 'storage/damaged')) return false
      throw error
    }
  }

  #linkCopy(name: string, file: string, bytes: number): boolean {
    const copy = this.#object(name)
    try {
      linkSync(copy, file)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    }
    if (statSync(file).size !== bytes) {
      unlinkSync(file)
      rmSync(copy, { force: true })
      return false
    }
    const now = new Date()
    utimesSync(file, now, now)
    return true
  }

  #object(name: string): string {
    return join(this.directory, 'objects', name)
  }

  async #grown(bytes: number): Promise<void> {
    this.#added += bytes
    if (this.#added * 8 > this.#bytesMax) await this.#evict()
  }

  /** Removes copies that were not used for longest until the bound is kept. Those in use have a second name and stay. */
  async #evict(): Promise<void> {
    this.#added = 0
    const folder = join(this.directory, 'objects')
    const copies: { path: string; bytes: number; usedAt: number; inUse: boolean }[] = []
    for (const name of await readdir(folder)) {
      const found = statSync(join(folder, name), { throwIfNoEntry: false })
      if (found === undefined) continue
      const { size, mtimeMs, nlink } = found
      copies.push({ path: join(folder, name), bytes: size, usedAt: mtimeMs, inUse: nlink > 1 })
    }
    let total = copies.reduce((sum, { bytes }) => sum + bytes, 0)
    if (total <= this.#bytesMax) return
    for (const copy of copies.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (total <= this.#bytesMax * FILL_AFTER) break
      if (copy.inUse) continue
      rmSync(copy.path, { force: true })
      total -= copy.bytes
    }
  }

  #open(): Promise<Home> {
    this.#home ??= this.#makeHome().catch((error: unknown) => {
      this.#home = undefined
      throw error
    })
    return this.#home
  }

  async #makeHome(): Promise<Home> {
    const processes = join(this.directory, 'processes')
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    const lock = await waitForDirectoryLock(this.directory, 'the cache of objects', OPEN_MAX_MS)
    try {
      this.#dropOfAnotherBoot()
      for (const folder of [processes, join(this.directory, 'objects')])
        mkdirSync(folder, { recursive: true })
      await removeDead(processes)
      const own = join(processes, `${process.pid}-${randomUUID().slice(0, 8)}`)
      const home = { work: join(own, 'work'), leases: join(own, 'leases') }
      for (const folder of [own, home.work, home.leases]) mkdirSync(folder)
      return { ...home, lock: lockDirectory(own, 'the cache of objects') }
    } finally {
      lock.release()
    }
  }

  #dropOfAnotherBoot(): void {
    const file = join(this.directory, 'boot')
    const boot = bootOfMachine()
    let filledAt: string | undefined
    try {
      filledAt = readFileSync(file, 'utf8')
    } catch {
      // New.
    }
    if (filledAt !== undefined && isSameBoot(filledAt, boot)) return
    for (const name of ['objects', 'processes'])
      rmSync(join(this.directory, name), { recursive: true, force: true })
    writeFileSync(file, boot)
  }
}

async function removeDead(processes: string): Promise<void> {
  for (const name of await readdir(processes)) {
    const directory = join(processes, name)
    try {
      lockDirectory(directory, name).release()
    } catch {
      // It lives.
      continue
    }
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Linux names each boot; elsewhere it is the time of it, in ms, as the clock has it now. */
function bootOfMachine(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return String(Date.now() - uptime() * 1000)
  }
}

/** A clock that was set moves the time of the boot; by so little it is the same one. */
const BOOT_SLACK_MS = 30_000

function isSameBoot(one: string, other: string): boolean {
  return one === other || Math.abs(Number(one) - Number(other)) < BOOT_SLACK_MS
}

const nameOf = (url: string) => createHash('sha256').update(url).digest('hex').slice(0, 40)

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function tooSmall(files: number, bytes: number, bytesMax: number): LandfallError {
  return new LandfallError(
    'fix-config',
    'storage/cache-too-small',
    `${files} files of ${bytes} bytes are to be read, and the cache of objects takes ${bytesMax}`,
    { hint: 'Raise storage.cacheBytesMax, ask for less, or let Trino answer', details: { bytes, bytesMax } },
  )
}

function wrongSize({ url, bytes }: CachedObject, found: number): LandfallError {
  return new LandfallError(
    'bad-data',
    'storage/damaged',
    `${url} has ${found} bytes, its table says ${bytes}`,
    {
      hint: 'Run "landfall verify --repair", or restore the object from a backup',
      details: { url },
    },
  )
}

function diskFull(directory: string, { url, bytes }: CachedObject, cause: unknown): LandfallError {
  return new LandfallError(
    'retry',
    'storage/cache-full',
    `no room in ${directory} for ${url} (${bytes} bytes)`,
    {
      hint: 'Free some disk, or lower storage.cacheBytesMax',
      cause,
    },
  )
}
