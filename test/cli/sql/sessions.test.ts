/** `landfall sql` keeps a session, over a data directory and over a door. */
import { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSql } from '../../../src/cli/sql/run-sql.ts'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { openTrinoEngine } from '../../../src/sql/drivers/trino.ts'
import { withSessions } from '../../../src/sql/session/with-sessions.ts'
import type { SqlEngine } from '../../../src/sql/sql.ts'
import { openSqlServer, type SqlServer } from '../../../src/sql/wire/trino/server.ts'
import { Landing } from '../../sql/support/landing.ts'

let landing: Landing
let engine: SqlEngine
let server: SqlServer

beforeAll(async () => {
  landing = await Landing.open()
  engine = await openDuckdbEngine({ lake: landing.lake })
  server = await openSqlServer({ engine, host: '127.0.0.1', port: 0 })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

const ways: [name: string, open: () => SqlEngine][] = [
  ['a data directory', () => withSessions(engine)],
  ["Trino's protocol", () => openTrinoEngine(server.url)],
  ["Presto's headers", () => openTrinoEngine(server.url.replace('http://', 'presto://'))],
]

test.each(ways)('over %s: what a statement changes holds for those after it', async (_, open) => {
  const statements = [
    'USE hive.information_schema',
    'SELECT count(*) > 0 AS found FROM tables',
    "SET SESSION query_max_run_time = '3m'",
    "SHOW SESSION LIKE 'query_max_run_time'",
    'RESET SESSION query_max_run_time',
    "PREPARE p FROM SELECT 'é' || ?, 1 + ?",
    "EXECUTE p USING ',=%', 41",
    'START TRANSACTION',
    'COMMIT',
    'DEALLOCATE PREPARE p',
  ]
  const { output, errors, code } = await run(open(), statements.join(';\n'))
  expect([code, errors.replaceAll(/^[\d.]+ s.*\n/gm, '')]).toEqual([0, ''])
  const found = [
    'USE',
    'true',
    'SET SESSION',
    '3m',
    'RESET SESSION',
    'PREPARE',
    'é,=%',
    '42',
    'START TRANSACTION',
    'COMMIT',
  ]
  let at = 0
  for (const text of [...found, 'DEALLOCATE']) {
    const next = output.indexOf(text, at)
    expect(next, `${text} in ${output.slice(at)}`).toBeGreaterThanOrEqual(at)
    at = next + text.length
  }
})

test.each(ways)('over %s: an error is placed in what was written', async (_, open) => {
  const { errors, code } = await run(
    open(),
    "PREPARE p FROM SELECT ?,\n  bad FROM events; EXECUTE p USING 'a text'",
  )
  expect(code).toBe(1)
  expect(errors).toContain("sql/unknown-column: line 2:3: Column 'bad' cannot be resolved")
  expect((await run(open(), 'EXECUTE p')).errors).toContain('Prepared statement not found: p')
})

async function run(sql: SqlEngine, statement: string) {
  let [output, errors] = ['', '']
  const write = (take: (text: string) => void) =>
    new Writable({ write: (part: Buffer, _encoding, done) => (take(part.toString()), done()) })
  const code = await runSql({
    engine: sql,
    statement,
    input: Readable.from([]),
    output: write((text) => (output += text)),
    errorOutput: write((text) => (errors += text)),
    isTTY: false,
  })
  return { output, errors, code }
}
