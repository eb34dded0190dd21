/** Functions of JSON that take a path. */
import { quoteText } from '../../../../text.ts'
import type { Expression } from '../context.ts'
import { BIGINT, JSON_TYPE } from '../sql-type.ts'
import { argument, type Call, type CallRule, expectArguments, make, textLike } from './call.ts'
import { jsonPath } from './json-path.ts'

const all = (call: Call): Expression[] => call.args.map((_, i) => argument(call, i))

function jsonExtract(call: Call): Expression {
  expectArguments(call, 2)
  const [value, path] = all(call) as [Expression, Expression]
  const place = jsonPath(path, call.args[1]!)
  return make(
    call,
    `CASE WHEN json_valid($1) THEN json_extract($1, ${quoteText(place)}) END`,
    [value],
    JSON_TYPE,
  )
}

/** The text of a scalar; null for an object, an array and null. */
function jsonExtractScalar(call: Call): Expression {
  expectArguments(call, 2)
  const [value, path] = all(call) as [Expression, Expression]
  const place = quoteText(jsonPath(path, call.args[1]!))
  const scalar = `json_valid($1) AND json_type($1, ${place}) NOT IN ('OBJECT', 'ARRAY')`
  return make(
    call,
    `CASE WHEN ${scalar} THEN json_extract_string($1, ${place}) END`,
    [value],
    textLike(value),
  )
}

function jsonSize(call: Call): Expression {
  expectArguments(call, 2)
  const [value, path] = all(call) as [Expression, Expression]
  const place = quoteText(jsonPath(path, call.args[1]!))
  const text = `CASE json_type($1, ${place}) WHEN 'ARRAY' THEN CAST(json_array_length($1, ${place}) AS BIGINT) WHEN 'OBJECT' THEN len(json_keys($1, ${place})) ELSE CASE WHEN json_type($1, ${place}) IS NULL THEN NULL ELSE 0 END END`
  return make(call, text, [value], BIGINT)
}

export const JSON_CALLS: ReadonlyMap<string, CallRule> = new Map<string, CallRule>([
  ['json_extract', jsonExtract],
  ['json_extract_scalar', jsonExtractScalar],
  ['json_size', jsonSize],
])
