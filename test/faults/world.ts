/** Log, lake and lander of one directory in one process, with thresholds so small that a short run meets everything. */
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Lake } from '../../src/lake/lake.ts'
import { type Lander, openLander } from '../../src/lander/lander.ts'
import { type EmbeddedLog, openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import type { LogReader } from '../../src/log/log.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { planDirectory, savePlan } from '../../src/model/plan-store.ts'
import { knownEnd } from '../../src/pipeline/known-end.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'

const MINUTE = 60_000

export interface World extends AsyncDisposable {
  pipeline: CompiledPipeline
  log: EmbeddedLog
  reader: LogReader
  catalog: Catalog
  lake: Lake
  lander: Lander
  connection: DuckDBConnection
  clock: Clock
}

/** A clock that is so many milliseconds ahead of the machine's. */
export function clockAhead(aheadMs: number): Clock {
  return { nowMicros: () => (Date.now() + aheadMs) * 1000, monotonicMs: () => performance.now() }
}

/** Recovers what is there and takes over, as door and lander do when they start. */
export async function openWorld(
  directory: string,
  pipeline: CompiledPipeline,
  clock: Clock = systemClock(),
): Promise<World> {
  const plans = planDirectory(join(directory, 'plans'))
  const storage = openLocalStorage(join(directory, 'lake'))
  const catalog = openFileCatalog(storage)
  const lake = openLake({
    catalog,
    storage,
    clock,
    settings: { tierFilesMax: 3, snapshotsMax: 6, snapshotAgeMs: 30 * MINUTE },
  })
  await using parts = new AsyncDisposableStack()
  await savePlan(plans, pipeline.plan)
  const end = await knownEnd(catalog)
  const log = parts.use(
    await openEmbeddedLog({
      directory: join(directory, 'log'),
      clock,
      segmentBytes: 8192,
      diskReserve: 0,
      retention: { ageMs: 0, bytes: 0 },
      idleMarkerMs: 5,
      ...(end === undefined ? {} : { knownEnd: end }),
    }),
  )
  const reader = parts.use(await openEmbeddedReader({ directory: join(directory, 'log') }))
  const lander = parts.use(
    await openLander({
      pipeline,
      log: reader,
      lake,
      directory: join(directory, 'lander'),
      spoolDirectory: join(directory, 'spool'),
      plans,
      clock,
      settings: {
        chunkBytes: 1500,
        batchRows: 24,
        adoptBytes: 2500,
        reserveSpool: 0,
        reserveCommit: 0,
        maintain: false,
      },
    }),
  )
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  parts.defer(() => instance.closeSync())
  const connection = await instance.connect()
  parts.defer(() => connection.closeSync())
  await connection.run(`SET TimeZone = 'UTC'`)
  const owned = parts.move()
  return {
    pipeline,
    log,
    reader,
    catalog,
    lake,
    lander,
    connection,
    clock,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
