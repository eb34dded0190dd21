/** The report over a real Trino: the same statements, the same answers as from our own engine. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccess } from '../../src/base/access.ts'
import { createIcebergDoor } from '../../src/catalog/wire/iceberg-rest/door.ts'
import { makeReport } from '../../src/report/report.ts'
import { openTrinoEngine } from '../../src/sql/drivers/trino.ts'
import { openSqlServer, type SqlServer } from '../../src/sql/wire/trino/server.ts'
import { findTrino } from '../engines/trino.ts'
import { type History, openHistory, pipeline } from './history.ts'

const CATALOG = 'reported'
const PREFIX = '/iceberg'
let history: History
let door: SqlServer

beforeAll(async () => {
  history = await openHistory({ seed: 41, players: 150, bad: 10 })
  const access = createAccess(null, undefined)
  const serve = createIcebergDoor({ catalog: history.world.openLake().catalog, access, prefix: PREFIX })
  const mounts = [{ prefix: PREFIX, serve }]
  door = await openSqlServer({ engine: history.engine, host: '127.0.0.1', port: 0, access, mounts })
}, 300_000)

afterAll(async () => {
  await door?.[Symbol.asyncDispose]()
  await history?.[Symbol.asyncDispose]()
})

test('every figure is the same', { timeout: 600_000 }, async ({ skip }) => {
  const trino = await findTrino({
    [CATALOG]: {
      connector: 'iceberg',
      'iceberg.catalog.type': 'rest',
      'iceberg.rest-catalog.uri': `${door.url}${PREFIX}`,
      'fs.hadoop.enabled': 'true',
    },
  })
  if ('missing' in trino) return skip(trino.missing)
  await using engine = openTrinoEngine(`${trino.url.replace('http://', 'trino://test@')}/${CATALOG}/default`)
  const [theirs, ours] = [await makeReport(engine, pipeline), await makeReport(history.engine, pipeline)]
  await trino.detach(CATALOG)
  const shown = ({ figures }: typeof ours) =>
    figures.map(({ id, sql, rows, error }) => ({ id, sql, rows, error }))
  expect(shown(theirs)).toEqual(shown(ours))
  expect(theirs.findings).toEqual(ours.findings)
  expect(theirs.ledger).toEqual(ours.ledger)
})
