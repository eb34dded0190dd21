import type { Session, SessionChange } from '../sql.ts'

/** A session that says nothing yet. */
export const NEW_SESSION: Session = { clientTags: [], properties: {}, preparedStatements: {} }

/** The session after a statement, as its client keeps it. */
export function changeSession(session: Session, change: SessionChange): Session {
  const properties = { ...session.properties, ...change.setProperties }
  if (change.resetProperty !== undefined) delete properties[change.resetProperty]
  const preparedStatements = { ...session.preparedStatements }
  if (change.addedPrepare) preparedStatements[change.addedPrepare.name] = change.addedPrepare.sql
  if (change.deallocatedPrepare !== undefined) delete preparedStatements[change.deallocatedPrepare]
  const { transactionId, ...others } = session
  const running = change.clearTransaction ? undefined : (change.startedTransactionId ?? transactionId)
  return {
    ...others,
    ...(change.catalog === undefined ? {} : { catalog: change.catalog }),
    ...(change.schema === undefined ? {} : { schema: change.schema }),
    ...(running === undefined ? {} : { transactionId: running }),
    properties,
    preparedStatements,
  }
}
