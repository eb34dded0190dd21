/** Expressions: each rule of the grammar that is one, and how it is written in DuckDB. */
import { castTo } from './casts.ts'
import { now } from './clock.ts'
import { type Context, type Expression, notSupported, Refusal, type Scope, typeMismatch } from './context.ts'
import { type Fragment, joined } from './fragments.ts'
import { functionCall } from './function-call.ts'
import { BLANKS } from './functions/texts.ts'
import { atZone, TIME_FIELDS, timeField } from './functions/time-calls.ts'
import { JSON_RULES } from './json-expressions.ts'
import {
  binaryLiteral,
  intervalLiteral,
  numericLiteral,
  plain,
  stringValue,
  textLiteral,
  typeConstructor,
} from './literals.ts'
import { columnReference, dereference } from './names.ts'
import { arithmetic, canCompare, checkBoolean, comparison, concatenation, negative } from './operators.ts'
import { boolean, predicated } from './predicates.ts'
import {
  array,
  BIGINT,
  BOOLEAN,
  commonType,
  duckdbTypeName,
  type KnownType,
  row,
  type SqlType,
  simple,
  typeName,
  UNKNOWN,
  VARCHAR,
} from './sql-type.ts'
import { hasWord, isWord, need, part, partsOf, type SyntaxNode, wordsOf } from './syntax-tree.ts'
import { expand, raise } from './templates.ts'
import { readType } from './type-syntax.ts'
import { knownZone } from './zones.ts'

type ExpressionRule = (node: SyntaxNode, scope: Scope, context: Context) => Expression

/** Parts that are rules, translated. */
function inner(node: SyntaxNode, scope: Scope, context: Context): Expression[] {
  return node.parts.filter(({ rule }) => rule !== '').map((each) => context.expression(each, scope))
}

/** AND, OR and NOT: words as they are, parts translated. */
function logical(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const parts: Expression[] = []
  const text = node.parts.map((each): Fragment => {
    if (each.rule === '') return { text: each.text, place: each.start }
    const made = context.expression(each, scope)
    checkBoolean(made, 'Logical expression term', each)
    parts.push(made)
    return made.text
  })
  return boolean(['(', text, ')'], ...parts)
}

function binary(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const [left, operator, right] = node.parts as [SyntaxNode, SyntaxNode, SyntaxNode]
  return arithmetic(
    operator.text,
    context.expression(left, scope),
    context.expression(right, scope),
    operator,
    context,
  )
}

function rowConstructor(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const items = inner(node, scope, context)
  const types = items.map(({ type }) => type)
  const known = types.every((type) => type !== undefined)
  const type = known
    ? row(
        types.map(() => ''),
        types as SqlType[],
      )
    : undefined
  const fields = items.map(({ text }, i): Fragment => [`'field${i}':`, text])
  return {
    text: ['{', joined(fields), '}'],
    type,
    weight: items.reduce((sum, { weight }) => sum + weight, 1),
  }
}

/** CASE with and without an operand. */
function cases(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const types: KnownType[] = []
  let weight = 1
  const use = (each: SyntaxNode, result: boolean): Fragment => {
    const made = context.expression(each, scope)
    if (result) {
      const wrong = types.find((type) => !canCompare(type, made.type))
      if (wrong)
        throw typeMismatch(
          `All CASE results must be the same type or coercible to a common type. Cannot find common type between ${typeName(wrong)} and ${typeName(made.type!)}`,
          each,
        )
      types.push(made.type)
    }
    weight += made.weight
    return made.text
  }
  const text = node.parts.map((each, i): Fragment => {
    if (each.rule === '') return each.text
    if (each.rule === 'whenClause')
      return ['WHEN', use(each.parts[1]!, false), 'THEN', use(each.parts[3]!, true)]
    return use(each, isWord(node.parts[i - 1], 'ELSE'))
  })
  return { text: { text: ['(', text, ')'], place: node.start }, type: types.reduce(commonType), weight }
}

function cast(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const [, , value, , type] = node.parts as [SyntaxNode, SyntaxNode, SyntaxNode, SyntaxNode, SyntaxNode]
  return castTo(
    context.expression(value, scope),
    readType(type),
    isWord(node.parts[0], 'TRY_CAST'),
    node,
    context,
  )
}

function arrayConstructor(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const items = inner(node, scope, context)
  const type = items.length === 0 ? UNKNOWN : items.map((item) => item.type).reduce(commonType)
  return {
    text: ['[', joined(items.map(({ text }) => text)), ']'],
    type: array(type),
    weight: items.reduce((sum, { weight }) => sum + weight, 1),
  }
}

const TOO_FAR = raise(
  'INVALID_FUNCTION_ARGUMENT',
  'Array subscript must be less than or equal to array length',
  'BIGINT',
)
const NEGATIVE = raise('INVALID_FUNCTION_ARGUMENT', 'Array subscript is negative', 'BIGINT')
const FROM_ONE = raise('INVALID_FUNCTION_ARGUMENT', 'SQL array indices start at 1', 'BIGINT')

function subscript(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const [value, index] = inner(node, scope, context) as [Expression, Expression]
  const make = (template: string, type: KnownType) =>
    expand(template, [value, index], type, node, context.fresh)
  const { type } = value
  if (type?.base === 'map') {
    const missing = raise(
      'INVALID_FUNCTION_ARGUMENT',
      'Key not present in map',
      duckdbTypeName(type.inner[0] ?? VARCHAR),
    )
    return make(
      `map_extract_value($1, CASE WHEN $1 IS NULL OR map_contains($1, $2) THEN $2 ELSE ${missing} END)`,
      type.inner[1],
    )
  }
  if (type?.base === 'row') {
    const at = Number(index.literal)
    if (!(at >= 1 && at <= type.inner.length))
      throw new Refusal(
        'sql/invalid-argument',
        `ROW index must be a literal between 1 and ${type.inner.length}`,
        node.start,
      )
    return make('struct_extract_at($1, $2)', type.inner[at - 1])
  }
  if (!type) return make('$1[$2]', undefined)
  return make(
    `$1[CASE WHEN $2 > len($1) THEN ${TOO_FAR} WHEN $2 = 0 THEN ${FROM_ONE} WHEN $2 < 0 THEN ${NEGATIVE} ELSE $2 END]`,
    type.inner[0],
  )
}

function atTimeZone(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const specifier = need(node, 'timeZoneString', 'timeZoneInterval', 'timeZoneSpecifier')
  const zone = specifier.rule === 'timeZoneSpecifier' ? specifier.parts[0]! : specifier
  if (zone.rule === 'timeZoneInterval') throw notSupported('AT TIME ZONE with an interval', zone)
  return atZone(context.expression(node.parts[0]!, scope), knownZone(stringValue(zone.parts.at(-1)!), zone), {
    node,
    context,
  })
}

function extract(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const field = wordsOf(node.parts[2]!).toLowerCase()
  const name = TIME_FIELDS[field]
  if (name === undefined)
    throw new Refusal('sql/syntax', `Invalid EXTRACT field: ${field.toUpperCase()}`, node.parts[2]!.start)
  return timeField(name, context.expression(node.parts[4]!, scope), { node, context })
}

/** `trim(leading 'x' from y)`, `trim(y)`, `trim(y, 'x')`. */
function trim(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const values = node.parts
    .filter(({ rule }) => rule !== '' && rule !== 'trimsSpecification')
    .map((each) => context.expression(each, scope))
  const side = part(node, 'trimsSpecification')
  const name =
    side && /leading/i.test(wordsOf(side))
      ? 'ltrim'
      : side && /trailing/i.test(wordsOf(side))
        ? 'rtrim'
        : 'trim'
  const ordered = hasWord(node, 'FROM') ? values.toReversed() : values
  return expand(
    `${name}($1, ${ordered.length > 1 ? '$2' : BLANKS})`,
    ordered,
    ordered[0]!.type,
    node,
    context.fresh,
  )
}

function normalize(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const form = part(node, 'normalForm')
  if (form && !/^nfc$/i.test(wordsOf(form)))
    throw notSupported(`normalize to ${wordsOf(form).toUpperCase()}`, form)
  return expand(
    'nfc_normalize($1)',
    [context.expression(node.parts[2]!, scope)],
    VARCHAR,
    node,
    context.fresh,
  )
}

/** Of one column its value, of several a row. */
function subquery(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const { text, columns } = context.query(need(node, 'query'), scope)
  if (!columns || columns.length === 1) return { text: ['(', text, ')'], type: columns?.[0]?.type, weight: 2 }
  const names = columns.map((_, i) => `"c${i}"`)
  const fields = names.map((name, i) => `'field${i}': ${name}`).join(', ')
  const types = columns.map(({ type }) => type)
  const type = types.every((each) => each !== undefined)
    ? row(
        names.map(() => ''),
        types as SqlType[],
      )
    : undefined
  const from = [`(SELECT {${fields}} FROM (`, text, `) AS "${context.fresh()}"(${names.join(', ')}))`]
  return { text: from, type, weight: 2 }
}

const RULES: Record<string, ExpressionRule> = {
  predicated,
  logicalNot: logical,
  and: logical,
  or: logical,
  arithmeticBinary: binary,
  arithmeticUnary: (node, scope, context) => {
    const value = context.expression(node.parts[1]!, scope)
    return isWord(node.parts[0], '-') ? negative(value, node, context) : value
  },
  concatenation: (node, scope, context) => {
    const [left, right] = inner(node, scope, context) as [Expression, Expression]
    return concatenation(left, right, node.parts[1]!, context)
  },
  atTimeZone,
  nullLiteral: (node) => plain('NULL', UNKNOWN, node),
  interval: intervalLiteral,
  typeConstructor: (node, _scope, context) => typeConstructor(node, context.timeZone),
  numericLiteral,
  number: (node) => numericLiteral({ ...node, rule: 'numericLiteral' }),
  booleanValue: (node) => plain(wordsOf(node), BOOLEAN, node),
  basicStringLiteral: (node) => textLiteral(stringValue(node), node),
  unicodeStringLiteral: (node) => textLiteral(stringValue(node), node),
  binaryLiteral,
  position: (node, scope, context) =>
    expand('CAST(strpos($2, $1) AS BIGINT)', inner(node, scope, context), BIGINT, node, context.fresh),
  rowConstructor,
  functionCall,
  listagg: functionCall,
  subqueryExpression: subquery,
  exists: (node, scope, context) =>
    boolean(['EXISTS (', context.query(need(node, 'query'), scope).text, ')']),
  simpleCase: cases,
  searchedCase: cases,
  cast,
  arrayConstructor,
  subscript,
  joinColumnEquality: (node, scope, context) => {
    const [left, right] = inner(node, scope, context) as [Expression, Expression]
    return comparison('=', left, right, node.parts[1]!, context)
  },
  joinColumnReference: columnReference,
  columnRef: columnReference,
  columnReference,
  dereference,
  currentDate: now('date'),
  currentTime: now('time'),
  currentTimestamp: now('timestamp'),
  localTime: now('time'),
  localTimestamp: now('local'),
  currentUser: (node, _scope, context) => textLiteral(context.user, node),
  currentCatalog: (node) => textLiteral('hive', node),
  currentSchema: (node) => textLiteral('default', node),
  trim,
  substring: (node, scope, context) => functionCall({ ...node, rule: 'substring' }, scope, context),
  normalize,
  extract,
  parenthesizedExpression: (node, scope, context) => {
    const value = context.expression(node.parts[1]!, scope)
    return value.plain ? value : { ...value, text: ['(', value.text, ')'] }
  },
  groupingOperation: (node, scope) => {
    const names = partsOf(node, 'qualifiedName').map((each) => columnReference(each, scope))
    return {
      text: ['CAST(grouping(', joined(names.map(({ text }) => text)), ') AS INTEGER)'],
      type: simple('integer'),
      weight: 1,
    }
  },
  ...JSON_RULES,
}

const REFUSED: Record<string, string> = {
  parameter: 'a parameter without a value',
  measure: 'a measure of row pattern recognition',
  lambda: 'a lambda here',
  currentPath: 'CURRENT_PATH',
}

export function expression(node: SyntaxNode, scope: Scope, context: Context): Expression {
  const rule = RULES[node.rule]
  if (rule && !(node.rule === 'predicated' && node.parts.length === 1)) return rule(node, scope, context)
  const refused = REFUSED[node.rule]
  if (refused !== undefined) throw notSupported(refused, node)
  if (node.parts.length === 1 && node.parts[0]!.rule !== '') return context.expression(node.parts[0]!, scope)
  throw notSupported(`'${wordsOf(node).slice(0, 60)}'`, node)
}
