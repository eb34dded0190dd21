import { existsSync } from 'node:fs'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DirectoryLock, lockDirectory } from './lock.ts'

/** A directory of this process alone, which goes with it: at the latest when the next of its kind is made. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string
}

/** A directory that is younger may not have its lock yet. */
const ABANDONED_MS = 60_000

/**
 * Makes `landfall-KIND-…` in the system's directory for such things. What a process of this kind has left there that was killed is taken
 * away first: it may be gigabytes of spilled rows, and nobody else would.
 */
export async function makeTemporary(kind: string): Promise<TemporaryDirectory> {
  const prefix = `landfall-${kind}-`
  await removeAbandoned(prefix)
  const path = await mkdtemp(join(tmpdir(), prefix))
  const lock = lockDirectory(path, 'the temporary directory')
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true })
      lock.release()
    },
  }
}

async function removeAbandoned(prefix: string): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue
    const path = join(tmpdir(), name)
    // Another user's, or gone just now: not ours to take away.
    await removeUnlessHeld(path).catch(() => {})
  }
}

async function removeUnlessHeld(path: string): Promise<void> {
  const found = await lstat(path)
  const isOurs = found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid())
  if (!isOurs || Date.now() - found.mtimeMs < ABANDONED_MS || !existsSync(join(path, 'lock'))) return
  let lock: DirectoryLock
  try {
    lock = lockDirectory(path, 'an abandoned directory')
  } catch {
    return
  }
  await rm(path, { recursive: true, force: true })
  lock.release()
}
