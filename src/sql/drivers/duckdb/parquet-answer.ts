/** An answer as a Parquet file. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { ResultColumn } from '../../sql.ts'
import { quoteIdentifier, quoteText } from '../../text.ts'
import { ANSWER } from './answer.ts'

/**
 * What DuckDB computes with more digits than the answer says: it would write a sum of bigint as a double. A value that does not fit is an
 * error, as it is in rows.
 */
const NARROWED: Record<string, string> = { bigint: 'BIGINT', integer: 'INTEGER', smallint: 'SMALLINT' }

/** Copies the answer's temporary table. What is there of the file when that fails is the caller's to remove. */
export async function copyAnswer(
  connection: DuckDBConnection,
  columns: readonly ResultColumn[],
  path: string,
): Promise<void> {
  const names = distinctNames(columns)
  const selected = columns.map(({ type }, i) => {
    const narrow = NARROWED[type]
    const value = narrow === undefined ? `#${i + 1}` : `CAST(#${i + 1} AS ${narrow})`
    return `${value} AS ${quoteIdentifier(names[i]!)}`
  })
  await connection.run(
    `COPY (SELECT ${selected.join(', ')} FROM ${ANSWER}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`,
  )
}

/** A file cannot have two columns of one name; readers do not tell capital letters apart. */
function distinctNames(columns: readonly ResultColumn[]): string[] {
  const taken = new Set<string>()
  return columns.map(({ name }) => {
    let distinct = name
    for (let i = 2; taken.has(distinct.toLowerCase()); i++) distinct = `${name}_${i}`
    taken.add(distinct.toLowerCase())
    return distinct
  })
}
