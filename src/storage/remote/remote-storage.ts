import { stat } from 'node:fs/promises'
import { LandfallError, systemCode } from '../../base/errors.ts'
import { checkPath, checkPrefix } from '../paths.ts'
import type { LeasedFiles, LeasedObject, Storage, StoredObject } from '../storage.ts'
import type { LocalCache } from './local-cache.ts'
import type { ObjectStore } from './object-store.ts'

/** Storage elsewhere, with copies on this machine for what engines read. */
export function createRemoteStorage(store: ObjectStore, cache: LocalCache): Storage {
  return new RemoteStorage(store, cache)
}

class RemoteStorage implements Storage {
  readonly url: string
  readonly leaseDirectories: readonly string[]
  readonly #store: ObjectStore
  readonly #cache: LocalCache

  constructor(store: ObjectStore, cache: LocalCache) {
    this.url = store.url
    this.leaseDirectories = [cache.directory]
    this.#store = store
    this.#cache = cache
  }

  async read(path: string): Promise<Buffer> {
    checkPath(path)
    return this.#store.read(path)
  }

  async stat(path: string): Promise<StoredObject | undefined> {
    checkPath(path)
    return this.#store.stat(path)
  }

  async write(path: string, bytes: Uint8Array | string): Promise<void> {
    checkPath(path)
    await this.#store.write(path, Buffer.from(bytes as Uint8Array))
  }

  async createExclusive(path: string, bytes: Uint8Array | string): Promise<boolean> {
    checkPath(path)
    return this.#store.createExclusive(path, Buffer.from(bytes as Uint8Array))
  }

  list(prefix: string): AsyncIterable<StoredObject> {
    return this.#store.list(checkPrefix(prefix))
  }

  async folders(prefix: string): Promise<string[]> {
    return (await this.#store.folders(checkPrefix(prefix))).sort()
  }

  async delete(path: string): Promise<void> {
    checkPath(path)
    await this.#store.delete(path)
  }

  workspace(folder: string): Promise<string> {
    checkPath(folder)
    return this.#cache.workspace()
  }

  async adopt(localPath: string, path: string): Promise<StoredObject> {
    checkPath(path)
    await checkPresent(localPath, path)
    const object = await this.#store.upload(localPath, path)
    // From here on it is an object; the copy only saves the next reader a download.
    await this.#cache.keep(`${this.url}/${path}`, localPath, object.bytes)
    return object
  }

  lease(objects: readonly LeasedObject[], signal?: AbortSignal): Promise<LeasedFiles> {
    const wanted = objects.map(({ path, ...object }) => ({
      ...object,
      url: `${this.url}/${path}`,
      download: (file: string) => this.#store.download(path, file),
    }))
    return this.#cache.lease(wanted, signal)
  }
}

async function checkPresent(localPath: string, path: string): Promise<void> {
  try {
    await stat(localPath)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    throw new LandfallError('bad-data', 'storage/not-found', `no file ${localPath} to take as ${path}`, {
      details: { path },
      cause: error,
    })
  }
}
