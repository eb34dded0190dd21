/**
 * How fresh an answer of a server is that knows nothing of us: it reads the tables as they are committed. `events` is committed last
 * in each batch, so what its properties say before the question is asked holds for every table of the answer, or more does.
 */
import { property } from '../../lake/lake.ts'
import { parsePosition } from '../../model/position.ts'
import type { Freshness, Value } from '../sql.ts'
import { type Token, tokens } from '../text.ts'

/** Iceberg's metadata tables, as the connectors of Trino and Presto have them. */
export const LAST_COMMIT = `SELECT
  (SELECT max(value) FROM "events$properties" WHERE key = '${property.position}'),
  (SELECT max(value) FROM "events$properties" WHERE key = '${property.batch}'),
  (SELECT to_unixtime(max(committed_at)) FROM "events$snapshots")`

/** Whether a statement's answer has rows of tables, so that its freshness is worth a question. */
export function readsTables(sql: string): boolean {
  const first = tokens(sql).next().value as Token | undefined
  const verb = first?.text.toUpperCase() ?? ''
  return verb === 'TABLE' || (['SELECT', 'WITH', '('].includes(verb) && /\bfrom\b|\btable\b/i.test(sql))
}

/** From the one row of `LAST_COMMIT`; undefined when the table carries no position of ours. */
export function lastCommitOf(row: readonly Value[] | undefined): Freshness | undefined {
  const [position, batch, seconds] = row ?? []
  if (typeof position !== 'string') return undefined
  return {
    position: parsePosition(position),
    end: undefined,
    behind: false,
    batch: Number(batch ?? 0),
    committedAt: typeof seconds === 'number' ? Math.round(seconds * 1000) : null,
  }
}
