/**
 * DuckDB's messages that mean an error Trino has a name for. DuckDB has no codes beneath its few types of exceptions, so the text decides; a
 * message that is not here keeps the code of its type.
 */
const CODES: readonly (readonly [message: RegExp, code: string])[] = [
  [/^Ambiguous reference to /, 'sql/ambiguous-name'],
  [/ cannot contain (aggregates|window functions|aggregate functions)\b/, 'sql/not-scalar'],
  [/^aggregate function calls cannot (be nested|contain)/, 'sql/nested-aggregation'],
  [/^(ORDER|GROUP BY) term out of range/, 'sql/invalid-column'],
  [/^More than one row returned by a subquery/, 'sql/subquery-rows'],
  [/^VALUES lists must all be the same length/, 'sql/type-mismatch'],
  [/^Unimplemented type for cast /, 'sql/type-mismatch'],
  [/^Cannot (mix|compare) values of type/, 'sql/type-mismatch'],
  [/must appear in the GROUP BY/, 'sql/not-aggregate'],
  [/^Type U?INT\d+ with value .* out of range/, 'sql/out-of-range'],
  [/^Duplicate CTE name /, 'sql/duplicate-query'],
  [/^SELECT \* not allowed in queries without FROM/, 'sql/unknown-column'],
  [/^Column ".*" does not exist on (right|left) side of join/, 'sql/unknown-column'],
  [/^(date|time|timestamp) field value out of range/, 'sql/bad-value'],
  [/^Casting value ".*" to type DECIMAL\(\d+,\d+\) failed/, 'sql/bad-value'],
  [/^Map keys (must be unique|can not be NULL)/, 'sql/invalid-argument'],
  [/^The map key list does not align with /, 'sql/invalid-argument'],
  [/^Could not parse string .* according to format/, 'sql/invalid-argument'],
  [/^Invalid input for hex digit/, 'sql/invalid-argument'],
  [/^Invalid UTF8 Codepoint /, 'sql/invalid-argument'],
  [/^Malformed JSON/, 'sql/invalid-argument'],
  // RE2's own words, followed by the part of the pattern.
  [/^(missing [\])]|unexpected \)|trailing \\): /, 'sql/invalid-argument'],
  [/^(no argument for|bad) repetition operator: /, 'sql/invalid-argument'],
  [/^invalid (escape|character class|repetition|perl|named capture|UTF-8)\b.*: /, 'sql/invalid-argument'],
]

export function codeOfMessage(message: string): string | undefined {
  return CODES.find(([pattern]) => pattern.test(message))?.[1]
}
