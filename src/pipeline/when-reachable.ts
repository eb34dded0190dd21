import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError, type LandfallError } from '../base/errors.ts'
import { hasSpool, isOwn, MOVABLE, type Places } from './places.ts'

const FIRST_MS = 500
const MOST_MS = 10_000

export interface WhenReachable {
  /** Told of each error that differs from the one before it. */
  onWait: (error: LandfallError) => void
  signal?: AbortSignal
}

/**
 * Opens what works over parts elsewhere, again and again while one of them is away: they come back by themselves, and a process
 * that ended instead would only be started anew. A mistake (any other kind of error) is thrown, and so is everything when all
 * parts are in the data directory, where nothing comes back by itself.
 */
export async function whenReachable<T>(
  places: Places,
  open: () => Promise<T>,
  { onWait, signal }: WhenReachable,
): Promise<T> {
  const remote = !hasSpool(places) || MOVABLE.some((part) => !isOwn(places, part))
  let told = ''
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 2, MOST_MS)) {
    try {
      return await open()
    } catch (error) {
      if (!remote || !isLandfallError(error) || error.kind !== 'retry') throw error
      if (error.message !== told) onWait(error)
      told = error.message
      await sleep(pause, undefined, signal ? { signal } : {})
    }
  }
}
