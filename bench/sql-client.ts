import { openTrinoEngine } from '../src/sql/drivers/trino.ts'
import type { SqlEngine, Value } from '../src/sql/sql.ts'

/** All rows of an answer. */
export async function rowsOf(engine: SqlEngine, statement: string): Promise<Value[][]> {
  const rows: Value[][] = []
  for await (const page of (await engine.query(statement)).pages) rows.push(...page)
  return rows
}

/** One number, and whether the answer says of itself that it does not reach the log's end. */
export async function askNumber(
  engine: SqlEngine,
  statement: string,
): Promise<{ value: number; behind: boolean }> {
  const { pages, freshness } = await engine.query(statement)
  const rows: Value[][] = []
  for await (const page of pages) rows.push(...page)
  return { value: Number(rows[0]![0]), behind: freshness.behind }
}

/** A statement at the SQL door, over the wire. */
export async function askOver(url: string, statement: string): Promise<Value[][]> {
  await using engine = openTrinoEngine(url)
  return await rowsOf(engine, statement)
}

export async function countRows(url: string, table: string): Promise<number> {
  return Number((await askOver(url, `SELECT count(*) FROM ${table}`))[0]![0])
}
