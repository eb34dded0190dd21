/** Calls of functions, with DISTINCT, ORDER BY, FILTER, null treatment and OVER. */
import { type Context, type Expression, notSupported, Refusal, type Scope } from './context.ts'
import type { Fragment } from './fragments.ts'
import type { Call } from './functions/call.ts'
import { applyFunction } from './functions/functions.ts'
import { hasWord, nameParts, need, part, partsOf, type SyntaxNode, wordsOf } from './syntax-tree.ts'
import { orderBy, windowSpecification } from './windows.ts'

const NOT_ARGUMENTS = new Set([
  '',
  'functionName',
  'setQuantifier',
  'sortItem',
  'filter',
  'nullTreatment',
  'over',
  'listAggOverflowBehavior',
  'processingMode',
])

export function functionCall(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const name = nameOf(node)
  if (part(node, 'processingMode')) throw notSupported('a row pattern', node)
  const overflow = part(node, 'listAggOverflowBehavior')
  if (overflow && hasWord(overflow, 'TRUNCATE')) throw notSupported('ON OVERFLOW TRUNCATE', overflow)
  const quantifier = part(node, 'setQuantifier')
  const treatment = part(node, 'nullTreatment')
  const filter = part(node, 'filter')
  const over = part(node, 'over')
  const sortItems = partsOf(node, 'sortItem')
  const call: Call = {
    name,
    args: node.parts.filter(({ rule }) => !NOT_ARGUMENTS.has(rule)),
    node,
    scope,
    context,
    star: hasWord(node, '*'),
    distinct: quantifier !== undefined && hasWord(quantifier, 'DISTINCT'),
    order: sortItems.length > 0 ? orderBy(sortItems, scope, context) : undefined,
    filter: filter && context.expression(filter.parts[3]!, scope).text,
    ignoreNulls: treatment !== undefined && hasWord(treatment, 'IGNORE'),
    over: over && overText(over, scope, context),
  }
  if (call.star && name !== 'count')
    throw new Refusal('sql/unknown-function', `Unexpected parameters (*) for function ${name}`, node.start)
  return applyFunction(call)
}

function nameOf(node: SyntaxNode): string {
  if (node.rule === 'listagg' || node.rule === 'substring') return node.rule
  const parts = nameParts(need(node, 'functionName'))
  if (parts.length === 1) return parts[0]!.toLowerCase()
  throw new Refusal('sql/unknown-function', `Function '${parts.join('.')}' not registered`, node.start)
}

function overText(node: SyntaxNode, scope: Scope, context: Context): Fragment {
  const specification = part(node, 'windowSpecification')
  if (specification) return ['OVER (', windowSpecification(specification, scope, context), ')']
  return ['OVER', wordsOf(node.parts[1]!)]
}
