/** Comparisons, BETWEEN, IN, LIKE, IS NULL, IS DISTINCT FROM. */
import type { Context, Expression, Scope } from './context.ts'
import { type Fragment, joined } from './fragments.ts'
import { checkComparable, comparison } from './operators.ts'
import { BOOLEAN } from './sql-type.ts'
import { bare, hasWord, isWord, need, type SyntaxNode, wordsOf } from './syntax-tree.ts'

export const boolean = (text: Fragment, ...parts: Expression[]): Expression => ({
  text,
  type: BOOLEAN,
  weight: parts.reduce((sum, { weight }) => sum + weight, 1),
})

export function predicated(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const [value, predicate] = node.parts as [SyntaxNode, SyntaxNode]
  const left = context.expression(value, scope)
  const not = hasWord(predicate, 'NOT') ? 'NOT' : ''
  const operands = () =>
    predicate.parts
      .filter(({ rule }) => rule !== '' && rule !== 'query')
      .map((each) => context.expression(each, scope))
  const subquery = () => context.query(need(predicate, 'query'), scope).text
  switch (predicate.rule) {
    case 'comparison': {
      const sign = wordsOf(predicate.parts[0]!)
      return comparison(sign, left, context.expression(predicate.parts[1]!, scope), predicate, context)
    }
    case 'quantifiedComparison': {
      const [operator, quantifier] = predicate.parts as [SyntaxNode, SyntaxNode]
      const word =
        isWord(bare(quantifier).parts[0] ?? quantifier, 'ALL') || /^all$/i.test(wordsOf(quantifier))
          ? 'ALL'
          : 'ANY'
      return boolean(
        ['(', left.text, wordsOf(operator).replace('!=', '<>'), word, '(', subquery(), '))'],
        left,
      )
    }
    case 'between': {
      const [lower, upper] = operands() as [Expression, Expression]
      for (const bound of [lower, upper]) checkComparable('BETWEEN', left, bound, predicate)
      return boolean(['(', left.text, not, 'BETWEEN', lower.text, 'AND', upper.text, ')'], left, lower, upper)
    }
    case 'inList': {
      const items = operands()
      const places = predicate.parts.filter(({ rule }) => rule !== '')
      for (const [i, item] of items.entries()) checkComparable('=', left, item, places[i] ?? predicate)
      return boolean(
        ['(', left.text, not, 'IN (', joined(items.map(({ text }) => text)), '))'],
        left,
        ...items,
      )
    }
    case 'inSubquery':
      return boolean(['(', left.text, not, 'IN (', subquery(), '))'], left)
    case 'like': {
      const [pattern, escape] = operands() as [Expression, Expression?]
      return boolean(
        ['(', left.text, not, 'LIKE', pattern.text, escape ? ['ESCAPE', escape.text] : '', ')'],
        left,
        pattern,
      )
    }
    case 'nullPredicate':
      return boolean(['(', left.text, 'IS', not, 'NULL )'], left)
    default: {
      const [right] = operands() as [Expression]
      checkComparable('IS DISTINCT FROM', left, right, predicate)
      return boolean(['(', left.text, 'IS', not, 'DISTINCT FROM', right.text, ')'], left, right)
    }
  }
}
