/** An answer as a Parquet file: the rows of the answer, and the same refusals. */
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { Landing } from './support/landing.ts'
import { numbers } from './support/numbers.ts'

let landing: Landing
let engine: SqlEngine
let temporaryDirectory: string

beforeEach(async () => {
  landing = await Landing.open()
  temporaryDirectory = await mkdtemp(join(tmpdir(), 'landfall-test-'))
  const { lake, log, spoolDirectory } = landing
  const settings = { spoolWaitMs: 300, temporaryDirectory, rowsMax: 5000 }
  engine = await openDuckdbEngine({ lake, log, spoolDirectory, settings })
})

afterEach(async () => {
  await engine[Symbol.asyncDispose]()
  await landing.close()
  await rm(temporaryDirectory, { recursive: true, force: true })
})

/** Columns and rows of the file, as another reader sees them. */
async function written(sql: string): Promise<{ columns: string[]; rows: unknown[][] }> {
  const { file } = await engine.query(sql, { parquet: true })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const result = await connection.runAndReadAll(`FROM read_parquet('${file!.path}')`)
  const names = result.columnNames()
  const columns = result.columnTypes().map((type, i) => `${names[i]} ${String(type)}`)
  const rows = result.getRows().map((row) => row.map((cell) => (cell === null ? null : String(cell))))
  expect(rows.length).toBe(file!.rows)
  connection.closeSync()
  instance.closeSync()
  return { columns, rows }
}

const filesLeft = () => readdirSync(join(temporaryDirectory, 'answers')).toSorted()

test('rows that wait to land are in the file, with the names of the answer', async () => {
  await landing.append(4)
  await landing.chunk(4)
  expect(await written('SELECT count(*), max(cost) AS "Max" FROM purchases')).toEqual({
    columns: ['_col0 BIGINT', 'Max BIGINT'],
    rows: [['2', '2']],
  })
})

test('a name that comes twice gets a number; no rows are a file with columns', async () => {
  const { columns, rows } = await written("SELECT 1 AS a, 'x' AS A, 2.50 AS b WHERE 1 = 0")
  expect(columns).toEqual(['a INTEGER', 'A_2 VARCHAR', 'b DECIMAL(3,2)'])
  expect(rows).toEqual([])
})

test('a sum of bigint stays bigint, and one beyond it is an error without a file', async () => {
  const { rows } = await written(`SELECT sum(CAST(9007199254740993 AS bigint)) AS s FROM ${numbers(1)}`)
  expect(rows).toEqual([['9007199254740993']])
  await engine.query('SELECT 1', { parquet: true })
  const before = filesLeft()
  const tooLarge = `SELECT sum(x) FROM (VALUES CAST(9223372036854775807 AS bigint), CAST(1 AS bigint)) AS t(x)`
  await expect(engine.query(tooLarge, { parquet: true })).rejects.toMatchObject({ kind: 'fix-request' })
  expect(filesLeft()).toEqual(before)
})

test('the bound on rows, the sandbox and cancelling hold for files', async () => {
  await engine.query('SELECT 1', { parquet: true })
  const before = filesLeft()
  const ask = (sql: string, signal?: AbortSignal) =>
    engine.query(sql, { parquet: true, ...(signal ? { signal } : {}) })
  await expect(ask(`SELECT * FROM ${numbers(6000)}`)).rejects.toMatchObject({ code: 'sql/too-large' })
  await expect(ask("SELECT * FROM read_parquet('/etc/passwd')")).rejects.toMatchObject({
    kind: 'fix-request',
  })
  await expect(ask("COPY (SELECT 1) TO '/tmp/x.parquet'")).rejects.toMatchObject({ kind: 'fix-request' })
  await expect(ask('SHOW TABLES')).rejects.toMatchObject({ code: 'sql/not-supported' })
  await expect(ask('EXPLAIN SELECT 1')).rejects.toMatchObject({ code: 'sql/not-supported' })
  const stop = new AbortController()
  const long = ask(
    `SELECT count(*) FROM ${numbers(9000, 'a')}, ${numbers(9000, 'b')}, ${numbers(9000, 'c')} WHERE sqrt(a.n * b.n + c.n) < 0`,
    stop.signal,
  )
  setTimeout(() => stop.abort(new Error('stopped')), 200)
  await expect(long).rejects.toMatchObject({ code: 'sql/cancelled' })
  expect(filesLeft()).toEqual(before)
  await engine[Symbol.asyncDispose]()
  expect(readdirSync(temporaryDirectory)).toEqual([])
})

test('a question that is given up just when its file is made leaves none', async () => {
  await engine.query('SELECT 1', { parquet: true })
  const before = filesLeft()
  const stop = new AbortController()
  const run = Reflect.get(DuckDBConnection.prototype, 'run')
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run')
  spy.mockImplementation(async function (this: DuckDBConnection, ...args) {
    const done = await run.apply(this, args)
    if (args[0].startsWith('COPY')) stop.abort()
    return done
  })
  await expect(engine.query('SELECT 2', { parquet: true, signal: stop.signal })).rejects.toThrow()
  expect(stop.signal.aborted).toBe(true)
  spy.mockRestore()
  expect(filesLeft()).toEqual(before)
})
