/**
 * Which lander is in charge of the tables. A swap records its URL on `events` in the commit that fences the predecessor, so that
 * every machine finds the same one, and a start with yesterday's flag is refused instead of taking the tables back unnoticed.
 *
 * What a kill leaves: before the commit on `events` the predecessor is in charge, though some of its tables may have a higher
 * epoch; it ends as fenced, starts again and takes over as at any start. After it the next lander is in charge, whether or not
 * it has been started. The plan of a batch that was open is in the data directory, and whoever takes over finishes it first.
 */
import { LandfallError } from '../../base/errors.ts'
import { type Lake, property, type TableState } from '../../lake/lake.ts'
import { EVENTS_TABLE } from '../../model/pipeline.ts'
import { OWN_LANDER } from '../places.ts'

/** URL of the lander that a swap has put in charge; undefined when there was no swap. */
export async function landerInCharge(lake: Lake): Promise<string | undefined> {
  return (await lake.load(EVENTS_TABLE.name))?.metadata.properties[property.lander]
}

/** Records the lander and fences whoever lands now. */
export async function handOver(lake: Lake, lander: string): Promise<void> {
  const ours = await landedStates(lake)
  if (!ours.some(({ name }) => name === EVENTS_TABLE.name)) {
    throw new LandfallError('fix-config', 'swap/no-tables', 'there are no tables to hand over', {
      hint: `Nothing has landed yet: start with --lander '${lander}'`,
    })
  }
  const epoch = Math.max(...ours.map((state) => state.epoch)) + 1
  for (const { name } of ours) if (name !== EVENTS_TABLE.name) await lake.raiseEpoch(name, epoch)
  await lake.raiseEpoch(EVENTS_TABLE.name, epoch, { [property.lander]: lander })
}

/** The tables that a lander made; in a catalog there may be others. */
async function landedStates(lake: Lake): Promise<TableState[]> {
  const states = await Promise.all((await lake.listTables()).map((table) => lake.load(table)))
  return states.filter((state) => state?.metadata.properties[property.epoch] !== undefined) as TableState[]
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
