/** SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW …, with the ORDER BY behind it. */

import { quoteIdentifier } from '../../../text.ts'
import {
  type Column,
  type Context,
  type Expression,
  notSupported,
  type Query,
  Refusal,
  type Relation,
  type Scope,
} from './context.ts'
import { type Fragment, joined } from './fragments.ts'
import { checkBoolean } from './operators.ts'
import {
  bare,
  behind,
  hasWord,
  identifierName,
  isWord,
  nameParts,
  part,
  partsOf,
  type SyntaxNode,
  wordsOf,
} from './syntax-tree.ts'
import { orderBy, windowDefinitions } from './windows.ts'

/** The order of the answer; with a count, all rows up to that one and those that are equal to it. */
export interface Ties {
  sortItems: readonly SyntaxNode[]
  count?: string
}

interface Item {
  text: Fragment
  columns: readonly Column[] | undefined
  value?: Expression
}

export function querySpecification(node: SyntaxNode, scope: Scope, context: Context, order: Ties): Query {
  const from = behind(node, 'FROM', 'WHERE', 'GROUP', 'HAVING', 'WINDOW').filter(({ rule }) => rule !== '')
  let inner: Scope = { ...scope, relations: [], outer: scope }
  const relations: Fragment[] = []
  for (const each of from) {
    const made = context.relation(each, inner)
    relations.push(made.text)
    inner = { ...inner, relations: [...inner.relations, ...made.relations] }
  }
  const items = selectItems(node, inner, context)
  const columns = items.every((item) => item.columns) ? items.flatMap((item) => item.columns!) : undefined
  const answer = withAliases(inner, items)
  const [where] = behind(node, 'WHERE')
  const [having] = behind(node, 'HAVING')
  const group = part(node, 'groupBy')
  const windows = partsOf(node, 'windowDefinition')
  const quantifier = part(node, 'setQuantifier')
  const distinct = quantifier !== undefined && hasWord(quantifier, 'DISTINCT')
  if (distinct) checkOrder(order, node)
  const text: Fragment = [
    'SELECT',
    distinct ? 'DISTINCT' : '',
    joined(items.map((item) => item.text)),
    relations.length > 0 ? ['FROM', joined(relations)] : '',
    where ? ['WHERE', condition(where, 'WHERE clause', inner, context)] : '',
    group ? groupBy(group, inner, context) : '',
    having ? ['HAVING', condition(having, 'HAVING clause', inner, context)] : '',
    windows.length > 0 ? ['WINDOW', windowDefinitions(windows, inner, context)] : '',
    order.count === undefined ? '' : ties(order, answer, distinct, context),
    order.sortItems.length > 0 ? orderBy(order.sortItems, answer, context) : '',
  ]
  return { text, columns }
}

function condition(node: SyntaxNode, what: string, scope: Scope, context: Context): Fragment {
  const value = context.expression(node, scope)
  checkBoolean(value, what, node)
  return value.text
}

/** The order of distinct rows can only be one of what is in them. */
function checkOrder({ sortItems }: Ties, node: SyntaxNode): void {
  const shown = partsOf(node, 'selectSingle').flatMap((item) => [item.parts[0]!, item.parts.at(-1)!])
  const known = new Set(shown.map((each) => wordsOf(each).toLowerCase()))
  const star = partsOf(node, 'selectAll').length > 0
  for (const item of sortItems) {
    const words = wordsOf(item.parts[0]!).toLowerCase()
    const last = words.split(' . ').at(-1)!
    if (
      star ||
      /^\d+$/.test(words) ||
      known.has(words) ||
      [...known].some((each) => each.split(' . ').at(-1) === last)
    )
      continue
    const message = 'For SELECT DISTINCT, ORDER BY expressions must appear in select list'
    throw new Refusal('sql/not-in-distinct', message, node.start)
  }
}

/** What ORDER BY sees: the names of the answer first. */
function withAliases(scope: Scope, items: readonly Item[]): Scope {
  const named = items.flatMap((item) => item.columns ?? [])
  return { ...scope, relations: [{ name: undefined, columns: named }, ...scope.relations] }
}

function ties(order: Ties, answer: Scope, distinct: boolean, context: Context): Fragment {
  const ordinal = order.sortItems.find((each) => /^\d+$/.test(wordsOf(each.parts[0]!)))
  if (distinct || ordinal)
    throw notSupported('WITH TIES with DISTINCT or an ordinal', ordinal ?? order.sortItems[0]!)
  return ['QUALIFY rank() OVER (', orderBy(order.sortItems, answer, context), `) <= ${order.count}`]
}

function selectItems(node: SyntaxNode, scope: Scope, context: Context): Item[] {
  let place: number | undefined = 0
  return partsOf(node, 'selectSingle', 'selectAll').map((each) => {
    const item: Item =
      each.rule === 'selectAll' ? selectAll(each, scope) : selectSingle(each, place, scope, context)
    place = place === undefined || !item.columns ? undefined : place + item.columns.length
    return item
  })
}

function selectSingle(node: SyntaxNode, place: number | undefined, scope: Scope, context: Context): Item {
  const value = context.expression(node.parts[0]!, scope)
  const alias = node.parts.length > 1 ? identifierName(node.parts.at(-1)!) : nameOf(node.parts[0]!)
  const name = alias ?? (place === undefined ? undefined : `_col${place}`)
  // A column has its name already, but for capitals.
  const own = alias === undefined || node.parts.length === 1
  const same =
    own && name !== undefined && name === name.toLowerCase() && value.plain && !name.startsWith('_col')
  const text: Fragment = name === undefined || same ? value.text : [value.text, 'AS', quoteIdentifier(name)]
  return { text, columns: [{ name: name ?? '', type: value.type }], value }
}

/** A column keeps its name, as it is written here. */
function nameOf(node: SyntaxNode): string | undefined {
  const inside = bare(node)
  if (inside.rule === 'dereference' && !/[()[\]]/.test(wordsOf(inside)))
    return identifierName(inside.parts.at(-1)!)
  const names =
    node.rule === 'columnRef' ||
    ['columnReference', 'qualifiedName'].includes(inside.rule) ||
    inside.rule.endsWith('dentifier') ||
    inside.rule === 'nonReserved'
  return names
    ? nameParts(node.rule === 'columnRef' ? node : inside).at(-1)
    : inside.rule === ''
      ? nameParts(node).at(-1)
      : undefined
}

function selectAll(node: SyntaxNode, scope: Scope): Item {
  const aliases = part(node, 'columnAliases')
  if (aliases) throw notSupported('an alias list behind a star', aliases)
  if (node.parts.length === 1) {
    if (scope.relations.length === 0)
      throw new Refusal(
        'sql/unknown-column',
        'SELECT * not allowed in queries without FROM clause',
        node.start,
      )
    return { text: { text: '*', place: node.start }, columns: columnsOf(scope.relations) }
  }
  const names = nameParts(bare(node.parts[0]!))
  const name = names.at(-1)!
  const relation = scope.relations.find((each) => each.name?.toLowerCase() === name.toLowerCase())
  if (!relation) {
    if (scope.relations.some((each) => each.name === undefined)) throw notSupported('a star of this', node)
    throw new Refusal('sql/unknown-table', `Unable to resolve reference ${names.join('.')}`, node.start)
  }
  return { text: { text: [quoteIdentifier(name), '.*'], place: node.start }, columns: relation.columns }
}

function columnsOf(relations: readonly Relation[]): Column[] | undefined {
  return relations.every(({ columns }) => columns) ? relations.flatMap(({ columns }) => columns!) : undefined
}

function groupBy(node: SyntaxNode, scope: Scope, context: Context): Fragment {
  const elements = node.parts.filter(({ rule }) => rule !== '' && rule !== 'setQuantifier')
  const quantifier = part(node, 'setQuantifier')
  const once = quantifier !== undefined && hasWord(quantifier, 'DISTINCT')
  const grouped = elements.filter(({ rule }) => rule !== 'singleGroupingSet')
  // Only grouping sets can come twice; among plain columns DISTINCT says nothing.
  if (quantifier && hasWord(quantifier, 'DISTINCT') && grouped.length > 0 && elements.length > 1)
    throw notSupported('GROUP BY DISTINCT over several grouping sets', quantifier)
  return ['GROUP BY', joined(elements.map((each) => groupingElement(each, once, scope, context)))]
}

function groupingElement(node: SyntaxNode, once: boolean, scope: Scope, context: Context): Fragment {
  const all = node.rule === 'singleGroupingSet' ? [node.parts[0]!] : partsOf(node, 'groupingSet')
  const sets = once ? [...new Map(all.map((set) => [wordsOf(set).toLowerCase(), set])).values()] : all
  const texts = sets.map((set): { terms: Fragment[]; many: boolean } => {
    const terms = partsOf(set, 'groupingTerm').map((term) => context.expression(term.parts[0]!, scope).text)
    return { terms, many: isWord(set.parts[0], '(') }
  })
  if (node.rule === 'singleGroupingSet') {
    const { terms } = texts[0]!
    return terms.length === 0 ? 'GROUPING SETS (())' : joined(terms)
  }
  const list = joined(
    texts.map(({ terms, many }): Fragment => (many ? ['(', joined(terms), ')'] : joined(terms))),
  )
  const words = node.parts
    .filter((each) => isWord(each, 'ROLLUP', 'CUBE', 'GROUPING', 'SETS'))
    .map(({ text }) => text)
  return [words, '(', list, ')']
}
