/** Rows of the tables against each other: each place of the log once, and in each table as many as `events` has for it. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake, TableState } from '../lake/lake.ts'
import type { ManifestEntry } from '../lake/manifest.ts'
import { readParquet } from '../lake/parquet.ts'
import { tableState } from '../lake/table-state.ts'
import { beginOf } from '../ledger/commits.ts'
import { EVENTS_TABLE, type TableDefinition } from '../model/pipeline.ts'
import { covers, nextOffset, type Position } from '../model/position.ts'
import type { CheckedTable } from './check-table.ts'
import type { Findings, OffsetRange } from './report.ts'

/** Places told of one kind of damage. */
const TOLD_MAX = 20

export interface RowParts {
  lake: Lake
  connection: DuckDBConnection
  findings: Findings
  /** Every definition that has ever judged, as far as it is kept: which events land where. */
  definitions: readonly (readonly TableDefinition[])[]
  /** Tables whose rows are compared, and how many there are. */
  onProgress: (tables: number, total: number) => void
}

/** A table whose files are all there, as a relation of DuckDB. */
interface Readable extends Disposable {
  state: TableState
  from: string
}

export async function checkRows(tables: readonly CheckedTable[], parts: RowParts): Promise<void> {
  await using open = new AsyncDisposableStack()
  const readable = new Map<string, Readable>()
  for (const table of tables) {
    const one = await openRows(table, parts.lake)
    const { name } = table.version
    parts.findings.tables.push({ table: name, rows: one === undefined ? null : rowsOf(table.whole) })
    if (one !== undefined) readable.set(name, open.use(one))
  }
  const events = readable.get(EVENTS_TABLE.name)
  if (events === undefined) return
  const dead = readable.get('dead_letters')
  const others = [...readable.values()].filter((one) => one !== events && one !== dead)
  const compared = (count: number) => parts.onProgress(readable.size - others.length + count, readable.size)
  parts.onProgress(0, readable.size)
  await checkPlaces(parts, events, dead)
  compared(0)
  for (const [i, one] of others.entries()) {
    const lacking = await checkAgainstEvents(parts, one, events)
    tables.find(({ version }) => version.name === one.state.name)!.lacking = lacking
    compared(i + 1)
  }
}

const rowsOf = (entries: readonly ManifestEntry[]) => entries.reduce((sum, { file }) => sum + file.rows, 0)

/** Undefined when files of it are lost: then its rows are not all there. */
async function openRows(table: CheckedTable, lake: Lake): Promise<Readable | undefined> {
  const { version, whole, lost, lostManifests, lostList } = table
  if (lost.length > 0 || lostManifests.length > 0 || lostList) return undefined
  const state = tableState(version)
  const files = await lake.files(state)
  if (whole.length === 0) return { state, from: noRows(state), [Symbol.dispose]: () => {} }
  const { locations, release } = await lake.lease(files)
  return { state, from: readParquet(state.schema, locations), [Symbol.dispose]: release }
}

export function noRows({ schema }: TableState): string {
  const columns = schema.fields.map(({ name }) => `NULL AS "${name.replaceAll('"', '""')}"`)
  return `(SELECT ${columns.join(', ')} WHERE false)`
}

/** `events` and `dead_letters` have each place of the log once, between them, and none that the tables have not come to. */
async function checkPlaces(
  { connection, findings }: RowParts,
  events: Readable,
  dead: Readable | undefined,
): Promise<void> {
  const places = [events, ...(dead === undefined ? [] : [dead])].map(
    ({ state, from }) => `SELECT '${state.name}' AS "table", "partition", "offset" FROM ${from}`,
  )
  const twice = await connection.runAndReadAll(
    `SELECT "partition", "offset", count(*), string_agg("table", ', ' ORDER BY "table") FROM (${places.join(' UNION ALL ')})
     GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT ${TOLD_MAX}`,
  )
  for (const [partition, offset, count, where] of twice.getRows()) {
    findings.damage(
      `the record at partition ${Number(partition)}, offset ${Number(offset)} is there ${Number(count)} times: in ${String(where)}`,
      { table: EVENTS_TABLE.name, offsets: [placeAt(Number(partition), Number(offset))] },
    )
  }
  await checkNothingBeyond(connection, findings, events)
}

const placeAt = (partition: number, from: number): OffsetRange => ({ partition, from, to: from + 1 })

async function checkNothingBeyond(
  connection: DuckDBConnection,
  findings: Findings,
  { state, from }: Readable,
): Promise<void> {
  const latest = await connection.runAndReadAll(
    `SELECT "partition", max("offset") FROM ${from} GROUP BY ALL ORDER BY ALL`,
  )
  for (const [partition, offset] of latest.getRows()) {
    const next = nextOffset(state.position, Number(partition))
    if (Number(offset) < next) continue
    findings.damage(
      `${state.name} stands at offset ${next} of partition ${Number(partition)} and has a row of offset ${Number(offset)}`,
      {
        table: state.name,
        offsets: [{ partition: Number(partition), from: next, to: Number(offset) + 1 }],
      },
    )
  }
}

/** As many rows as `events` has of its events, from where the table began. Returns how many are lacking. */
async function checkAgainstEvents(parts: RowParts, table: Readable, events: Readable): Promise<number> {
  const { connection, findings } = parts
  const { state } = table
  const { name, position } = state
  if (
    position !== undefined &&
    events.state.position !== undefined &&
    !covers(events.state.position, position)
  ) {
    findings.note(`${name} stands ahead of events, in the middle of a batch: its rows are not compared`, {
      table: name,
    })
    return 0
  }
  const types = typesOf(parts.definitions, name)
  const begin = beginOf(state)
  if (types === undefined || begin === undefined) {
    const why =
      types === undefined ? 'which events land there is not known here' : 'it does not say where it began'
    findings.note(`${name}: its rows are not compared with those of events: ${why}`, { table: name })
    return 0
  }
  const counts = await countsOf(connection, { table, events, types, begin })
  let lacking = 0
  for (const { type, expected, found } of counts) {
    if (expected === found) continue
    lacking += Math.max(0, expected - found)
    const what = type === null ? 'rows' : `rows of ${type}`
    findings.damage(`${name} has ${found} ${what}, events has ${expected} for it`, {
      table: name,
      rows: Math.abs(expected - found),
    })
  }
  return lacking
}

/** Event types that have landed in the table under every definition that had it; undefined: not known. */
function typesOf(definitions: RowParts['definitions'], table: string): string[] | undefined {
  const lists = definitions.flatMap((tables) => tables.filter(({ name }) => name === table))
  const [first, ...others] = lists.map(({ events }) => events)
  return first?.filter((type) => others.every((events) => events.includes(type)))
}

interface TypeCount {
  /** Null: over all types, for a table without the column. */
  type: string | null
  expected: number
  found: number
}

async function countsOf(
  connection: DuckDBConnection,
  { table, events, types, begin }: { table: Readable; events: Readable; types: string[]; begin: Position },
): Promise<TypeCount[]> {
  const list = types.map((type) => `'${type.replaceAll("'", "''")}'`).join(', ')
  const ofBegin = Object.entries(begin.next).map(
    ([partition, next]) => `WHEN ${partition} THEN "offset" >= ${next}`,
  )
  const behind = ofBegin.length === 0 ? 'true' : `CASE "partition" ${ofBegin.join(' ')} ELSE true END`
  const count = async (from: string, where: string, column: string) => {
    const rows = await connection.runAndReadAll(
      `SELECT ${column}, count(*) FROM ${from} WHERE ${where} GROUP BY ALL`,
    )
    return new Map(rows.getRows().map(([type, n]) => [type as string | null, Number(n)]))
  }
  const hasType = table.state.schema.fields.some(({ name }) => name === 'event_type')
  const column = hasType ? 'event_type' : 'NULL::VARCHAR'
  const inTypes = `event_type IN (${list})`
  const expected = await count(events.from, `${inTypes} AND ${behind}`, column)
  const found = await count(table.from, hasType ? inTypes : 'true', column)
  return [...new Set([...expected.keys(), ...found.keys()])].map((type) => ({
    type,
    expected: expected.get(type) ?? 0,
    found: found.get(type) ?? 0,
  }))
}
