import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../base/errors.ts'

/** A request failed in a way that another attempt may mend. */
export class Transient extends Error {
  /** The server may have done what was asked all the same. */
  readonly maybeDone: boolean

  constructor(message: string, maybeDone: boolean, cause?: unknown) {
    super(message, { cause })
    this.maybeDone = maybeDone
  }
}

/** How long one call is tried again, in milliseconds, and how long a single request may take without a byte of its size. */
export interface Patience {
  retryMaxMs: number
  requestMaxMs: number
}

export const defaultPatience: Patience = { retryMaxMs: 30_000, requestMaxMs: 20_000 }

/** Bytes per second that the slowest acceptable line carries. */
const SLOWEST_LINE = 256 * 1024

export function timeLimit({ requestMaxMs }: Patience, bytes = 0): AbortSignal {
  return AbortSignal.timeout(Math.ceil(requestMaxMs + (bytes / SLOWEST_LINE) * 1000))
}

const FIRST_WAIT_MS = 50
const WAIT_MAX_MS = 3_000

/**
 * Runs `attempt` until it does not throw `Transient`, with growing pauses of random length. `attempt` is told whether an earlier
 * one may have been done. At the end of patience: `storage/unavailable` (nothing was done) or `storage/unknown-outcome`.
 */
export async function withRetries<T>(
  what: string,
  patience: Patience,
  attempt: (maybeDone: boolean) => Promise<T>,
): Promise<T> {
  const until = performance.now() + patience.retryMaxMs
  let maybeDone = false
  for (let number = 0; ; number++) {
    try {
      return await attempt(maybeDone)
    } catch (error) {
      if (!(error instanceof Transient)) throw error
      maybeDone ||= error.maybeDone
      const waitMs = Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** number) * (0.5 + Math.random() / 2)
      if (performance.now() + waitMs > until) throw gaveUp(what, error, maybeDone, number + 1)
      await sleep(waitMs)
    }
  }
}

function gaveUp(what: string, error: Transient, maybeDone: boolean, attempts: number): LandfallError {
  const tries = attempts === 1 ? 'one attempt' : `${attempts} attempts`
  if (!maybeDone)
    return new LandfallError(
      'retry',
      'storage/unavailable',
      `${what} failed after ${tries}: ${error.message}`,
      {
        hint: 'Look whether the store runs and can be reached; it is tried again',
        cause: error,
      },
    )
  return new LandfallError(
    'retry',
    'storage/unknown-outcome',
    `${what} may or may not have happened after ${tries}: ${error.message}`,
    { hint: 'Look for what was written before anything is tried again; delete nothing', cause: error },
  )
}

/** What went wrong with a connection, in the words of the system; `maybeDone` unless nothing was sent. */
export function connectionFailure(error: unknown, host: string): Transient {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  const code = cause?.code ?? (error as { code?: string }).code
  const isTimeout = (error as Error).name === 'TimeoutError'
  const nothingSent =
    code === 'ECONNREFUSED' ||
    code === 'ENOTFOUND' ||
    code === 'EAI_AGAIN' ||
    code === 'UND_ERR_CONNECT_TIMEOUT'
  const why = isTimeout ? 'no answer in time' : cause?.message || code || (error as Error).message
  return new Transient(`${host}: ${why}`, !nothingSent, error)
}
