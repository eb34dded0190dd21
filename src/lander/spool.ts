/**
 * The spool: rows that are judged and typed but not yet committed to the lake, so that a query sees them at once. The lander
 * writes it, the query process reads it, they meet only through files:
 *
 *   spool/manifest.json            which chunks there are (replaced whole by rename; not synced: the log is the truth)
 *   spool/chunks/<id>-<table>.parquet   immutable Parquet in the table's own columns and field ids
 *   spool/ask                      a query writes the position it waits for; the lander cuts a chunk at once
 *
 * The manifest covers, per partition, all offsets in [start, end). A chunk never straddles a batch border, so
 * a reader with a table at position P takes exactly the chunks with from >= P.
 */
import type { Position } from '../model/position.ts'

export interface SpoolChunk {
  id: string
  /** Per partition, [from, to). */
  ranges: Record<number, { from: number; to: number }>
  /** Table → paths of its Parquet files relative to the spool directory; a table without rows is absent. `events` and `dead_letters` included. */
  files: Record<string, string[]>
  counts: { records: number; landed: number; dead: number; duplicate: number }
}

/** URL of the lander that writes a spool: the engine within. */
export const SPOOLING_LANDER = 'duckdb:'

export interface SpoolManifest {
  version: 1
  logId: string
  epoch: number
  start: Position
  end: Position
  chunks: SpoolChunk[]
}

export const spoolPaths = {
  manifest: 'manifest.json',
  ask: 'ask',
  chunks: 'chunks',
  /** `pins/<query process id>-<n>/`: hard links that keep a running query's files. */
  pins: 'pins',
} as const
