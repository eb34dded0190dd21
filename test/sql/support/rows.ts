import { isLandfallError, type LandfallError } from '../../../src/base/errors.ts'
import type { QueryOptions, SqlEngine, Value } from '../../../src/sql/sql.ts'

export async function rowsOf(engine: SqlEngine, sql: string, options?: QueryOptions): Promise<Value[][]> {
  const rows: Value[][] = []
  // A page of a real server may have more rows than a call may have arguments.
  for await (const page of (await engine.query(sql, options)).pages) for (const row of page) rows.push(row)
  return rows
}

/** The error a statement ends with, wherever it comes. */
export async function errorOf(
  engine: SqlEngine,
  sql: string,
  options?: QueryOptions,
): Promise<LandfallError> {
  try {
    const rows = await rowsOf(engine, sql, options)
    throw new Error(`expected an error, got ${JSON.stringify(rows)?.slice(0, 200)}: ${sql.slice(0, 200)}`)
  } catch (error) {
    if (isLandfallError(error)) return error
    throw error
  }
}
