/** JSON paths of `json_extract` and its like: `$.a.b[0]["c"]`. */
import { type Expression, Refusal } from '../context.ts'
import type { SyntaxNode } from '../syntax-tree.ts'

const STEP = /\.\.|\.?\*|\[\*\]|\.([^.[\]"]+)|\."([^"]*)"|\[(\d+)\]|\[["']([^"']*)["']\]/y

/** The path as DuckDB writes it. Only paths that stand in the statement, to one place. */
export function jsonPath(path: Expression, node: SyntaxNode): string {
  const text = path.literal
  if (text === undefined) {
    throw new Refusal('sql/not-supported', 'a computed JSON path is not supported', node.start)
  }
  return convertPath(text, node)
}

export function convertPath(text: string, node: SyntaxNode): string {
  const bad = () => new Refusal('sql/invalid-argument', `Invalid JSON path: '${text}'`, node.start)
  const trimmed = text.trim().replace(/^(lax|strict)\s+/, '')
  if (trimmed !== '' && !trimmed.startsWith('$') && /^[A-Za-z_]/.test(trimmed))
    return convertPath(`$.${trimmed}`, node)
  if (!trimmed.startsWith('$')) throw bad()
  let at = 1
  let out = '$'
  while (at < trimmed.length) {
    STEP.lastIndex = at
    const step = STEP.exec(trimmed)
    if (!step) throw bad()
    const [whole, plain, quoted, index, bracketed] = step
    const name = plain ?? quoted ?? bracketed
    if (index !== undefined) out += `[${index}]`
    else if (name !== undefined) out += `."${name.trim()}"`
    else throw new Refusal('sql/not-supported', `'${whole}' in a JSON path is not supported`, node.start)
    at = STEP.lastIndex
  }
  return out
}
