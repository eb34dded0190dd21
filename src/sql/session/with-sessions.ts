import type { SqlEngine } from '../sql.ts'
import { NEW_SESSION } from './change-session.ts'
import { runInSession } from './run-in-session.ts'

/** An engine that answers the statements of a session too, for a client that has no door before it. It owns the engine. */
export function withSessions(engine: SqlEngine): SqlEngine {
  // One question at a time: there is none that another could end.
  const parts = { engine, killQuery: () => 'not-found' as const }
  return {
    query: (sql, options = {}) =>
      runInSession(parts, sql, { ...options, session: options.session ?? NEW_SESSION }),
    listTables: () => engine.listTables(),
    describe: (table) => engine.describe(table),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}
