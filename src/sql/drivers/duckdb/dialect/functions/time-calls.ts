/** Functions of time that take a unit, a pattern or a zone. */

import { quoteText } from '../../../../text.ts'
import { castTo } from '../casts.ts'
import { now } from '../clock.ts'
import { type Expression, Refusal } from '../context.ts'
import { textLiteral } from '../literals.ts'
import { BIGINT, DATE, type KnownType, type SqlType, simple, VARCHAR } from '../sql-type.ts'
import { inZone, knownZone, localTime, zoneText } from '../zones.ts'
import { argument, type Call, type CallRule, expectArguments, literalArgument, make } from './call.ts'
import { fromJoda, fromMysql } from './time-patterns.ts'

const UNITS = ['millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']
const zoned = (digits: number, zone?: string): SqlType => ({
  ...simple('timestamp with time zone', digits),
  ...(zone === undefined ? {} : { zone }),
})

function unitOf(call: Call): string {
  const unit = literalArgument(call, 0).toLowerCase()
  if (UNITS.includes(unit)) return unit
  const message = `'${unit}' is not a valid time unit`
  throw new Refusal('sql/invalid-argument', message, call.args[0]!.start)
}

/** A text argument where a time is meant is Trino's type mismatch. */
function timeArgument(call: Call, index: number): Expression {
  const value = argument(call, index)
  if (value.type?.base === 'varchar' || value.type?.base === 'bigint' || value.type?.base === 'integer') {
    const message = `Unexpected parameters (${value.type.base}) for function ${call.name}. Expected: a date, a time or a timestamp`
    throw new Refusal('sql/unknown-function', message, call.node.start)
  }
  return value
}

function zoneArgument(call: Call): string {
  return knownZone(literalArgument(call, 1), call.args[1]!)
}

function dateTrunc(call: Call): Expression {
  expectArguments(call, 2)
  const unit = unitOf(call)
  const value = timeArgument(call, 1)
  const { type } = value
  const local = (hole: string) => `date_trunc('${unit}', ${hole})`
  if (type?.base === 'date') return make(call, `CAST(${local('$1')} AS DATE)`, [value], type)
  if (type?.base === 'timestamp with time zone')
    return make(call, inZone(type, call.context.timeZone, local), [value], type)
  return make(call, local('$1'), [value], type)
}

/** Full units between, where DuckDB's date_diff counts the borders. */
function dateDiff(call: Call): Expression {
  expectArguments(call, 3)
  const unit = unitOf(call)
  const [from, to] = [timeArgument(call, 1), timeArgument(call, 2)]
  const zone = call.context.timeZone
  const [a, b] = [localTime(from.type, zone, '$1'), localTime(to.type, zone, '$2')]
  const exact = ['millisecond', 'second', 'minute', 'hour'].includes(unit)
  const template = exact ? `date_sub('${unit}', $1, $2)` : `date_sub('${unit}', ${a}, ${b})`
  return make(call, template, [from, to], BIGINT)
}

const ADD: Record<string, string> = { week: 'to_weeks', quarter: 'to_quarters' }

function dateAdd(call: Call): Expression {
  expectArguments(call, 3)
  const unit = unitOf(call)
  const [count, value] = [argument(call, 1), timeArgument(call, 2)]
  const { type } = value
  const span = `${ADD[unit] ?? `to_${unit}s`}(CAST($1 AS ${unit === 'millisecond' ? 'BIGINT' : 'INTEGER'}))`
  if (type?.base === 'date') return make(call, `CAST($2 + ${span} AS DATE)`, [count, value], type)
  const whole = ['day', 'week', 'month', 'quarter', 'year'].includes(unit)
  const template =
    type?.base === 'timestamp with time zone' && whole
      ? inZone(type, call.context.timeZone, (local) => `${local} + ${span}`, '$2')
      : `$2 + ${span}`
  const fine = unit === 'millisecond' && type && (type.numbers[0] ?? 3) < 3
  return make(call, template, [count, value], fine ? { ...type, numbers: [3] } : type)
}

const IN_INTERVAL: Record<string, string> = {
  day: '// 86400000',
  hour: '// 3600000 % 24',
  minute: '// 60000 % 60',
  second: '// 1000 % 60',
  millisecond: '% 1000',
}

/** An interval of days to seconds is one number of milliseconds. */
function intervalField(field: string, value: Expression, call: Pick<Call, 'node' | 'context'>): Expression {
  const part = IN_INTERVAL[field]
  if (part === undefined)
    throw new Refusal(
      'sql/type-mismatch',
      `Type of argument to extract must be DATE, TIME, TIMESTAMP, or INTERVAL (actual interval day to second)`,
      call.node.start,
    )
  return make(call as Call, `CAST(round(epoch($1) * 1000) AS BIGINT) ${part}`, [value], BIGINT)
}

/** Minutes that the zone of a timestamp is ahead of UTC. */
function offsetMinutes(call: Call, rest: string): Expression {
  expectArguments(call, 1)
  const value = timeArgument(call, 0)
  const local = localTime(value.type, call.context.timeZone, '$1')
  const minutes = `CAST((epoch_us(timezone('UTC', ${local})) - epoch_us($1)) // 60000000 AS BIGINT)`
  return make(call, `${minutes} ${rest}`, [value], BIGINT)
}

/** A field of a date or time, by DuckDB's name for it. */
export function timeField(
  field: string,
  value: Expression,
  call: Pick<Call, 'node' | 'context'>,
): Expression {
  if (value.type?.base === 'interval day to second') return intervalField(field, value, call)
  const local = localTime(value.type, call.context.timeZone, '$1')
  const template =
    field === 'millisecond'
      ? `CAST(date_part('microsecond', ${local}) // 1000 % 1000 AS BIGINT)`
      : field === 'second'
        ? `CAST(floor(date_part('second', ${local})) AS BIGINT)`
        : `CAST(date_part('${field}', ${local}) AS BIGINT)`
  return make(call as Call, template, [value], BIGINT)
}

/** Trino's names of fields, in EXTRACT and as functions. */
export const TIME_FIELDS: Record<string, string> = {
  year: 'year',
  quarter: 'quarter',
  month: 'month',
  week: 'week',
  week_of_year: 'week',
  day: 'day',
  day_of_month: 'day',
  day_of_week: 'isodow',
  dow: 'isodow',
  day_of_year: 'doy',
  doy: 'doy',
  year_of_week: 'isoyear',
  yow: 'isoyear',
  hour: 'hour',
  minute: 'minute',
  second: 'second',
  millisecond: 'millisecond',
}

function field(name: string): CallRule {
  return (call) => {
    expectArguments(call, 1)
    return timeField(name, timeArgument(call, 0), call)
  }
}

function dateFormat(call: Call): Expression {
  expectArguments(call, 2)
  const value = timeArgument(call, 0)
  const pattern = fromMysql(literalArgument(call, 1), call.args[1]!, false)
  return make(
    call,
    `strftime(${localTime(value.type, call.context.timeZone, '$1')}, ${quoteText(pattern)})`,
    [value],
    VARCHAR,
  )
}

function dateParse(call: Call): Expression {
  expectArguments(call, 2)
  const pattern = fromMysql(literalArgument(call, 1), call.args[1]!, true)
  return make(call, `strptime($1, ${quoteText(pattern)})`, [argument(call, 0)], simple('timestamp', 3))
}

function formatDatetime(call: Call): Expression {
  expectArguments(call, 2)
  const value = timeArgument(call, 0)
  const zone = value.type?.zone ?? call.context.timeZone
  const pattern = fromJoda(literalArgument(call, 1), call.args[1]!, zone)
  return make(
    call,
    `strftime(${localTime(value.type, call.context.timeZone, '$1')}, ${quoteText(pattern)})`,
    [value],
    VARCHAR,
  )
}

function parseDatetime(call: Call): Expression {
  expectArguments(call, 2)
  const pattern = fromJoda(literalArgument(call, 1), call.args[1]!, undefined)
  const parsed = `strptime($1, ${quoteText(pattern)})`
  const template = pattern.includes('%z')
    ? parsed
    : `timezone(${zoneText(undefined, call.context.timeZone)}, ${parsed})`
  return make(call, template, [argument(call, 0)], zoned(3, call.context.timeZone))
}

function fromUnixtime(call: Call): Expression {
  expectArguments(call, 1, 2)
  const type = call.args.length === 2 ? zoned(3, zoneArgument(call)) : zoned(3, call.context.timeZone)
  const millis = 'CAST(round(CAST($1 AS DOUBLE) * 1000) AS BIGINT)'
  return make(call, `timezone('UTC', make_timestamp(${millis} * 1000))`, [argument(call, 0)], type)
}

function toIso8601(call: Call): Expression {
  expectArguments(call, 1)
  const value = timeArgument(call, 0)
  const { type } = value
  if (type?.base === 'date') return make(call, "strftime($1, '%Y-%m-%d')", [value], simple('varchar', 16))
  const digits = type?.numbers[0] ?? 3
  const text = `strftime(${localTime(type, call.context.timeZone, '$1')}, '%Y-%m-%dT%H:%M:%S.%f')`
  const cut = digits >= 6 ? text : `left(${text}, -${digits === 0 ? 7 : 6 - digits})`
  const zone = type?.zone ?? call.context.timeZone
  const tail = type?.base !== 'timestamp with time zone' ? '' : ` || '${zone === 'UTC' ? 'Z' : ''}'`
  if (tail !== '' && zone !== 'UTC') return make(call, `${cut} || ${offset(type, call)}`, [value], VARCHAR)
  return make(call, `${cut}${tail}`, [value], VARCHAR)
}

/** `+02:00` of an instant in its zone. */
function offset(type: KnownType, call: Call): string {
  const minutes = `CAST((epoch_us(timezone('UTC', ${localTime(type, call.context.timeZone, '$1')})) - epoch_us($1)) // 60000000 AS INTEGER)`
  return `(CASE WHEN ${minutes} < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(${minutes}) // 60 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(${minutes}) % 60 AS VARCHAR), 2, '0'))`
}

/** The same instant, or (`with_timezone`) the same wall clock, in a zone. */
export function atZone(value: Expression, zone: string, call: Pick<Call, 'node' | 'context'>): Expression {
  const digits = value.type?.numbers[0] ?? 3
  const type = zoned(digits, zone)
  if (value.type?.base === 'timestamp' || value.type?.base === 'date')
    return make(
      call as Call,
      `timezone(${zoneText(undefined, call.context.timeZone)}, CAST($1 AS TIMESTAMP))`,
      [value],
      type,
    )
  return { ...value, type }
}

export const TIME_CALLS: ReadonlyMap<string, CallRule> = new Map<string, CallRule>([
  ['date_trunc', dateTrunc],
  ['date_diff', dateDiff],
  ['date_add', dateAdd],
  ['date_format', dateFormat],
  ['date_parse', dateParse],
  ['format_datetime', formatDatetime],
  ['parse_datetime', parseDatetime],
  ['from_unixtime', fromUnixtime],
  ['to_iso8601', toIso8601],
  ['timezone_hour', (call) => offsetMinutes(call, '// 60')],
  ['timezone_minute', (call) => offsetMinutes(call, '% 60')],
  ['now', (call) => (expectArguments(call, 0), now('timestamp')(call.node, call.scope, call.context))],
  [
    'current_timezone',
    (call) => (expectArguments(call, 0), { ...textLiteral(call.context.timeZone, call.node), type: VARCHAR }),
  ],
  [
    'date',
    (call) => (expectArguments(call, 1), castTo(argument(call, 0), DATE, false, call.node, call.context)),
  ],
  [
    'last_day_of_month',
    (call) => (
      expectArguments(call, 1),
      make(
        call,
        `last_day(${localTime(argument(call, 0).type, call.context.timeZone, '$1')})`,
        [argument(call, 0)],
        DATE,
      )
    ),
  ],
  [
    'at_timezone',
    (call) => (expectArguments(call, 2), atZone(timeArgument(call, 0), zoneArgument(call), call)),
  ],
  [
    'with_timezone',
    (call) => {
      expectArguments(call, 2)
      const type = zoned(timeArgument(call, 0).type?.numbers[0] ?? 3, zoneArgument(call))
      return make(
        call,
        `timezone(${zoneText(type, '')}, CAST($1 AS TIMESTAMP))`,
        [timeArgument(call, 0)],
        type,
      )
    },
  ],
  ...Object.entries(TIME_FIELDS).map(([name, part]) => [name, field(part)] as const),
])
