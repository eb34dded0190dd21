/** Names of columns: looked up for their types; DuckDB binds them. */

import { nearestName, quoteIdentifier } from '../../../text.ts'
import { type Context, type Expression, Refusal, type Relation, type Scope } from './context.ts'
import type { Fragment } from './fragments.ts'
import { plain } from './literals.ts'
import { type KnownType, structField } from './sql-type.ts'
import { identifierName, nameParts, type SyntaxNode } from './syntax-tree.ts'

const LISTED_MAX = 20

/** What a name of one or two parts stands for: its type, and how often it is found. */
function find(
  scope: Scope,
  name: string,
  qualifier?: string,
): { type: KnownType; relation?: Relation } | undefined {
  const fits = scope.relations.filter(
    (each) => qualifier === undefined || each.name?.toLowerCase() === qualifier,
  )
  for (const relation of fits) {
    const column = relation.columns?.find((each) => each.name.toLowerCase() === name)
    if (column) return { type: column.type, relation }
  }
  if (fits.some(({ columns }) => columns === undefined)) return { type: undefined }
  return scope.outer && find(scope.outer, name, qualifier)
}

/** Whether nothing a name could stand for is hidden. */
function allKnown(scope: Scope): boolean {
  return (
    scope.relations.every(({ columns }) => columns !== undefined) && (!scope.outer || allKnown(scope.outer))
  )
}

function unknownColumn(name: string, node: SyntaxNode, scope: Scope): Refusal {
  const names = scope.relations.flatMap(({ columns }) => columns!.map((column) => column.name))
  const near = nearestName(name, names)
  const listed = names.slice(0, LISTED_MAX).join(', ')
  const hint =
    near === undefined ? (listed === '' ? undefined : `There are: ${listed}`) : `Did you mean ${near}?`
  return new Refusal('sql/unknown-column', `Column '${name}' cannot be resolved`, node.start, hint)
}

export function columnReference(node: SyntaxNode, scope: Scope): Expression {
  return reference(nameParts(node), node, scope)
}

function reference(parts: readonly string[], node: SyntaxNode, scope: Scope): Expression {
  const lower = parts.map((name) => name.toLowerCase())
  const [first = '', second] = lower
  if (scope.variables.has(first) && !find({ ...scope, variables: new Map() }, first, undefined)?.relation) {
    return fields(plain(quoteIdentifier(first), scope.variables.get(first), node), parts.slice(1), node)
  }
  if (parts.length > 1) {
    const found = find(scope, second!, first)
    if (found)
      return fields(
        plain([quoteIdentifier(parts[0]!), '.', quoteIdentifier(parts[1]!)], found.type, node),
        parts.slice(2),
        node,
      )
    // `hive.default.purchases.cost` names the table with its schema.
    const qualified = parts.length > 2 ? qualifiedColumn(parts, scope) : undefined
    if (qualified) return reference(qualified, node, scope)
  }
  const found = find(scope, first)
  if (!found && allKnown(scope)) throw unknownColumn(parts.join('.'), node, scope)
  if (found || parts.length === 1)
    return fields(plain(quoteIdentifier(parts[0]!), found?.type, node), parts.slice(1), node)
  const text = parts.map((name, i): Fragment => [i === 0 ? '' : '.', quoteIdentifier(name)])
  return plain(text, undefined, node)
}

function qualifiedColumn(parts: readonly string[], scope: Scope): string[] | undefined {
  for (let skip = 1; skip <= 2 && parts.length - skip >= 2; skip++) {
    const rest = parts.slice(skip)
    if (
      parts[skip - 1]!.toLowerCase() === 'default' &&
      find(scope, rest[1]!.toLowerCase(), rest[0]!.toLowerCase())
    )
      return rest
  }
  return undefined
}

/** Fields of a row, one in the other. */
function fields(value: Expression, names: readonly string[], node: SyntaxNode): Expression {
  return names.reduce((inside, name) => fieldOf(inside, name, node), value)
}

function fieldOf(value: Expression, name: string, node: SyntaxNode): Expression {
  const { type } = value
  const index =
    type?.base === 'row' ? type.names.findIndex((each) => each.toLowerCase() === name.toLowerCase()) : -1
  if (type?.base === 'row' && index < 0)
    throw new Refusal('sql/invalid-column', `Column '${name}' cannot be resolved`, node.start)
  const field = index < 0 ? name : structField(type!.names, index)
  return {
    text: ['struct_extract(', value.text, `, '${field.replaceAll("'", "''")}')`],
    type: type?.inner[index],
    weight: value.weight + 1,
  }
}

/** `base.field`: a longer name, or a field of what the base is. */
export function dereference(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const parts = chain(node)
  if (parts) return reference(parts, node, scope)
  return fieldOf(context.expression(node.parts[0]!, scope), identifierName(node.parts[2]!), node)
}

/** The names of `a.b.c` when nothing else is in it. */
function chain(node: SyntaxNode): string[] | undefined {
  if (node.rule === 'columnReference') return nameParts(node)
  if (node.rule !== 'dereference') return undefined
  const base = chain(node.parts[0]!)
  return base && [...base, identifierName(node.parts[2]!)]
}
