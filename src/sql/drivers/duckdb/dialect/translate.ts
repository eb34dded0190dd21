/**
 * Trino SQL in, DuckDB SQL out. The statement is parsed by Trino's grammar; what differs between the two is written anew, and every
 * part of the result knows where it stood, so that an error DuckDB reports has its place in the text the user wrote.
 */
import { isLandfallError, LandfallError } from '../../../../base/errors.ts'
import type { Version } from '../../../names/namespace.ts'
import { type LineColumn, lineColumnAt } from '../../../text.ts'
import { type Column, type Context, EMPTY_SCOPE, Refusal } from './context.ts'
import { expression } from './expressions.ts'
import { assemble, type Fragment } from './fragments.ts'
import { query } from './queries.ts'
import { relation, versionOf } from './relations.ts'
import { nameParts, part, type SyntaxNode } from './syntax-tree.ts'
import type { TrinoGrammar } from './trino-grammar.ts'

/** A column of the answer: its type where the statement tells. */
export type AnswerColumn = Column

export interface TranslatedText {
  /** What DuckDB runs. */
  sql: string
  /** Byte offsets in `sql` of names that were written with their schema, so that they are tables and not a WITH's. */
  qualified: ReadonlySet<number>
  /** Columns of the answer, where a star does not hide them. */
  columns: readonly AnswerColumn[] | undefined
  /** Line and column in the written text of a byte of `sql`. */
  place(byte: number): LineColumn | undefined
}

export interface Names {
  /** DuckDB's text for a relation's name, and its columns with Trino's types where they are known. */
  table(
    parts: readonly string[],
    version?: Version,
  ): {
    text: string
    qualified: boolean
    columns: readonly Column[] | undefined
  }
}

export interface TranslateOptions {
  timeZone?: string | undefined
  user?: string | undefined
}

/** A relation as a statement names it. */
export interface WrittenName {
  parts: string[]
  version?: Version
}

/** Every relation name of a statement. */
export function relationNames(tree: SyntaxNode): WrittenName[] {
  const found: WrittenName[] = []
  const walk = (node: SyntaxNode) => {
    const version = node.rule === 'tableName' ? versionOf(node) : undefined
    if (version !== undefined) found.push({ parts: nameParts(node.parts[0]!), version })
    else if (node.rule === 'tableRef' || node.rule === 'viewRef') found.push({ parts: nameParts(node) })
    else for (const each of node.parts) walk(each)
  }
  walk(tree)
  return found
}

/** Parses one statement that selects. Throws `sql/syntax` and `sql/not-allowed` with the place. */
export function parseQuery(sql: string, grammar: TrinoGrammar): SyntaxNode {
  const statement = grammar.parse(sql).parts[0]!
  const root = part(statement, 'rootQuery')
  if (statement.rule === 'statementDefault' && root) return root
  throw new LandfallError('fix-request', 'sql/not-allowed', 'only statements that read are run here', {
    hint: 'Use SELECT, WITH, VALUES, SHOW, DESCRIBE or EXPLAIN',
    details: { ...lineColumnAt(sql, statement.start) },
  })
}

export function translate(
  sql: string,
  root: SyntaxNode,
  names: Names,
  options: TranslateOptions = {},
): TranslatedText {
  const qualifiedAt: Set<number> = new Set()
  let count = 0
  const context: Context = {
    expression: (node, scope) => expression(node, scope, context),
    query: (node, scope) => query(node, scope, context),
    relation: (node, scope) => relation(node, scope, context),
    table: (parts, node, version) => {
      const found = atPlace(sql, node.start, () => names.table(parts, version))
      if (found.qualified) qualifiedAt.add(node.start)
      return { text: { text: found.text, place: node.start }, name: found.text, columns: found.columns }
    },
    fresh: () => `_${++count}_`,
    timeZone: options.timeZone ?? 'UTC',
    user: options.user ?? 'landfall',
  }
  try {
    const made = query(root, EMPTY_SCOPE, context)
    return finish(sql, made.text, qualifiedAt, made.columns)
  } catch (error) {
    if (error instanceof Refusal) throw error.toError(lineColumnAt(sql, error.at))
    if (error instanceof RangeError)
      throw new LandfallError('fix-request', 'sql/too-complex', 'the statement is nested too deeply', {
        cause: error,
      })
    throw error
  }
}

/** Names do not know where they stand. */
function atPlace<T>(sql: string, index: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isLandfallError(error)) throw error
    const { kind, code, message, hint } = error
    const details = { ...error.details, ...lineColumnAt(sql, index) }
    throw new LandfallError(kind, code, message, { ...(hint === undefined ? {} : { hint }), details })
  }
}

function finish(
  sql: string,
  text: Fragment,
  qualifiedAt: ReadonlySet<number>,
  columns: readonly Column[] | undefined,
): TranslatedText {
  const assembled = assemble(text)
  const qualified = new Set(assembled.bytesOf(qualifiedAt))
  const place = (byte: number) => {
    const index = assembled.writtenAt(byte)
    return index === undefined ? undefined : lineColumnAt(sql, index)
  }
  return { sql: assembled.sql, qualified, columns, place }
}
