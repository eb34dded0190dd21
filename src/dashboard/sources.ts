/**
 * Where the picture comes from: files that the processes publish for each other anyway. Each is read anew at each look, and any of
 * them may be missing.
 */
import { readFileSync } from 'node:fs'
import type { Refusals } from '../collector/refusals-file.ts'
import type { LanderStatus } from '../lander/status.ts'

export interface RunningProcesses {
  /** URL of the door's events. */
  http: string
  processes: { door?: number; lander?: number; query?: number }
}

export interface FlowSources {
  /** What `landfall up` runs on this data directory; undefined: nothing does, or each stage runs alone. */
  processes(): RunningProcesses | undefined
  lander(): Promise<LanderStatus | undefined>
  refusals(): Promise<Refusals | undefined>
  /** Of the disk with the data directory. `reserve`: the share below which the door takes no events. */
  disk(): { freeBytes: number; share: number; reserve: number } | undefined
  /** Why a part that is elsewhere (log, storage, catalog) cannot be used; undefined when all answer. */
  away(): string | undefined
  /** Rows that are judged and not committed can be asked. */
  spool: boolean
  /** Reading tables costs requests to another machine. */
  remote: boolean
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    // It lives, and is someone else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Killed, and its parent does not come round to notice: a signal still finds it. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    // No such file on other systems.
    return false
  }
}
