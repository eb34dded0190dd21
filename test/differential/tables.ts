/**
 * The tables that both engines read: the game's, one with every type, one without rows, one with a million; committed by our lake, read by our
 * SQL door and, through our Iceberg REST door, by Trino.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { ColumnType } from '../../src/model/columns.ts'
import { EVENTS_TABLE, type TableDefinition } from '../../src/model/pipeline.ts'
import { ownPlaces } from '../../src/pipeline/places.ts'
import { openQuery } from '../../src/pipeline/query.ts'
import { createDataLog, openDataLog } from '../../src/pipeline/readers.ts'
import { openLakeAt } from '../../src/pipeline/rooms.ts'
import type { Catalogs } from '../engines/trino.ts'
import { TrinoSession } from '../engines/trino-client.ts'
import { tableOf } from '../lake/support.ts'

/** As the seeds name it. */
export const CATALOG = 'hive'
const SCHEMA = 'default'

export interface Tables extends AsyncDisposable {
  /** Our SQL door. */
  url: string
  /** Our Iceberg REST door, as Trino attaches it. */
  catalogs: Catalogs
}

const GAME = {
  raw_event: 'string',
  timestamp: 'timestamptz',
  Accept: 'string',
  Host: 'string',
  'User-Agent': 'string',
  event_type: 'string',
} as const
const HOSTS = "['user1.comcast.com', 'user2.att.com', 'user2.comcast.com', 'dre.comcast.com']"
const GAME_SELECT = `'{"n":' || n || ',"items":["a",' || n || ']}' AS raw_event, TIMESTAMPTZ '2021-07-30 18:43:03.611+00' + to_seconds(n * 7001) AS "timestamp",
  '*/*' AS "Accept", ${HOSTS}[n % 4 + 1] AS "Host", 'ApacheBench/2.3' AS "User-Agent"`

interface Content {
  definition: TableDefinition
  select?: string
}

const contents: Content[] = [
  {
    definition: EVENTS_TABLE,
    select: `SELECT 'e' || n AS event_id, 0::INTEGER AS "partition", n AS "offset", TIMESTAMPTZ '2021-07-30 18:43:03.611+00' + to_seconds(n) AS received_at,
      CASE WHEN n % 3 = 0 THEN 'join_guild' ELSE 'purchase_sword' END AS event_type, '{"n":' || n || '}' AS raw_event FROM range(60) AS r(n)`,
  },
  {
    definition: tableOf('purchases', { ...GAME, type: 'string', cost: 'long' }),
    select: `SELECT ${GAME_SELECT}, CASE WHEN n % 2 = 0 THEN 'purchase_sword' ELSE 'purchase_shield' END AS event_type,
      ['sabre', 'estoc', 'katana', 'mirror_shield', 'unknown'][n % 5 + 1] AS type, [6, 7, 10, 42, NULL][n % 5 + 1] AS cost FROM range(40) AS r(n)`,
  },
  {
    definition: tableOf('guilds', {
      ...GAME,
      guild_member_cnt: 'long',
      guild_name: 'string',
      tot_guild_member_cnt: 'long',
    }),
    select: `SELECT ${GAME_SELECT}, CASE WHEN n % 4 = 3 THEN 'leave_guild' ELSE 'join_guild' END AS event_type,
      CASE WHEN n % 7 = 6 THEN NULL ELSE n // 2 END AS guild_member_cnt, ['house_stark', 'grubs', 'secret_club'][n % 3 + 1] AS guild_name, n AS tot_guild_member_cnt
      FROM range(30) AS r(n)`,
  },
  {
    definition: tableOf('every_type', {
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
    }),
    select: `SELECT 1 AS id, '' AS text, -2147483648 AS small, -9223372036854775808 AS big, -1.5e300 AS ratio, false AS ok, DATE '0001-01-01' AS birthday,
        TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' AS moment, -9999999.99 AS price, -1234567890123456789012345678.0123456789::DECIMAL(38, 10) AS huge, '\\x00\\xFF'::BLOB AS bytes
      UNION ALL SELECT 2, 'grüße 😀', 2147483647, 9223372036854775807, 5e-324, true, DATE '9999-12-31',
        TIMESTAMPTZ '2026-11-20 23:59:59.999999+00', 9999999.99, 1234567890123456789012345678.0123456789::DECIMAL(38, 10), ''::BLOB
      UNION ALL SELECT 3, 'o' || chr(776) || ' combining', 0, 0, 'inf'::DOUBLE, NULL, DATE '1970-01-01', TIMESTAMPTZ '2026-11-21 00:00:00+00', 0, 0, 'abc'::BLOB
      UNION ALL SELECT 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      UNION ALL SELECT 5, 'Abc', 7, 7, 'nan'::DOUBLE, true, DATE '2020-02-29', TIMESTAMPTZ '2020-02-29 12:34:56.123456+00', 1.10, 0.0000000001, 'Abc'::BLOB
      UNION ALL SELECT 6, 'abc', -7, -7, '-inf'::DOUBLE, false, DATE '2019-12-31', TIMESTAMPTZ '2019-03-31 01:30:00+00', -1.10, -0.5, '\\x80'::BLOB
      UNION ALL SELECT 7, ' padded ', 2, 2, 0.1, true, DATE '2020-03-01', TIMESTAMPTZ '2021-10-31 01:30:00+00', 0.05, 100, ' '::BLOB
      UNION ALL SELECT 8, 'it''s "quoted", a\\b', 2, 2, -0.0, NULL, DATE '2020-02-29', TIMESTAMPTZ '2021-10-31 00:30:00+00', 0.01, 2.5, '\\x0A'::BLOB`,
  },
  { definition: tableOf('empty', { id: 'long', text: 'string', ratio: 'double', price: 'decimal(9, 2)' }) },
  {
    definition: tableOf(
      'numbers',
      { n: 'long', word: 'string', half: 'double', moment: 'timestamptz' },
      { partition: null },
    ),
    select: `SELECT n, CASE WHEN n % 10 = 0 THEN NULL ELSE 'wörd ' || n % 1000 END AS word, n / 2 AS half, TIMESTAMPTZ '2021-01-01 00:00:00+00' + to_microseconds(n * 1000003) AS moment
      FROM range(1000000) AS r(n)`,
  },
]

/** Makes the tables in a directory of their own and opens our doors over them. */
export async function openTables(): Promise<Tables> {
  const data = await mkdtemp(join(tmpdir(), 'landfall-differential-'))
  await createDataLog(ownPlaces(data))
  const position = await endOfLog(data)
  const { lake } = await openLakeAt(ownPlaces(data))
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  for (const { definition, select } of contents) {
    const state = await lake.ensure(definition, { position })
    if (select === undefined) continue
    const add = await lake.writeFiles(connection, state, select)
    await lake.commit(definition.name, {
      add,
      expect: { position: state.position, epoch: state.epoch },
      position,
      batch: 1,
    })
  }
  connection.closeSync()
  instance.closeSync()
  const door = await openQuery({
    places: ownPlaces(data),
    listen: { host: '127.0.0.1', port: 0 },
    insecure: false,
    token: null,
    settings: { spoolWaitMs: 0 },
  })
  const iceberg = {
    connector: 'iceberg',
    'iceberg.catalog.type': 'rest',
    'iceberg.rest-catalog.uri': `${door.address}/iceberg`,
    'fs.hadoop.enabled': 'true',
  }
  return {
    url: door.address,
    catalogs: { [CATALOG]: iceberg },
    async [Symbol.asyncDispose]() {
      await door.close()
      await rm(data, { recursive: true, force: true })
    },
  }
}

async function endOfLog(data: string) {
  await using log = await openDataLog(ownPlaces(data))
  return log.end()
}

/** A new session, in the schema of the tables. */
export function openSession(url: string): TrinoSession {
  return new TrinoSession(url, { catalog: CATALOG, schema: SCHEMA, timeZone: 'UTC' })
}
