/**
 * Which lander is in charge of the tables. A swap records its URL on `events` in the commit that fences the predecessor, so that
 * every machine finds the same one, and a start with yesterday's flag is refused instead of taking the tables back unnoticed.
 *
 * What a kill leaves: before the commit on `events` the predecessor is in charge, though some of its tables may have a higher
 * epoch; it ends as fenced, starts again and takes over as at any start. After it the next lander is in charge, whether or not
 * it has been started. The plan of a batch that was open is in the data directory, and whoever takes over finishes it first.
 */
import { LandfallError } from '../../base/errors.ts'
import { type Lake, property } from '../../lake/lake.ts'
import { fence } from '../../lander/tables.ts'
import { EVENTS_TABLE } from '../../model/pipeline.ts'
import { OWN_LANDER } from '../places.ts'

/** URL of the lander that a swap has put in charge; undefined when there was no swap. */
export async function landerInCharge(lake: Lake): Promise<string | undefined> {
  return (await lake.load(EVENTS_TABLE.name))?.metadata.properties[property.lander]
}

/** Records the lander and fences whoever lands now. */
export async function handOver(lake: Lake, lander: string): Promise<void> {
  if ((await lake.load(EVENTS_TABLE.name)) === undefined) {
    throw new LandfallError('fix-config', 'swap/no-tables', 'there are no tables to hand over', {
      hint: `Nothing has landed yet: start with --lander '${lander}'`,
    })
  }
  await fence(lake, { [property.lander]: lander })
}

/**
 * The lander to start: the one in charge. `given`: the URL of a flag, of the environment or of the pipeline file; null when
 * nobody said. Throws `lander/other-in-charge` when that is another one than a swap has put in charge.
 */
export async function landerToStart(lake: Lake, given: string | null): Promise<string> {
  const inCharge = await landerInCharge(lake)
  if (inCharge === undefined) return given ?? OWN_LANDER
  if (given === null || given === inCharge) return inCharge
  throw new LandfallError(
    'fix-config',
    'lander/other-in-charge',
    `the tables are landed by ${inCharge}, and this start asks for ${given}`,
    { hint: `Leave --lander out, or hand the tables over with "landfall swap PIPELINE lander=${given}"` },
  )
}
