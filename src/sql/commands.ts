/**
 * The statements that our own small parser answers, at any engine that has no such statements itself: SHOW, DESCRIBE, USE, EXPLAIN.
 * `parseCommand` returns undefined for everything else, which goes to the engine's parser.
 */
import { LandfallError } from '../base/errors.ts'
import { Cursor } from './cursor.ts'
import { lineColumnAt, type Token, tokens } from './text.ts'

/** Where the tables are, as the seeds' queries name it: `hive.default.purchases`. */
export const CATALOG = 'hive'
export const SCHEMA = 'default'

export interface Like {
  like?: string
  escape?: string
}

/** A name as it is written; `at` is its index in the text. */
export interface WrittenName {
  name: string[]
  at: number
}

export type Command =
  | ({ kind: 'show-catalogs' | 'show-functions' } & Like)
  /** `from`: the catalog or the schema; without it that of the session. */
  | ({ kind: 'show-schemas' | 'show-tables'; from?: WrittenName } & Like)
  | ({ kind: 'describe'; of: WrittenName } & Like)
  | { kind: 'show-create'; what: 'table' | 'view' | 'schema'; of: WrittenName }
  | { kind: 'show-stats'; of: WrittenName }
  | { kind: 'show-roles' | 'show-role-grants' | 'show-grants' }
  | { kind: 'use'; of: WrittenName }
  | ExplainCommand

export interface ExplainCommand {
  kind: 'explain'
  form: 'text' | 'json' | 'validate'
  analyze: boolean
  /** The statement to explain, from index `at` of the text. */
  body: string
  at: number
}

const VERBS = ['SHOW', 'DESCRIBE', 'DESC', 'USE', 'EXPLAIN']
const SHOWN_WORDS = 'TABLES SCHEMAS CATALOGS COLUMNS FUNCTIONS CREATE STATS ROLES ROLE GRANTS'.split(' ')
const SHOWN = 'TABLES, SCHEMAS, CATALOGS, COLUMNS, FUNCTIONS, CREATE, STATS, ROLES, ROLE GRANTS or GRANTS'

/** The command a statement is, or undefined when it is for the engine. Throws `sql/syntax` for one that begins like ours and goes wrong. */
export function parseCommand(text: string): Command | undefined {
  const first = tokens(text).next().value as Token | undefined
  if (first?.kind !== 'word' || !VERBS.includes(first.text.toUpperCase())) return undefined
  const cursor = new Cursor(text)
  const verb = cursor.takeWord(...VERBS)
  const command =
    verb === 'SHOW'
      ? parseShow(cursor, text)
      : verb === 'EXPLAIN'
        ? parseExplain(cursor, text)
        : verb === 'USE'
          ? { kind: 'use' as const, of: takeName(cursor) }
          : { kind: 'describe' as const, of: takeName(cursor) }
  if (command.kind !== 'explain') cursor.expectEnd()
  return command
}

function takeName(cursor: Cursor): WrittenName {
  return { at: cursor.index, name: cursor.takeName() }
}

function parseShow(cursor: Cursor, text: string): Command {
  if (cursor.takeWord('CURRENT')) {
    cursor.expectWord('ROLES')
    return { kind: 'show-roles', ...skipFrom(cursor) }
  }
  const what = cursor.takeWord(...SHOWN_WORDS)
  switch (what) {
    case 'TABLES':
    case 'SCHEMAS': {
      const from = cursor.takeWord('FROM', 'IN') ? { from: takeName(cursor) } : {}
      return { kind: what === 'TABLES' ? 'show-tables' : 'show-schemas', ...from, ...parseLike(cursor) }
    }
    case 'CATALOGS':
      return { kind: 'show-catalogs', ...parseLike(cursor) }
    case 'FUNCTIONS':
      return { kind: 'show-functions', ...skipFrom(cursor), ...parseLike(cursor) }
    case 'COLUMNS':
      if (!cursor.takeWord('FROM', 'IN')) throw cursor.unexpected('FROM')
      return { kind: 'describe', of: takeName(cursor), ...parseLike(cursor) }
    case 'CREATE':
      return parseShowCreate(cursor)
    case 'STATS':
      return parseShowStats(cursor, text)
    case 'ROLES':
      return { kind: 'show-roles', ...skipFrom(cursor) }
    case 'ROLE':
      cursor.expectWord('GRANTS')
      return { kind: 'show-role-grants', ...skipFrom(cursor) }
    case 'GRANTS':
      if (cursor.takeWord('ON') && !(cursor.takeWord('TABLE') && cursor.done)) takeName(cursor)
      return { kind: 'show-grants' }
    default:
      throw cursor.unexpected(SHOWN)
  }
}

/** A catalog or schema that makes no difference. */
function skipFrom(cursor: Cursor): object {
  if (cursor.takeWord('FROM', 'IN')) takeName(cursor)
  return {}
}

function parseLike(cursor: Cursor): Like {
  if (!cursor.takeWord('LIKE')) return {}
  const like = cursor.takeString()
  return { like, ...(cursor.takeWord('ESCAPE') ? { escape: cursor.takeString() } : {}) }
}

function parseShowCreate(cursor: Cursor): Command {
  const what = cursor.takeWord('TABLE', 'VIEW', 'SCHEMA')
  if (what === undefined) throw cursor.unexpected('TABLE, VIEW or SCHEMA')
  return { kind: 'show-create', what: what.toLowerCase() as 'table', of: takeName(cursor) }
}

function parseShowStats(cursor: Cursor, text: string): Command {
  cursor.expectWord('FOR')
  if (cursor.peek()?.text === '(') {
    const message = 'SHOW STATS FOR a query is not supported'
    throw new LandfallError('fix-request', 'sql/not-supported', message, {
      hint: 'Name a table',
      details: { ...lineColumnAt(text, cursor.index) },
    })
  }
  return { kind: 'show-stats', of: takeName(cursor) }
}

function parseExplain(cursor: Cursor, text: string): ExplainCommand {
  const analyze = cursor.takeWord('ANALYZE') !== undefined
  const form = analyze ? 'text' : parseForm(cursor, text)
  if (analyze) cursor.takeWord('VERBOSE')
  if (cursor.done) throw cursor.unexpected('a SELECT')
  return { kind: 'explain', form, analyze, body: text.slice(cursor.index), at: cursor.index }
}

/** `(TYPE VALIDATE)`, `(FORMAT JSON)`; a parenthesis may also begin the query. */
function parseForm(cursor: Cursor, text: string): ExplainCommand['form'] {
  const option = cursor.peek(1)
  const named = option?.kind === 'word' && ['TYPE', 'FORMAT'].includes(option.text.toUpperCase())
  if (cursor.peek()?.text !== '(' || !named) return 'text'
  let form: ExplainCommand['form'] = 'text'
  cursor.expectSymbol('(')
  do {
    const name = cursor.takeWord('TYPE', 'FORMAT')
    if (name === undefined) throw cursor.unexpected('TYPE or FORMAT')
    const at = cursor.index
    const value = cursor.takeIdentifier().toUpperCase()
    if (value === 'VALIDATE') form = 'validate'
    else if (value === 'JSON' && form !== 'validate') form = 'json'
    else if (!['LOGICAL', 'DISTRIBUTED', 'TEXT', 'JSON'].includes(value)) {
      throw new LandfallError(
        'fix-request',
        'sql/not-supported',
        `EXPLAIN (${name} ${value}) is not supported`,
        {
          hint: 'Use TYPE LOGICAL, DISTRIBUTED or VALIDATE, FORMAT TEXT or JSON',
          details: { ...lineColumnAt(text, at) },
        },
      )
    }
  } while (cursor.takeSymbol(','))
  cursor.expectSymbol(')')
  return form
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
