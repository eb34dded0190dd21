/** The same questions, to a real Trino over the same tables. */
import { afterAll, describe, expect, test } from 'vitest'
import { createAccess } from '../../../src/base/access.ts'
import { createIcebergDoor } from '../../../src/catalog/wire/iceberg-rest/door.ts'
import { activeUsers } from '../../../src/report/analytics.ts'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { openSqlServer } from '../../../src/sql/wire/trino/server.ts'
import { findTrino } from '../../engines/trino.ts'
import { TrinoSession } from '../../engines/trino-client.ts'
import { acts, openActs } from './acts.ts'
import { CASES } from './cases.ts'

const CATALOG = 'analytics'
const PREFIX = '/iceberg'
const lake = await openActs()
const ours = await openDuckdbEngine({ lake: lake.lake })
const access = createAccess(null, undefined)
const serve = createIcebergDoor({ catalog: lake.lake.catalog, access, prefix: PREFIX })
const mounts = [{ prefix: PREFIX, serve }]
const door = await openSqlServer({ engine: ours, host: '127.0.0.1', port: 0, access, mounts })
const trino = await findTrino({
  [CATALOG]: {
    connector: 'iceberg',
    'iceberg.catalog.type': 'rest',
    'iceberg.rest-catalog.uri': `${door.url}${PREFIX}`,
    'fs.hadoop.enabled': 'true',
  },
})

afterAll(async () => {
  if (!('missing' in trino)) await trino.detach(CATALOG)
  await door[Symbol.asyncDispose]()
  await ours[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

describe('by hand, of a real Trino', () => {
  test.for(CASES)('$name', async ({ analysis, rows }, { skip }) => {
    if ('missing' in trino) return skip(trino.missing)
    // In a session of another zone: periods are those of UTC all the same.
    const session = trino.session({ catalog: CATALOG, schema: 'default', timeZone: 'Asia/Tokyo' })
    const answer = await session.query(analysis.sql)
    expect(answer.error).toBeUndefined()
    expect(answer.rows).toEqual(rows)
    expect(answer.columns.map(({ name }) => name)).toEqual(analysis.columns.map(({ name }) => name))
  })

  test('at a snapshot, and at one that is not there', async ({ skip }) => {
    if ('missing' in trino) return skip(trino.missing)
    const at = (await lake.lake.load('acts'))!.metadata['current-snapshot-id']!
    const ask = async (url: string, catalog: string, snapshot: bigint) => {
      const { sql } = activeUsers({ from: acts('borders', { at: snapshot }), per: 'month' })
      return new TrinoSession(url, { catalog, schema: 'default' }).query(sql)
    }
    const [theirs, own] = [await ask(trino.url, CATALOG, at), await ask(door.url, 'hive', at)]
    expect(theirs.rows).toHaveLength(2)
    expect(own).toEqual(theirs)
    const [theirError, ownError] = [
      await ask(trino.url, CATALOG, 17179869184017n),
      await ask(door.url, 'hive', 17179869184017n),
    ]
    expect(theirError.error).toMatchObject({
      name: 'INVALID_ARGUMENTS',
      message: 'Iceberg snapshot ID does not exists: 17179869184017',
    })
    expect(ownError.error).toMatchObject({
      name: 'INVALID_ARGUMENTS',
      message: expect.stringContaining('Iceberg snapshot ID does not exists: 17179869184017'),
    })
  })
})
