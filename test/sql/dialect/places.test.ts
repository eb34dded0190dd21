/** Errors have the place of what the user wrote, whatever was made of it. Lines and columns are those of a real Trino 476. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../../src/sql/sql.ts'
import { toWireError } from '../../../src/sql/trino-errors.ts'
import { Landing } from '../support/landing.ts'
import { errorOf } from '../support/rows.ts'

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

const cases: [sql: string, name: string, line: number, column: number][] = [
  ['select nosuch(1)', 'FUNCTION_NOT_FOUND', 1, 8],
  ['select 1,\n  nosuch(1)', 'FUNCTION_NOT_FOUND', 2, 3],
  ["select x, '😀ü', nosuch(x)\nfrom (values 1) t(x)", 'FUNCTION_NOT_FOUND', 1, 17],
  ['select x from (values 1) t(y)', 'COLUMN_NOT_FOUND', 1, 8],
  ['select t.x from (values 1) t(y)', 'COLUMN_NOT_FOUND', 1, 8],
  ["select 'a' = 1", 'TYPE_MISMATCH', 1, 12],
  ["select 1 + 'a'", 'TYPE_MISMATCH', 1, 10],
  ["select case when true then 1 else 'a' end", 'TYPE_MISMATCH', 1, 35],
  ['select 1 where 1', 'TYPE_MISMATCH', 1, 16],
  ["select date '2021-13-01'", 'INVALID_LITERAL', 1, 8],
  ['select 99999999999999999999', 'SYNTAX_ERROR', 1, 8],
  ['selec 1', 'SYNTAX_ERROR', 1, 1],
  ['select 1 from', 'SYNTAX_ERROR', 1, 14],
  ['select *\nfrom (values 1) t(x)\nwhere', 'SYNTAX_ERROR', 3, 6],
  ['select if(1, 2, 3)', 'TYPE_MISMATCH', 1, 11],
  ["select x from (values 1) t(x) where x in (1, 'a')", 'TYPE_MISMATCH', 1, 46],
  ['select * from nosuch', 'TABLE_NOT_FOUND', 1, 15],
  ['select * from hive.nosuch.t', 'SCHEMA_NOT_FOUND', 1, 15],
  ['with a as (select 1), a as (select 2) select * from a', 'DUPLICATE_NAMED_QUERY', 1, 23],
  ['select cost from purchases a join purchases b on a.cost = b.cost', 'AMBIGUOUS_NAME', 1, 8],
  ['values (1, 2), (3)', 'TYPE_MISMATCH', 1, 1],
  ["select 1 union select 'a'", 'TYPE_MISMATCH', 1, 10],
  ['select row_number()', 'MISSING_OVER', 1, 8],
  ['select * from (values (1,2)) t(a)', 'MISMATCHED_COLUMN_ALIASES', 1, 15],
]
test.each(cases)('%s', async (sql, name, line, column) => {
  const error = toWireError(await errorOf(engine, sql))
  expect([error.errorName, error.errorLocation]).toEqual([name, { lineNumber: line, columnNumber: column }])
})

test.each([
  ['select 1 / 0', 'DIVISION_BY_ZERO', 8],
  ['select x % 0 from (values 1) t(x)', 'DIVISION_BY_ZERO', 8],
  ["select cast('x' as bigint)", 'INVALID_CAST_ARGUMENT', 9],
  ['select array[1, 2][3]', 'INVALID_FUNCTION_ARGUMENT', 7],
  ["select map(array['a'], array[1])['b']", 'INVALID_FUNCTION_ARGUMENT', 7],
  ['select 2147483647 + 1', 'NUMERIC_VALUE_OUT_OF_RANGE', 19],
  ['select sum(x) from (values 9223372036854775807, 1) t(x)', 'NUMERIC_VALUE_OUT_OF_RANGE', 19],
  ['select (select x from (values 1, 2) t(x))', 'SUBQUERY_MULTIPLE_ROWS', 28],
])('%s fails as in Trino', async (sql, name, code) => {
  const error = toWireError(await errorOf(engine, sql))
  expect([error.errorName, error.errorCode]).toEqual([name, code])
})

test.each([
  'select * from (values 1) t(x) match_recognize (pattern (a+) define a as true)',
  "select * from json_table('{}', 'lax $' columns (a integer path 'lax $.a'))",
  'select * from (values 1) t(x) natural join (values 1) u(x)',
  'select * from purchases for version as of 1',
])('%s is refused where it stands', async (sql) => {
  const error = await errorOf(engine, sql)
  expect(error.code).toBe('sql/not-supported')
  expect(error.details['column']).toBeGreaterThan(1)
})
