import type { ResultColumn, SqlEngine, Value } from '../sql/sql.ts'

export interface Asked {
  columns: ResultColumn[]
  rows: Value[][]
}

/** The whole answer; `rowsMax` bounds it. */
export async function askRows(engine: SqlEngine, sql: string, rowsMax = 100_000): Promise<Asked> {
  const { columns, pages } = await engine.query(sql, { rowsMax })
  const rows: Value[][] = []
  for await (const page of pages) for (const row of page) rows.push(row)
  return { columns, rows }
}
