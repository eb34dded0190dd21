/**
 * A data directory with tables of every shape (all types, partitioned, evolved, of several snapshots, empty) and the query process
 * over it, as `landfall query` opens it: SQL and the catalog for Iceberg readers on one address.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Lake, TableState } from '../../../src/lake/lake.ts'
import type { ColumnType } from '../../../src/model/columns.ts'
import { EVENTS_TABLE, type TableDefinition } from '../../../src/model/pipeline.ts'
import type { Position } from '../../../src/model/position.ts'
import { ownPlaces } from '../../../src/pipeline/places.ts'
import { openQuery, type QueryDoor, type QueryOptions } from '../../../src/pipeline/query.ts'
import { createDataLog, openDataLog } from '../../../src/pipeline/readers.ts'
import { openLakeAt } from '../../../src/pipeline/rooms.ts'
import { parseExact } from '../../../src/sql/json.ts'
import { purchaseRows, purchases, tableOf } from '../../lake/support.ts'

export interface Lakehouse extends AsyncDisposable {
  data: string
  lake: Lake
  door: QueryDoor
  /** Address of the catalog. */
  catalog: string
  /** Writes rows and commits them as one snapshot. */
  land(table: string, select: string): Promise<TableState>
  /** Rows by our own SQL, as JSON has them. */
  sql(statement: string): Promise<unknown[][]>
}

export const everyType = tableOf('every_type', {
  id: 'long',
  text: 'string',
  small: 'int',
  big: 'long',
  ratio: 'double',
  ok: 'boolean',
  birthday: 'date',
  moment: 'timestamptz',
  price: 'decimal(9, 2)',
  huge: 'decimal(38, 10)',
  // No pipeline has such a column yet; the lake does.
  bytes: 'binary' as ColumnType,
})

/** The ends of each type's range, unicode, and nulls, on three days and none. */
export const everyRow = `
  SELECT 1 AS id, '' AS text, -2147483648 AS small, -9223372036854775808 AS big, -1.5e300 AS ratio, false AS ok, DATE '0001-01-01' AS birthday,
    TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' AS moment, -9999999.99 AS price,
    -1234567890123456789012345678.0123456789::DECIMAL(38, 10) AS huge, '\\x00\\xFF'::BLOB AS bytes
  UNION ALL SELECT 2, 'grüße 😀', 2147483647, 9223372036854775807, 5e-324, true, DATE '9999-12-31',
    TIMESTAMPTZ '2026-11-20 23:59:59.999999+00', 9999999.99, 1234567890123456789012345678.0123456789::DECIMAL(38, 10), ''::BLOB
  UNION ALL SELECT 3, 'ö', 0, 0, 'inf'::DOUBLE, NULL, NULL, TIMESTAMPTZ '2026-11-21 00:00:00+00', 0, 0, NULL
  UNION ALL SELECT 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`

const evolvedBefore = tableOf('evolved', { id: 'long', name: 'string' })
const evolvedAfter = tableOf(
  'evolved',
  { id: 'long', name: 'string', level: 'int', moment: 'timestamptz' },
  { partition: null },
)

export async function openLakehouse(over: Partial<QueryOptions> = {}): Promise<Lakehouse> {
  const data = await mkdtemp(join(tmpdir(), 'landfall-lakehouse-'))
  await createDataLog(ownPlaces(data))
  const position = await endOf(data)
  const { lake } = await openLakeAt(ownPlaces(data))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()

  const land = async (table: string, select: string) => {
    const state = (await lake.load(table))!
    const add = await lake.writeFiles(connection, state, select)
    const expect = { position: state.position, epoch: state.epoch }
    return lake.commit(table, { add, expect, position, batch: state.batch + 1 })
  }
  const ensure = (definition: TableDefinition) => lake.ensure(definition, { position })

  for (const definition of [
    EVENTS_TABLE,
    purchases,
    everyType,
    evolvedBefore,
    { ...evolvedBefore, name: 'empty' },
  ]) {
    await ensure(definition)
  }
  await land('every_type', everyRow)
  for (let i = 0; i < 3; i++) await land('purchases', purchaseRows(i * 1000, 1000, `2026-11-2${i}`))
  await land('evolved', `SELECT i AS id, 'name ' || i AS name FROM range(10) AS r(i)`)
  await ensure(evolvedAfter)
  await land(
    'evolved',
    `SELECT i AS id, NULL AS name, i::INTEGER AS level, TIMESTAMPTZ '2026-11-20 00:00:00+00' AS moment FROM range(10, 15) AS r(i)`,
  )
  const door = await openQuery({
    places: ownPlaces(data),
    listen: { host: '127.0.0.1', port: 0 },
    insecure: false,
    token: null,
    onWarning: (text, error) => {
      throw new Error(text, { cause: error })
    },
    settings: { spoolWaitMs: 0 },
    ...over,
  })
  return {
    data,
    lake,
    door,
    catalog: `${door.address}/iceberg`,
    land,
    sql: (statement) => ask(door.address, statement),
    async [Symbol.asyncDispose]() {
      await door.close()
      connection.closeSync()
      instance.closeSync()
      await rm(data, { recursive: true, force: true })
    },
  }
}

async function endOf(data: string): Promise<Position> {
  await using log = await openDataLog(ownPlaces(data))
  return log.end()
}

/** The smallest client of the Trino protocol. */
async function ask(address: string, statement: string): Promise<unknown[][]> {
  const headers = { 'X-Trino-User': 'test', 'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME' }
  const rows: unknown[][] = []
  let response = await fetch(`${address}/v1/statement`, { method: 'POST', body: statement, headers })
  for (;;) {
    const page = parseExact(await response.text()) as {
      data?: unknown[][]
      nextUri?: string
      error?: { message: string }
    }
    if (page.error) throw new Error(page.error.message)
    rows.push(...(page.data ?? []))
    if (page.nextUri === undefined) return rows
    response = await fetch(page.nextUri, { headers })
  }
}
