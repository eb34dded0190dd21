/** Whether two lakes hold the same tables, row by row and value by value. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake, TableState } from '../../lake/lake.ts'
import { readParquet } from '../../lake/parquet.ts'
import { quoteName, quoteText } from '../../lake/schema.ts'

/** Of a table on one side. */
export interface Sum {
  rows: number
  /** Sum of the rows' hashes modulo 2^64, 16 hexadecimal digits: equal for equal rows in any order. */
  checksum: string
}

export interface TableComparison {
  table: string
  now: Sum
  next: Sum
  equal: boolean
  /** Some rows that only one side has, or that differ; empty when equal. */
  differences: string[]
}

/** Differences that are told of a table. */
const TOLD_MAX = 5
const CELL_MAX = 60

/** Compares a table of two lakes, whose schemas come from the same definition. */
export async function compareTable(
  connection: DuckDBConnection,
  table: string,
  lakes: { now: Lake; next: Lake },
): Promise<TableComparison> {
  const [now, next] = [await relationOf(lakes.now, table), await relationOf(lakes.next, table)]
  try {
    const sums = { now: await sumOf(connection, now), next: await sumOf(connection, next) }
    const equal = sums.now.rows === sums.next.rows && sums.now.checksum === sums.next.checksum
    return { table, ...sums, equal, differences: equal ? [] : await tell(connection, now, next) }
  } finally {
    now.release()
    next.release()
  }
}

interface Relation {
  columns: string[]
  sql: string
  /** Lets go of the files. */
  release(): void
}

const nothing = () => {}

async function relationOf(lake: Lake, table: string): Promise<Relation> {
  const state = await lake.load(table)
  if (state === undefined) return { columns: [], sql: '(SELECT 1 WHERE false)', release: nothing }
  const columns = state.schema.fields.map(({ name }) => name)
  const files = await lake.files(state)
  if (files.length === 0) return { columns, sql: emptyRelation(state), release: nothing }
  const { locations, release } = await lake.lease(files)
  return { columns, sql: readParquet(state.schema, locations), release }
}

function emptyRelation({ schema }: TableState): string {
  return `(SELECT ${schema.fields.map(({ name }) => `NULL AS ${quoteName(name)}`).join(', ')} WHERE false)`
}

/** As text, so that a value of another type is another value, and −0, NaN and null are each themselves. */
const text = (name: string) => `CAST(t.${quoteName(name)} AS VARCHAR)`

async function sumOf(connection: DuckDBConnection, { columns, sql }: Relation): Promise<Sum> {
  if (columns.length === 0) return { rows: 0, checksum: '-' }
  const reader = await connection.runAndReadAll(
    `SELECT count(*), sum(hash(${columns.map(text).join(', ')})) FROM ${sql} AS t`,
  )
  const [rows, sum] = reader.getRows()[0]!
  const checksum = BigInt.asUintN(64, BigInt((sum as bigint | null) ?? 0n))
  return { rows: Number(rows), checksum: checksum.toString(16).padStart(16, '0') }
}

/** By event where both sides know which event a row is of, else by whole rows. */
function tell(connection: DuckDBConnection, now: Relation, next: Relation): Promise<string[]> {
  const byEvent = [now, next].every(
    ({ columns }) => columns.includes('partition') && columns.includes('offset'),
  )
  return byEvent ? differentEvents(connection, now, next) : differentRows(connection, now, next)
}

async function differentEvents(
  connection: DuckDBConnection,
  now: Relation,
  next: Relation,
): Promise<string[]> {
  const columns = now.columns.filter((name) => next.columns.includes(name))
  const struct = (side: string) =>
    `{${columns.map((name) => `${quoteText(name)}: CAST(${side}.${quoteName(name)} AS VARCHAR)`).join(', ')}}`
  const reader = await connection.runAndReadAll(
    `SELECT coalesce(a."partition", b."partition"), coalesce(a."offset", b."offset"),
       CASE WHEN a."offset" IS NULL THEN NULL ELSE to_json(${struct('a')}) END,
       CASE WHEN b."offset" IS NULL THEN NULL ELSE to_json(${struct('b')}) END
     FROM ${now.sql} AS a FULL JOIN ${next.sql} AS b ON a."partition" = b."partition" AND a."offset" = b."offset"
     WHERE ${struct('a')} IS DISTINCT FROM ${struct('b')}
     ORDER BY 1, 2 LIMIT ${TOLD_MAX}`,
  )
  return reader.getRows().map(([partition, offset, a, b]) => {
    const place = `partition ${Number(partition)}, offset ${Number(offset)}`
    if (a === null) return `${place}: only with the next lander`
    if (b === null) return `${place}: only with the present lander`
    return `${place}: ${cellsThatDiffer(String(a), String(b))}`
  })
}

function cellsThatDiffer(a: string, b: string): string {
  const [now, next] = [JSON.parse(a), JSON.parse(b)] as Record<string, string | null>[]
  return Object.keys(now!)
    .filter((name) => now![name] !== next![name])
    .map((name) => `${name} ${shown(now![name]!)} is ${shown(next![name]!)}`)
    .join(', ')
}

async function differentRows(connection: DuckDBConnection, now: Relation, next: Relation): Promise<string[]> {
  const columns = now.columns.filter((name) => next.columns.includes(name))
  const rows = ({ sql }: Relation) => `SELECT ${columns.map(text).join(', ')} FROM ${sql} AS t`
  const only = async (one: Relation, other: Relation, whose: string) => {
    const reader = await connection.runAndReadAll(
      `${rows(one)} EXCEPT ALL ${rows(other)} ORDER BY ALL LIMIT ${TOLD_MAX}`,
    )
    return reader
      .getRows()
      .map(
        (row) =>
          `only with the ${whose} lander: ${row.map((cell) => shown(cell as string | null)).join(' | ')}`,
      )
  }
  return [...(await only(now, next, 'present')), ...(await only(next, now, 'next'))]
}

function shown(cell: string | null): string {
  if (cell === null) return 'null'
  return cell.length > CELL_MAX ? `${JSON.stringify(cell.slice(0, CELL_MAX))}…` : JSON.stringify(cell)
}
