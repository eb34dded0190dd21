/** Statements of the session through the door, over the real engine: what the client is told to change, and what then holds. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../../src/sql/sql.ts'
import { openSqlServer, type SqlServer } from '../../../src/sql/wire/trino/server.ts'
import { Landing } from '../support/landing.ts'
import { ask, post } from '../support/wire.ts'

let landing: Landing
let engine: SqlEngine
let server: SqlServer

beforeAll(async () => {
  landing = await Landing.open()
  await landing.append(20)
  await landing.chunk(20)
  const parts = { lake: landing.lake, log: landing.log, spoolDirectory: landing.spoolDirectory }
  engine = await openDuckdbEngine(parts)
  server = await openSqlServer({ engine, host: '127.0.0.1', port: 0 })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

const ENDLESS =
  'SELECT count(*) FROM events a, events b, events c, events d, events e, events f, events g, events h, events i'

const changes: [sql: string, updateType: string, header: string | undefined, value: string | undefined][] = [
  ['USE hive.default', 'USE', 'set-schema', 'default'],
  ['use default', 'USE', 'set-schema', 'default'],
  ["SET SESSION query_max_run_time = '10m'", 'SET SESSION', 'set-session', 'query_max_run_time=10m'],
  [
    "set session query_max_run_time = concat('1', 'h')",
    'SET SESSION',
    'set-session',
    'query_max_run_time=1h',
  ],
  ['RESET SESSION query_max_run_time', 'RESET SESSION', 'clear-session', 'query_max_run_time'],
  ["SET TIME ZONE 'europe/rome'", 'SET TIME ZONE', 'set-session', 'time_zone_id=Europe%2FRome'],
  ["SET TIME ZONE INTERVAL '-8' HOUR", 'SET TIME ZONE', 'set-session', 'time_zone_id=-08%3A00'],
  ['SET TIME ZONE LOCAL', 'SET TIME ZONE', 'set-session', 'time_zone_id=UTC'],
  ['SET ROLE ALL', 'SET ROLE', 'set-role', 'system=ALL'],
  ['SET ROLE none IN hive', 'SET ROLE', 'set-role', 'hive=NONE'],
  ["PREPARE p FROM SELECT 'a b', ?", 'PREPARE', 'added-prepare', "p=SELECT+'a+b'%2C+%3F"],
  ['START TRANSACTION', 'START TRANSACTION', 'started-transaction-id', undefined],
  [
    'START TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ WRITE',
    'START TRANSACTION',
    'started-transaction-id',
    undefined,
  ],
]
test.each(changes)('%s', async (sql, updateType, header, value) => {
  const { last, headers } = await ask(server.url, sql)
  expect(last).toMatchObject({ updateType, columns: [], stats: { state: 'FINISHED' } })
  expect('data' in last).toBe(false)
  if (value !== undefined) expect(headers.get(`x-trino-${header}`)).toBe(value)
  else expect(headers.get(`x-trino-${header}`)).toMatch(/^[0-9a-f-]{36}$/)
})

test('a client of Presto is answered with its own headers', async () => {
  const response = await fetch(`${server.url}/v1/statement`, {
    method: 'POST',
    body: "SET SESSION query_max_run_time = '1h'",
    headers: { 'X-Presto-User': 'ada' },
  })
  const { nextUri } = (await response.json()) as { nextUri: string }
  const page = await fetch(nextUri)
  expect(page.headers.get('x-presto-set-session')).toBe('query_max_run_time=1h')
  expect(page.headers.get('x-trino-set-session')).toBeNull()
})

test('a transaction is one name that the client brings back', async () => {
  const running = { 'X-Trino-Transaction-Id': '0b1e2c3d-0000-4000-8000-000000000000' }
  expect((await ask(server.url, 'SELECT 1', running)).rows).toEqual([[1]])
  const { last, headers } = await ask(server.url, 'COMMIT WORK', running)
  expect([last.updateType, headers.get('x-trino-clear-transaction-id')]).toEqual(['COMMIT', 'true'])
  expect((await ask(server.url, 'ROLLBACK', running)).last.updateType).toBe('ROLLBACK')
  expect((await ask(server.url, 'COMMIT')).last.error).toMatchObject({ errorName: 'NOT_IN_TRANSACTION' })
  expect((await ask(server.url, 'START TRANSACTION', running)).last.error?.errorName).toBe('NOT_SUPPORTED')
})

const prepared = (name: string, sql: string) => ({
  'X-Trino-Prepared-Statement': `${name}=${encodeURIComponent(sql)}`,
})

test('a prepared statement is asked with values of every kind', async () => {
  const sql = "SELECT ?, ? -- '?' and ?\n, '?' AS \"?\", 5 - ?, upper(?) /* ? */"
  const { last, rows } = await ask(
    server.url,
    "EXECUTE p USING 3, 'x''y', -2, concat('a', ',b')",
    prepared('p', sql),
  )
  expect(last.error).toBeUndefined()
  expect(rows).toEqual([[3, "x'y", '?', 7, 'A,B']])
  const limited = await ask(
    server.url,
    "EXECUTE p USING BIGINT '2'",
    prepared('p', 'SELECT "offset" FROM events ORDER BY 1 LIMIT ?'),
  )
  expect(limited.rows).toEqual([[0], [1]])
})

test('EXECUTE IMMEDIATE asks a text', async () => {
  const sql =
    "EXECUTE IMMEDIATE 'SELECT count(*) FROM events WHERE \"offset\" < ? AND event_type = ?' USING 7, 'x'"
  expect((await ask(server.url, sql)).rows).toEqual([[7]])
  expect((await ask(server.url, "EXECUTE IMMEDIATE 'SHOW TABLES'")).rows).toContainEqual(['purchases'])
  const use = await ask(server.url, "EXECUTE IMMEDIATE 'USE hive.default'")
  expect(use.headers.get('x-trino-set-catalog')).toBe('hive')
})

test('a prepared statement that executes itself, or another, is refused', async () => {
  for (const sql of ['EXECUTE p', "EXECUTE IMMEDIATE 'EXECUTE p'", 'EXECUTE p USING 1']) {
    const { last } = await ask(server.url, 'EXECUTE p', prepared('p', sql))
    expect(last.error?.message).toMatch(/Invalid statement type for prepared statement/)
  }
})

test('a prepared statement is described', async () => {
  const header = prepared(
    'p',
    'SELECT "offset", ? AS x, upper(event_type) FROM events WHERE "offset" < ? AND event_type = ?',
  )
  const input = await ask(server.url, 'DESCRIBE INPUT p', header)
  expect(input.last.columns!.map(({ name, type }) => [name, type])).toEqual([
    ['Position', 'integer'],
    ['Type', 'varchar'],
  ])
  expect(input.rows).toEqual([
    [0, 'unknown'],
    [1, 'unknown'],
    [2, 'unknown'],
  ])
  const output = await ask(server.url, 'DESCRIBE OUTPUT p', header)
  expect(output.rows.map((row) => [row[0], row[4], row[5]])).toMatchObject([
    ['offset', 'bigint', 8],
    ['x', expect.any(String), expect.any(Number)],
    ['_col2', 'varchar', 0],
  ])
  expect((await ask(server.url, 'DESCRIBE OUTPUT q', header)).last.error?.errorName).toBe('NOT_FOUND')
  const shows = await ask(server.url, 'DESCRIBE OUTPUT s', prepared('s', 'SHOW TABLES'))
  expect(shows.rows.map((row) => row[0])).toEqual(['Table'])
})

const errors: [sql: string, errorName: string, place: string | undefined, text: RegExp][] = [
  ['EXECUTE nothing', 'NOT_FOUND', undefined, /Prepared statement not found: nothing/],
  ['DEALLOCATE PREPARE nothing', 'NOT_FOUND', undefined, /Prepared statement not found/],
  ['EXECUTE p', 'INVALID_PARAMETER_USAGE', '1:1', /expected 1 but found 0/],
  ['EXECUTE p USING 1, 2', 'INVALID_PARAMETER_USAGE', '1:1', /expected 1 but found 2/],
  ['SELECT ?', 'INVALID_PARAMETER_USAGE', '1:1', /expected 1 but found 0/],
  ['EXECUTE p USING cost', 'EXPRESSION_NOT_CONSTANT', '1:17', /column references/],
  ['EXECUTE p USING 1 + ?', 'INVALID_PARAMETER_USAGE', '1:17', /value of a parameter/],
  ['EXECUTE p USING', 'SYNTAX_ERROR', '1:16', /an expression/],
  ['EXECUTE p USING 1)', 'SYNTAX_ERROR', '1:18', /the end/],
  ['EXECUTE p USING (1', 'SYNTAX_ERROR', '1:19', /'\)'/],
  ["EXECUTE IMMEDIATE 'SELECT bad FROM events'", 'COLUMN_NOT_FOUND', '1:27', /bad/],
  ["EXECUTE IMMEDIATE 'SELECT ?,\n bad FROM events' USING 'long text'", 'COLUMN_NOT_FOUND', '2:2', /bad/],
  ["EXECUTE IMMEDIATE 'SELECT ?, bad FROM events' USING 'long text'", 'COLUMN_NOT_FOUND', '1:30', /bad/],
  ["EXECUTE IMMEDIATE 'EXECUTE p USING 1'", 'NOT_SUPPORTED', undefined, /Invalid statement type/],
  ['PREPARE x FROM EXECUTE p', 'NOT_SUPPORTED', undefined, /Invalid statement type/],
  ['PREPARE x FROM', 'SYNTAX_ERROR', '1:15', /a statement/],
  ["SET SESSION nothing = 'x'", 'INVALID_SESSION_PROPERTY', '1:23', /'nothing' does not exist/],
  ['RESET SESSION hive.nothing', 'INVALID_SESSION_PROPERTY', '1:1', /'hive.nothing' does not exist/],
  ["SET SESSION query_max_run_time = 'soon'", 'INVALID_SESSION_PROPERTY', '1:34', /is invalid: soon/],
  ['SET SESSION query_max_run_time = 5', 'INVALID_SESSION_PROPERTY', undefined, /expected a varchar/],
  [
    "SET TIME ZONE 'Europe/Atlantis'",
    'NOT_SUPPORTED',
    undefined,
    /Time zone not supported: Europe\/Atlantis/,
  ],
  ["SET TIME ZONE '+15:00'", 'NOT_SUPPORTED', undefined, /Time zone not supported/],
  ['SET ROLE admin', 'ROLE_NOT_FOUND', '1:1', /'admin' does not exist/],
  ['USE nowhere.x', 'CATALOG_NOT_FOUND', undefined, /'nowhere' not found/],
  ['USE hive.nowhere', 'NOT_FOUND', undefined, /Schema does not exist: hive.nowhere/],
  ['START TRANSACTION READ', 'SYNTAX_ERROR', '1:23', /ONLY or WRITE/],
  ['SET PATH x', 'NOT_SUPPORTED', '1:1', /SET PATH/],
  ['SET SESSION AUTHORIZATION bob', 'NOT_SUPPORTED', '1:1', /who connects/],
  ['CALL system.nothing()', 'PROCEDURE_NOT_FOUND', undefined, /not registered/],
  ['INSERT INTO events VALUES (1)', 'NOT_SUPPORTED', '1:1', /only reads/],
  ['  create table x (a bigint)', 'NOT_SUPPORTED', '1:3', /pipeline file/],
  ["EXECUTE IMMEDIATE 'DROP TABLE events'", 'NOT_SUPPORTED', '1:20', /only reads/],
]
test.each(errors)('%s is %s', async (sql, errorName, place, text) => {
  const { last } = await ask(server.url, sql, prepared('p', 'SELECT ?'))
  expect(last.stats.state).toBe('FAILED')
  expect(last.error).toMatchObject({ errorName, message: expect.stringMatching(text) })
  const { errorLocation: at } = last.error!
  expect(at && `${at.lineNumber}:${at.columnNumber}`).toBe(place)
})

test('session properties hold for the query, unknown ones are refused', async () => {
  const soon = await ask(server.url, ENDLESS, { 'X-Trino-Session': 'query_max_run_time=300ms' })
  expect(soon.last.error?.errorName).toBe('EXCEEDED_TIME_LIMIT')
  const unknown = await ask(server.url, 'SELECT 1', { 'X-Trino-Session': 'spill_enabled=true' })
  expect(unknown.last.error).toMatchObject({ errorName: 'INVALID_SESSION_PROPERTY' })
  const shown = await ask(server.url, "SHOW SESSION LIKE 'query#_max#_run%' ESCAPE '#'", {
    'X-Trino-Session': 'query_max_run_time=3m',
  })
  expect(shown.last.columns!.map(({ name }) => name)).toEqual([
    'Name',
    'Value',
    'Default',
    'Type',
    'Description',
  ])
  expect(shown.rows).toEqual([['query_max_run_time', '3m', '', 'varchar', expect.any(String)]])
})

test('the zone of the client is that of the current time', async () => {
  const zoneOf = async (zone: string) => {
    const { rows, last } = await ask(server.url, 'SELECT current_timestamp', { 'X-Trino-Time-Zone': zone })
    return last.error ? last.error.errorName : String(rows[0]![0]).split(' ')[2]
  }
  expect(await zoneOf('Europe/Rome')).toBe('Europe/Rome')
  expect(await zoneOf('america/new_york')).toBe('America/New_York')
  for (const utc of ['Z', 'GMT', 'Etc/UTC', '+00:00']) expect(await zoneOf(utc)).toBe('UTC')
  expect(await zoneOf('Foo/Bar')).toBe('NOT_SUPPORTED')
})

test('kill_query ends a query of somebody else with its message', async () => {
  const running = await post(server.url, ENDLESS)
  const kill = `CALL system.runtime.kill_query(query_id => '${running.id}', message => 'too long')`
  const { last } = await ask(server.url, kill, { 'X-Trino-User': 'bob' })
  expect(last).toMatchObject({ updateType: 'CALL', stats: { state: 'FINISHED' } })
  const killed = (await (await fetch(running.nextUri!)).json()) as typeof last
  expect(killed.error).toMatchObject({
    errorName: 'ADMINISTRATIVELY_KILLED',
    errorCode: 38,
    message: 'Query killed. Message: too long',
  })
  expect((await ask(server.url, kill)).last.error).toMatchObject({ errorName: 'NOT_SUPPORTED' })
  const other = await ask(server.url, "CALL system.runtime.kill_query('20200101_000000_00000_aaaaa')")
  expect(other.last.error).toMatchObject({
    errorName: 'NOT_FOUND',
    message: expect.stringContaining('Target query'),
  })
})
