/** Statements of the session against a real Trino: the same headers, kinds, errors and places. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WireResults } from '../../src/sql/trino-protocol.ts'
import { findTrino } from '../engines/trino.ts'
import { type GameDoor, openGameDoor } from './support/game-door.ts'

const trino = await findTrino()
let door: GameDoor

beforeAll(async () => {
  if ('missing' in trino) return
  door = await openGameDoor()
}, 120_000)
afterAll(() => door?.[Symbol.asyncDispose]())

const PREPARED: Record<string, string> = {
  one: 'SELECT ? AS x',
  two: 'SELECT ?, \'?\' AS "?", ? -- ?',
  limited: 'SELECT * FROM (VALUES (1), (2), (3)) AS t (x) ORDER BY x LIMIT ?',
  broken: 'SELECT\n  nothing, ?',
  shows: 'SHOW CATALOGS',
}

const STATEMENTS = [
  'USE {catalog}.default',
  'USE default',
  'USE {catalog}.nowhere',
  'USE nowhere.default',
  'USE a.b.c',
  "SET SESSION query_max_run_time = '10m'",
  "SET SESSION query_max_run_time = concat('1', 'h')",
  'SET SESSION query_max_run_time = 5',
  "SET SESSION query_max_run_time = 'soon'",
  'SET SESSION query_max_run_time = NULL',
  "SET SESSION nothing = 'x'",
  "SET SESSION system.nothing = 'x'",
  'SET SESSION query_max_run_time',
  'RESET SESSION query_max_run_time',
  'RESET SESSION nothing',
  "SET TIME ZONE 'Europe/Rome'",
  "SET TIME ZONE '+05:30'",
  "SET TIME ZONE INTERVAL '-8' HOUR",
  "SET TIME ZONE INTERVAL '-08:30' HOUR TO MINUTE",
  "SET TIME ZONE 'Europe/Atlantis'",
  "SET TIME ZONE '+15:00'",
  'SET ROLE ALL',
  'SET ROLE NONE',
  'SET ROLE admin',
  'PREPARE p FROM SELECT 1',
  'PREPARE p FROM',
  'PREPARE p FROM EXECUTE one',
  'PREPARE p FROM DEALLOCATE PREPARE one',
  'DEALLOCATE PREPARE one',
  'DEALLOCATE PREPARE nothing',
  'EXECUTE nothing',
  'EXECUTE one',
  'EXECUTE one USING 1, 2',
  "EXECUTE one USING 'a''b'",
  "EXECUTE two USING -1, upper('a')",
  'EXECUTE limited USING 2',
  "EXECUTE limited USING BIGINT '2'",
  'EXECUTE broken USING 1',
  'EXECUTE one USING column_name',
  'EXECUTE one USING',
  'EXECUTE shows USING 1',
  'SELECT ?',
  "EXECUTE IMMEDIATE 'SELECT ?, ? + 1' USING 'x', 2",
  "EXECUTE IMMEDIATE 'SELECT nothing'",
  "EXECUTE IMMEDIATE 'SELECT 1,\n  nothing'",
  "EXECUTE IMMEDIATE 'SELECT ?'",
  "EXECUTE IMMEDIATE 'SELECT ?, nothing' USING 'a longer text'",
  "EXECUTE IMMEDIATE 'PREPARE x FROM SELECT 1'",
  "EXECUTE IMMEDIATE 'USE {catalog}.default'",
  "EXECUTE IMMEDIATE '' ",
  'DESCRIBE INPUT nothing',
  'DESCRIBE OUTPUT nothing',
  'DESCRIBE INPUT one',
  'DESCRIBE OUTPUT limited',
  'COMMIT',
  'ROLLBACK',
  'START TRANSACTION READ',
  'START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY',
  "CALL system.runtime.kill_query(query_id => '20200101_000000_00000_aaaaa', message => 'x')",
  "CALL system.runtime.kill_query(query_id => 'nonsense')",
  "CALL system.runtime.kill_query(message => 'x')",
  "CALL system.runtime.nothing('x')",
]

/** Where Trino and we differ on purpose, and why. */
const DIFFERENT: Record<string, string> = {
  "EXECUTE IMMEDIATE 'PREPARE x FROM SELECT 1'": 'the same',
  'PREPARE p FROM SELECT 1': 'we keep the text as it was written, Trino formats it anew',
}

interface Seen {
  updateType?: string | undefined
  columns?: string[] | undefined
  rows: unknown[][]
  error?: { name: string; place: string | undefined } | undefined
  headers: Record<string, string>
}

async function see(url: string, catalog: string, sql: string): Promise<Seen> {
  const prepared = Object.entries(PREPARED).map(([name, text]) => `${name}=${encodeURIComponent(text)}`)
  const headers = {
    'X-Trino-User': 'ada',
    'X-Trino-Catalog': catalog,
    'X-Trino-Schema': 'default',
    'X-Trino-Transaction-Id': 'NONE',
    'X-Trino-Prepared-Statement': prepared.join(','),
    'X-Trino-Client-Capabilities': 'PATH,PARAMETRIC_DATETIME,SESSION_AUTHORIZATION',
  }
  const body = sql.replaceAll('{catalog}', catalog)
  let response = await fetch(`${url}/v1/statement`, { method: 'POST', headers, body })
  const seen: Seen = { rows: [], headers: {} }
  for (;;) {
    const page = (await response.json()) as WireResults
    for (const [name, value] of response.headers) {
      if (/^x-trino-(set|clear|added|deallocated|started)/.test(name))
        seen.headers[name] = value.replace(/[0-9a-f-]{36}/, 'ID')
    }
    seen.rows.push(...((page.data ?? []) as unknown[][]))
    if (page.updateType !== undefined) seen.updateType = page.updateType
    if (page.columns)
      seen.columns = page.columns.map(
        (column) => `${column.name} ${column.type.replace(/^varchar\(\d+\)$/, 'varchar')}`,
      )
    if (page.error) {
      const { errorName, errorLocation: at } = page.error
      seen.error = { name: errorName, place: at && `${at.lineNumber}:${at.columnNumber}` }
    }
    if (!page.nextUri) break
    response = await fetch(page.nextUri, { headers })
  }
  if (seen.error) return { rows: [], headers: {}, error: seen.error }
  return JSON.parse(JSON.stringify(seen).replaceAll(catalog, '{catalog}')) as Seen
}

for (const sql of STATEMENTS) {
  test(sql, { timeout: 60_000 }, async ({ skip }) => {
    if ('missing' in trino) return skip(trino.missing)
    const theirs = await see(trino.url, 'memory', sql)
    const ours = await see(door.url, 'hive', sql)
    if (sql in DIFFERENT) expect(ours, DIFFERENT[sql]).not.toEqual(theirs)
    else expect(ours).toEqual(theirs)
  })
}
