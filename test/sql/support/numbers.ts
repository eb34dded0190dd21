/**
 * A relation `name(column)` of the numbers from 0 to `count` - 1, in Trino's SQL, where a sequence has at most 10,000 entries: a
 * larger count is a multiple of 1,000.
 */
export function numbers(count: number, name = 't', column = 'n'): string {
  if (count === 0) return `(SELECT 0 AS ${column} WHERE false) AS ${name}`
  if (count <= 10_000) return `unnest(sequence(0, ${count - 1})) AS ${name}(${column})`
  const [thousands, ones] = [
    `unnest(sequence(0, ${count / 1000 - 1})) AS a(i)`,
    'unnest(sequence(0, 999)) AS b(i)',
  ]
  return `(SELECT a.i * 1000 + b.i AS ${column} FROM ${thousands} CROSS JOIN ${ones}) AS ${name}`
}
