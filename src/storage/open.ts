import { fileURLToPath } from 'node:url'
import { LandfallError } from '../base/errors.ts'
import type { Storage } from './storage.ts'

/** URL scheme → driver, imported when it is asked for. */
const drivers: Record<string, (url: string) => Promise<Storage>> = {
  async file(url) {
    const { openLocalStorage } = await import('./drivers/local.ts')
    return openLocalStorage(fileURLToPath(url))
  },
  async memory() {
    const { createMemoryStorage } = await import('./drivers/memory.ts')
    return createMemoryStorage()
  },
}

export interface OpenStorageOptions {
  /** Directory of this machine for copies of remote objects that an engine reads; for drivers whose objects are elsewhere. */
  cacheDirectory?: string
}

/** Opens storage by its URL (`file:///var/landfall/lake`) or by a local path. */
export async function openStorage(url: string, _options: OpenStorageOptions = {}): Promise<Storage> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//.exec(url)?.[1]
  if (scheme === undefined) {
    const { openLocalStorage } = await import('./drivers/local.ts')
    return openLocalStorage(url)
  }
  const driver = drivers[scheme]
  if (driver === undefined) {
    throw new LandfallError(
      'fix-config',
      'storage/unknown-driver',
      `no storage driver for ${scheme}:// URLs`,
      {
        hint: `Use a local path or one of: ${Object.keys(drivers)
          .map((name) => `${name}://`)
          .join(', ')}`,
      },
    )
  }
  return driver(url)
}
