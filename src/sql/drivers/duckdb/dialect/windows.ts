/** ORDER BY and the inside of OVER. */
import { type Context, notSupported, type Scope } from './context.ts'
import { type Fragment, joined } from './fragments.ts'
import { isWord, part, partsOf, type SyntaxNode, wordsOf } from './syntax-tree.ts'

export function sortItem(node: SyntaxNode, scope: Scope, context: Context): Fragment {
  const [value, ...words] = node.parts as [SyntaxNode, ...SyntaxNode[]]
  const order = words.map(wordsOf).join(' ')
  // Nulls come last either way unless the statement says otherwise.
  return [context.expression(value, scope).text, order, /nulls/i.test(order) ? '' : 'NULLS LAST']
}

export function orderBy(items: readonly SyntaxNode[], scope: Scope, context: Context): Fragment {
  return ['ORDER BY', joined(items.map((item) => sortItem(item, scope, context)))]
}

export function windowSpecification(node: SyntaxNode, scope: Scope, context: Context): Fragment {
  const text: Fragment[] = []
  for (const each of node.parts) {
    if (each.rule === '') text.push(each.text)
    else if (each.rule === 'sortItem') text.push(sortItem(each, scope, context))
    else if (each.rule === 'windowFrame') text.push(windowFrame(each, scope, context))
    else if (each.rule.endsWith('dentifier')) text.push(wordsOf(each))
    else text.push(context.expression(each, scope).text)
  }
  return text
}

function windowFrame(node: SyntaxNode, scope: Scope, context: Context): Fragment {
  const extent = part(node, 'frameExtent')
  if (!extent || node.parts.length > 1) throw notSupported('row pattern recognition in a window', node)
  return extent.parts.map((each): Fragment => {
    if (each.rule === '') return each.text
    return each.parts.map((piece) =>
      piece.rule === '' || isWord(piece) ? wordsOf(piece) : context.expression(piece, scope).text,
    )
  })
}

export function windowDefinitions(nodes: readonly SyntaxNode[], scope: Scope, context: Context): Fragment {
  return joined(
    nodes.map(
      (node): Fragment => [
        wordsOf(node.parts[0]!),
        'AS (',
        partsOf(node, 'windowSpecification').map((each) => windowSpecification(each, scope, context)),
        ')',
      ],
    ),
  )
}
