/** Queries: WITH, set operations, ORDER BY, LIMIT, VALUES. */

import { quoteIdentifier } from '../../../text.ts'
import { type Column, type Context, notSupported, type Query, Refusal, type Scope } from './context.ts'
import { type Fragment, joined } from './fragments.ts'
import { canCompare } from './operators.ts'
import { querySpecification, type Ties } from './query-specification.ts'
import { commonType, typeName } from './sql-type.ts'
import {
  bare,
  hasWord,
  identifierName,
  isWord,
  nameParts,
  need,
  part,
  partsOf,
  type SyntaxNode,
  wordsOf,
} from './syntax-tree.ts'
import { orderBy } from './windows.ts'

/** `query` or `rootQuery`. */
export function query(node: SyntaxNode, scope: Scope, context: Context): Query {
  if (node.rule === 'rootQuery') {
    const functions = part(node, 'withFunction')
    if (functions) throw notSupported('WITH FUNCTION', functions)
    return query(node.parts.at(-1)!, scope, context)
  }
  if (node.rule === 'queryNoWith') return queryNoWith(node, scope, context)
  const items = part(node, 'with')
  const body = need(node, 'queryNoWith')
  if (!items) return queryNoWith(body, scope, context)
  const queries = new Map(scope.queries)
  const taken = new Set<string>()
  const recursive = hasWord(items, 'RECURSIVE')
  const texts = partsOf(items, 'namedQuery').map((item) =>
    namedQuery(item, recursive, { ...scope, queries }, queries, taken, context),
  )
  const main = queryNoWith(body, { ...scope, queries }, context)
  return { text: ['WITH', recursive ? 'RECURSIVE' : '', joined(texts), main.text], columns: main.columns }
}

function namedQuery(
  node: SyntaxNode,
  recursive: boolean,
  scope: Scope,
  queries: Map<string, readonly Column[] | undefined>,
  taken: Set<string>,
  context: Context,
): Fragment {
  const name = identifierName(node.parts[0]!)
  if (taken.has(name.toLowerCase()))
    throw new Refusal('sql/duplicate-query', `WITH query name '${name}' specified more than once`, node.start)
  taken.add(name.toLowerCase())
  const aliases = part(node, 'columnAliases')
  const names = aliases && partsOf(aliases, ...identifiers(aliases)).map(identifierName)
  const columnsOf = (columns: readonly Column[] | undefined) =>
    names ? names.map((each, i) => ({ name: each, type: columns?.[i]?.type })) : columns
  if (recursive)
    queries.set(
      name.toLowerCase(),
      names?.map((each) => ({ name: each, type: undefined })),
    )
  const made = query(need(node, 'query'), scope, context)
  checkAliases(names, made.columns, node)
  queries.set(name.toLowerCase(), columnsOf(made.columns))
  const list: Fragment = names ? ['(', joined(names.map(quoteIdentifier)), ')'] : ''
  return [{ text: quoteIdentifier(name), place: node.start }, list, 'AS (', made.text, ')']
}

export function identifiers(node: SyntaxNode): string[] {
  return [...new Set(node.parts.map(({ rule }) => rule).filter((rule) => rule.endsWith('dentifier')))]
}

export function checkAliases(
  names: readonly string[] | undefined,
  columns: readonly Column[] | undefined,
  node: SyntaxNode,
): void {
  if (!names || !columns || names.length === columns.length) return
  const message = `Column alias list has ${names.length} entries but relation has ${columns.length} columns`
  throw new Refusal('sql/mismatched-aliases', message, node.start)
}

function queryNoWith(node: SyntaxNode, scope: Scope, context: Context): Query {
  const term = node.parts[0]!
  const sortItems = partsOf(node, 'sortItem')
  const offset = after(node, 'OFFSET')
  const limit = after(node, 'LIMIT')
  const fetch = hasWord(node, 'FETCH')
  const count = fetch
    ? (fetched(node) ?? '1')
    : limit === undefined || /^all$/i.test(limit)
      ? undefined
      : limit
  if (hasWord(node, 'TIES')) {
    if (sortItems.length === 0)
      throw new Refusal('sql/missing-order-by', 'FETCH FIRST WITH TIES clause requires ORDER BY', node.start)
    if (offset !== undefined) throw notSupported('WITH TIES behind OFFSET', node)
    return specificationOf(term, scope, context, { sortItems, count: count! })
  }
  const made = specificationOf(term, scope, context, { sortItems })
  const tail: Fragment = [
    count === undefined ? '' : `LIMIT ${count}`,
    offset === undefined ? '' : `OFFSET ${offset}`,
  ]
  return { text: [made.text, tail], columns: made.columns }
}

/** The ORDER BY of a plain SELECT sees its relations, that of anything else only the columns of the answer. */
function specificationOf(term: SyntaxNode, scope: Scope, context: Context, order: Ties): Query {
  const inside = bare(term)
  if (inside.rule === 'querySpecification') return querySpecification(inside, scope, context, order)
  if (order.count !== undefined) throw notSupported('WITH TIES on anything but a SELECT', term)
  const made = queryTerm(term, scope, context)
  if (order.sortItems.length === 0) return made
  const answer: Scope = { ...scope, relations: [{ name: undefined, columns: made.columns }], outer: scope }
  return { text: [made.text, orderBy(order.sortItems, answer, context)], columns: made.columns }
}

function after(node: SyntaxNode, word: string): string | undefined {
  const at = node.parts.findIndex((each) => isWord(each, word))
  return at < 0 ? undefined : wordsOf(node.parts[at + 1]!)
}

/** The number of FETCH FIRST, which may be left out. */
function fetched(node: SyntaxNode): string | undefined {
  const at = node.parts.findIndex((each) => isWord(each, 'FETCH'))
  const next = node.parts[at + 2]
  return next?.rule === 'rowCount' ? wordsOf(next) : undefined
}

function queryTerm(node: SyntaxNode, scope: Scope, context: Context): Query {
  switch (node.rule) {
    case 'setOperation':
      return setOperation(node, scope, context)
    case 'querySpecification':
      return querySpecification(node, scope, context, { sortItems: [] })
    case 'table': {
      const { text, columns } = context.table(nameParts(need(node, 'tableRef')), need(node, 'tableRef'))
      return { text: ['SELECT * FROM', text], columns }
    }
    case 'inlineTable':
      return inlineTable(node, scope, context)
    case 'subquery': {
      const made = queryNoWith(node.parts[1]!, scope, context)
      return { text: ['(', made.text, ')'], columns: made.columns }
    }
    default:
      return queryTerm(node.parts[0]!, scope, context)
  }
}

function setOperation(node: SyntaxNode, scope: Scope, context: Context): Query {
  const [left, operator] = node.parts as [SyntaxNode, SyntaxNode]
  const [first, second] = [queryTerm(left, scope, context), queryTerm(node.parts.at(-1)!, scope, context)]
  const [a, b] = [first.columns, second.columns]
  if (a && b && a.length !== b.length) {
    const message = `${operator.text.toUpperCase()} query has different number of fields: ${a.length}, ${b.length}`
    throw new Refusal('sql/type-mismatch', message, node.start)
  }
  const unlike = a?.findIndex((column, i) => !canCompare(column.type, b?.[i]?.type)) ?? -1
  if (unlike >= 0) {
    const [left, right] = [a![unlike]!.type!, b![unlike]!.type!].map((type) => typeName(type))
    const message = `column ${unlike + 1} in ${operator.text.toUpperCase()} query has incompatible types: ${left}, ${right}`
    throw new Refusal('sql/type-mismatch', message, operator.start)
  }
  const quantifier = part(node, 'setQuantifier')
  const all = quantifier && hasWord(quantifier, 'ALL') ? 'ALL' : ''
  const columns = a?.map((column, i) => ({ name: column.name, type: commonType(column.type, b?.[i]?.type) }))
  return { text: [grouped(left, first), operator.text, all, grouped(node.parts.at(-1)!, second)], columns }
}

/** Keeps the operands of a set operation together, whatever DuckDB's precedence is. */
function grouped(node: SyntaxNode, made: Query): Fragment {
  return bare(node).rule === 'setOperation' ? ['(', made.text, ')'] : made.text
}

function inlineTable(node: SyntaxNode, scope: Scope, context: Context): Query {
  let columns: Column[] | undefined
  const rows = node.parts
    .filter(({ rule }) => rule !== '')
    .map((each): Fragment => {
      const inner = bare(each)
      const cells = inner.rule === 'rowConstructor' ? inner.parts.filter(({ rule }) => rule !== '') : [each]
      const items = cells.map((cell) => context.expression(cell, scope))
      if (columns && columns.length !== items.length) {
        const message = 'Values rows have mismatched sizes'
        throw new Refusal('sql/type-mismatch', message, node.start)
      }
      columns = items.map(({ type }, i) => {
        const before = columns?.[i]
        return { name: `_col${i}`, type: before ? commonType(before.type, type) : type }
      })
      return ['(', joined(items.map(({ text }) => text)), ')']
    })
  const names = columns!.map(({ name }) => quoteIdentifier(name))
  return {
    text: ['SELECT * FROM (VALUES', joined(rows), `) AS "${context.fresh()}"(${names.join(', ')})`],
    columns,
  }
}
