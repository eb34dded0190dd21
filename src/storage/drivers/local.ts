import { randomUUID } from 'node:crypto'
import { constants, statSync } from 'node:fs'
import { copyFile, link, readdir, readFile, rename, unlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { LandfallError, systemCode } from '../../base/errors.ts'
import { createFile, makeDirectory, replaceFile, syncDirectory, syncFile } from '../../base/files.ts'
import { CheckedFiles } from '../checked-files.ts'
import { checkPath, checkPrefix, notFound, taken } from '../paths.ts'
import type { LeasedFiles, LeasedObject, Storage, StoredObject } from '../storage.ts'

/**
 * Storage on a local disk. An object is a file; it gets its name by rename(2) or link(2) after its bytes are synced, and
 * the directory is synced after that, so no crash leaves half an object under its name. `root` is made on the first write.
 */
export function openLocalStorage(root: string): Storage {
  return new LocalStorage(resolve(root))
}

class LocalStorage implements Storage {
  readonly url: string
  readonly leaseDirectories: readonly string[]
  readonly #root: string
  readonly #checked = new CheckedFiles()
  /** Directories known to be there and durable. */
  readonly #made = new Set<string>()

  constructor(root: string) {
    this.#root = root
    this.url = `file://${root}`
    this.leaseDirectories = [root]
  }

  async read(path: string): Promise<Buffer> {
    try {
      return await readFile(this.#at(path))
    } catch (error) {
      if (isAbsent(error) || systemCode(error) === 'EISDIR') throw notFound(this.url, path, error)
      throw error
    }
  }

  async stat(path: string): Promise<StoredObject | undefined> {
    return statFile(this.#at(path), path)
  }

  async write(path: string, bytes: Uint8Array | string, options: { durable?: boolean } = {}): Promise<void> {
    const file = await this.#place(path)
    if (options.durable !== false) return replaceFile(file, bytes)
    const temporary = `${file}.${process.pid}.${randomUUID().slice(0, 8)}.tmp`
    await writeFile(temporary, bytes, { flag: 'wx' })
    await rename(temporary, file)
  }

  async createExclusive(path: string, bytes: Uint8Array | string): Promise<boolean> {
    return createFile(await this.#place(path), bytes)
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = checkPrefix(prefix)
    for (const entry of await readFolder(join(this.#root, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        yield* this.list(path)
      } else if (entry.isFile()) {
        const object = statFile(join(this.#root, path), path)
        if (object !== undefined) yield object
      }
    }
  }

  async folders(prefix: string): Promise<string[]> {
    const entries = await readFolder(join(this.#root, checkPrefix(prefix)))
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  }

  async delete(path: string): Promise<void> {
    try {
      await unlink(this.#at(path))
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
  }

  /** The folder itself, so a file is written where it will be read. */
  async workspace(folder: string): Promise<string> {
    return dirname(await this.#place(`${checkPrefix(folder)}/file`))
  }

  async adopt(localPath: string, path: string): Promise<StoredObject> {
    const file = await this.#place(path)
    const missing = () =>
      new LandfallError('bad-data', 'storage/not-found', `no file ${localPath} to take as ${path}`, {
        details: { path },
      })
    await syncPresent(localPath, missing)
    if (localPath !== file) await this.#copyTo(file, localPath, path)
    await syncDirectory(dirname(file))
    const object = statFile(file, path)
    if (object === undefined) throw notFound(this.url, path)
    return object
  }

  async lease(objects: readonly LeasedObject[], signal?: AbortSignal): Promise<LeasedFiles> {
    const locations = objects.map(({ path }) => `${this.#root}/${path}`)
    await this.#checked.check(
      objects.map((object, i) => ({ ...object, url: `${this.url}/${object.path}`, file: locations[i]! })),
      signal,
    )
    return { locations, release: () => {} }
  }

  /** A hard link of what is synced already, else a copy. */
  async #copyTo(file: string, localPath: string, path: string): Promise<void> {
    // The name is new, so the age that maintenance sees must be.
    const now = new Date()
    await utimes(localPath, now, now)
    try {
      await link(localPath, file)
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw taken(this.url, path)
      if (systemCode(error) !== 'EXDEV' && systemCode(error) !== 'EPERM') throw error
      await copyFile(localPath, file, constants.COPYFILE_EXCL)
      await syncFile(file)
    }
  }

  /** Where an object is to be made; makes its parent. */
  async #place(path: string): Promise<string> {
    const file = this.#at(path)
    const parent = dirname(file)
    if (!this.#made.has(parent)) {
      await makeDirectory(parent)
      this.#made.add(parent)
    }
    return file
  }

  #at(path: string): string {
    checkPath(path)
    return join(this.#root, path)
  }
}

const isAbsent = (error: unknown) => systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR'

async function syncPresent(file: string, missing: () => Error): Promise<void> {
  try {
    await syncFile(file)
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? missing() : error
  }
}

/**
 * A look at a name takes some microseconds, a turn through Node's thread pool ten times as long, and each query takes four looks
 * one after the other: so it is taken at once.
 */
function statFile(file: string, path: string): StoredObject | undefined {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    return found?.isFile() ? { path, bytes: found.size, modifiedAt: found.mtimeMs } : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

async function readFolder(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}
