/** Arithmetic, comparison and `||`, with Trino's results: types of decimals, division by zero, text against number. */
import { type Context, type Expression, Refusal, typeMismatch } from './context.ts'
import {
  asDecimal,
  BOOLEAN,
  commonType,
  DAY_TO_SECOND,
  decimal,
  duckdbTypeName,
  isDecimal,
  isFloating,
  isInteger,
  isInterval,
  isNumeric,
  isText,
  isTime,
  isZoned,
  type KnownType,
  type SqlType,
  typeName,
  VARCHAR,
} from './sql-type.ts'
import type { SyntaxNode } from './syntax-tree.ts'
import { expand, raise } from './templates.ts'
import { inZone, zoneText } from './zones.ts'

export function arithmetic(
  sign: string,
  left: Expression,
  right: Expression,
  node: SyntaxNode,
  context: Context,
): Expression {
  const [a, b] = [left.type, right.type]
  const make = (template: string, type: KnownType) =>
    expand(template, [left, right], type, node, context.fresh)
  if (a && b && !isNumeric(a) && !isNumeric(b)) {
    const timed = timeArithmetic(sign, left, right, node, context)
    if (timed) return timed
  }
  if (isInterval(a) && isNumeric(b) && (sign === '*' || sign === '/')) return make(`$1 ${sign} $2`, a)
  if (isInterval(b) && isNumeric(a) && sign === '*') return make('$1 * $2', b)
  if (a && b && a.base !== 'unknown' && b.base !== 'unknown' && !(isNumeric(a) && isNumeric(b)))
    throw typeMismatch(`Cannot apply operator: ${typeName(a)} ${sign} ${typeName(b)}`, node)
  if (isDecimal(a) || isDecimal(b)) {
    const [x, y] = [asDecimal(a), asDecimal(b)]
    if (x && y) return decimalArithmetic(sign, left, right, x, y, node, context)
  }
  const type = commonType(a, b)
  if (sign === '/' || sign === '%') return make(quotient(sign, right, type), type)
  // DuckDB lets a small integer and a literal stay small.
  if (isInteger(type) && type?.base !== 'bigint' && type?.base !== 'integer')
    return make(`CAST($1 ${sign} $2 AS ${duckdbTypeName(type!)})`, type)
  return make(`$1 ${sign} $2`, type)
}

const ZERO = raise('DIVISION_BY_ZERO', 'Division by zero')

function quotient(sign: string, right: Expression, type: KnownType): string {
  if (type?.base === 'real') return `CAST($1 ${sign} $2 AS FLOAT)`
  if (isFloating(type)) return `CAST($1 AS DOUBLE) ${sign} CAST($2 AS DOUBLE)`
  if (!isInteger(type)) return `$1 ${sign} $2`
  const whole = sign === '/' ? '//' : sign
  const safe = right.literal !== undefined && right.literal !== '0'
  return safe ? `$1 ${whole} $2` : `$1 ${whole} CASE $2 WHEN 0 THEN ${ZERO} ELSE $2 END`
}

/** Date and time with an interval, two intervals, two times. */
function timeArithmetic(
  sign: string,
  left: Expression,
  right: Expression,
  node: SyntaxNode,
  context: Context,
): Expression | undefined {
  const [a, b] = [left.type!, right.type!]
  const make = (template: string, type: KnownType) =>
    expand(template, [left, right], type, node, context.fresh)
  if (isInterval(a) && isInterval(b) && a.base === b.base) return make(`$1 ${sign} $2`, a)
  if (isInterval(a) && isTime(b) && sign === '+') return timeArithmetic(sign, right, left, node, context)
  if (isTime(a) && isInterval(b)) {
    if (a.base === 'date') return make(`CAST($1 ${sign} $2 AS DATE)`, a)
    if (isZoned(a) && b.base === 'interval year to month')
      return make(
        inZone(a, context.timeZone, (local) => `${local} ${sign} $2`),
        a,
      )
    const digits = Math.max(a.numbers[0] ?? 3, b.base === DAY_TO_SECOND.base ? 3 : 0)
    return make(`$1 ${sign} $2`, { ...a, numbers: [digits] })
  }
  if (isTime(a) && a.base === b.base && sign === '-')
    return a.base === 'date'
      ? make('to_days(CAST($1 - $2 AS INTEGER))', DAY_TO_SECOND)
      : make('$1 - $2', DAY_TO_SECOND)
  return undefined
}

function decimalArithmetic(
  sign: string,
  left: Expression,
  right: Expression,
  a: SqlType,
  b: SqlType,
  node: SyntaxNode,
  context: Context,
): Expression {
  const [p1 = 0, s1 = 0] = a.numbers
  const [p2 = 0, s2 = 0] = b.numbers
  const scale = Math.max(s1, s2)
  const make = (template: string, precision: number, s = scale) => {
    const type = decimal(Math.min(38, precision), s)
    const text = template.replaceAll('TYPE', duckdbTypeName(type))
    return expand(text, [left, right], type, node, context.fresh)
  }
  const zero = `CASE $2 WHEN 0 THEN ${ZERO} ELSE $2 END`
  if (sign === '*') return make(`CAST(CAST($1 AS DECIMAL(38,${s1})) * $2 AS TYPE)`, p1 + p2, s1 + s2)
  if (sign === '%') return make(`CAST($1 % ${zero} AS TYPE)`, Math.min(p1 - s1, p2 - s2) + scale)
  if (sign === '/') {
    const up = `CAST('1${'0'.repeat(scale + s2)}' AS DECIMAL(${scale + s2 + 1},0))`
    const n = `CAST(CAST($1 AS DECIMAL(38,${s1})) * ${up} AS HUGEINT)`
    const d = `CAST(${zero} * CAST('1${'0'.repeat(s2)}' AS DECIMAL(${s2 + 1},0)) AS HUGEINT)`
    const half = `(abs(${n}) * 2 + abs(${d})) // (abs(${d}) * 2) * CAST(sign($1) * sign($2) AS INTEGER)`
    return make(
      `CAST(CAST(${half} AS DECIMAL(38,0)) * ${unit(scale)} AS TYPE)`,
      p1 + s2 + Math.max(0, s2 - s1),
    )
  }
  return make(
    `CAST(CAST($1 AS TYPE) ${sign} CAST($2 AS TYPE) AS TYPE)`,
    Math.max(p1 - s1, p2 - s2) + scale + 1,
  )
}

/** One of the last decimal place. */
function unit(scale: number): string {
  return scale === 0
    ? "CAST('1' AS DECIMAL(1,0))"
    : `CAST('0.${'0'.repeat(scale - 1)}1' AS DECIMAL(${scale},${scale}))`
}

/** `decimal / bigint` and the like, for what divides without the user having written so. */
export function divide(left: Expression, right: Expression, node: SyntaxNode, context: Context): Expression {
  return arithmetic('/', left, right, node, context)
}

export function negative(value: Expression, node: SyntaxNode, context: Context): Expression {
  if (value.literal !== undefined && isInteger(value.type)) {
    const literal = String(-BigInt(value.literal))
    return { ...value, text: { text: `(${literal})`, place: node.start }, literal }
  }
  return expand('-($1)', [value], value.type, node, context.fresh)
}

/** Kinds of values that can be compared with their like only. */
function kindOf(type: SqlType): string {
  if (isNumeric(type)) return 'number'
  if (isText(type)) return 'text'
  if (type.base === 'date' || type.base.startsWith('timestamp')) return 'time'
  return type.base.split(' ')[0]!
}

/** Whether two types have something in common, as far as they are known. */
export function canCompare(a: KnownType, b: KnownType): boolean {
  return !a || !b || a.base === 'unknown' || b.base === 'unknown' || kindOf(a) === kindOf(b)
}

export function checkBoolean(value: Expression, what: string, node: SyntaxNode): void {
  if (canCompare(value.type, BOOLEAN)) return
  throw typeMismatch(`${what} must evaluate to a boolean (actual: ${typeName(value.type!)})`, node)
}

export function checkComparable(sign: string, left: Expression, right: Expression, node: SyntaxNode): void {
  const [a, b] = [left.type, right.type]
  if (canCompare(a, b)) return
  throw typeMismatch(`Cannot apply operator: ${typeName(a!)} ${sign} ${typeName(b!)}`, node)
}

export function comparison(
  sign: string,
  left: Expression,
  right: Expression,
  node: SyntaxNode,
  context: Context,
): Expression {
  const operator = sign === '!=' ? '<>' : sign
  checkComparable(operator, left, right, node)
  const zoned = isZoned(left.type) !== isZoned(right.type) && left.type && right.type
  const local =
    zoned &&
    `timezone(${zoneText(undefined, context.timeZone)}, CAST($${isZoned(left.type) ? 2 : 1} AS TIMESTAMP))`
  const template = !local
    ? `$1 ${operator} $2`
    : isZoned(left.type)
      ? `$1 ${operator} ${local}`
      : `${local} ${operator} $2`
  return expand(nanAware(template, operator, left, right), [left, right], BOOLEAN, node, context.fresh)
}

/** NaN is equal to nothing, where DuckDB has it as the greatest number, equal to itself. */
function nanAware(template: string, operator: string, left: Expression, right: Expression): string {
  if (!isFloating(left.type) && !isFloating(right.type)) return template
  const sides = [left, right].flatMap(({ type, plain, literal }, i) => {
    const constant = literal !== undefined || (plain && !isFloating(type))
    return isFloating(type) && !constant ? [`$${i + 1}`] : []
  })
  if (operator === '<>') return [template, ...sides.map((side) => `isnan(${side})`)].join(' OR ')
  return [template, ...sides.map((side) => `NOT isnan(${side})`)].join(' AND ')
}

export function concatenation(
  left: Expression,
  right: Expression,
  node: SyntaxNode,
  context: Context,
): Expression {
  const [a, b] = [left.type, right.type]
  const make = (template: string, type: KnownType) =>
    expand(template, [left, right], type, node, context.fresh)
  if (a?.base === 'array' || b?.base === 'array') {
    if (a?.base !== 'array') return make('list_prepend($1, $2)', b)
    if (b && b.base !== 'array' && b.base !== 'unknown') return make('list_append($1, $2)', a)
    return make('CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL ELSE list_concat($1, $2) END', commonType(a, b))
  }
  for (const type of [a, b]) {
    if (type && !isText(type) && !['varbinary', 'unknown'].includes(type.base))
      throw new Refusal(
        'sql/unknown-function',
        `Unexpected parameters (${a ? typeName(a) : 'unknown'}, ${b ? typeName(b) : 'unknown'}) for function concat`,
        node.start,
      )
  }
  if (a?.base === 'varbinary') return make('$1 || $2', a)
  return make('$1 || $2', VARCHAR)
}
