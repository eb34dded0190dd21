/** Pieces of Spark SQL text. */

export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** A string literal. `${` is escaped as well: Spark replaces variables in the text of a statement before it parses it. */
export function literal(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('${', '\\u0024{')
  return `'${escaped}'`
}

/** CASE of the branches, first match wins; NULL when none matches and there is no `otherwise`. */
export function choose(
  branches: readonly (readonly [when: string, result: string])[],
  otherwise?: string,
): string {
  if (branches.length === 0) return otherwise ?? 'NULL'
  const arms = branches.map(([when, result]) => `WHEN ${when} THEN ${result}`).join(' ')
  return `CASE ${arms}${otherwise === undefined ? '' : ` ELSE ${otherwise}`} END`
}

/**
 * The expression, computed once. A filter above would otherwise be moved beneath it by the optimizer, which then computes it there a
 * second time; it moves nothing past an expression that it takes for not deterministic.
 */
export function once(expression: string): string {
  return `IF(spark_partition_id() < 0, NULL, ${expression})`
}
