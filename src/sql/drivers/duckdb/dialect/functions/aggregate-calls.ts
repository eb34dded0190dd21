/** Aggregates and window functions. */
import { type Expression, Refusal } from '../context.ts'
import { type Fragment, joined } from '../fragments.ts'
import { divide } from '../operators.ts'
import {
  array,
  asDecimal,
  BIGINT,
  BOOLEAN,
  DOUBLE,
  decimal,
  duckdbTypeName,
  isDecimal,
  isInteger,
  type KnownType,
  map,
  VARCHAR,
} from '../sql-type.ts'
import {
  argument,
  type Call,
  type CallRule,
  expectArguments,
  literalArgument,
  make,
  unexpectedArguments,
} from './call.ts'

/** The call of a DuckDB aggregate with what the user put around it: DISTINCT, ORDER BY, FILTER, OVER. */
function aggregate(
  call: Call,
  name: string,
  args: readonly Expression[],
  type: KnownType,
  options: { order?: boolean; filter?: Fragment } = {},
): Expression {
  const filters = [call.filter, options.filter].filter((each) => each !== undefined)
  const text: Fragment = [
    { text: [name, '('], place: call.node.start },
    call.distinct ? 'DISTINCT' : '',
    call.star ? '*' : joined(args.map((arg) => arg.text)),
    options.order !== false && call.order !== undefined ? call.order : '',
    call.ignoreNulls ? 'IGNORE NULLS' : '',
    ')',
    filters.length > 0 ? ['FILTER (WHERE', joined(filters, 'AND'), ')'] : '',
    call.over ?? '',
  ]
  return { text, type, weight: args.reduce((sum, arg) => sum + arg.weight, 2) }
}

const all = (call: Call): Expression[] => call.args.map((_, i) => argument(call, i))

function of(name: string, count: number, type: (args: Expression[]) => KnownType, cast = false): CallRule {
  return (call) => {
    expectArguments(call, count)
    const args = all(call)
    const found = type(args)
    const made = aggregate(call, name, args, found)
    return cast && found ? { ...made, text: ['CAST(', made.text, 'AS', duckdbTypeName(found), ')'] } : made
  }
}

const first = (args: Expression[]): KnownType => args[0]?.type
const always = (type: KnownType) => () => type

function count(call: Call): Expression {
  if (!call.star) expectArguments(call, 0, 1)
  if (!call.star && call.args.length === 0) return aggregate({ ...call, star: true }, 'count', [], BIGINT)
  return aggregate(call, 'count', all(call), BIGINT)
}

/** Of no rows, or of nulls alone, 0: DuckDB says NULL. */
function countIf(call: Call): Expression {
  expectArguments(call, 1)
  const made = aggregate(call, 'count_if', all(call), BIGINT)
  return { ...made, text: ['CAST(coalesce(', made.text, ', 0) AS BIGINT)'] }
}

/** DuckDB adds integers up in 128 bits, and decimals like Trino. */
function sum(call: Call): Expression {
  expectArguments(call, 1)
  const args = all(call)
  const [{ type }] = args as [Expression]
  const result = isInteger(type) ? BIGINT : isDecimal(type) ? decimal(38, type!.numbers[1] ?? 0) : type
  const made = aggregate(call, 'sum', args, result)
  const narrow = isInteger(type) || type?.base === 'real'
  return narrow ? { ...made, text: ['CAST(', made.text, 'AS', duckdbTypeName(result!), ')'] } : made
}

function avg(call: Call): Expression {
  expectArguments(call, 1)
  const args = all(call)
  const [{ type }] = args as [Expression]
  if (!isDecimal(type))
    return aggregate(
      call,
      'avg',
      args,
      type?.base === 'real' ? type : isInteger(type) || !type ? DOUBLE : type,
    )
  const total = aggregate(call, 'sum', args, decimal(38, type!.numbers[1] ?? 0))
  const number = aggregate(call, 'count', args, BIGINT)
  const quotient = divide(
    total,
    { ...number, text: ['nullif(', number.text, ', 0)'], type: asDecimal(BIGINT) },
    call.node,
    call.context,
  )
  return make(call, `CAST($1 AS ${duckdbTypeName(type!)})`, [quotient], type)
}

function extreme(name: string): CallRule {
  return (call) => {
    expectArguments(call, 1, 2)
    const args = all(call)
    return aggregate(call, name, args, args.length === 1 ? args[0]!.type : array(args[0]!.type))
  }
}

/** With the value where it is null too, as Trino; with a number, the first so many. */
function extremeBy(name: string): CallRule {
  return (call) => {
    expectArguments(call, 2, 3)
    const args = all(call)
    const [{ type }] = args as [Expression]
    return args.length === 2
      ? aggregate(call, `${name}_null`, args, type)
      : aggregate(call, `${name}_nulls_last`, args, array(type))
  }
}

/** {key, value} of every row with a key. */
function entries(call: Call): Expression {
  const [key, value] = all(call) as [Expression, Expression]
  const entry = { ...key, text: ["{'k':", key.text, ", 'v':", value.text, '}'] as Fragment }
  return aggregate(call, 'list', [entry], undefined, { filter: [key.text, 'IS NOT NULL'] })
}

/** The first of every run of equal keys. */
const FIRST_OF_KEY = `list_filter(list_zip(SORTED, list_prepend(NULL, SORTED)), lambda pair, place: pair[1] IS NOT NULL AND (place = 1 OR pair[1].k IS DISTINCT FROM pair[2].k))`

function mapOf(list: string): string {
  const kept = FIRST_OF_KEY.replaceAll('SORTED', `list_sort(${list})`)
  return `map_from_entries(list_transform(${kept}, lambda pair: pair[1]))`
}

function mapAgg(call: Call): Expression {
  expectArguments(call, 2)
  const [key, value] = all(call) as [Expression, Expression]
  return make(
    call,
    `CASE WHEN $1 IS NULL THEN NULL ELSE ${mapOf('$1')} END`,
    [entries(call)],
    map(key.type, value.type),
  )
}

function multimapAgg(call: Call): Expression {
  expectArguments(call, 2)
  const [key, value] = all(call) as [Expression, Expression]
  const keys = 'list_sort(list_distinct(list_transform($1, lambda e: e.k)))'
  const values = 'list_transform(list_filter($1, lambda e: e.k = key), lambda e: e.v)'
  const template = `CASE WHEN $1 IS NULL THEN NULL ELSE map_from_entries(list_transform(${keys}, lambda key: {'k': key, 'v': ${values}})) END`
  return make(call, template, [entries(call)], map(key.type, array(value.type)))
}

function mapUnion(call: Call): Expression {
  expectArguments(call, 1)
  const [value] = all(call) as [Expression]
  const lists = aggregate(call, 'list', [{ ...value, text: ['map_entries(', value.text, ')'] }], undefined)
  const list = "list_transform(flatten($1), lambda e: {'k': e.key, 'v': e.value})"
  return make(call, `CASE WHEN $1 IS NULL THEN NULL ELSE ${mapOf(list)} END`, [lists], value.type)
}

/** The value at that part of the way, counted from the front: of ten values the sixth at 0.5, where DuckDB takes the fifth. */
function approxPercentile(call: Call): Expression {
  expectArguments(call, 2)
  const [value, quantile] = all(call) as [Expression, Expression]
  const many = quantile.type?.base === 'array'
  const single = isInteger(value.type) ? BIGINT : value.type
  const beyond = (text: string) => `least(CAST(${text} AS DOUBLE) + 1e-9, 1)`
  const shifted: Fragment = many
    ? ['list_transform(', quantile.text, `, lambda q: ${beyond('q')})`]
    : [beyond('').replace(' AS DOUBLE) + 1e-9, 1)', ''), quantile.text, ' AS DOUBLE) + 1e-9, 1)']
  return aggregate(
    call,
    'quantile_disc',
    [value, { ...quantile, text: shifted }],
    many ? array(single) : single,
  )
}

/** Of the values themselves, where DuckDB estimates that of what they were drawn from. */
function skewness(call: Call): Expression {
  expectArguments(call, 1)
  const args = all(call)
  const sample = aggregate(call, 'skewness', args, DOUBLE)
  const count = aggregate(call, 'count', args, DOUBLE)
  return make(call, '$1 * ($2 - 2) / sqrt($2 * ($2 - 1))', [sample, count], DOUBLE)
}

function listagg(call: Call): Expression {
  return aggregate(
    call,
    'string_agg',
    [argument(call, 0), ...(call.args[1] ? [argument(call, 1)] : [])],
    VARCHAR,
  )
}

function windowed(name: string, counts: number[], type: (args: Expression[]) => KnownType): CallRule {
  return (call) => {
    if (!counts.includes(call.args.length)) throw unexpectedArguments(call)
    if (call.over === undefined)
      throw new Refusal(
        'sql/missing-over',
        `Window function ${call.name} requires an OVER clause`,
        call.node.start,
      )
    return aggregate(call, name, all(call), type(all(call)))
  }
}

function ntile(call: Call): Expression {
  if (call.args.length === 1 && argument(call, 0).literal !== undefined) literalArgument(call, 0)
  return windowed('ntile', [1], always(BIGINT))(call)
}

export const AGGREGATE_CALLS: ReadonlyMap<string, CallRule> = new Map([
  ['count', count],
  ['sum', sum],
  ['avg', avg],
  ['min', extreme('min')],
  ['max', extreme('max')],
  ['min_by', extremeBy('arg_min')],
  ['max_by', extremeBy('arg_max')],
  ['arbitrary', of('any_value', 1, first)],
  ['any_value', of('any_value', 1, first)],
  ['array_agg', of('list', 1, (args) => array(first(args)))],
  ['count_if', countIf],
  ['bool_and', of('bool_and', 1, always(BOOLEAN))],
  ['bool_or', of('bool_or', 1, always(BOOLEAN))],
  ['every', of('bool_and', 1, always(BOOLEAN))],
  ['map_agg', mapAgg],
  ['multimap_agg', multimapAgg],
  ['map_union', mapUnion],
  ['histogram', of('histogram', 1, (args) => map(first(args), BIGINT))],
  // DuckDB's own estimate is far less exact than what Trino promises, 2.3 %.
  [
    'approx_distinct',
    (call) => (
      expectArguments(call, 1, 2),
      aggregate(
        { ...call, distinct: true, args: call.args.slice(0, 1) },
        'count',
        [argument(call, 0)],
        BIGINT,
      )
    ),
  ],
  ['approx_percentile', approxPercentile],
  ['geometric_mean', of('geomean', 1, always(DOUBLE))],
  ['bitwise_and_agg', of('bit_and', 1, always(BIGINT))],
  ['bitwise_or_agg', of('bit_or', 1, always(BIGINT))],
  ['bitwise_xor_agg', of('bit_xor', 1, always(BIGINT))],
  ['listagg', listagg],
  ['skewness', skewness],
  ...['stddev', 'stddev_samp', 'stddev_pop', 'variance', 'var_samp', 'var_pop', 'kurtosis'].map(
    (name) => [name, of(name, 1, always(DOUBLE))] as const,
  ),
  ...['corr', 'covar_pop', 'covar_samp', 'regr_slope', 'regr_intercept'].map(
    (name) => [name, of(name, 2, always(DOUBLE))] as const,
  ),
  ...['row_number', 'rank', 'dense_rank'].map((name) => [name, windowed(name, [0], always(BIGINT))] as const),
  ...['percent_rank', 'cume_dist'].map((name) => [name, windowed(name, [0], always(DOUBLE))] as const),
  ['ntile', ntile],
  ...['lag', 'lead'].map((name) => [name, windowed(name, [1, 2, 3], first)] as const),
  ...['first_value', 'last_value'].map((name) => [name, windowed(name, [1], first)] as const),
  ['nth_value', windowed('nth_value', [2], first)],
])
