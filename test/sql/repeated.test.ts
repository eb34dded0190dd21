/** What is kept from one question to the next changes no answer. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { Landing, PURCHASES } from './support/landing.ts'
import { numbers } from './support/numbers.ts'
import { rowsOf } from './support/rows.ts'

let landing: Landing
let engine: SqlEngine

beforeEach(async () => {
  landing = await Landing.open()
  engine = await open()
})

afterEach(async () => {
  await engine[Symbol.asyncDispose]()
  await landing.close()
})

function open(): Promise<SqlEngine> {
  const { lake, log, spoolDirectory } = landing
  return openDuckdbEngine({ lake, log, spoolDirectory, settings: { spoolWaitMs: 300 } })
}

async function land(to: number): Promise<void> {
  await landing.append(to - landing.end)
  await landing.chunk(to)
  await landing.commit(to)
}

test('a question sees each commit, spooled or landed, though its text is known', async () => {
  const ask = () => rowsOf(engine, 'SELECT count(*), max(cost) FROM purchases')
  await land(4)
  expect(await ask()).toEqual([[2, 2]])
  expect(await ask()).toEqual([[2, 2]])
  await land(10)
  expect(await ask()).toEqual([[5, 8]])
  await landing.append(2)
  await landing.chunk(12)
  expect(await ask()).toEqual([[6, 10]])
  await landing.commit(12)
  expect(await ask()).toEqual([[6, 10]])
})

test('a table that gains a column shows it to a known question, with NULL in older files', async () => {
  await land(2)
  const ask = async () => {
    const result = await engine.query('SELECT * FROM purchases')
    const rows = []
    for await (const page of result.pages) rows.push(...page)
    return { columns: result.columns.map(({ name, type }) => `${name} ${type}`), rows }
  }
  const before = await ask()
  expect(await ask()).toEqual(before)
  expect(before.columns.at(-1)).toBe('cost bigint')
  const gained = { name: 'type', type: 'string', source: { from: 'property', property: 'type' } } as const
  await landing.lake.ensure({ ...PURCHASES, columns: [...PURCHASES.columns, gained] })
  const after = await ask()
  expect(after.columns).toEqual([...before.columns, 'type varchar'])
  expect(after.rows).toEqual(before.rows.map((row) => [...row, null]))
  // Without a file as well as with one.
  expect(await rowsOf(engine, 'SELECT type, cost FROM purchases')).toEqual([[null, 0]])
})

test('a table that is gone is unknown to a known question as to a new one', async () => {
  await land(4)
  const sql = 'SELECT count(*) FROM guilds'
  expect(await rowsOf(engine, sql)).toEqual([[2]])
  await landing.lake.catalog.dropTable('guilds')
  await using fresh = await open()
  const expected = await fresh.query(sql).catch((error: unknown) => error)
  expect(expected).toMatchObject({ code: 'sql/unknown-table' })
  await expect(engine.query(sql)).rejects.toEqual(expected)
  await expect(engine.query(sql)).rejects.toEqual(expected)
})

test.each([0, 1, 255, 256, 257, 2048, 5000])('%i rows come whole and in order, twice', async (count) => {
  const sql = `SELECT i, 'row ' || cast(i AS varchar) AS text FROM ${numbers(count, 'numbers', 'i')}`
  const expected = Array.from({ length: count }, (_, i) => [i, `row ${i}`])
  expect(await rowsOf(engine, sql)).toEqual(expected)
  expect(await rowsOf(engine, sql)).toEqual(expected)
})

test('an answer that was small and has grown comes whole, and is refused beyond its limit', async () => {
  const ask = (rowsMax = 1_000_000) => rowsOf(engine, 'SELECT cost FROM purchases ORDER BY cost', { rowsMax })
  await land(4)
  expect(await ask()).toEqual([[0], [2]])
  expect(await ask()).toEqual([[0], [2]])
  await expect(ask(1)).rejects.toMatchObject({ code: 'sql/too-large' })
  await land(800)
  const expected = Array.from({ length: 400 }, (_, i) => [i * 2])
  expect(await ask()).toEqual(expected)
  expect(await ask()).toEqual(expected)
  await expect(ask(300)).rejects.toMatchObject({ code: 'sql/too-large' })
})

test('a statement fails in the middle as often as it is asked, also when it did not fail before', async () => {
  const ask = () => rowsOf(engine, 'SELECT 100 / (cost - 4) FROM purchases')
  await land(4)
  expect(await ask()).toHaveLength(2)
  expect(await ask()).toHaveLength(2)
  await land(10)
  for (let times = 0; times < 3; times++) await expect(ask()).rejects.toMatchObject({ kind: 'fix-request' })
})

test('an error leaves nothing to the next question, and comes as often as it is asked', async () => {
  const wrong = `SELECT CASE WHEN i > 100 THEN CAST('x' || cast(i AS varchar) AS integer) END FROM ${numbers(200, 'numbers', 'i')}`
  for (let times = 0; times < 3; times++) {
    await expect(rowsOf(engine, wrong)).rejects.toMatchObject({ kind: 'fix-request' })
    expect(await rowsOf(engine, 'SELECT 1')).toEqual([[1]])
  }
})

test('many at once over tables that move: every answer is whole', async () => {
  await land(10)
  const asked: Promise<unknown>[] = []
  for (let to = 12; to <= 30; to += 2) {
    for (let i = 0; i < 3; i++)
      asked.push(rowsOf(engine, 'SELECT count(*) - count(DISTINCT cost) FROM purchases'))
    await land(to)
  }
  for (const answer of await Promise.all(asked)) expect(answer).toEqual([[0]])
  expect(await rowsOf(engine, 'SELECT count(*) FROM purchases')).toEqual([[15]])
})
