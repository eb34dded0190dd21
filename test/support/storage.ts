import type { Storage } from '../../src/storage/storage.ts'

/** A storage with some methods replaced; the others stay what they are. */
export function changedStorage(storage: Storage, changes: Partial<Storage>): Storage {
  return new Proxy(storage, {
    get(target, key) {
      const changed = Reflect.get(changes, key) as unknown
      if (changed !== undefined) return changed
      const value = Reflect.get(target, key) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
