import type { QueryResult, ResultColumn, SessionChange, Value } from '../sql.ts'

export function column(name: string, type = 'varchar'): ResultColumn {
  return { name, type }
}

const NO_FRESHNESS = { position: undefined, end: undefined, behind: false, batch: 0 }

/** The answer of a statement that has none. */
export function changed(updateType: string, sessionChange: SessionChange | undefined): QueryResult {
  return { ...rowsResult([], []), updateType, ...(sessionChange ? { sessionChange } : {}) }
}

export function rowsResult(columns: ResultColumn[], rows: Value[][]): QueryResult {
  const pages = (async function* () {
    if (rows.length > 0) yield rows
  })()
  return { columns, pages, freshness: NO_FRESHNESS }
}
