/** Reads tables of functions: one line each, `name(arguments) = DuckDB text : type`. */
import { type Context, type Expression } from '../context.ts'
import { array, commonType, type KnownType, simple } from '../sql-type.ts'
import type { SyntaxNode } from '../syntax-tree.ts'
import { expand } from '../templates.ts'
import { typeOfName } from '../type-syntax.ts'

export interface Rule {
  arguments: number
  template: string
  /** `$1`: the first argument's type, `$1e`: its element's (or a map's key's), `$1v`: a map's value's, `[…]`: array, `+`: common to all. */
  type: string
}

const LINE = /^(\w+)\((\d|n)\) = (.*) : (\S.*)$/

/** Name → rules, one for each number of arguments; `n` takes any number and has `$*`. */
export function readTable(text: string): Map<string, Rule[]> {
  const rules = new Map<string, Rule[]>()
  for (const line of text.trim().split('\n')) {
    const match = LINE.exec(line.trim())
    if (!match) throw new Error(`not a rule: ${line}`)
    const [, name = '', count = '', template = '', type = ''] = match
    const list = rules.get(name) ?? []
    list.push({ arguments: count === 'n' ? -1 : Number(count), template, type })
    rules.set(name, list)
  }
  return rules
}

export function applyRule(
  rule: Rule,
  args: readonly Expression[],
  node: SyntaxNode,
  context: Context,
): Expression {
  const all = args.map((_, i) => `$${i + 1}`).join(', ')
  return expand(rule.template.replace('$*', all), args, typeBy(rule.type, args), node, context.fresh)
}

function typeBy(text: string, args: readonly Expression[]): KnownType {
  if (text === '?') return undefined
  if (text === '+') {
    return args.map(({ type }) => type).reduce(commonType)
  }
  if (text.startsWith('[')) return array(typeBy(text.slice(1, -1), args))
  const hole = /^\$(\d)([ev]?)$/.exec(text)
  if (!hole) return typeOfName(text) ?? simple(text)
  const type = args[Number(hole[1]) - 1]?.type
  return hole[2] === '' ? type : type?.inner[hole[2] === 'e' ? 0 : 1]
}
