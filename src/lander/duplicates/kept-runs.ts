/** The runs that an earlier lander left, as far as they tell the truth about what is committed now. */
import { isLandfallError, systemCode } from '../../base/errors.ts'
import { covers, type Position } from '../../model/position.ts'
import type { LanderLogger } from '../logger.ts'
import type { Floors } from './floors.ts'
import type { IdStoreParts } from './id-store.ts'
import { type IdsManifest, loadManifest } from './ids-manifest.ts'
import { Run, type RunFacts } from './run.ts'

/** Undefined when there are none, they do not fit, or one of them is damaged. */
export async function openKeptRuns(
  parts: IdStoreParts,
  committed: Position,
): Promise<{ manifest: IdsManifest; runs: Run[] } | undefined> {
  const { directory, logger, floors } = parts
  const manifest = await loadManifest(directory)
  if (manifest === undefined || !fits(manifest, parts, committed)) return undefined
  const runs = await openRuns(directory, manifest.runs, logger)
  if (runs === undefined) return undefined
  seeAgain(floors, manifest.runs)
  return { manifest, runs }
}

/** The runs say as well how old everything before their ends is. */
function seeAgain(floors: Floors, runs: readonly RunFacts[]): void {
  const ends = runs.flatMap(({ next, receivedMax }) =>
    Object.entries(next).map(([partition, to]) => ({
      partition: Number(partition),
      next: to,
      receivedMax: receivedMax[Number(partition)]!,
    })),
  )
  for (const { partition, next, receivedMax } of ends.sort((a, b) => a.next - b.next)) {
    floors.see(partition, next, receivedMax)
  }
}

/** Whether what the manifest says is true of what is committed now, and enough for the window as it is now. */
function fits(manifest: IdsManifest, parts: IdStoreParts, committed: Position): boolean {
  if (manifest.table !== parts.table || manifest.windowMicros < parts.windowMicros) return false
  return [manifest.position.next, ...manifest.runs.map(({ next }) => next)].every((next) =>
    covers(committed, { logId: manifest.position.logId, next }),
  )
}

async function openRuns(
  directory: string,
  facts: RunFacts[],
  logger: LanderLogger,
): Promise<Run[] | undefined> {
  const runs: Run[] = []
  try {
    for (const fact of facts) runs.push(await Run.open(directory, fact))
    return runs
  } catch (error) {
    for (const run of runs) await run.close()
    const isLost = systemCode(error) === 'ENOENT' || isLandfallError(error, 'lander/ids-damaged')
    if (!isLost) throw error
    logger.warn({ err: error }, 'the ids on disk are damaged; they are made anew from the tables')
    return undefined
  }
}
