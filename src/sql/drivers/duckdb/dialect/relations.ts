/** Relations of FROM: tables, subqueries, joins, UNNEST, samples. */

import type { Version } from '../../../names/namespace.ts'
import { quoteIdentifier } from '../../../text.ts'
import {
  type Column,
  type Context,
  type Expression,
  notSupported,
  Refusal,
  type Relation,
  type Scope,
} from './context.ts'
import { type Fragment, joined } from './fragments.ts'
import { stringValue } from './literals.ts'
import { checkAliases, identifiers } from './queries.ts'
import { BIGINT, type KnownType, structField } from './sql-type.ts'
import {
  bare,
  hasWord,
  identifierName,
  nameParts,
  need,
  part,
  partsOf,
  type SyntaxNode,
  wordsOf,
} from './syntax-tree.ts'

interface Made {
  text: Fragment
  relations: Relation[]
}

export function relation(node: SyntaxNode, scope: Scope, context: Context): Made {
  switch (node.rule) {
    case 'joinRelation':
      return join(node, scope, context)
    case 'sampledRelation':
      return sampled(node, scope, context)
    case 'patternRecognition':
      if (node.parts.length > 1) throw notSupported('MATCH_RECOGNIZE', node.parts[1]!)
      return relation(node.parts[0]!, scope, context)
    case 'aliasedRelation':
      return aliased(node, scope, context)
    default:
      return relation(node.parts[0]!, scope, context)
  }
}

function join(node: SyntaxNode, scope: Scope, context: Context): Made {
  if (hasWord(node, 'NATURAL')) throw notSupported('NATURAL JOIN', node)
  const [leftNode, ...rest] = node.parts as [SyntaxNode, ...SyntaxNode[]]
  const left = relation(leftNode, scope, context)
  const visible = { ...scope, relations: [...scope.relations, ...left.relations] }
  let relations = left.relations
  const text = rest.map((each): Fragment => {
    if (each.rule === '') return { text: each.text, place: each.start }
    if (each.rule === 'joinType') return wordsOf(each)
    if (each.rule === 'joinCriteria')
      return criteria(each, { ...scope, relations: [...scope.relations, ...relations] }, context)
    const right = relation(each, visible, context)
    relations = [...left.relations, ...right.relations]
    return right.text
  })
  const using = part(node, 'joinCriteria')
  const shared = using && hasWord(using, 'USING')
  return { text: [left.text, text], relations: shared ? merged(relations, using) : relations }
}

/** Columns that USING joins come once, at the front of what a star gives. */
function merged(relations: readonly Relation[], using: SyntaxNode | undefined): Relation[] {
  const names = using
    ? partsOf(using, ...identifiers(using)).map((each) => identifierName(each).toLowerCase())
    : undefined
  if (!names || relations.some(({ columns }) => !columns))
    return relations.map((each) => ({ ...each, columns: undefined }))
  const all = relations.flatMap(({ columns }) => columns!)
  const first = names
    .map((name) => all.find((column) => column.name.toLowerCase() === name))
    .filter((each) => each !== undefined)
  const rest = relations.map((each) => ({
    ...each,
    columns: each.columns!.filter(({ name }) => !names.includes(name.toLowerCase())),
  }))
  return [{ name: undefined, columns: first }, ...rest]
}

function criteria(node: SyntaxNode, scope: Scope, context: Context): Fragment {
  if (hasWord(node, 'USING')) {
    const names = partsOf(node, ...identifiers(node)).map(
      (each): Fragment => ({ text: quoteIdentifier(identifierName(each)), place: each.start }),
    )
    return ['USING (', joined(names), ')']
  }
  return ['ON', context.expression(node.parts[1]!, scope).text]
}

function sampled(node: SyntaxNode, scope: Scope, context: Context): Made {
  const made = relation(node.parts[0]!, scope, context)
  const type = part(node, 'sampleType')
  if (!type) return made
  const share = context.expression(node.parts.at(-2)!, scope)
  const percentage = Number(wordsOf(node.parts.at(-2)!))
  if (!(percentage >= 0 && percentage <= 100) || share.weight > 1)
    throw notSupported('this share of TABLESAMPLE', node.parts.at(-2)!)
  // A system sample of so few files would be all or nothing.
  return { ...made, text: [made.text, `TABLESAMPLE BERNOULLI (${percentage} PERCENT)`] }
}

function aliased(node: SyntaxNode, scope: Scope, context: Context): Made {
  const [primary, ...rest] = node.parts as [SyntaxNode, ...SyntaxNode[]]
  const aliasNode = rest.find(({ rule }) => rule.endsWith('dentifier'))
  const alias = aliasNode && identifierName(aliasNode)
  const list = part(node, 'columnAliases')
  const names = list && partsOf(list, ...identifiers(list)).map(identifierName)
  if (primary.rule === 'parenthesizedRelation' && alias === undefined) {
    const inner = relation(primary.parts[1]!, scope, context)
    return { text: ['(', inner.text, ')'], relations: inner.relations }
  }
  const { text, columns, name, renamed: renamedTable } = primaryRelation(primary, names, scope, context)
  if (primary.rule !== 'unnest') checkAliases(names, columns, node)
  const renamed = names ? names.map((each, i) => ({ name: each, type: columns?.[i]?.type })) : columns
  const shown = alias ?? name
  // A table that DuckDB knows by another word is still called what is written.
  const own = primary.rule === 'tableName' ? renamedTable : context.fresh()
  const needs = alias ?? own
  const tail: Fragment =
    needs === undefined
      ? ''
      : ['AS', quoteIdentifier(needs), names ? ['(', joined(names.map(quoteIdentifier)), ')'] : '']
  return { text: [text, tail], relations: [{ name: shown, columns: renamed }] }
}

interface Primary {
  text: Fragment
  columns: readonly Column[] | undefined
  name: string | undefined
  /** The name to give it, where DuckDB's is another. */
  renamed?: string | undefined
}

function primaryRelation(
  node: SyntaxNode,
  names: readonly string[] | undefined,
  scope: Scope,
  context: Context,
): Primary {
  switch (node.rule) {
    case 'tableName':
      return tableName(node, scope, context)
    case 'subqueryRelation': {
      const made = context.query(need(node, 'query'), scope)
      return { text: ['(', made.text, ')'], columns: made.columns, name: undefined }
    }
    case 'lateral': {
      const made = context.query(need(node, 'query'), scope)
      return { text: ['LATERAL (', made.text, ')'], columns: made.columns, name: undefined }
    }
    case 'unnest':
      return unnest(node, names, scope, context)
    case 'parenthesizedRelation':
      throw notSupported('an alias for a join', node)
    case 'jsonTable':
      throw notSupported('JSON_TABLE', node)
    default:
      throw notSupported('a table function', node)
  }
}

/** `FOR VERSION AS OF 123`, or `'report-17'`; undefined for what is no version, or none that can be read. */
export function versionOf(node: SyntaxNode): Version | undefined {
  const period = part(node, 'queryPeriod')
  if (!period || !/^FOR VERSION /i.test(wordsOf(period))) return undefined
  const value = bare(period.parts.at(-1)!)
  if (value.rule === 'basicStringLiteral' || value.rule === 'unicodeStringLiteral') return stringValue(value)
  const text = wordsOf(value)
  const id = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n
  // What is smaller is an integer to Trino, and a snapshot's id is a bigint.
  return id > 2_147_483_647n && id < 2n ** 63n ? id : undefined
}

function versionOrRefusal(node: SyntaxNode): Version | undefined {
  const version = versionOf(node)
  const period = part(node, 'queryPeriod')
  if (version !== undefined || period === undefined) return version
  throw new Refusal(
    'sql/not-supported',
    'a version of a table that is not named by a snapshot is not supported',
    period.start,
    'Write FOR VERSION AS OF and a snapshot_id of "TABLE$snapshots", or a name of "TABLE$refs"',
  )
}

function tableName(node: SyntaxNode, scope: Scope, context: Context): Primary {
  const version = versionOrRefusal(node)
  const parts = nameParts(node.parts[0]!)
  const name = parts.at(-1)!
  const key = name.toLowerCase()
  if (parts.length === 1 && version === undefined && scope.queries.has(key)) {
    return { text: { text: quoteIdentifier(name), place: node.start }, columns: scope.queries.get(key), name }
  }
  const made = context.table(parts, node, version)
  const same = made.name.toLowerCase() === quoteIdentifier(key)
  return {
    text: { text: made.text, place: node.start },
    columns: made.columns,
    name,
    renamed: same ? undefined : name,
  }
}

interface Unnested {
  texts: Fragment[]
  columns: Column[]
  source: Fragment
}

/** Arrays side by side, maps as key and value, rows as their fields; the shorter ones end in nulls. */
function unnest(
  node: SyntaxNode,
  names: readonly string[] | undefined,
  scope: Scope,
  context: Context,
): Primary {
  const ordinality = hasWord(node, 'ORDINALITY')
  const args = node.parts.filter(({ rule }) => rule !== '').map((each) => context.expression(each, scope))
  const room = names ? names.length - (ordinality ? 1 : 0) : undefined
  const parts = args.map((arg) => unnested(arg, args.length === 1 ? room : undefined, context))
  const lengths = parts.map(({ source }): Fragment => ['coalesce(len(', source, '), 0)'])
  const length: Fragment = lengths.length === 1 ? lengths[0]! : ['greatest(', joined(lengths), ')']
  const number: Fragment[] = ordinality ? [['unnest(generate_series(1,', length, ')) AS "ordinality"']] : []
  const columns = [
    ...parts.flatMap((each) => each.columns),
    ...(ordinality ? [{ name: 'ordinality', type: BIGINT }] : []),
  ]
  const plain: Fragment = [
    'SELECT',
    joined([...parts.map(({ source }, i): Fragment => ['unnest(', source, `) AS "_u${i}"`]), ...number]),
  ]
  const outer = [
    ...parts.flatMap(({ texts }, i) =>
      texts.map((text): Fragment => [String(text).replaceAll('ELEMENT', `"_u${i}"`)]),
    ),
    ...(ordinality ? ['"ordinality"'] : []),
  ]
  const named = columns.map(({ name }, i): Fragment => [outer[i]!, 'AS', quoteIdentifier(name || `_u${i}`)])
  const text: Fragment = ['LATERAL (SELECT', joined(named), 'FROM (', plain, ') )']
  return { text, columns, name: undefined }
}

function unnested(arg: Expression, room: number | undefined, context: Context): Unnested {
  const { type } = arg
  if (type?.base === 'map' || (!type && room === 2)) {
    const fields = type?.inner ?? []
    return {
      texts: ['ELEMENT.key', 'ELEMENT.value'],
      columns: [named('_u_key', fields[0], context), named('_u_value', fields[1], context)],
      source: ['map_entries(', arg.text, ')'],
    }
  }
  const element = type?.inner[0]
  if (element?.base === 'row') {
    const columns = element.inner.map((field, i) => ({ name: structField(element.names, i), type: field }))
    return {
      texts: columns.map(({ name }) => `struct_extract(ELEMENT, '${name.replaceAll("'", "''")}')`),
      columns,
      source: arg.text,
    }
  }
  return { texts: ['ELEMENT'], columns: [named('_u', element, context)], source: arg.text }
}

function named(prefix: string, type: KnownType, context: Context): Column {
  return { name: `${prefix}${context.fresh()}`, type }
}
