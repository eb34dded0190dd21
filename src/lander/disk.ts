import { statfsSync } from 'node:fs'

const LOOK_MS = 250

/** Whether the disk of a directory has room for the spool and for commits: the shares that must stay free. */
export function diskWatch(
  directory: string,
  reserves: { spool: number; commit: number },
  nowMs: () => number,
): () => { spool: boolean; commit: boolean } {
  let lookedAt = Number.NEGATIVE_INFINITY
  let free = { spool: true, commit: true }
  return () => {
    if (nowMs() - lookedAt < LOOK_MS) return free
    lookedAt = nowMs()
    const { bavail, blocks } = statfsSync(directory)
    const share = blocks > 0 ? bavail / blocks : 1
    free = { spool: share >= reserves.spool, commit: share >= reserves.commit }
    return free
  }
}
