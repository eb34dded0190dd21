/** A call as it is written, for the functions that need more than a template. */
import { type Context, type Expression, Refusal, type Scope } from '../context.ts'
import type { Fragment } from '../fragments.ts'
import { type KnownType, VARCHAR } from '../sql-type.ts'
import { bare, part, type SyntaxNode } from '../syntax-tree.ts'
import { expand } from '../templates.ts'

export interface Call {
  name: string
  args: readonly SyntaxNode[]
  node: SyntaxNode
  scope: Scope
  context: Context
  star: boolean
  distinct: boolean
  order: Fragment | undefined
  filter: Fragment | undefined
  ignoreNulls: boolean
  over: Fragment | undefined
}

export type CallRule = (call: Call) => Expression

export function argument(call: Call, index: number): Expression {
  return call.context.expression(call.args[index]!, call.scope)
}

export function make(call: Call, template: string, args: readonly Expression[], type: KnownType): Expression {
  return expand(template, args, type, call.node, call.context.fresh)
}

/** Refuses a call with another number of arguments, as one of a function that does not exist. */
export function expectArguments(call: Call, ...counts: number[]): void {
  if (!counts.includes(call.args.length)) throw unexpectedArguments(call)
}

export function unexpectedArguments(call: Call): Refusal {
  const message = `Unexpected parameters (${call.args.length}) for function ${call.name}`
  return new Refusal('sql/unknown-function', message, call.node.start)
}

/** The text of an argument that must be a literal. */
export function literalArgument(call: Call, index: number): string {
  const { literal } = argument(call, index)
  if (literal !== undefined) return literal
  const message = `argument ${index + 1} of ${call.name} must be a literal`
  throw new Refusal(
    'sql/not-supported',
    `${message}; a computed one is not supported`,
    call.args[index]!.start,
  )
}

/** The lambda an argument is, translated with the types of its parameters. */
export function lambdaArgument(
  call: Call,
  index: number,
  types: readonly KnownType[],
): { parameters: string[]; body: Expression } {
  const node = bare(call.args[index]!)
  if (node.rule !== 'lambda') {
    throw new Refusal(
      'sql/type-mismatch',
      `Expected a lambda for argument ${index + 1} of ${call.name}`,
      node.start,
    )
  }
  const names = node.parts
    .filter(({ rule }) => rule.endsWith('dentifier'))
    .map((each) => each.parts[0]!.text.toLowerCase().replaceAll('"', ''))
  if (names.length !== types.length) {
    const message = `Expected a lambda that takes ${types.length} argument(s) but got ${names.length}`
    throw new Refusal('sql/type-mismatch', message, node.start)
  }
  const variables = new Map([...call.scope.variables, ...names.map((name, i) => [name, types[i]] as const)])
  const body = call.context.expression(node.parts.at(-1)!, { ...call.scope, variables })
  return { parameters: names.map((name) => `"${name.replaceAll('"', '""')}"`), body }
}

export function isLambda(node: SyntaxNode | undefined): boolean {
  return node !== undefined && (bare(node).rule === 'lambda' || part(node, 'lambda') !== undefined)
}

/** A part of a text is at most as long. */
export function textLike(value: Expression): KnownType {
  return value.type?.base === 'varchar' ? value.type : VARCHAR
}
