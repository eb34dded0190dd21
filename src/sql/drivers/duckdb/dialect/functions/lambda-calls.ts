/** Functions that take lambdas: `transform(a, x -> x + 1)`. */
import type { Expression } from '../context.ts'
import type { Fragment } from '../fragments.ts'
import { array, BOOLEAN, type KnownType, map } from '../sql-type.ts'
import { argument, type Call, type CallRule, expectArguments, lambdaArgument } from './call.ts'

const element = (list: Expression): KnownType => list.type?.inner[0]

function made(call: Call, text: Fragment, type: KnownType, ...parts: Expression[]): Expression {
  const weight = parts.reduce((sum, each) => sum + each.weight, 4)
  return { text: { text: ['(', text, ')'], place: call.node.start }, type, weight }
}

function transform(call: Call): Expression {
  expectArguments(call, 2)
  const list = argument(call, 0)
  const { parameters, body } = lambdaArgument(call, 1, [element(list)])
  return made(
    call,
    ['list_transform(', list.text, `, lambda ${parameters[0]}:`, body.text, ')'],
    array(body.type),
    list,
    body,
  )
}

function filter(call: Call): Expression {
  expectArguments(call, 2)
  const list = argument(call, 0)
  const { parameters, body } = lambdaArgument(call, 1, [element(list)])
  return made(
    call,
    ['list_filter(', list.text, `, lambda ${parameters[0]}:`, body.text, ')'],
    list.type,
    list,
    body,
  )
}

/** `reduce(list, start, (s, x) -> s', s -> result)`: the state comes in as one more element at the front. */
function reduce(call: Call): Expression {
  expectArguments(call, 4)
  const [list, start] = [argument(call, 0), argument(call, 1)]
  const step = lambdaArgument(call, 2, [start.type, element(list)])
  const last = lambdaArgument(call, 3, [start.type])
  const [state, item] = step.parameters
  const folded: Fragment = [
    'list_reduce(',
    list.text,
    `, lambda ${state}, ${item}:`,
    step.body.text,
    ',',
    start.text,
    ')',
  ]
  const text: Fragment = [
    'CASE WHEN',
    list.text,
    'IS NULL THEN NULL ELSE',
    'list_transform([',
    folded,
    `], lambda ${last.parameters[0]}:`,
    last.body.text,
    ')[1] END',
  ]
  return made(call, text, last.body.type ?? start.type, list, list, start, step.body, last.body)
}

/** Three-valued: unknown when no element decides and one is unknown. */
function match(name: 'bool_or' | 'bool_and', empty: boolean, turned = false): CallRule {
  return (call) => {
    expectArguments(call, 2)
    const list = argument(call, 0)
    const { parameters, body } = lambdaArgument(call, 1, [element(list)])
    const decides = name === 'bool_or'
    const found = call.context.fresh()
    const results: Fragment = ['list_transform(', list.text, `, lambda ${parameters[0]}:`, body.text, ')']
    const verdict = `CASE WHEN ${found} IS NULL THEN NULL WHEN list_contains(${found}, ${decides}) THEN ${decides} WHEN len(list_filter(${found}, lambda e: e IS NULL)) > 0 THEN NULL ELSE ${empty} END`
    const text: Fragment = [
      turned ? 'NOT' : '',
      'list_transform([',
      results,
      `], lambda ${found}:`,
      verdict,
      ')[1]',
    ]
    return made(call, text, BOOLEAN, list, body)
  }
}

function zipWith(call: Call): Expression {
  expectArguments(call, 3)
  const [left, right] = [argument(call, 0), argument(call, 1)]
  const { parameters, body } = lambdaArgument(call, 2, [element(left), element(right)])
  const pair = call.context.fresh()
  const inner: Fragment = [
    'list_transform([',
    `${pair}[1]`,
    `], lambda ${parameters[0]}: list_transform([${pair}[2]], lambda ${parameters[1]}:`,
    body.text,
    ')[1])[1]',
  ]
  const text: Fragment = [
    'list_transform(list_zip(',
    left.text,
    ',',
    right.text,
    `), lambda ${pair}:`,
    inner,
    ')',
  ]
  return made(call, text, array(body.type), left, right, body)
}

/** A lambda over the entries of a map, by key and value. */
function overEntries(
  call: Call,
  wrap: (body: Fragment, entry: string) => Fragment,
  type: (m: KnownType, body: KnownType) => KnownType,
  outer: string,
): Expression {
  expectArguments(call, 2)
  const value = argument(call, 0)
  const { parameters, body } = lambdaArgument(call, 1, [value.type?.inner[0], value.type?.inner[1]])
  const entry = call.context.fresh()
  const inner: Fragment = [
    `list_transform([${entry}.key], lambda ${parameters[0]}: list_transform([${entry}.value], lambda ${parameters[1]}:`,
    body.text,
    ')[1])[1]',
  ]
  const text: Fragment = [
    'map_from_entries(',
    outer,
    '(map_entries(',
    value.text,
    `), lambda ${entry}:`,
    wrap(inner, entry),
    '))',
  ]
  return made(call, text, type(value.type, body.type), value, body)
}

export const LAMBDA_CALLS: ReadonlyMap<string, CallRule> = new Map<string, CallRule>([
  ['transform', transform],
  ['filter', filter],
  ['reduce', reduce],
  ['any_match', match('bool_or', false)],
  ['all_match', match('bool_and', true)],
  ['none_match', match('bool_or', false, true)],
  ['zip_with', zipWith],
  [
    'map_filter',
    (call) =>
      overEntries(
        call,
        (body) => body,
        (m) => m,
        'list_filter',
      ),
  ],
  [
    'transform_values',
    (call) =>
      overEntries(
        call,
        (body, entry) => [`{'key': ${entry}.key, 'value':`, body, '}'],
        (m, body) => map(m?.inner[0], body),
        'list_transform',
      ),
  ],
  [
    'transform_keys',
    (call) =>
      overEntries(
        call,
        (body, entry) => ["{'key':", body, `, 'value': ${entry}.value}`],
        (m, body) => map(body, m?.inner[1]),
        'list_transform',
      ),
  ],
])
