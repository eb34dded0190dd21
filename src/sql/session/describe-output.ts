import type { QueryResult, SqlEngine } from '../sql.ts'
import { blankParameters } from './bind-parameters.ts'
import { column, rowsResult } from './results.ts'
import { runBound } from './run-bound.ts'
import type { SessionQueryOptions } from './run-in-session.ts'
import { parseSessionStatement } from './session-statement.ts'

/** The columns of a prepared statement when its parameters are null. */
export async function describeOutput(
  engine: SqlEngine,
  prepared: string,
  options: SessionQueryOptions,
): Promise<QueryResult> {
  const isAboutSession = parseSessionStatement(prepared) !== undefined
  const columns = isAboutSession
    ? []
    : (await runBound(engine, prepared, blankParameters(prepared), { ...options, columnsOnly: true })).columns
  const rows = columns.map(({ name, type }) => [name, '', '', '', type, sizeOf(type), false])
  const texts = ['Column Name', 'Catalog', 'Schema', 'Table', 'Type'].map((name) => column(name))
  return rowsResult([...texts, column('Type Size', 'integer'), column('Aliased', 'boolean')], rows)
}

/** Bytes of a value of fixed size, else 0, as Trino says it. */
function sizeOf(type: string): number {
  const sizes: Record<string, number> = {
    bigint: 8,
    integer: 4,
    smallint: 2,
    tinyint: 1,
    double: 8,
    real: 4,
    boolean: 1,
    date: 4,
  }
  return sizes[type] ?? (type.startsWith('timestamp') || type.startsWith('time') ? 8 : 0)
}
