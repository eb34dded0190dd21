/** Which functions there are, by Trino's names. A name that is not here never reaches DuckDB. */
import { nearestName } from '../../../../text.ts'
import { type Expression, Refusal } from '../context.ts'
import { AGGREGATE_CALLS } from './aggregate-calls.ts'
import { argument, type Call, type CallRule, unexpectedArguments } from './call.ts'
import { COLLECTION_FUNCTIONS } from './collections.ts'
import { JSON_FUNCTIONS } from './json.ts'
import { JSON_CALLS } from './json-calls.ts'
import { LAMBDA_CALLS } from './lambda-calls.ts'
import { NUMBER_FUNCTIONS } from './numbers.ts'
import { OTHER_CALLS } from './other-calls.ts'
import { applyRule, type Rule } from './table.ts'
import { TEXT_FUNCTIONS } from './texts.ts'
import { TIME_CALLS } from './time-calls.ts'
import { TIME_FUNCTIONS } from './times.ts'

const CALLS: ReadonlyMap<string, CallRule> = new Map([
  ...OTHER_CALLS,
  ...JSON_CALLS,
  ...LAMBDA_CALLS,
  ...TIME_CALLS,
])
const TABLES: ReadonlyMap<string, Rule[]> = new Map([
  ...NUMBER_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...COLLECTION_FUNCTIONS,
  ...JSON_FUNCTIONS,
])

/** Names of all functions, with those that the grammar itself knows. */
export const FUNCTION_NAMES: readonly string[] = [
  ...new Set([
    ...CALLS.keys(),
    ...TABLES.keys(),
    ...AGGREGATE_CALLS.keys(),
    'now',
    'grouping',
    'normalize',
    'position',
    'trim',
  ]),
].toSorted()

export function isAggregate(name: string): boolean {
  return AGGREGATE_CALLS.has(name)
}

export function applyFunction(call: Call): Expression {
  const aggregate = AGGREGATE_CALLS.get(call.name)
  if (aggregate) return aggregate(call)
  const refusal = refuseModifiers(call)
  if (refusal) throw refusal
  const rule = CALLS.get(call.name)
  if (rule) return rule(call)
  const rules = TABLES.get(call.name)
  if (!rules) throw unknownFunction(call)
  const fitting = rules.find((each) => each.arguments === call.args.length || each.arguments === -1)
  if (!fitting) throw unexpectedArguments(call)
  return applyRule(
    fitting,
    call.args.map((_, i) => argument(call, i)),
    call.node,
    call.context,
  )
}

function refuseModifiers(call: Call): Refusal | undefined {
  const { node, name } = call
  if (!CALLS.has(name) && !TABLES.has(name)) return undefined
  if (call.over !== undefined)
    return new Refusal('sql/function-not-window', `Not a window function: ${name}`, node.start)
  if (call.star || call.distinct || call.order !== undefined || call.filter !== undefined)
    return new Refusal(
      'sql/function-not-aggregate',
      `DISTINCT, FILTER and ORDER BY are only for aggregates: ${name} is none`,
      node.start,
    )
  return undefined
}

function unknownFunction(call: Call): Refusal {
  const near = nearestName(call.name, FUNCTION_NAMES)
  return new Refusal(
    'sql/unknown-function',
    `Function '${call.name}' not registered`,
    call.node.start,
    near === undefined ? undefined : `Did you mean ${near}?`,
  )
}
