import { readFile } from 'node:fs/promises'
import { LandfallError } from '../../base/errors.ts'
import { checkPath, checkPrefix, notFound, taken } from '../paths.ts'
import type { Storage, StoredObject } from '../storage.ts'

/** Storage in this process's memory, for tests. No engine can open its objects: `workspace` and `lease` say so. */
export function createMemoryStorage(nowMs: () => number = Date.now): Storage {
  const objects = new Map<string, { bytes: Buffer; modifiedAt: number }>()
  const url = 'memory://'
  const describe = (path: string): StoredObject | undefined => {
    const found = objects.get(path)
    return found && { path, bytes: found.bytes.length, modifiedAt: found.modifiedAt }
  }
  const put = (path: string, bytes: Uint8Array | string) => {
    objects.set(path, { bytes: Buffer.from(bytes as Uint8Array), modifiedAt: nowMs() })
  }
  const unsupported = (): never => {
    throw new LandfallError('fix-config', 'storage/unsupported', `an engine cannot open objects of ${url}`, {
      hint: 'Use storage on a disk (file://…) where an engine reads or writes files',
    })
  }
  return {
    url,
    async read(path) {
      checkPath(path)
      const found = objects.get(path)
      if (found === undefined) throw notFound(url, path)
      return Buffer.from(found.bytes)
    },
    async stat(path) {
      checkPath(path)
      return describe(path)
    },
    async write(path, bytes) {
      checkPath(path)
      put(path, bytes)
    },
    async createExclusive(path, bytes) {
      checkPath(path)
      if (objects.has(path)) return false
      put(path, bytes)
      return true
    },
    async *list(prefix) {
      const folder = checkPrefix(prefix)
      for (const path of Array.from(objects.keys())) {
        const object = describe(path)
        if (object !== undefined && (folder === '' || path.startsWith(`${folder}/`))) yield object
      }
    },
    async folders(prefix) {
      const folder = checkPrefix(prefix)
      const start = folder === '' ? '' : `${folder}/`
      const below = [...objects.keys()]
        .filter((path) => path.startsWith(start))
        .map((path) => path.slice(start.length))
      return [
        ...new Set(
          below.filter((path) => path.includes('/')).map((path) => path.slice(0, path.indexOf('/'))),
        ),
      ].sort()
    },
    async delete(path) {
      checkPath(path)
      objects.delete(path)
    },
    leaseDirectories: [],
    workspace: async () => unsupported(),
    lease: async (objects) => (objects.length === 0 ? { locations: [], release: () => {} } : unsupported()),
    async adopt(localPath, path) {
      checkPath(path)
      if (objects.has(path)) throw taken(url, path)
      put(path, await readFile(localPath))
      return describe(path)!
    },
  }
}
