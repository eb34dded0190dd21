/** After a crash test: is every answered event where it belongs, once? Asked by SQL over the tables as they are committed. */
import { EVENTS_TABLE, type TableDefinition } from '../../model/pipeline.ts'
import type { SqlEngine, Value } from '../../sql/sql.ts'
import { quoteIdentifier, quoteText } from '../../sql/text.ts'

export interface TableAudit {
  table: string
  rows: number
  /** Rows that should be there and are not. */
  missing: number
  /** Rows that should not be there: a second copy, or of another event. */
  extra: number
}

export interface Audit {
  /** Distinct ids of events and dead letters. */
  ids: number
  /** Ids that were answered with success and are nowhere. */
  lost: string[]
  /** Ids that are there more than once, answered or not. */
  doubled: string[]
  tables: TableAudit[]
}

export async function audit(
  engine: SqlEngine,
  tables: readonly TableDefinition[],
  answered: ReadonlySet<string>,
): Promise<Audit> {
  const times = new Map<string, number>()
  // An `id_conflict` is another event under an id that is taken.
  for (const from of [EVENTS_TABLE.name, "dead_letters WHERE reason <> 'id_conflict'"]) {
    const sql = `SELECT event_id, count(*) FROM ${from} GROUP BY event_id`
    for await (const [id, count] of rows(engine, sql))
      times.set(String(id), (times.get(String(id)) ?? 0) + Number(count))
  }
  const audits: TableAudit[] = []
  for (const table of tables) audits.push(await auditTable(engine, table))
  return {
    ids: times.size,
    lost: [...answered].filter((id) => !times.has(id)),
    doubled: [...times].filter(([, count]) => count > 1).map(([id]) => id),
    tables: audits,
  }
}

/**
 * A table must have exactly the events of its types that `events` has: the same ids, else the same raw events as often, else as many
 * rows, whichever its columns allow to compare.
 */
async function auditTable(
  engine: SqlEngine,
  { name, events, columns }: TableDefinition,
): Promise<TableAudit> {
  const column = (from: 'event_id' | 'raw_event') => columns.find(({ source }) => source.from === from)?.name
  const of = column('event_id') ? 'event_id' : column('raw_event') ? 'raw_event' : undefined
  const theirs = of === undefined ? '1' : quoteIdentifier(column(of)!)
  const types = events.includes('*') ? 'true' : `event_type IN (${events.map(quoteText).join(', ')})`
  const sql = `SELECT sum(there), sum(greatest(due - there, 0)), sum(greatest(there - due, 0)) FROM (
    SELECT sum(there) AS there, sum(due) AS due FROM (
      SELECT ${theirs} AS what, 1 AS there, 0 AS due FROM ${quoteIdentifier(name)}
      UNION ALL SELECT ${of ?? '1'}, 0, 1 FROM events WHERE ${types}) GROUP BY what)`
  for await (const [there, missing, extra] of rows(engine, sql))
    return { table: name, rows: Number(there), missing: Number(missing), extra: Number(extra) }
  throw new Error('a sum has one row')
}

async function* rows(engine: SqlEngine, sql: string): AsyncGenerator<Value[]> {
  for await (const page of (await engine.query(sql)).pages) yield* page
}
