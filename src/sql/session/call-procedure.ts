import { LandfallError } from '../../base/errors.ts'
import type { QueryOptions, SqlEngine } from '../sql.ts'
import { lineColumnAt } from '../text.ts'
import { constantOf } from './constants.ts'
import type { SessionStatement } from './session-statement.ts'

/** Ends a running query of anybody with an error; says whether it was there and running. */
export type KillQuery = (queryId: string, error: LandfallError) => 'killed' | 'not-found' | 'not-running'

const KILL_QUERY = 'system.runtime.kill_query'

/** `CALL system.runtime.kill_query(query_id => '…', message => '…')`, the only procedure there is. */
export async function callProcedure(
  { engine, killQuery }: { engine: SqlEngine; killQuery: KillQuery },
  sql: string,
  call: Extract<SessionStatement, { kind: 'call' }>,
  options: QueryOptions,
): Promise<void> {
  const details = { ...lineColumnAt(sql, 0) }
  if (call.procedure !== KILL_QUERY) {
    const hint = `There is ${KILL_QUERY}`
    const message = `Procedure not registered: ${call.procedure}`
    throw new LandfallError('fix-request', 'sql/unknown-procedure', message, { hint })
  }
  const given = new Map<string, string>()
  for (const [i, { name, value }] of call.arguments.entries()) {
    const key = name ?? ['query_id', 'message'][i]
    if (key === undefined || given.has(key) || !['query_id', 'message'].includes(key)) {
      throw invalid(
        key === undefined ? 'Too many arguments for procedure' : `Unknown or repeated argument name: ${key}`,
      )
    }
    given.set(key, String((await constantOf(engine, value.text, options)) ?? ''))
  }
  const id = given.get('query_id')
  if (id === undefined) throw invalid("Required procedure argument 'QUERY_ID' is missing")
  const message = given.get('message')
  const text = message ? `Query killed. Message: ${message}` : 'Query killed. No message provided.'
  const outcome = killQuery(id, new LandfallError('closed', 'sql/killed', text))
  if (outcome === 'not-found')
    throw new LandfallError('fix-request', 'sql/not-found', `Target query not found: ${id}`)
  if (outcome === 'not-running') {
    throw new LandfallError('fix-request', 'sql/not-supported', `Target query is not running: ${id}`)
  }

  function invalid(reason: string): LandfallError {
    return new LandfallError('fix-request', 'sql/invalid-arguments', reason, { details })
  }
}
