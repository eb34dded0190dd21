/** Keeping what a report has read, where the tables are at hand and may be written. */
import { isLandfallError, systemCode } from '../../base/errors.ts'
import { parseDuration } from '../../model/time.ts'
import { hasLake } from '../../pipeline/readers.ts'
import { openLakeAt } from '../../pipeline/rooms.ts'
import type { Frozen } from '../../report/frozen.ts'
import { type Kept, keepReport } from '../../report/keep.ts'
import { usageError } from '../exit.ts'
import { lookPlaces } from '../places.ts'

/** Milliseconds; undefined: `--no-keep`. */
export function keepMsOf(keep: string | false): number | undefined {
  if (keep === false) return undefined
  const ms = parseDuration(keep)
  if (ms !== undefined && ms > 0) return ms
  throw usageError(`--keep: expected a duration such as 30d or 12h, found "${keep}"`)
}

/**
 * The tag, or why there is none. The tables that these options name may be others than those that were asked (`--sql`): their snapshots
 * have other ids, so nothing is tagged there.
 */
export async function tryToKeep(
  frozen: Frozen,
  options: Record<string, unknown>,
  keepMs: number,
): Promise<Kept | string> {
  try {
    const places = await lookPlaces(options)
    if (!hasLake(places)) return `there are no tables in ${places.data}, only SQL was asked`
    const { lake } = await openLakeAt(places)
    return await keepReport(lake, frozen, Date.now() + keepMs)
  } catch (error) {
    const expected = isLandfallError(error) ? error.kind !== 'bug' : systemCode(error) !== undefined
    if (!expected) throw error
    // Beneath that a commit may or may not have happened stands why: no right to write.
    return (isLandfallError(error, 'catalog/unknown-outcome') ? rootOf(error) : (error as Error)).message
  }
}

function rootOf(error: unknown): Error {
  const { cause } = error as Error
  return cause instanceof Error ? rootOf(cause) : (error as Error)
}
