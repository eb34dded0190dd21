import type { DuckDBConnection } from '@duckdb/node-api'
import type { Schema } from '../lake/metadata.ts'
import { type ParquetFile, readParquet } from '../lake/parquet.ts'

/** Why events of a chunk became dead letters: one per event, source, reason and field. */
export interface DeadReason {
  event: string | null
  source: string
  reason: string
  field: string | null
  detail: string
}

/** Told at most per chunk: a flood of broken events must not become a flood of messages. */
const REASONS_MAX = 100

/** Reads the reasons back from the files that were just written for `dead_letters`. */
export async function readDeadReasons(
  connection: DuckDBConnection,
  schema: Schema,
  files: readonly ParquetFile[],
): Promise<DeadReason[]> {
  const from = readParquet(
    schema,
    files.map(({ location }) => location),
  )
  const result = await connection.runAndReadAll(
    `SELECT event_type AS event, coalesce(source, '') AS source, reason, field, coalesce(min(detail), '') AS detail
     FROM ${from} GROUP BY event_type, source, reason, field ORDER BY ALL LIMIT ${REASONS_MAX}`,
  )
  return result.getRowObjects() as unknown as DeadReason[]
}
