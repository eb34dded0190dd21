/** CAST and TRY_CAST with Trino's rules, where DuckDB's differ. */
import { quoteText } from '../../../text.ts'
import type { Context, Expression } from './context.ts'
import {
  duckdbTypeName,
  isFloating,
  isInteger,
  isText,
  isZoned,
  type KnownType,
  type SqlType,
  structField,
  typeName,
} from './sql-type.ts'
import type { SyntaxNode } from './syntax-tree.ts'
import { expand, raise } from './templates.ts'
import { zoneText } from './zones.ts'

const INTEGER_NAMES: Record<string, string> = {
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  integer: 'INT',
  bigint: 'BIGINT',
}

export function castTo(
  value: Expression,
  type: SqlType,
  tolerant: boolean,
  node: SyntaxNode,
  context: Context,
): Expression {
  const template = castTemplate(value.type, type, context, '$1')
  const guarded = tolerant
    ? template === direct(type, '$1')
      ? `TRY_${template}`
      : `TRY(${template})`
    : template
  return expand(guarded, [value], seenIn(type, value.type, context), node, context.fresh)
}

/** A timestamp that gets a zone gets the session's; one that has one keeps it. */
function seenIn(type: SqlType, from: KnownType, context: Context): SqlType {
  return isZoned(type)
    ? { ...type, zone: (isZoned(from) ? from?.zone : undefined) ?? context.timeZone }
    : type
}

const direct = (type: SqlType, hole: string) => `CAST(${hole} AS ${duckdbTypeName(type)})`

function castTemplate(from: KnownType, to: SqlType, context: Context, hole: string): string {
  const plain = direct(to, hole)
  if (from?.base === 'json' && to.base !== 'json') return fromJson(to, hole)
  if (to.base === 'json') return toJson(from, hole)
  if (isText(to)) return toText(from, to, context, hole)
  if (isInteger(to)) return toInteger(from, to, hole)
  if (to.base.startsWith('timestamp') || to.base === 'date') return toTime(from, to, context, hole)
  if (to.base === 'array' && from?.base === 'array' && from.inner[0] && to.inner[0]) {
    const item = context.fresh()
    const inner = castTemplate(from.inner[0], to.inner[0], context, item)
    return inner === direct(to.inner[0], item) ? plain : `list_transform(${hole}, lambda ${item}: ${inner})`
  }
  if (to.base === 'row' && from?.base === 'row' && from.inner.length === to.inner.length) {
    const fields = to.inner.map((field, i) => {
      const inner = `struct_extract(${hole}, '${structField(from.names, i).replaceAll("'", "''")}')`
      return `"${structField(to.names, i)}" := ${castTemplate(from.inner[i], field, context, inner)}`
    })
    return `CASE WHEN ${hole} IS NULL THEN NULL ELSE struct_pack(${fields.join(', ')}) END`
  }
  if (to.base === 'varbinary' && isText(from)) return `encode(${hole})`
  return plain
}

/** A row becomes an object by the names of its fields. */
function toJson(from: KnownType, hole: string): string {
  if (from?.base === 'json') return hole
  if (from?.base !== 'row') return `to_json(${hole})`
  const fields = from.inner.map((field, i) => {
    const inner = `struct_extract(${hole}, ${quoteText(structField(from.names, i))})`
    return `${quoteText(from.names[i] ?? '')}, ${toJson(field, inner)}`
  })
  return `CASE WHEN ${hole} IS NULL THEN NULL ELSE json_object(${fields.join(', ')}) END`
}

function fromJson(to: SqlType, hole: string): string {
  if (isText(to)) {
    const scalar = `json_extract_string(${hole}, '$')`
    return to.numbers[0] === undefined ? scalar : `left(${scalar}, ${to.numbers[0]})`
  }
  return `CAST(CASE WHEN json_type(${hole}) = 'NULL' THEN NULL ELSE ${hole} END AS ${duckdbTypeName(to)})`
}

function toText(from: KnownType, to: SqlType, context: Context, hole: string): string {
  const text = textOf(from, context, hole)
  const length = to.numbers[0]
  if (to.base === 'char') return `rpad(left(${text}, ${length}), ${length}, ' ')`
  if (length === undefined || (isText(from) && (from?.numbers[0] ?? length + 1) <= length)) return text
  if (isText(from) || from === undefined) return `left(${text}, ${length})`
  const message = `Value ' || ${text} || ' cannot be represented as ${typeName(to)}`
  return `CASE WHEN length(${text}) > ${length} THEN ${raise('INVALID_CAST_ARGUMENT', message, 'INTEGER')}::VARCHAR ELSE ${text} END`
}

/** Text as Trino writes a value of the type. */
function textOf(from: KnownType, context: Context, hole: string): string {
  const digits = from?.numbers[0] ?? 3
  if (isFloating(from)) return scientific(hole, from?.base === 'real' ? 'FLOAT' : 'DOUBLE')
  if (from?.base === 'varbinary') return `decode(${hole})`
  if (from?.base === 'timestamp') return timestampText(hole, digits)
  if (isZoned(from))
    return `${timestampText(`timezone(${zoneText(from, context.timeZone)}, ${hole})`, digits)} || ${quoteText(` ${from?.zone ?? context.timeZone}`)}`
  return `CAST(${hole} AS VARCHAR)`
}

function timestampText(hole: string, digits: number): string {
  const full = `strftime(${hole}, '%Y-%m-%d %H:%M:%S.%f')`
  return `left(${full}, -${digits === 0 ? 7 : 6 - digits})`.replace(`left(${full}, -0)`, full)
}

/** `1.2345E2`: a double as Trino writes it. */
function scientific(hole: string, type: string): string {
  const text = `CAST(abs(${hole}) AS VARCHAR)`
  const mantissa = `split_part(${text}, 'e', 1)`
  const whole = `split_part(${mantissa}, '.', 1)`
  const fraction = `split_part(${mantissa}, '.', 2)`
  const exponent = `coalesce(CAST(nullif(split_part(${text}, 'e', 2), '') AS INTEGER), 0)`
  const digits = `rtrim(ltrim(${whole} || ${fraction}, '0'), '0')`
  const power = `(CASE WHEN ${whole} = '0' THEN ${exponent} - (length(${fraction}) - length(ltrim(${fraction}, '0'))) - 1
    ELSE ${exponent} + length(${whole}) - 1 END)`
  return `(CASE WHEN ${hole} IS NULL THEN NULL WHEN isnan(${hole}) THEN 'NaN'
    WHEN isinf(${hole}) THEN CASE WHEN ${hole} > 0 THEN 'Infinity' ELSE '-Infinity' END
    WHEN ${hole} = CAST(0 AS ${type}) THEN CASE WHEN signbit(${hole}) THEN '-0.0' ELSE '0.0E0' END
    ELSE CASE WHEN ${hole} < 0 THEN '-' ELSE '' END || left(${digits}, 1) || '.' ||
      coalesce(nullif(substr(${digits}, 2), ''), '0') || 'E' || CAST(${power} AS VARCHAR) END)`
}

function toInteger(from: KnownType, to: SqlType, hole: string): string {
  const plain = direct(to, hole)
  if (isFloating(from)) return `CAST(round(${hole}) AS ${duckdbTypeName(to)})`
  if (!isText(from)) return plain
  const message = `Cannot cast ''' || ${hole} || ''' to ${INTEGER_NAMES[to.base]}`
  const failed = raise('INVALID_CAST_ARGUMENT', message, duckdbTypeName(to))
  return `CASE WHEN ${hole} IS NULL THEN NULL WHEN regexp_full_match(${hole}, '\\s*[+-]?[0-9]+\\s*') AND TRY_CAST(${hole} AS ${duckdbTypeName(to)}) IS NOT NULL
    THEN ${plain} ELSE ${failed} END`
}

/** Between dates and timestamps with and without zone. */
function toTime(from: KnownType, to: SqlType, context: Context, hole: string): string {
  const session = zoneText(undefined, context.timeZone)
  if (to.base === 'date')
    return isZoned(from)
      ? `CAST(timezone(${zoneText(from, context.timeZone)}, ${hole}) AS DATE)`
      : direct(to, hole)
  const digits = to.numbers[0] ?? 3
  if (isZoned(to)) {
    if (from?.base === 'date' || from?.base === 'timestamp')
      return rounded(`timezone(${session}, CAST(${hole} AS TIMESTAMP))`, from, digits, 'TIMESTAMPTZ')
    return rounded(direct(to, hole), from, digits, 'TIMESTAMPTZ')
  }
  const local = isZoned(from) ? `timezone(${zoneText(from, context.timeZone)}, ${hole})` : direct(to, hole)
  return rounded(local, from, digits, 'TIMESTAMP')
}

/** Rounded to the digits of a second that the type has. */
function rounded(text: string, from: KnownType, digits: number, type: string): string {
  const given = from?.base === 'date' ? 0 : from?.base.startsWith('timestamp') ? (from.numbers[0] ?? 6) : 6
  if (digits >= given || digits >= 6) return text
  const step = 10 ** (6 - digits)
  const micros = `((epoch_us(${text}) + ${step / 2}) // ${step} * ${step})`
  return type === 'TIMESTAMP' ? `make_timestamp(${micros})` : `timezone('UTC', make_timestamp(${micros}))`
}
