import type { QueryResult, SqlEngine } from '../sql.ts'
import { bindParameters, movePlace } from './bind-parameters.ts'
import type { SessionQueryOptions } from './run-in-session.ts'
import { refuseWriting } from './writing.ts'

/** Everything that is no statement of the session goes to the engine, its parameters in their places. */
export async function runBound(
  engine: SqlEngine,
  sql: string,
  parameters: string[],
  options: SessionQueryOptions,
): Promise<QueryResult> {
  refuseWriting(sql)
  const bound = bindParameters(sql, parameters)
  try {
    return await engine.query(bound.sql, options)
  } catch (error) {
    throw movePlace(error, bound.placeOf)
  }
}
