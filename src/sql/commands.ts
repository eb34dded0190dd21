/**
 * The statements that our own small parser answers, at any engine that has no such statements itself: SHOW, DESCRIBE, USE.
 * `parseCommand` returns undefined for everything else, which goes to the engine's parser.
 */
import { LandfallError } from '../base/errors.ts'
import { Cursor } from './cursor.ts'
import { lineColumnAt, type Token, tokens } from './text.ts'

/** Where the tables are, as the seeds' queries name it: `hive.default.purchases`. */
export const CATALOG = 'hive'
export const SCHEMA = 'default'

export type Command =
  | { kind: 'show-catalogs'; like?: string }
  | { kind: 'show-schemas'; like?: string }
  | { kind: 'show-tables'; like?: string }
  | { kind: 'describe'; table: string; at: number }
  | { kind: 'use' }
  /** `body` is the statement to explain, from index `at` of the text. */
  | { kind: 'explain'; analyze: boolean; body: string; at: number }

const VERBS = ['SHOW', 'DESCRIBE', 'DESC', 'USE', 'EXPLAIN']

/** The command a statement is, or undefined when it is for the engine. Throws `sql/syntax` for one that begins like ours and goes wrong. */
export function parseCommand(text: string): Command | undefined {
  const first = tokens(text).next().value as Token | undefined
  if (first?.kind !== 'word' || !VERBS.includes(first.text.toUpperCase())) return undefined
  const cursor = new Cursor(text)
  const verb = cursor.takeWord(...VERBS)
  if (verb === 'SHOW') return parseShow(cursor, text)
  if (verb === 'EXPLAIN') {
    const analyze = cursor.takeWord('ANALYZE') !== undefined
    if (cursor.done) throw cursor.unexpected('a SELECT')
    return { kind: 'explain', analyze, body: text.slice(cursor.index), at: cursor.index }
  }
  if (verb === 'USE') {
    const at = cursor.index
    const name = cursor.takeName()
    cursor.expectEnd()
    checkSchema(text, at, name)
    return { kind: 'use' }
  }
  return parseDescribe(cursor, text)
}

function parseShow(cursor: Cursor, text: string): Command {
  const what = cursor.takeWord('TABLES', 'SCHEMAS', 'CATALOGS', 'COLUMNS')
  if (what === undefined) throw cursor.unexpected('TABLES, SCHEMAS, CATALOGS or COLUMNS')
  if (what === 'COLUMNS') {
    if (!cursor.takeWord('FROM', 'IN')) throw cursor.unexpected('FROM')
    return parseDescribe(cursor, text)
  }
  if (what !== 'CATALOGS' && cursor.takeWord('FROM', 'IN')) {
    const at = cursor.index
    const name = cursor.takeName()
    if (what === 'TABLES') checkSchema(text, at, name)
    else if (name.length > 1 || name[0]!.toLowerCase() !== CATALOG)
      throw unknownName(text, at, 'Catalog', name, CATALOG)
  }
  const like = cursor.takeWord('LIKE') ? { like: cursor.takeString() } : {}
  cursor.expectEnd()
  if (what === 'TABLES') return { kind: 'show-tables', ...like }
  return { kind: what === 'SCHEMAS' ? 'show-schemas' : 'show-catalogs', ...like }
}

function parseDescribe(cursor: Cursor, text: string): Command {
  const at = cursor.index
  const name = cursor.takeName()
  cursor.expectEnd()
  if (name.length > 1) checkSchema(text, at, name.slice(0, -1))
  return { kind: 'describe', table: name.at(-1)!, at }
}

function unknownName(text: string, at: number, what: string, name: string[], known: string): LandfallError {
  return new LandfallError(
    'fix-request',
    'sql/unknown-schema',
    `${what} '${name.join('.')}' does not exist`,
    {
      hint: `There is ${known}`,
      details: lineColumnAt(text, at) as unknown as Record<string, unknown>,
    },
  )
}

/** `default` or `hive.default`, however capitalised. */
function checkSchema(text: string, at: number, name: string[]): void {
  const lower = name.map((part) => part.toLowerCase())
  const fits = lower.at(-1) === SCHEMA && (lower.length === 1 || (lower.length === 2 && lower[0] === CATALOG))
  if (!fits) throw unknownName(text, at, 'Schema', name, `${CATALOG}.${SCHEMA}`)
}

/** Whether a name fits a LIKE pattern (`%` any text, `_` one character, as they are behind the escape character). */
export function matchesLike(name: string, pattern: string | undefined, escape?: string): boolean {
  if (pattern === undefined) return true
  let source = ''
  let escaped = false
  for (const c of pattern) {
    if (!escaped && c === escape) {
      escaped = true
      continue
    }
    source +=
      !escaped && c === '%' ? '.*' : !escaped && c === '_' ? '.' : c.replace(/[\\^$.*+?()[\]{}|]/, '\\$&')
    escaped = false
  }
  return new RegExp(`^${source}$`, 'su').test(name)
}
