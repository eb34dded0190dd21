/** Tables of a few events, landed as the pipeline lands them: for tests, with nothing running and nothing left behind. */
import { join } from 'node:path'
import { makeTemporary } from '../base/temporary.ts'
import { openCatalog } from '../catalog/open.ts'
import { openLake } from '../lake/iceberg-lake.ts'
import { openLander } from '../lander/lander.ts'
import { createMemoryLog } from '../log/drivers/memory.ts'
import type { EventLog } from '../log/log.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { planDirectory } from '../model/plan-store.ts'
import { recordHeader } from '../model/record.ts'
import { openDuckdbEngine } from '../sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../sql/sql.ts'
import { openStorage } from '../storage/open.ts'
import { namedOf } from './named.ts'

/** Each is an event of its own, also when two are alike; received in this order, a microsecond apart. */
export async function withLandedEvents<T>(
  pipeline: CompiledPipeline,
  pipelineFile: string | undefined,
  events: readonly object[],
  use: (engine: SqlEngine) => Promise<T>,
): Promise<T> {
  await using temporary = await makeTemporary('events')
  const directory = temporary.path
  const storage = await openStorage(join(directory, 'lake'))
  const lake = openLake({ catalog: await openCatalog('file:', storage), storage })
  await using log = createMemoryLog()
  await append(log, pipeline, events)
  {
    await using lander = await openLander({
      pipeline,
      log,
      lake,
      directory: join(directory, 'lander'),
      spoolDirectory: join(directory, 'spool'),
      plans: planDirectory(join(directory, 'plans')),
    })
    await lander.landToEnd()
  }
  const { views, reference } = namedOf(pipeline, pipelineFile ?? 'pipeline.ts')
  const named = { views, reference: pipelineFile === undefined ? [] : reference }
  await using engine = await openDuckdbEngine({ lake, named })
  return await use(engine)
}

async function append(log: EventLog, { plan }: CompiledPipeline, events: readonly object[]): Promise<void> {
  const now = Date.now() * 1000
  await log.append(
    events.map((event, i) => ({
      key: null,
      value: Buffer.from(JSON.stringify(event)),
      receivedAt: now + i,
      headers: [
        [recordHeader.plan, plan.version],
        [recordHeader.eventId, `event-${i}`],
      ],
    })),
  )
}
