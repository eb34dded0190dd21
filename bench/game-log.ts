import game from '../examples/game/pipeline.ts'
import { openEmbeddedLog } from '../src/log/drivers/embedded/embedded-log.ts'
import { planDirectory, savePlan } from '../src/model/plan-store.ts'
import { type NewRecord, recordHeader } from '../src/model/record.ts'
import { dataPaths } from '../src/pipeline/paths.ts'
import { gameEvent } from './game-events.ts'

const FRAME = 1_000
/** Events are a millisecond apart and end now, so that they lie in one or two days. */
const SPACING_US = 1_000

/** Writes so many events of the game into the log of a data directory, as its routes would. `idOf`: the id of event i (default: in order). */
export async function writeGameLog(
  data: string,
  events: number,
  idOf: (i: number) => string = idInOrder,
): Promise<void> {
  const paths = dataPaths(data)
  const { plan } = game.compiled
  await savePlan(planDirectory(paths.plans), plan)
  await using log = await openEmbeddedLog({ directory: paths.log })
  const firstAt = Date.now() * 1000 - events * SPACING_US
  for (let from = 0; from < events; from += FRAME) {
    const numbers = Array.from({ length: Math.min(FRAME, events - from) }, (_, i) => from + i)
    await log.append(numbers.map((i) => recordOf(i, idOf(i), firstAt + i * SPACING_US, plan.version)))
  }
}

const idInOrder = (i: number) => `00000000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`

function recordOf(i: number, id: string, receivedAt: number, plan: string): NewRecord {
  const event = gameEvent(i)
  return {
    key: String(event['Host']),
    value: Buffer.from(JSON.stringify(event)),
    receivedAt,
    headers: [
      [recordHeader.eventId, id],
      [recordHeader.plan, plan],
      [recordHeader.route, 'r'],
    ],
  }
}
