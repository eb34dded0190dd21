/** Landers and questions of a simulation: each a process with rooms of its own over the same files. */
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Lake } from '../../src/lake/lake.ts'
import { readParquet } from '../../src/lake/parquet.ts'
import { type Lander, openLander } from '../../src/lander/lander.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import type { LogReader } from '../../src/log/log.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import { nextOffset } from '../../src/model/position.ts'
import { Pinner } from '../../src/sql/drivers/duckdb/pin.ts'
import { SpoolReader } from '../../src/sql/drivers/duckdb/spool-reader.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { SimProcess } from './processes.ts'
import type { SimTime } from './time.ts'

/** Small, so that a few events make batches, compactions, expiries and removals. */
const LAKE_SETTINGS = {
  snapshotsMax: 4,
  snapshotAgeMs: 20 * 60_000,
  sweepIntervalMs: 60_000,
  tierFilesMax: 3,
  settledMs: 60_000,
}

export function lakeAt(directory: string, time: SimTime): Lake {
  const storage = openLocalStorage(join(directory, 'lake'))
  return openLake({
    catalog: openFileCatalog(storage),
    storage,
    clock: time.clock(),
    settings: LAKE_SETTINGS,
  })
}

export interface LandingOptions {
  directory: string
  pipeline: CompiledPipeline
  time: SimTime
  /** Its machine: plan, lock and spool are there. */
  machine: number
  settings: { batchRows: number; chunkBytes: number; adoptBytes: number }
}

export class Landing {
  readonly process: SimProcess
  readonly machine: number
  readonly lander: Lander
  readonly #log: LogReader

  private constructor(process: SimProcess, machine: number, lander: Lander, log: LogReader) {
    this.process = process
    this.machine = machine
    this.lander = lander
    this.#log = log
  }

  static async open(options: LandingOptions, process: SimProcess): Promise<Landing> {
    const { directory, pipeline, time, machine, settings } = options
    return process.run(async () => {
      const log = await openEmbeddedReader({ directory: join(directory, 'log') })
      try {
        const lander = await openLander({
          pipeline,
          log,
          lake: lakeAt(directory, time),
          directory: join(directory, `lander-${machine}`),
          spoolDirectory: spoolOf(directory, machine),
          plans: planDirectory(join(directory, 'plans')),
          clock: time.clock(),
          lockWaitMs: 0,
          settings: { ...settings, askPollMs: 60_000, retryMs: 0, reserveCommit: 0, reserveSpool: 0 },
        })
        return new Landing(process, machine, lander, log)
      } catch (error) {
        await log[Symbol.asyncDispose]()
        throw error
      }
    })
  }

  land(): Promise<unknown> {
    return this.process.run(() => this.lander.landToEnd())
  }

  async close(): Promise<void> {
    await this.process.run(async () => {
      await this.lander[Symbol.asyncDispose]()
      await this.#log[Symbol.asyncDispose]()
    })
  }
}

export function spoolOf(directory: string, machine: number): string {
  return join(directory, `spool-${machine}`)
}

const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection: DuckDBConnection = await instance.connect()

export interface Seen {
  /** Everything before it is in the answer, and nothing else. */
  end: number
  /** Lags behind the log, and says so. */
  behind: boolean
  rows: Map<string, string[]>
}

const COLUMNS: Record<string, string> = {
  events: `"offset" || ' ' || event_id || ' ' || raw_event`,
  dead_letters: `"offset" || ' ' || (reason = 'id_conflict') || ' ' || raw_event`,
}

/** A question over all tables: pinned as the product pins it, read by a DuckDB of the simulation. */
export async function askAll(directory: string, time: SimTime, spool: string | undefined): Promise<Seen> {
  const lake = lakeAt(directory, time)
  await using log = await openEmbeddedReader({ directory: join(directory, 'log') })
  const reader = spool === undefined ? undefined : new SpoolReader(spool, false)
  const pinner = new Pinner({ lake, log, spool: reader, spoolWaitMs: 0 })
  const tables = (await lake.listTables()).map((table) => ({ id: table, table }))
  const pinned = await pinner.pin(tables, AbortSignal.timeout(60_000))
  try {
    const rows = new Map<string, string[]>()
    for (const [name, { state, locations }] of pinned.tables) {
      if (locations.length === 0) rows.set(name, [])
      else {
        const from = readParquet(state.schema, locations)
        const found = await connection.runAndReadAll(`SELECT ${COLUMNS[name] ?? 'raw_event'} FROM ${from}`)
        rows.set(name, found.getColumns().flat().map(String))
      }
    }
    const { position, behind } = pinned.freshness
    return { end: nextOffset(position, 0), behind, rows }
  } finally {
    pinned.release()
    reader?.close()
  }
}
