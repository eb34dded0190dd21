import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LandfallError } from '../base/errors.ts'
import { defaultPatience, type Patience } from './remote/retry.ts'
import type { Storage } from './storage.ts'

export interface OpenStorageOptions {
  /** Directory of this machine for copies of remote objects that an engine reads; for drivers whose objects are elsewhere. */
  cacheDirectory?: string
  /** Bytes that it takes at most (default 10e9). */
  cacheBytesMax?: number
  /** Credentials and defaults in the words of the AWS and Hadoop tools (default: this process's). */
  environment?: NodeJS.ProcessEnv
  /** True for who only reads and may have no right to write. */
  readOnly?: boolean
  patience?: Partial<Patience>
  /** The clock that requests are signed by. */
  nowMs?: () => number
}

const CACHE_BYTES_MAX = 10e9

type OpenDriver = (url: string, options: OpenStorageOptions) => Promise<Storage>

/** URL scheme → driver, imported when it is asked for. */
const drivers: Record<string, OpenDriver> = {
  async file(url) {
    const { openLocalStorage } = await import('./drivers/local.ts')
    return openLocalStorage(fileURLToPath(url))
  },
  async memory() {
    const { createMemoryStorage } = await import('./drivers/memory.ts')
    return createMemoryStorage()
  },
  async s3(url, options) {
    const { openS3Store } = await import('./drivers/s3/open-s3.ts')
    return withCache(await openS3Store(url, remoteOptions(options)), options)
  },
  async hdfs(url, options) {
    const { openHdfsStore } = await import('./drivers/hdfs/open-hdfs.ts')
    return withCache(await openHdfsStore(url, remoteOptions(options)), options)
  },
}

/** Opens storage by its URL (`file:///var/landfall/lake`) or by a local path. */
export async function openStorage(url: string, options: OpenStorageOptions = {}): Promise<Storage> {
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
  return driver(url, options)
}

function remoteOptions({ environment = process.env, patience, readOnly = false, nowMs }: OpenStorageOptions) {
  const all = { environment, patience: { ...defaultPatience, ...patience }, readOnly }
  return nowMs === undefined ? all : { ...all, nowMs }
}

async function withCache(
  store: import('./remote/object-store.ts').ObjectStore,
  { cacheDirectory, cacheBytesMax = CACHE_BYTES_MAX, environment = process.env }: OpenStorageOptions,
): Promise<Storage> {
  const [{ createRemoteStorage }, { LocalCache }] = await Promise.all([
    import('./remote/remote-storage.ts'),
    import('./remote/local-cache.ts'),
  ])
  const caches = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const directory = cacheDirectory ?? join(caches, 'landfall', 'objects')
  return createRemoteStorage(store, new LocalCache(directory, cacheBytesMax))
}
