/** What the translator writes is on the allow-list of the sandbox, and names of DuckDB's functions are not names here. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FUNCTION_NAMES } from '../../../src/sql/drivers/duckdb/dialect/functions/functions.ts'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { ALLOWED_FUNCTIONS } from '../../../src/sql/drivers/duckdb/functions.ts'
import type { SqlEngine } from '../../../src/sql/sql.ts'
import { Landing } from '../support/landing.ts'
import { errorOf, rowsOf } from '../support/rows.ts'

let landing: Landing
let engine: SqlEngine

beforeAll(async () => {
  landing = await Landing.open()
  engine = await openDuckdbEngine({ lake: landing.lake })
})
afterAll(async () => {
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

const ARGUMENTS = [
  '1',
  "'a'",
  'array[1, 2]',
  "map(array['a'], array[1])",
  "date '2020-01-01'",
  "json '{}'",
  '1e0',
]

test('no call of a function that there is ends in the sandbox', { timeout: 120_000 }, async () => {
  const refused: string[] = []
  for (const name of FUNCTION_NAMES) {
    for (const argument of ARGUMENTS) {
      for (const count of [1, 2, 3]) {
        const sql = `SELECT ${name}(${Array.from({ length: count }, () => argument).join(', ')})`
        const message = await rowsOf(engine, sql).then(
          () => '',
          (error: Error) => error.message,
        )
        if (/is not available|is not allowed/.test(message)) refused.push(`${sql}: ${message}`)
      }
    }
  }
  expect(refused).toEqual([])
})

test('a function of DuckDB that Trino does not have is not registered', async () => {
  const own = [...ALLOWED_FUNCTIONS, 'read_parquet', 'getenv', 'query', 'error', 'cast_to_type'].filter(
    (name) => /^[a-z_0-9]+$/.test(name) && !FUNCTION_NAMES.includes(name),
  )
  expect(own.length).toBeGreaterThan(80)
  for (const name of own)
    expect([name, (await errorOf(engine, `SELECT "${name}"(1)`)).code]).toEqual([
      name,
      'sql/unknown-function',
    ])
})

test('an argument that is used twice is computed once', async () => {
  expect(await rowsOf(engine, 'SELECT x = x FROM (SELECT greatest(random(), random() - 2) AS x)')).toEqual([
    [true],
  ])
  const nested = `SELECT ${'greatest('.repeat(20)}1.5${', 1.25)'.repeat(20)}`
  expect(await rowsOf(engine, nested)).toEqual([['1.50']])
})
