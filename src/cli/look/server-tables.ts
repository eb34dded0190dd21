/** `landfall tables` and `landfall describe` of a Trino or a Presto, which read the tables as they are committed. */
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import { property } from '../../lake/lake.ts'
import { nearestName } from '../../model/names.ts'
import { parsePosition } from '../../model/position.ts'
import type { SqlEngine, Value } from '../../sql/sql.ts'
import { quoteIdentifier } from '../../sql/text.ts'
import { formatTable } from '../table.ts'
import { printTables, type TableSummary } from './tables.ts'

export async function showServerTables(engine: SqlEngine, { json }: { json: boolean }): Promise<void> {
  const tables: TableSummary[] = []
  for (const table of (await engine.listTables()).sort()) tables.push(await summarize(engine, table))
  printTables(tables, json)
}

/** What Iceberg's metadata tables say, which both servers have; a table of another kind has its name only. */
async function summarize(engine: SqlEngine, table: string): Promise<TableSummary> {
  const of = (part: string) => quoteIdentifier(`${table}$${part}`)
  const sql = `SELECT
    (SELECT coalesce(sum(record_count), 0) FROM ${of('files')}),
    (SELECT count(*) FROM ${of('files')}),
    (SELECT coalesce(sum(file_size_in_bytes), 0) FROM ${of('files')}),
    (SELECT to_unixtime(max(committed_at)) FROM ${of('snapshots')}),
    (SELECT CAST(max_by(snapshot_id, committed_at) AS varchar) FROM ${of('snapshots')}),
    (SELECT max(value) FROM ${of('properties')} WHERE key = '${property.position}')`
  try {
    const [row = []] = await rowsOf(engine, sql)
    const [rows, files, bytes, seconds, snapshot, position] = row
    return {
      table,
      rows: Number(rows),
      files: Number(files),
      bytes: Number(bytes),
      committed: typeof seconds === 'number' ? new Date(Math.round(seconds * 1000)).toISOString() : null,
      snapshot: typeof snapshot === 'string' ? snapshot : null,
      position: typeof position === 'string' ? parsePosition(position).next : null,
    }
  } catch (error) {
    if (!isLandfallError(error) || !('errorName' in error.details)) throw error
    return { table, rows: null, files: null, bytes: null, committed: null, snapshot: null, position: null }
  }
}

export async function showServerTable(
  engine: SqlEngine,
  table: string,
  { json }: { json: boolean },
): Promise<void> {
  const columns = (await describe(engine, table)).map(({ name: column, type }) => ({ column, type }))
  if (json) process.stdout.write(`${JSON.stringify({ table, columns }, null, 2)}\n`)
  else {
    const rows = columns.map(({ column, type }) => [column, type])
    process.stdout.write(`${formatTable(['Column', 'Type'], rows)}\n`)
  }
}

async function describe(engine: SqlEngine, table: string) {
  try {
    return await engine.describe(table)
  } catch (error) {
    if (!isLandfallError(error, 'sql/unknown-table') || error.hint !== undefined) throw error
    const near = nearestName(table, await engine.listTables())
    const hint = near === undefined ? {} : { hint: `Did you mean ${near}?` }
    throw new LandfallError(error.kind, error.code, error.message, { ...hint, cause: error })
  }
}

async function rowsOf(engine: SqlEngine, sql: string): Promise<Value[][]> {
  const rows: Value[][] = []
  for await (const page of (await engine.query(sql)).pages) rows.push(...page)
  return rows
}
