/** A lake on a temporary directory, with a clock that tests move, and a DuckDB connection. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { Clock } from '../../src/base/clock.ts'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Counters, Lake, TableState } from '../../src/lake/lake.ts'
import { readParquet } from '../../src/lake/parquet.ts'
import type { LakeSettings } from '../../src/lake/settings.ts'
import type { ColumnType } from '../../src/model/columns.ts'
import type { TableDefinition } from '../../src/model/pipeline.ts'
import type { Position } from '../../src/model/position.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import type { Storage } from '../../src/storage/storage.ts'

export interface TestLake extends AsyncDisposable {
  root: string
  storage: Storage
  lake: Lake
  connection: DuckDBConnection
  /** Milliseconds that the lake's clock is ahead of the machine's. */
  aheadMs: number
  /** The same files as another process would open them. */
  openAnother(settings?: Partial<LakeSettings>, storage?: Storage): Lake
}

export async function openTestLake(settings: Partial<LakeSettings> = {}): Promise<TestLake> {
  const root = await mkdtemp(join(tmpdir(), 'landfall-lake-'))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const clock: Clock = {
    nowMicros: () => (Date.now() + test.aheadMs) * 1000,
    monotonicMs: () => performance.now(),
  }
  const openAnother = (more: Partial<LakeSettings> = {}, storage: Storage = openLocalStorage(root)) => {
    return openLake({ storage, catalog: openFileCatalog(storage), clock, settings: { ...settings, ...more } })
  }
  const lake = openAnother()
  const test: TestLake = {
    root,
    storage: lake.storage,
    lake,
    connection,
    aheadMs: 0,
    openAnother,
    async [Symbol.asyncDispose]() {
      connection.closeSync()
      instance.closeSync()
      await rm(root, { recursive: true, force: true })
    },
  }
  return test
}

/** A table of these columns, partitioned by day of the first timestamptz column unless said otherwise. */
export function tableOf(
  name: string,
  columns: Record<string, ColumnType>,
  over: Partial<TableDefinition> = {},
): TableDefinition {
  const time = Object.entries(columns).find(([, type]) => type === 'timestamptz')?.[0]
  return {
    name,
    events: ['*'],
    columns: Object.entries(columns).map(([name, type]) => ({
      name,
      type,
      source: { from: 'property', property: name },
    })),
    partition: time === undefined ? null : { column: time, transform: 'day' },
    codec: 'snappy',
    ...over,
  }
}

export const purchases = tableOf('purchases', {
  id: 'long',
  timestamp: 'timestamptz',
  type: 'string',
  cost: 'long',
})

/** `count` rows of `purchases` from id `from`, one second apart from noon of a day. */
export function purchaseRows(from: number, count: number, day = '2026-11-20'): string {
  return `SELECT i AS id, TIMESTAMPTZ '${day} 12:00:00+00' + INTERVAL (i) SECOND AS timestamp,
    'sabre ' || (i % 7) AS type, i % 50 AS cost FROM range(${from}, ${from + count}) AS r(i)`
}

export const positionAt = (next: number): Position => ({ logId: 'log-1', next: { 0: next } })

/** Writes the rows and commits them at the position after them. */
export async function land(
  test: { lake: Lake; connection: DuckDBConnection },
  state: TableState,
  select: string,
  to: number,
  counters?: Counters,
): Promise<TableState> {
  const add = await test.lake.writeFiles(test.connection, state, select)
  return test.lake.commit(state.name, {
    add,
    expect: { position: state.position, epoch: state.epoch },
    position: positionAt(to),
    batch: state.batch + 1,
    ...(counters === undefined ? {} : { counters }),
  })
}

/** Rows of an expression over the table's live files. */
export async function query(
  test: TestLake,
  state: TableState,
  select: string,
  snapshotId?: bigint,
): Promise<unknown[][]> {
  const files = await test.lake.files(state, snapshotId)
  const { locations, release } = await test.lake.lease(files)
  try {
    const from = readParquet(state.schema, locations)
    const result = await test.connection.runAndReadAll(`SELECT ${select} FROM ${from}`)
    return result.getRowsJson() as unknown[][]
  } finally {
    release()
  }
}

/** Names of the files below a folder of a table. */
export async function tableFiles(
  test: TestLake,
  table: string,
  folder: 'data' | 'metadata',
): Promise<string[]> {
  return (await readdir(join(test.root, 'default', table, folder))).sort()
}
