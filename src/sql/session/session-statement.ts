/**
 * The statements that are about the client's session and not about data: the door answers them itself, over any engine.
 * `parseSessionStatement` returns undefined for everything else.
 */
import { LandfallError } from '../../base/errors.ts'
import { Cursor } from '../cursor.ts'
import { lineColumnAt, type Token, tokens } from '../text.ts'

/** An expression as it stands in the statement. */
export interface WrittenExpression {
  text: string
  /** UTF-16 index in the statement. */
  at: number
}

export type SessionStatement =
  | { kind: 'use'; name: string[] }
  | { kind: 'set-session'; name: string; value: WrittenExpression }
  | { kind: 'reset-session'; name: string }
  | { kind: 'show-session'; like?: string; escape?: string }
  | { kind: 'set-time-zone'; zone: Token[] | 'local' }
  | { kind: 'set-role'; role: string; catalog?: string }
  | { kind: 'prepare'; name: string; sql: string; at: number }
  | { kind: 'execute'; name: string; parameters: WrittenExpression[] }
  | { kind: 'execute-immediate'; sql: string; at: number; parameters: WrittenExpression[] }
  | { kind: 'deallocate'; name: string }
  | { kind: 'describe-input' | 'describe-output'; name: string }
  | { kind: 'start-transaction' | 'commit' | 'rollback' }
  | { kind: 'call'; procedure: string; arguments: { name?: string; value: WrittenExpression }[] }

const VERBS = /^(USE|SET|RESET|SHOW|PREPARE|EXECUTE|DEALLOCATE|DESCRIBE|DESC|START|COMMIT|ROLLBACK|CALL)$/i

/** Throws `sql/syntax` for one that begins like a statement of the session and goes wrong. */
export function parseSessionStatement(sql: string): SessionStatement | undefined {
  const first = tokens(sql).next().value as Token | undefined
  if (first?.kind !== 'word' || !VERBS.test(first.text)) return undefined
  const cursor = new Cursor(sql)
  const statement = parse(cursor, sql, cursor.take().text.toUpperCase())
  if (statement) cursor.expectEnd()
  return statement
}

function parse(cursor: Cursor, sql: string, verb: string): SessionStatement | undefined {
  switch (verb) {
    case 'USE':
      return { kind: 'use', name: parseSchema(cursor) }
    case 'SET':
      return parseSet(cursor, sql)
    case 'RESET':
      cursor.expectWord('SESSION')
      refuseAuthorization(cursor, sql)
      return { kind: 'reset-session', name: cursor.takeName().join('.') }
    case 'SHOW':
      return cursor.takeWord('SESSION') ? { kind: 'show-session', ...parseLike(cursor) } : undefined
    case 'PREPARE':
      return parsePrepare(cursor, sql)
    case 'EXECUTE':
      return parseExecute(cursor, sql)
    case 'DEALLOCATE':
      cursor.expectWord('PREPARE')
      return { kind: 'deallocate', name: cursor.takeIdentifier() }
    case 'DESCRIBE':
      return parseDescribe(cursor)
    case 'START':
      return parseStartTransaction(cursor)
    case 'COMMIT':
    case 'ROLLBACK':
      cursor.takeWord('WORK')
      return { kind: verb === 'COMMIT' ? 'commit' : 'rollback' }
    case 'CALL':
      return parseCall(cursor, sql)
    default:
      return undefined
  }
}

/** `default` or `hive.default`. */
function parseSchema(cursor: Cursor): string[] {
  const first = cursor.takeIdentifier()
  return cursor.takeSymbol('.') ? [first, cursor.takeIdentifier()] : [first]
}

function parseSet(cursor: Cursor, sql: string): SessionStatement {
  if (cursor.takeWord('TIME')) {
    cursor.expectWord('ZONE')
    if (cursor.takeWord('LOCAL')) return { kind: 'set-time-zone', zone: 'local' }
    const zone = [cursor.take()]
    while (!cursor.done) zone.push(cursor.take())
    return { kind: 'set-time-zone', zone }
  }
  if (cursor.takeWord('ROLE')) {
    const role = cursor.takeIdentifier()
    return { kind: 'set-role', role, ...(cursor.takeWord('IN') ? { catalog: cursor.takeIdentifier() } : {}) }
  }
  if (cursor.takeWord('PATH'))
    throw notSupported(sql, 'SET PATH is not supported: functions have no schema here')
  if (!cursor.takeWord('SESSION')) throw cursor.unexpected('SESSION, TIME ZONE or ROLE')
  refuseAuthorization(cursor, sql)
  const name = cursor.takeName().join('.')
  cursor.expectSymbol('=')
  const [value, ...more] = takeExpressions(cursor, sql)
  if (!value || more.length > 0) throw cursor.unexpected('one value')
  return { kind: 'set-session', name, value }
}

function refuseAuthorization(cursor: Cursor, sql: string): void {
  const next = cursor.peek()
  if (next?.kind === 'word' && next.text.toUpperCase() === 'AUTHORIZATION' && cursor.peek(1)?.text !== '=') {
    throw notSupported(sql, 'SESSION AUTHORIZATION is not supported: who connects is who asks')
  }
}

function parseLike(cursor: Cursor): { like?: string; escape?: string } {
  if (!cursor.takeWord('LIKE')) return {}
  const like = cursor.takeString()
  return { like, ...(cursor.takeWord('ESCAPE') ? { escape: cursor.takeString() } : {}) }
}

function parsePrepare(cursor: Cursor, sql: string): SessionStatement {
  const name = cursor.takeIdentifier()
  cursor.expectWord('FROM')
  if (cursor.done) throw cursor.unexpected('a statement')
  const at = cursor.index
  let end = at
  while (!cursor.done) end = cursor.take().end
  return { kind: 'prepare', name, sql: sql.slice(at, end), at }
}

function parseExecute(cursor: Cursor, sql: string): SessionStatement {
  const next = cursor.peek(1)
  if (next?.kind === 'string' && cursor.takeWord('IMMEDIATE')) {
    const at = cursor.index
    const text = cursor.takeString()
    return { kind: 'execute-immediate', sql: text, at, parameters: parseUsing(cursor, sql) }
  }
  return { kind: 'execute', name: cursor.takeIdentifier(), parameters: parseUsing(cursor, sql) }
}

function parseUsing(cursor: Cursor, sql: string): WrittenExpression[] {
  return cursor.takeWord('USING') ? takeExpressions(cursor, sql) : []
}

/** Expressions up to the end, or to a parenthesis that was open before them, separated by commas. */
function takeExpressions(cursor: Cursor, sql: string): WrittenExpression[] {
  const found: WrittenExpression[] = []
  do found.push(takeExpression(cursor, sql))
  while (cursor.takeSymbol(','))
  return found
}

function takeExpression(cursor: Cursor, sql: string): WrittenExpression {
  const at = cursor.index
  let end = at
  let depth = 0
  for (let next = cursor.peek(); next; next = cursor.peek()) {
    const symbol = next.kind === 'symbol' ? next.text : ''
    if (depth === 0 && (symbol === ',' || symbol === ')' || symbol === ']')) break
    if (symbol === '(' || symbol === '[') depth++
    if (symbol === ')' || symbol === ']') depth--
    end = cursor.take().end
  }
  if (end === at || depth > 0) throw cursor.unexpected(depth > 0 ? "')'" : 'an expression')
  return { text: sql.slice(at, end), at }
}

/** A table may be called `input`: only with a name behind it this is about a prepared statement. */
function parseDescribe(cursor: Cursor): SessionStatement | undefined {
  const named = cursor.peek(1)
  if (named?.kind !== 'word' && named?.kind !== 'quoted') return undefined
  const what = cursor.takeWord('INPUT', 'OUTPUT')
  if (!what) return undefined
  return { kind: what === 'INPUT' ? 'describe-input' : 'describe-output', name: cursor.takeIdentifier() }
}

function parseStartTransaction(cursor: Cursor): SessionStatement {
  cursor.expectWord('TRANSACTION')
  while (!cursor.done) {
    if (cursor.takeWord('READ')) {
      if (!cursor.takeWord('ONLY', 'WRITE')) throw cursor.unexpected('ONLY or WRITE')
    } else {
      cursor.expectWord('ISOLATION')
      cursor.expectWord('LEVEL')
      takeIsolationLevel(cursor)
    }
    if (!cursor.takeSymbol(',')) break
    if (cursor.done) throw cursor.unexpected('ISOLATION LEVEL or READ')
  }
  return { kind: 'start-transaction' }
}

function takeIsolationLevel(cursor: Cursor): void {
  if (cursor.takeWord('SERIALIZABLE')) return
  if (cursor.takeWord('REPEATABLE')) return cursor.expectWord('READ')
  cursor.expectWord('READ')
  if (!cursor.takeWord('COMMITTED', 'UNCOMMITTED')) throw cursor.unexpected('COMMITTED or UNCOMMITTED')
}

function parseCall(cursor: Cursor, sql: string): SessionStatement {
  const procedure = cursor.takeName().join('.').toLowerCase()
  cursor.expectSymbol('(')
  const found: { name?: string; value: WrittenExpression }[] = []
  if (!cursor.takeSymbol(')')) {
    do {
      const isNamed = cursor.peek(1)?.text === '=' && cursor.peek(2)?.text === '>'
      const name = isNamed ? { name: cursor.takeIdentifier() } : {}
      if (isNamed) cursor.expectSymbol('=')
      if (isNamed) cursor.expectSymbol('>')
      found.push({ ...name, value: takeExpression(cursor, sql) })
    } while (cursor.takeSymbol(','))
    cursor.expectSymbol(')')
  }
  return { kind: 'call', procedure, arguments: found }
}

function notSupported(sql: string, message: string): LandfallError {
  const details = { ...lineColumnAt(sql, 0) }
  return new LandfallError('fix-request', 'sql/not-supported', message, { details })
}
