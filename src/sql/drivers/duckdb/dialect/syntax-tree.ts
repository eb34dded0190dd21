/** A statement's syntax as plain data: rules of Trino's grammar with their parts, and the words between them. */
export interface SyntaxNode {
  /** The rule, or the alternative of it that was taken (`functionCall`); '' for a word. */
  rule: string
  /** Of a word: the text as it is written. */
  text: string
  /** UTF-16 indexes in the statement: of the first character, and behind the last. */
  start: number
  end: number
  parts: SyntaxNode[]
}

/** The first part that follows a rule of this name. */
export function part(node: SyntaxNode, ...rules: string[]): SyntaxNode | undefined {
  return node.parts.find(({ rule }) => rules.includes(rule))
}

/** A part that the grammar says must be there. */
export function need(node: SyntaxNode, ...rules: string[]): SyntaxNode {
  const found = part(node, ...rules)
  if (!found) throw new Error(`${node.rule} without ${rules.join(' or ')}`)
  return found
}

export function partsOf(node: SyntaxNode, ...rules: string[]): SyntaxNode[] {
  return node.parts.filter(({ rule }) => rules.includes(rule))
}

export function isWord(node: SyntaxNode | undefined, ...words: string[]): boolean {
  return node?.rule === '' && words.includes(node.text.toUpperCase())
}

/** Whether one of these words is a direct part. */
export function hasWord(node: SyntaxNode, ...words: string[]): boolean {
  return node.parts.some((each) => isWord(each, ...words))
}

/** The parts that stand behind a word, up to one of the words that end them. */
export function behind(node: SyntaxNode, word: string, ...ends: string[]): SyntaxNode[] {
  const from = node.parts.findIndex((each) => isWord(each, word))
  if (from < 0) return []
  const rest = node.parts.slice(from + 1)
  const to = rest.findIndex((each) => isWord(each, ...ends))
  return to < 0 ? rest : rest.slice(0, to)
}

/** Takes off rules that hold nothing but one part: an expression that is only a column is that column. */
export function bare(node: SyntaxNode): SyntaxNode {
  let at = node
  while (at.rule !== '' && at.parts.length === 1 && at.parts[0]!.rule !== '') at = at.parts[0]!
  return at
}

/** The words of a node as they are written, one blank between. */
export function wordsOf(node: SyntaxNode): string {
  return node.rule === '' ? node.text : node.parts.map(wordsOf).join(' ')
}

/** An identifier's name without quotes. */
export function identifierName(node: SyntaxNode): string {
  const text = wordsOf(node)
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text
}

/** The names of `a.b.c`. */
export function nameParts(node: SyntaxNode): string[] {
  if (node.rule.endsWith('dentifier')) return [identifierName(node)]
  return node.parts.flatMap((each) => (each.rule === '' ? [] : nameParts(each)))
}
