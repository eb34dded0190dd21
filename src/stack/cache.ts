/**
 * Where programs of the field rest on this machine once they are fetched: `LANDFALL_ENGINES`, else `~/.cache/landfall/engines`
 * (XDG_CACHE_HOME).
 *
 *   artifacts/<file>, <file>.ok        what Maven gave, and the stamp of its last full check
 *   jars/<name>/                       links to artifacts: a class path
 *   unpacked/<name>-<hash>/            made from artifacts or packages; complete when `ready` stands in it
 *   programs/<name>-<version>          what Go compiled
 *   maven/                             Maven's own plugins
 *   locks/<name>/                      held while that thing is made, by any process
 */
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { makeFolder } from '../base/files.ts'
import { waitForDirectoryLock } from '../base/lock.ts'

/** What is going on while something is fetched or made; told now and then, at least every second. */
export interface Step {
  /** `fetching kafka_2.13-4.3.1.jar` */
  what: string
  elapsedMs: number
  /** How much is here, where that can be seen; and of how much, where that is known. */
  bytes?: number
  bytesTotal?: number
}

export interface EngineCache {
  directory: string
  report(step: Step): void
  /** Ends what is being fetched. */
  signal?: AbortSignal
  /** Nothing is fetched or made: what is not here is missing. */
  offline?: boolean
}

/** Something large over a slow line, in another process. */
const LOCK_MAX_MS = 60 * 60_000
const LEFTOVER_MS = 24 * 60 * 60_000

export function engineCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const caches = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return environment['LANDFALL_ENGINES'] || join(caches, 'landfall', 'engines')
}

export function openEngineCache(
  report: EngineCache['report'],
  directory: string = engineCacheDirectory(),
): EngineCache {
  try {
    makeFolder(directory)
    accessSync(directory, constants.W_OK)
  } catch (cause) {
    throw new LandfallError(
      'fix-config',
      'stack/cache',
      `the cache of engines at ${directory} cannot be written`,
      {
        hint: 'Set LANDFALL_ENGINES to a directory that can',
        cause,
      },
    )
  }
  removeLeftovers(directory)
  return { directory, report }
}

/** What a fetch that was killed has left. A day is longer than any that is under way. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory).filter((one) => one.startsWith('fetch-'))) {
    const path = join(directory, name)
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
    if (Date.now() - mtimeMs > LEFTOVER_MS) rmSync(path, { recursive: true, force: true })
  }
}

/** Runs `work` while no other process makes the same thing. */
export async function withCacheLock<T>(cache: EngineCache, name: string, work: () => Promise<T>): Promise<T> {
  if (cache.offline)
    throw new LandfallError(
      'retry',
      'stack/missing',
      `${name} is not in the cache of engines at ${cache.directory}`,
    )
  cache.signal?.throwIfAborted()
  const directory = join(cache.directory, 'locks', name)
  mkdirSync(directory, { recursive: true })
  const lock = await waitForDirectoryLock(directory, `${name} in the cache of engines`, LOCK_MAX_MS)
  try {
    return await work()
  } finally {
    lock.release()
  }
}

/**
 * The folder that `make` fills once. It is named by all that decides its content (`parts`: hashes, versions, the way of making it), so
 * that another version is another folder; half made, it is made again.
 */
export async function provideMade(
  cache: EngineCache,
  name: string,
  parts: readonly string[],
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)
  const directory = join(cache.directory, 'unpacked', `${name}-${hash}`)
  const isReady = () => existsSync(join(directory, 'ready'))
  if (isReady()) return directory
  await withCacheLock(cache, `${name}-${hash}`, async () => {
    if (isReady()) return
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    await make(directory)
    writeFileSync(join(directory, 'ready'), '')
  })
  return directory
}
