import { DatabaseSync } from 'node:sqlite'
import { LandfallError } from './errors.ts'

/** An exclusive hold on a directory, released when closed and when the process dies in whatever way. */
export interface DirectoryLock {
  release(): void
}

/**
 * Takes `<directory>/lock` or throws `base/locked`. Node has no flock(2); SQLite takes a POSIX record lock on every
 * platform we run on, and the kernel drops it with the process, even after kill -9.
 */
export function lockDirectory(directory: string, what: string): DirectoryLock {
  const database = new DatabaseSync(`${directory}/lock`)
  try {
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new LandfallError(
      'fix-config',
      'base/locked',
      `${what} at ${directory} is in use by another process`,
      {
        hint: 'Stop the other process, or give this one another directory with --data',
        cause: error,
      },
    )
  }
  return {
    release() {
      if (database.isOpen) database.close()
    },
  }
}

/** The same, waiting up to `waitMs` for a predecessor that is just leaving. */
export async function waitForDirectoryLock(
  directory: string,
  what: string,
  waitMs: number,
): Promise<DirectoryLock> {
  const until = performance.now() + waitMs
  for (;;) {
    try {
      return lockDirectory(directory, what)
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}
