/**
 * Templates: DuckDB text with `$1`, `$2` … for the arguments. An argument that stands there several times is computed once: it
 * becomes the parameter of a lambda over a list of one.
 */
import { type Expression, Refusal, WEIGHT_MAX } from './context.ts'
import type { Fragment } from './fragments.ts'
import type { KnownType } from './sql-type.ts'
import type { SyntaxNode } from './syntax-tree.ts'

/** Text that fails when it is computed, as this error; it fits where a value of any type stands. */
export function raise(name: string, message: string, type = 'INTEGER'): string {
  const failed = `CAST('!${name}!${message}' AS INTEGER)`
  return type === 'INTEGER' ? failed : `CAST(${failed} AS ${type})`
}

const HOLE = /(\$\d+)/

export function expand(
  template: string,
  args: readonly Expression[],
  type: KnownType,
  node: SyntaxNode,
  fresh: () => string,
): Expression {
  const pieces = template.split(HOLE)
  const uses = args.map((_, i) => pieces.filter((piece) => piece === `$${i + 1}`).length)
  const many = args.some((arg, i) => uses[i]! > 1 && !arg.plain)
  const names = args.map((arg, i) =>
    many && uses[i]! > 0 && arg.literal === undefined ? fresh() : undefined,
  )
  const inside: Fragment = pieces.map((piece) => {
    const index = HOLE.test(piece) ? Number(piece.slice(1)) - 1 : -1
    return index < 0 ? piece : (names[index] ?? args[index]!.text)
  })
  const text = args.reduceRight<Fragment>((body, arg, i) => {
    const name = names[i]
    return name === undefined ? body : ['list_transform([', arg.text, `], lambda ${name}:`, body, ')[1]']
  }, inside)
  const weight = args.reduce(
    (sum, arg, i) => sum + arg.weight * (many ? 1 : Math.max(1, uses[i]!)),
    pieces.length,
  )
  if (weight > WEIGHT_MAX)
    throw new Refusal('sql/too-complex', 'the statement has too many parts', node.start)
  return { text: { text: ['(', text, ')'], place: node.start }, type, weight }
}
