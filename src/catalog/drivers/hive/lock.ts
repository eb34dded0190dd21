/**
 * The metastore's exclusive lock of a table, as Iceberg's writers take it for a commit (Spark, Trino and Flink honour it).
 *
 * A lock lives as long as its holder gives signs of life. A metastore lets go of dead ones by a task of its own, which a standalone 3.1
 * does not have; so who waits does it too, as Iceberg does: a lock is dead when its last sign of life is older than `timeoutMs`, by the
 * metastore's own clock (what our waiting lock has just been stamped with). Ours die sooner: within a commit nothing of ours takes
 * longer than two calls, and each is given up long before.
 */
import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../../base/errors.ts'
import { NoAnswer } from './connection.ts'
import { isMetastoreError, type Lock, lockState, type Metastore, type ShownLock } from './metastore.ts'

export interface LockTimes {
  /** For how long a commit waits for the lock. */
  waitMs: number
  /** Without a sign of life for so long, a lock of another program is dead (`metastore.txn.timeout`). */
  timeoutMs: number
  /** The same for a lock of Landfall's. */
  ownTimeoutMs: number
}

export const LOCK_TIMES: LockTimes = { waitMs: 120_000, timeoutMs: 300_000, ownTimeoutMs: 90_000 }

const OURS = 'landfall-'
const LOOK_MIN_MS = 20
const LOOK_MAX_MS = 1000

export interface HeldLock {
  /** A sign of life; rejects when the lock is not ours any more. */
  renew(): Promise<void>
  release(): Promise<void>
}

export async function takeLock(
  metastore: Metastore,
  database: string,
  table: string,
  times: LockTimes,
): Promise<HeldLock> {
  const lock = await requestLock(metastore, database, table)
  try {
    await untilAcquired(metastore, database, table, lock, times)
  } catch (error) {
    await metastore.unlock(lock.id).catch(() => {})
    throw error
  }
  return { renew: () => metastore.heartbeat(lock.id), release: () => metastore.unlock(lock.id) }
}

/** When the answer is lost, the request is found by its agent, or it is known not to be there. */
async function requestLock(metastore: Metastore, database: string, table: string): Promise<Lock> {
  const who = { user: userInfo().username, host: hostname(), agent: `${OURS}${randomUUID()}` }
  for (;;) {
    try {
      return await metastore.lock(database, table, who)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      const found = (await metastore.locks(database, table)).find(({ agent }) => agent === who.agent)
      if (found !== undefined) return found
    }
  }
}

async function untilAcquired(
  metastore: Metastore,
  database: string,
  table: string,
  lock: Lock,
  times: LockTimes,
): Promise<void> {
  const until = performance.now() + times.waitMs
  let { state } = lock
  let blocking: ShownLock | undefined
  for (let waitMs = LOOK_MIN_MS; state !== lockState.acquired; waitMs = Math.min(waitMs * 1.5, LOOK_MAX_MS)) {
    if (state !== lockState.waiting) throw notLocked(table, 'the metastore has let go of the request')
    if (performance.now() + waitMs > until) throw notLocked(table, held(blocking, times))
    await sleep(waitMs)
    state = (await metastore.checkLock(lock.id)).state
    if (state === lockState.waiting && waitMs >= LOOK_MAX_MS / 4)
      blocking = await removeDead(metastore, database, table, lock, times)
  }
}

/** Lets go of dead locks before ours; returns one that is alive. */
async function removeDead(
  metastore: Metastore,
  database: string,
  table: string,
  lock: Lock,
  times: LockTimes,
): Promise<ShownLock | undefined> {
  const all = await metastore.locks(database, table)
  const now = all.find(({ id }) => id === lock.id)?.lastHeartbeat
  if (now === undefined) return undefined
  const others = all.filter(({ id }) => id < lock.id)
  const isDead = ({ lastHeartbeat, agent }: ShownLock) =>
    now - lastHeartbeat > BigInt(agent.startsWith(OURS) ? times.ownTimeoutMs : times.timeoutMs)
  for (const dead of others.filter(isDead)) await metastore.unlock(dead.id)
  return others.find((one) => !isDead(one))
}

function held(blocking: ShownLock | undefined, times: LockTimes): string {
  if (blocking === undefined) return `it was not free within ${times.waitMs / 1000} s`
  const { user, host, agent, lastHeartbeat } = blocking
  const since = new Date(Number(lastHeartbeat)).toISOString()
  return `${agent || 'another program'} of ${user} on ${host} holds it (last sign of life ${since})`
}

function notLocked(table: string, why: string): LandfallError {
  return new LandfallError('retry', 'catalog/locked', `no lock of table ${table}: ${why}`, {
    hint: 'A lock whose holder is dead is let go 5 minutes after its last sign of life; SHOW LOCKS in Hive lists them',
    details: { table },
  })
}

export function isLostLock(error: unknown): boolean {
  return isMetastoreError(error, 'NoSuchLockException')
}
