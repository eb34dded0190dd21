/** The same question of other relations: what a statement names in FROM is replaced, everything else stays as it is written. */
import {
  hasWord,
  identifierName,
  nameParts,
  need,
  part,
  partsOf,
  type SyntaxNode,
} from './drivers/duckdb/dialect/syntax-tree.ts'
import { parseQuery } from './drivers/duckdb/dialect/translate.ts'
import { loadTrinoGrammar } from './drivers/duckdb/dialect/trino-grammar.ts'
import { quoteIdentifier } from './text.ts'

/**
 * `replace` says for a table's own name (small letters) what stands in its place: a subquery in parentheses; undefined leaves it.
 * The relation keeps the name it had, so columns may be qualified as before. Names of a WITH are left; names with another schema too.
 * Throws `sql/syntax` and `sql/not-allowed` for what is no question.
 */
export async function replaceRelations(
  sql: string,
  replace: (name: string) => string | undefined,
): Promise<string> {
  const edits: { start: number; end: number; text: string }[] = []
  const visit = (node: SyntaxNode, known: ReadonlySet<string>): void => {
    const items = part(node, 'with')
    if (items) return visitWith(node, items, known)
    if (node.rule === 'aliasedRelation' && node.parts[0]?.rule === 'tableName') return visitTable(node, known)
    if (node.rule === 'table') return visitWhole(node, known)
    for (const each of node.parts) visit(each, known)
  }
  const visitWith = (node: SyntaxNode, items: SyntaxNode, known: ReadonlySet<string>): void => {
    const inner = new Set(known)
    const recursive = hasWord(items, 'RECURSIVE')
    for (const item of partsOf(items, 'namedQuery')) {
      const name = identifierName(item.parts[0]!).toLowerCase()
      if (recursive) inner.add(name)
      for (const each of item.parts) visit(each, inner)
      inner.add(name)
    }
    for (const each of node.parts) if (each !== items) visit(each, inner)
  }
  const replaced = (parts: readonly string[], known: ReadonlySet<string>): string | undefined => {
    const name = parts.at(-1)!.toLowerCase()
    const home = parts.slice(0, -1).map((each) => each.toLowerCase())
    if (home.length === 0 ? known.has(name) : home.at(-1) !== 'default') return undefined
    return replace(name)
  }
  const visitTable = (node: SyntaxNode, known: ReadonlySet<string>): void => {
    const table = node.parts[0]!
    const parts = nameParts(table.parts[0]!)
    const text = part(table, 'queryPeriod') ? undefined : replaced(parts, known)
    if (text === undefined) return
    const alias = node.parts.length > 1 ? '' : ` AS ${quoteIdentifier(parts.at(-1)!)}`
    edits.push({ start: table.start, end: table.end, text: `${text}${alias}` })
  }
  /** `TABLE t` is a query of its own. */
  const visitWhole = (node: SyntaxNode, known: ReadonlySet<string>): void => {
    const parts = nameParts(need(node, 'tableRef'))
    const text = replaced(parts, known)
    if (text === undefined) return
    const alias = ` AS ${quoteIdentifier(parts.at(-1)!)}`
    edits.push({ start: node.start, end: node.end, text: `SELECT * FROM ${text}${alias}` })
  }
  visit(parseQuery(sql, await loadTrinoGrammar()), new Set())
  return edits
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: put }) => text.slice(0, start) + put + text.slice(end), sql)
}
