import { availableParallelism } from 'node:os'
import { DuckDBInstance } from '@duckdb/node-api'
import game from '../examples/game/pipeline.ts'
import { SILENT } from '../src/lander/logger.ts'
import { openLanding } from '../src/pipeline/landing.ts'
import { ownPlaces } from '../src/pipeline/places.ts'
import { openDataLake } from '../src/pipeline/readers.ts'

/** Lands what the log of a data directory holds, and compacts until nothing is left to compact. */
export async function landAndSettle(data: string): Promise<void> {
  {
    await using lander = await openLanding({
      pipeline: game.compiled,
      places: ownPlaces(data),
      lake: {},
      lander: {},
      logger: SILENT,
      onReason: () => {},
      logWaitMs: 0,
    })
    await lander.landToEnd()
  }
  const lake = await openDataLake(ownPlaces(data))
  const instance = await DuckDBInstance.create(':memory:', { threads: String(availableParallelism()) })
  const connection = await instance.connect()
  for (const table of await lake.listTables()) {
    for (let rounds = 0; rounds < 20; rounds++) {
      if ((await lake.maintain(connection, table)).compactedFiles === 0) break
    }
  }
  connection.closeSync()
  instance.closeSync()
}
