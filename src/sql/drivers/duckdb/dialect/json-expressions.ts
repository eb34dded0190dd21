/** SQL/JSON: `json_exists`, `json_value`, `json_query`, `json_object`, `json_array`, for paths to one place. */

import { quoteText } from '../../../text.ts'
import { castTo } from './casts.ts'
import { type Context, type Expression, notSupported, type Scope } from './context.ts'
import { type Fragment, joined } from './fragments.ts'
import { convertPath } from './functions/json-path.ts'
import { stringValue } from './literals.ts'
import { BOOLEAN, VARCHAR } from './sql-type.ts'
import { hasWord, need, part, partsOf, type SyntaxNode } from './syntax-tree.ts'
import { expand } from './templates.ts'
import { readType } from './type-syntax.ts'

type JsonRule = (node: SyntaxNode, scope: Scope, context: Context) => Expression

function invocation(node: SyntaxNode, scope: Scope, context: Context): { value: Expression; path: string } {
  const call = need(node, 'jsonPathInvocation')
  if (hasWord(call, 'PASSING')) throw notSupported('PASSING', call)
  const value = context.expression(need(call, 'jsonValueExpression').parts[0]!, scope)
  const path = part(call, 'string', 'basicStringLiteral', 'unicodeStringLiteral')!
  return { value, path: quoteText(convertPath(stringValue(path), path)) }
}

const jsonExists: JsonRule = (node, scope, context) => {
  const { value, path } = invocation(node, scope, context)
  return expand(
    `CASE WHEN json_valid($1) THEN json_exists($1, ${path}) ELSE false END`,
    [value],
    BOOLEAN,
    node,
    context.fresh,
  )
}

const jsonValue: JsonRule = (node, scope, context) => {
  const behaviour = part(node, 'jsonValueBehavior')
  if (behaviour && !hasWord(behaviour, 'NULL')) throw notSupported('this behaviour of json_value', behaviour)
  const { value, path } = invocation(node, scope, context)
  const scalar = `json_valid($1) AND json_type($1, ${path}) NOT IN ('OBJECT', 'ARRAY')`
  const text = expand(
    `CASE WHEN ${scalar} THEN json_extract_string($1, ${path}) END`,
    [value],
    VARCHAR,
    node,
    context.fresh,
  )
  const returning = node.parts.findIndex(
    (each) => each.rule === '' && each.text.toUpperCase() === 'RETURNING',
  )
  return returning < 0 ? text : castTo(text, readType(node.parts[returning + 1]!), true, node, context)
}

/** An object or array; a scalar only with a wrapper. */
const jsonQuery: JsonRule = (node, scope, context) => {
  if (part(node, 'jsonQueryBehavior') || hasWord(node, 'QUOTES', 'RETURNING'))
    throw notSupported('this form of json_query', node)
  const { value, path } = invocation(node, scope, context)
  const wrapper = part(node, 'jsonQueryWrapperBehavior')
  const found = `CAST(json_extract($1, ${path}) AS VARCHAR)`
  const structured = `json_type($1, ${path}) IN ('OBJECT', 'ARRAY')`
  const template =
    wrapper && hasWord(wrapper, 'WITH')
      ? hasWord(wrapper, 'CONDITIONAL')
        ? `CASE WHEN NOT json_valid($1) THEN NULL WHEN ${structured} THEN ${found} ELSE '[' || ${found} || ']' END`
        : `CASE WHEN json_valid($1) THEN '[' || ${found} || ']' END`
      : `CASE WHEN json_valid($1) AND ${structured} THEN ${found} END`
  return expand(template, [value], VARCHAR, node, context.fresh)
}

const jsonObject: JsonRule = (node, scope, context) => {
  if (hasWord(node, 'ABSENT', 'RETURNING', 'UNIQUE')) throw notSupported('this form of json_object', node)
  const parts: Expression[] = []
  const members = partsOf(node, 'jsonObjectMember').map((member): Fragment => {
    const [key, value] = member.parts.filter(({ rule }) => rule !== '') as [SyntaxNode, SyntaxNode]
    const made = [context.expression(key, scope), context.expression(value.parts[0]!, scope)]
    parts.push(...made)
    return joined(made.map(({ text }) => text))
  })
  return {
    text: ['CAST(json_object(', joined(members), ') AS VARCHAR)'],
    type: VARCHAR,
    weight: weigh(parts),
  }
}

/** Nulls are left out unless NULL ON NULL says otherwise. */
const jsonArray: JsonRule = (node, scope, context) => {
  if (hasWord(node, 'RETURNING')) throw notSupported('this form of json_array', node)
  const items = partsOf(node, 'jsonValueExpression').map((each) => context.expression(each.parts[0]!, scope))
  const list: Fragment = ['[', joined(items.map(({ text }) => ['to_json(', text, ')'])), ']']
  const kept: Fragment =
    hasWord(node, 'NULL') && !hasWord(node, 'ABSENT')
      ? list
      : ['list_filter(', list, ', lambda e: e IS NOT NULL)']
  return { text: ['CAST(to_json(', kept, ') AS VARCHAR)'], type: VARCHAR, weight: weigh(items) }
}

function weigh(items: readonly Expression[]): number {
  return items.reduce((sum, { weight }) => sum + weight, 2)
}

export const JSON_RULES: Record<string, JsonRule> = {
  jsonExists,
  jsonValue,
  jsonQuery,
  jsonObject,
  jsonArray,
}
