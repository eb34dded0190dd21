import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isLandfallError } from '../../src/base/errors.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { StatementParser } from '../../src/sql/drivers/duckdb/parser.ts'
import { checkStatement } from '../../src/sql/drivers/duckdb/sandbox.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { greedyStatements, hostileStatements } from './support/hostile.ts'
import { Landing } from './support/landing.ts'
import { errorOf, rowsOf } from './support/rows.ts'

const SECRET = 'the-secret-of-the-file'
const MEMORY = 256e6

let landing: Landing
let engine: SqlEngine
let temporaryDirectory: string

beforeAll(async () => {
  landing = await Landing.open()
  await landing.append(20)
  await landing.chunk(20)
  temporaryDirectory = join(landing.directory, 'temporary')
  mkdirSync(temporaryDirectory)
  writeFileSync(join(landing.directory, 'secret.csv'), `${SECRET}\n${SECRET}\n`)
  writeFileSync(join(landing.directory, 'lake', 'secret.csv'), `${SECRET}\n${SECRET}\n`)
  engine = await openDuckdbEngine({
    lake: landing.lake,
    log: landing.log,
    spoolDirectory: landing.spoolDirectory,
    settings: { memoryMax: MEMORY, temporaryMax: 100e6, temporaryDirectory, timeoutMs: 2000 },
  })
})

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

/** Every name below the test's directory, but for DuckDB's own temporary files. */
function everyName(): string[] {
  const names = readdirSync(landing.directory, { recursive: true }) as string[]
  return names.filter((name) => !name.startsWith('temporary') && !name.endsWith('ask')).toSorted()
}

describe('statements that must not run', () => {
  test.each(hostileStatements.map((sql) => [sql]))('%s', async (sql) => {
    const before = everyName()
    const statement = sql
      .replaceAll('FILE', join(landing.directory, 'secret.csv'))
      .replaceAll('INSIDE', join(landing.directory, 'lake', 'secret.csv'))
      .replaceAll('OUT', join(landing.directory, 'lake', 'out'))
    const error = await errorOf(engine, statement)
    expect(error.code).toMatch(
      /^sql\/(not-allowed|not-supported|syntax|unknown-table|unknown-schema|unknown-catalog|unknown-column|unknown-function|type-mismatch)$/,
    )
    expect(error.message + (error.hint ?? '')).not.toContain(SECRET)
    expect(everyName()).toEqual(before)
  })

  test('the check of the tree refuses them too, whatever a translation let through', async () => {
    const parser = await StatementParser.open()
    const names = await engine.listTables()
    const known = { names, byId: (id: string) => (names.includes(id) ? { id } : undefined) }
    for (const sql of hostileStatements) {
      const text = { sql, qualified: new Set<number>(), columns: undefined, place: () => undefined }
      const checked = parser.parse(text).then((tree) => checkStatement(tree, text, known))
      await expect(checked, sql).rejects.toSatisfy((error) => isLandfallError(error))
    }
    parser.close()
  })

  test('beneath the sandbox DuckDB itself opens nothing outside lake and spool, and cannot be reopened', async () => {
    const { Executor } = await import('../../src/sql/drivers/duckdb/executor.ts')
    const executor = await Executor.open({
      memoryMax: MEMORY,
      temporaryMax: 100e6,
      temporaryDirectory,
      threads: 1,
      directories: [join(landing.directory, 'lake')],
    })
    const signal = new AbortController().signal
    const outside = join(landing.directory, 'secret.csv')
    for (const sql of [
      `SELECT * FROM read_text('${outside}')`,
      `SELECT * FROM '${outside}'`,
      `SELECT * FROM glob('/etc/*')`,
      `SELECT * FROM read_text('${join(landing.directory, 'lake', '..', 'secret.csv')}')`,
    ]) {
      await expect(
        executor.run({ sql, place: () => undefined }, new Map(), '', 10, signal),
        sql,
      ).rejects.toSatisfy((error) => isLandfallError(error, 'sql/not-allowed'))
    }
    await executor.close()
  })
})

test('what DuckDB may count leaves room for what the process holds beside it', async () => {
  const { Executor } = await import('../../src/sql/drivers/duckdb/executor.ts')
  const open = vi.spyOn(Executor, 'open')
  const { lake } = landing
  for (const [memoryMax, counted] of [
    [1.5e9, 1.05e9],
    [500e6, 300e6],
    [200e6, 100e6],
  ]) {
    await using small = await openDuckdbEngine({ lake, settings: { memoryMax: memoryMax! } })
    await rowsOf(small, 'SELECT 1')
    expect(open.mock.lastCall![0].memoryMax).toBe(counted)
  }
  open.mockRestore()
})

describe('statements that ask for too much end with an error, and the engine goes on', () => {
  test.each(greedyStatements)('%s', { timeout: 60_000 }, async (_name, sql) => {
    const started = performance.now()
    const error = await errorOf(engine, sql)
    expect(error.code).toMatch(
      /^sql\/(too-complex|syntax|timeout|out-of-memory|too-large|bad-value|invalid|invalid-argument)$/,
    )
    expect(performance.now() - started).toBeLessThan(20_000)
    expect(await rowsOf(engine, 'SELECT count(*) FROM events')).toEqual([[20]])
  })

  test('memory comes back to its bound and the disk is given back', async () => {
    // What the guard allows the process beyond DuckDB's own bound, and what is taken between two of its looks; this process holds the test
    // runner too. A function that was interrupted lets go of its memory when it comes to its end.
    const bound = MEMORY + 500e6 + 200e6
    await vi.waitFor(() => expect(process.memoryUsage().rss).toBeLessThan(bound), { timeout: 10_000 })
    expect(existsSync(temporaryDirectory)).toBe(true)
    expect(readdirSync(temporaryDirectory)).toEqual([])
  })
})
