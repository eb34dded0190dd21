/**
 * A statement as a client with a session sends it, over any engine: its session properties hold, its prepared statements are there,
 * and statements about the session are answered with what the client is to change in it. The server keeps nothing.
 */
import { randomUUID } from 'node:crypto'
import { LandfallError } from '../../base/errors.ts'
import { matchesLike } from '../commands.ts'
import type { QueryOptions, QueryResult, Session, SessionChange, SqlEngine } from '../sql.ts'
import { lineColumnAt, nearestName, type Token, tokens } from '../text.ts'
import { bindParameters, countParameters, movePlace } from './bind-parameters.ts'
import { callProcedure, type KillQuery } from './call-procedure.ts'
import { checkConstants, constantOf } from './constants.ts'
import { describeOutput } from './describe-output.ts'
import { changed, column, rowsResult } from './results.ts'
import { runBound } from './run-bound.ts'
import { applySessionProperties, findSessionProperty, SESSION_PROPERTIES } from './session-properties.ts'
import { parseSessionStatement, type SessionStatement, type WrittenExpression } from './session-statement.ts'
import { checkTimeZone, readTimeZone } from './time-zone.ts'
import { useSchema } from './use-schema.ts'

export interface SessionParts {
  engine: SqlEngine
  killQuery: KillQuery
}

export type SessionQueryOptions = QueryOptions & { session: Session }

/** What `SqlEngine.query` promises; throws also `sql/invalid-session-property` and the errors of the statements of a session. */
export async function runInSession(
  parts: SessionParts,
  sql: string,
  options: SessionQueryOptions,
): Promise<QueryResult> {
  const { timeZone = options.session.timeZone, ...limits } = applySessionProperties(
    options.session.properties,
  )
  const session =
    timeZone === undefined ? options.session : { ...options.session, timeZone: checkTimeZone(timeZone) }
  return run(parts, sql, { ...options, ...limits, session })
}

function run(parts: SessionParts, sql: string, options: SessionQueryOptions): Promise<QueryResult> {
  const statement = parseSessionStatement(sql)
  if (statement) return answer(parts, sql, statement, options)
  return runBound(parts.engine, sql, [], options)
}

async function answer(
  parts: SessionParts,
  sql: string,
  statement: SessionStatement,
  options: SessionQueryOptions,
): Promise<QueryResult> {
  const { session } = options
  const first = tokens(sql).next().value as Token | undefined
  const at = () => ({ ...lineColumnAt(sql, first?.start ?? 0) })
  switch (statement.kind) {
    case 'use':
      return changed('USE', await useSchema(parts.engine, statement.name, options))
    case 'set-session': {
      const { name, value } = statement
      const place = { ...lineColumnAt(sql, value.at) }
      findSessionProperty(name, `Session property '${name}' does not exist`, place)
      const text = await propertyText(parts.engine, name, value, place, options)
      return changed('SET SESSION', { setProperties: { [name]: text } })
    }
    case 'reset-session':
      findSessionProperty(statement.name, `Session property '${statement.name}' does not exist`, at())
      return changed('RESET SESSION', { resetProperty: statement.name })
    case 'show-session':
      return showSession(session, statement)
    case 'set-time-zone': {
      const zone = statement.zone === 'local' ? 'UTC' : readTimeZone(statement.zone)
      return changed('SET TIME ZONE', { setProperties: { time_zone_id: zone } })
    }
    case 'set-role':
      return changed('SET ROLE', setRole(statement, at()))
    case 'prepare': {
      checkKind(statement.sql, ['prepare', 'execute', 'execute-immediate', 'deallocate'])
      return changed('PREPARE', { addedPrepare: { name: statement.name, sql: statement.sql } })
    }
    case 'deallocate':
      preparedText(session, statement.name)
      return changed('DEALLOCATE', { deallocatedPrepare: statement.name })
    case 'execute': {
      const prepared = preparedText(session, statement.name)
      await checkConstants(parts.engine, sql, statement.parameters, options)
      return execute(parts, prepared, statement.parameters, options)
    }
    case 'execute-immediate': {
      await checkConstants(parts.engine, sql, statement.parameters, options)
      // Places in the text of a string are places in the statement around it.
      const quote = lineColumnAt(sql, statement.at)
      return execute(parts, statement.sql, statement.parameters, options).catch((error: unknown) => {
        throw movePlace(error, ({ line, column }) => ({
          line: quote.line + line - 1,
          column: line === 1 ? quote.column + column : column,
        }))
      })
    }
    case 'describe-input': {
      const count = countParameters(preparedText(session, statement.name))
      const rows = Array.from({ length: count }, (_, i) => [i, 'unknown'])
      return rowsResult([column('Position', 'integer'), column('Type')], rows)
    }
    case 'describe-output':
      return describeOutput(parts.engine, preparedText(session, statement.name), options)
    case 'start-transaction':
      if (session.transactionId !== undefined) {
        throw new LandfallError('fix-request', 'sql/not-supported', 'Nested transactions not supported')
      }
      return changed('START TRANSACTION', { startedTransactionId: randomUUID() })
    case 'commit':
    case 'rollback':
      if (session.transactionId === undefined) {
        throw new LandfallError('fix-request', 'sql/not-in-transaction', 'No transaction in progress')
      }
      return changed(statement.kind.toUpperCase(), { clearTransaction: true })
    case 'call':
      await callProcedure(parts, sql, statement, options)
      return changed('CALL', undefined)
  }
}

async function propertyText(
  engine: SqlEngine,
  name: string,
  value: WrittenExpression,
  place: Record<string, unknown>,
  options: SessionQueryOptions,
): Promise<string> {
  const found = await constantOf(engine, value.text, options)
  const { type } = SESSION_PROPERTIES[name]!
  const fits =
    type === 'varchar'
      ? typeof found === 'string'
      : type === 'bigint'
        ? Number.isInteger(found)
        : typeof found === 'boolean'
  if (!fits) {
    const message = `Unable to set session property '${name}' to '${value.text}': expected a ${type}`
    throw new LandfallError('fix-request', 'sql/invalid-session-property', message)
  }
  applySessionProperties({ [name]: String(found) }, place)
  return String(found)
}

function showSession(session: Session, { like, escape }: { like?: string; escape?: string }): QueryResult {
  const rows = Object.entries(SESSION_PROPERTIES)
    .filter(([name]) => matchesLike(name, like, escape))
    .map(([name, property]) => [
      name,
      session.properties[name] ?? property.default,
      property.default,
      property.type,
      property.description,
    ])
  return rowsResult(
    ['Name', 'Value', 'Default', 'Type', 'Description'].map((name) => column(name)),
    rows,
  )
}

/** There are no roles to choose from: all of none, or none. */
function setRole(
  { role, catalog }: { role: string; catalog?: string },
  details: Record<string, unknown>,
): SessionChange {
  const name = role.toUpperCase()
  if (name !== 'ALL' && name !== 'NONE') {
    throw new LandfallError('fix-request', 'sql/unknown-role', `Role '${role}' does not exist`, { details })
  }
  return { role: { catalog: catalog ?? 'system', role: name } }
}

function checkKind(sql: string, refused: SessionStatement['kind'][]): void {
  const statement = parseSessionStatement(sql)
  if (!statement || !refused.includes(statement.kind)) return
  const message = `Invalid statement type for prepared statement: ${statement.kind}`
  throw new LandfallError('fix-request', 'sql/not-supported', message)
}

function preparedText(session: Session, name: string): string {
  const known = session.preparedStatements
  if (Object.hasOwn(known, name)) return known[name]!
  const near = nearestName(name, Object.keys(known))
  const hint = near === undefined ? {} : { hint: `Did you mean ${near}?` }
  throw new LandfallError('fix-request', 'sql/not-found', `Prepared statement not found: ${name}`, hint)
}

async function execute(
  parts: SessionParts,
  prepared: string,
  parameters: readonly { text: string }[],
  options: SessionQueryOptions,
): Promise<QueryResult> {
  // One that executes itself would never end.
  checkKind(prepared, ['execute', 'execute-immediate'])
  const texts = parameters.map(({ text }) => text)
  const statement = parseSessionStatement(prepared)
  if (!statement) return runBound(parts.engine, prepared, texts, options)
  const bound = bindParameters(prepared, texts)
  const boundStatement = texts.length === 0 ? statement : parseSessionStatement(bound.sql)
  return answer(parts, bound.sql, boundStatement ?? statement, options)
}
