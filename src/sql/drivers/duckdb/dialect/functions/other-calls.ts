/** Functions whose text depends on the types or the values of their arguments. */

import { quoteText } from '../../../../text.ts'
import { type Expression, Refusal } from '../context.ts'
import { joined } from '../fragments.ts'
import { plain, textLiteral } from '../literals.ts'
import { arithmetic, checkBoolean, checkComparable, concatenation } from '../operators.ts'
import {
  array,
  BIGINT,
  commonType,
  decimal,
  duckdbTypeName,
  isDecimal,
  isInteger,
  type KnownType,
  map,
  row,
  type SqlType,
  simple,
  typeName,
  UNKNOWN,
  VARCHAR,
} from '../sql-type.ts'
import { raise } from '../templates.ts'
import {
  argument,
  type Call,
  type CallRule,
  expectArguments,
  make,
  textLike,
  unexpectedArguments,
} from './call.ts'

const all = (call: Call): Expression[] => call.args.map((_, i) => argument(call, i))
const common = (args: readonly Expression[]): KnownType => args.map(({ type }) => type).reduce(commonType)

function conditional(call: Call): Expression {
  expectArguments(call, 2, 3)
  const [when, ...branches] = all(call)
  checkBoolean(when!, 'IF condition', call.args[0]!)
  const type = branches.length === 1 ? branches[0]!.type : common(branches)
  return make(call, `CASE WHEN $1 THEN $2 ${branches.length === 2 ? 'ELSE $3 ' : ''}END`, all(call), type)
}

function coalesce(call: Call): Expression {
  if (call.args.length < 2) throw unexpectedArguments(call)
  const args = all(call)
  for (const [i, arg] of args.entries()) checkComparable('coalesce', args[0]!, arg, call.args[i]!)
  return {
    text: ['coalesce(', joined(args.map(({ text }) => text)), ')'],
    type: common(args),
    weight: weigh(args),
  }
}

function weigh(args: readonly Expression[]): number {
  return args.reduce((sum, { weight }) => sum + weight, 1)
}

/** Null when one of them is, where DuckDB takes the greatest of the rest. */
function greatest(name: string): CallRule {
  return (call) => {
    if (call.args.length === 0) throw unexpectedArguments(call)
    const args = all(call)
    const nulls = args.map((_, i) => `$${i + 1} IS NULL`).join(' OR ')
    const list = args.map((_, i) => `$${i + 1}`).join(', ')
    return make(call, `CASE WHEN ${nulls} THEN NULL ELSE ${name}(${list}) END`, args, common(args))
  }
}

function rounding(name: string): CallRule {
  return (call) => {
    expectArguments(call, ...(name === 'round' || name === 'trunc' ? [1, 2] : [1]))
    const args = all(call)
    const [{ type }, places] = args as [Expression, Expression?]
    if (isInteger(type) && !places) return { ...args[0]!, plain: false }
    if (isInteger(type))
      return make(
        call,
        `CAST(${name}(CAST($1 AS DECIMAL(38,0)), CAST($2 AS INTEGER)) AS ${duckdbTypeName(type!)})`,
        args,
        type,
      )
    if (!isDecimal(type))
      return make(
        call,
        places ? roundedDouble(name) : `${name}($1)`,
        args,
        type?.base === 'real' ? type : type && simple('double'),
      )
    const [p = 0, s = 0] = type!.numbers
    const target = places
      ? decimal(Math.min(38, p + (name === 'round' ? 1 : 0)), s)
      : decimal(Math.min(38, p - s + (name === 'trunc' ? 0 : Math.min(s, 1))) || 1, 0)
    return make(
      call,
      `CAST(${name}($1${places ? ', CAST($2 AS INTEGER)' : ''}) AS ${duckdbTypeName(target)})`,
      args,
      target,
    )
  }
}

function roundedDouble(name: string): string {
  return `${name}($1, CAST($2 AS INTEGER))`
}

function sign(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  const type = isDecimal(value.type) ? decimal(1, 0) : value.type
  return make(call, type ? `CAST(sign($1) AS ${duckdbTypeName(type)})` : 'sign($1)', [value], type)
}

function mod(call: Call): Expression {
  expectArguments(call, 2)
  const [left, right] = all(call) as [Expression, Expression]
  return arithmetic('%', left, right, call.node, call.context)
}

function length(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  if (value.type && !['varchar', 'char', 'varbinary', 'unknown'].includes(value.type.base))
    throw new Refusal(
      'sql/unknown-function',
      `Unexpected parameters (${typeName(value.type)}) for function length. Expected: length(varchar(x)), length(char(x)), length(varbinary)`,
      call.node.start,
    )
  return make(call, value.type?.base === 'varbinary' ? 'octet_length($1)' : 'length($1)', [value], BIGINT)
}

function reverse(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  return make(call, value.type?.base === 'array' ? 'list_reverse($1)' : 'reverse($1)', [value], value.type)
}

function concat(call: Call): Expression {
  if (call.args.length < 2) throw unexpectedArguments(call)
  return all(call).reduce((left, right) => concatenation(left, right, call.node, call.context))
}

/** Nulls are left out; an array gives its elements. */
function concatWs(call: Call): Expression {
  if (call.args.length < 2) throw unexpectedArguments(call)
  const args = all(call)
  const lists = args
    .slice(1)
    .map(({ type }, i) => (type?.base === 'array' ? `coalesce($${i + 2}, [])` : `[$${i + 2}]`))
  const list = lists.length === 1 ? lists[0]! : `flatten([${lists.join(', ')}])`
  return make(call, `array_to_string(list_filter(${list}, lambda e: e IS NOT NULL), $1)`, args, VARCHAR)
}

/** From 1; from the end when negative; nothing when that lies outside. */
function substring(call: Call): Expression {
  expectArguments(call, 2, 3)
  const args = all(call)
  const count = args.length === 3 ? ', $3' : ''
  const start = args[1]!.literal
  const inside = start !== undefined && Number(start) > 0
  const negative = args.length === 3 && args[2]!.literal === undefined ? 'OR $3 < 0 ' : ''
  const outside = `$2 = 0 OR $2 < -length($1) ${negative}`
  const template =
    inside && negative === ''
      ? `substr($1, $2${count})`
      : `CASE WHEN ${outside} THEN '' ELSE substr($1, $2${count}) END`
  return make(call, template, args, textLike(args[0]!))
}

function cardinality(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  return make(
    call,
    value.type?.base === 'map' ? 'CAST(cardinality($1) AS BIGINT)' : 'CAST(len($1) AS BIGINT)',
    [value],
    BIGINT,
  )
}

const ZERO_INDEX = raise('INVALID_FUNCTION_ARGUMENT', 'SQL array indices start at 1', 'BIGINT')

function elementAt(call: Call): Expression {
  expectArguments(call, 2)
  const [value, index] = all(call) as [Expression, Expression]
  if (value.type?.base === 'map')
    return make(call, 'map_extract_value($1, $2)', [value, index], value.type.inner[1])
  return make(
    call,
    `$1[CASE WHEN $2 = 0 THEN ${ZERO_INDEX} ELSE $2 END]`,
    [value, index],
    value.type?.inner[0],
  )
}

const TOO_LONG = raise(
  'INVALID_FUNCTION_ARGUMENT',
  'result of sequence function must not have more than 10000 entries',
  'BIGINT',
)

const WRONG_WAY = raise(
  'INVALID_FUNCTION_ARGUMENT',
  'sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start',
  'BIGINT',
)

function sequence(call: Call): Expression {
  expectArguments(call, 2, 3)
  const args = all(call)
  const [from, , step] = args as [Expression, Expression, Expression?]
  if (isInteger(from.type) || !from.type) {
    const stride = step ? '$3' : 'CASE WHEN $2 < $1 THEN -1 ELSE 1 END'
    const wrong = step ? `WHEN $3 = 0 OR ($3 > 0 AND $2 < $1) OR ($3 < 0 AND $2 > $1) THEN ${WRONG_WAY} ` : ''
    const bounded = `CASE ${wrong}WHEN abs((CAST($2 AS HUGEINT) - $1) // nullif(${stride}, 0)) >= 10000 THEN ${TOO_LONG} ELSE $2 END`
    return make(call, `generate_series($1, ${bounded}, ${stride})`, args, array(BIGINT))
  }
  if (step?.type?.base === 'interval year to month') {
    // Each from the start, so that the end of a month stays one.
    const months = "CAST(date_part('year', $3) * 12 + date_part('month', $3) AS BIGINT)"
    const count = `date_sub('month', CAST($1 AS TIMESTAMP), CAST($2 AS TIMESTAMP)) // nullif(${months}, 0)`
    const most = `CASE WHEN ${count} >= 10000 THEN ${TOO_LONG} ELSE ${count} END`
    const each = `CAST($1 + to_months(CAST(i * ${months} AS INTEGER)) AS ${duckdbTypeName(from.type)})`
    return make(
      call,
      `list_transform(generate_series(0, ${most}), lambda i: ${each})`,
      args,
      array(from.type),
    )
  }
  const stride = step ? '$3' : 'to_days(CASE WHEN $2 < $1 THEN -1 ELSE 1 END)'
  const many = `epoch(CAST($2 AS TIMESTAMP) - CAST($1 AS TIMESTAMP)) / nullif(epoch(${stride}), 0)`
  const end = `CASE WHEN abs(${many}) >= 10000 THEN CAST(${TOO_LONG}::VARCHAR AS TIMESTAMP) ELSE CAST($2 AS TIMESTAMP) END`
  const list = `generate_series(CAST($1 AS TIMESTAMP), ${end}, ${stride})`
  return make(call, from.type.base === 'date' ? `CAST(${list} AS DATE[])` : list, args, array(from.type))
}

function mapOf(call: Call): Expression {
  expectArguments(call, 0, 2)
  if (call.args.length === 0) return make(call, 'MAP {}', [], map(UNKNOWN, UNKNOWN))
  const [keys, values] = all(call) as [Expression, Expression]
  return make(call, 'map($1, $2)', [keys, values], map(keys.type?.inner[0], values.type?.inner[0]))
}

function mapEntries(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  const inner = value.type?.inner ?? []
  const text = "list_transform(map_entries($1), lambda e: {'field0': e.key, 'field1': e.value})"
  return make(call, text, [value], inner.length === 2 ? array(row(['', ''], inner)) : undefined)
}

function mapFromEntries(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  const [key, item] = value.type?.inner[0]?.inner ?? []
  const text =
    "map_from_entries(list_transform($1, lambda e: {'k': struct_extract_at(e, 1), 'v': struct_extract_at(e, 2)}))"
  return make(call, text, [value], map(key, item))
}

function zip(call: Call): Expression {
  if (call.args.length < 2) throw unexpectedArguments(call)
  const args = all(call)
  const types = args.map(({ type }) => type?.inner[0])
  const fields = args.map((_, i) => `'field${i}': e[${i + 1}]`).join(', ')
  const text = `list_transform(list_zip(${args.map((_, i) => `$${i + 1}`).join(', ')}), lambda e: {${fields}})`
  const known = types.every((type) => type !== undefined)
  return make(
    call,
    text,
    args,
    known
      ? array(
          row(
            types.map(() => ''),
            types as SqlType[],
          ),
        )
      : undefined,
  )
}

/** `$1` of Java's groups is `\1` here. */
function regexpReplace(call: Call): Expression {
  expectArguments(call, 2, 3)
  const [value, pattern] = [argument(call, 0), argument(call, 1)]
  if (call.args.length === 2)
    return make(call, "regexp_replace($1, $2, '', 'g')", [value, pattern], textLike(value))
  const { literal } = argument(call, 2)
  if (literal === undefined)
    throw new Refusal(
      'sql/not-supported',
      'a computed replacement of regexp_replace is not supported',
      call.args[2]!.start,
    )
  const replacement = literal.replace(/\\(.)|\$(\d)|(\\)/g, (_all, escaped?: string, group?: string) =>
    group !== undefined ? `\\${group}` : escaped === '\\' || escaped === undefined ? '\\\\' : escaped,
  )
  return make(call, `regexp_replace($1, $2, ${quoteText(replacement)}, 'g')`, [value, pattern], VARCHAR)
}

function typeOf(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  if (!value.type)
    throw new Refusal(
      'sql/not-supported',
      'the type of this expression is not known before it is computed',
      call.node.start,
    )
  return { ...textLiteral(typeName(value.type), call.node), type: VARCHAR }
}

function nullIf(call: Call): Expression {
  expectArguments(call, 2)
  const args = all(call)
  checkComparable('=', args[0]!, args[1]!, call.node)
  return make(call, 'nullif($1, $2)', args, args[0]!.type)
}

function tryIt(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  return { text: ['TRY(', value.text, ')'], type: value.type, weight: value.weight + 1 }
}

function toBase(call: Call): Expression {
  expectArguments(call, 2)
  return make(call, 'lower(to_base(CAST($1 AS BIGINT), CAST($2 AS INTEGER)))', all(call), VARCHAR)
}

export const OTHER_CALLS: ReadonlyMap<string, CallRule> = new Map<string, CallRule>([
  ['if', conditional],
  ['coalesce', coalesce],
  ['nullif', nullIf],
  ['try', tryIt],
  ['greatest', greatest('greatest')],
  ['least', greatest('least')],
  ['round', rounding('round')],
  ['truncate', rounding('trunc')],
  ['ceil', rounding('ceil')],
  ['ceiling', rounding('ceil')],
  ['floor', rounding('floor')],
  ['sign', sign],
  ['mod', mod],
  ['to_base', toBase],
  ['length', length],
  ['reverse', reverse],
  ['concat', concat],
  ['concat_ws', concatWs],
  ['substr', substring],
  ['substring', substring],
  ['cardinality', cardinality],
  ['element_at', elementAt],
  ['sequence', sequence],
  ['map', mapOf],
  ['map_entries', mapEntries],
  ['map_from_entries', mapFromEntries],
  ['zip', zip],
  ['regexp_replace', regexpReplace],
  ['typeof', typeOf],
  ['version', (call) => plain("'476'", VARCHAR, call.node)],
])
