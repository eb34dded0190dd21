/**
 * Makes rows of a table again that cannot be read, and nothing else: what the log tells that the table should have, less what it has.
 *
 * Nothing is taken on trust. As many rows must be missing as the lost files had, with as many nulls in each column; else nothing is
 * changed and it is said what differs. (It does when the log has let go of some of the records, or when the definition judges them
 * otherwise today.) The exchange is one commit that leaves position, epoch and counters as they are; a crash before it leaves files that
 * nothing names.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { isLandfallError } from '../../base/errors.ts'
import type { DataFile, Lake, Replacement, TableState } from '../../lake/lake.ts'
import type { ManifestEntry } from '../../lake/manifest.ts'
import { findSnapshot, partitionSpec } from '../../lake/metadata.ts'
import { readParquet } from '../../lake/parquet.ts'
import { partitionExpression } from '../../lake/partition.ts'
import { quoteName } from '../../lake/schema.ts'
import { TableFiles } from '../../lake/table-files.ts'
import { tableState } from '../../lake/table-state.ts'
import { beginOf } from '../../ledger/commits.ts'
import type { LogReader } from '../../log/log.ts'
import { covers, furthest, nextOffset, type Position } from '../../model/position.ts'
import { noRows } from '../check-rows.ts'
import type { CheckedTable } from '../check-table.ts'
import type { Shadows } from './shadow.ts'

export interface RebuildParts {
  connection: DuckDBConnection
  lake: Lake
  log: LogReader
  shadows: Shadows
  /** Where `events` stands, and in which batch. */
  events: { position: Position; batch: number }
}

export type Outcome = { done: boolean; message: string }

const refused = (message: string): Outcome => ({ done: false, message })

/** Puts the rows of lost files, manifests or a lost list back. */
export async function rebuildLost(parts: RebuildParts, table: CheckedTable): Promise<Outcome> {
  const state = tableState(table.version)
  const snapshot = findSnapshot(state.metadata)!
  const inFiles = sum(table.lost)
  const lostRows = table.lostList
    ? Number(snapshot.summary['total-records'] ?? 0)
    : inFiles + table.lostManifests.reduce((rows, one) => rows + one.addedRows + one.existingRows, 0)
  // Which partitions a manifest names is not known without it.
  const whole = !table.lostList && table.lostManifests.length === 0
  const partitions = whole ? partitionsOf(state, table.lost) : undefined
  const missing = await findMissing(parts, state, table.whole, partitions)
  if (typeof missing === 'string') return refused(missing)
  if (missing.rows !== lostRows)
    return refused(`${lostRows} rows were lost, and the log tells of ${missing.rows}`)
  const otherNulls = whole ? await compareNulls(parts.connection, state, table.lost) : undefined
  if (otherNulls !== undefined) return refused(otherNulls)
  const add = await writeMissing(parts, state)
  const replacement: Replacement = { files: new Set(table.lost.map(({ file }) => file.url)), add }
  if (!whole) {
    const manifests = table.lostList ? 'all' : new Set(table.lostManifests.map(({ url }) => url))
    replacement.lost = { manifests, totals: totalsOf(table.whole, add) }
  }
  await parts.lake.replaceLost(state.name, snapshot['snapshot-id'], replacement)
  return { done: true, message: `${lostRows} rows made again from the log, in ${add.length} files` }
}

/** Lands what the table lacks of what `events` has: its newest metadata was lost, and it stands where the one before stood. */
export async function landMissing(
  parts: RebuildParts,
  table: CheckedTable,
  lacking: number,
): Promise<Outcome> {
  const state = tableState(table.version)
  const missing = await findMissing(parts, state, table.whole, undefined)
  if (typeof missing === 'string') return refused(missing)
  if (missing.rows !== lacking)
    return refused(`${lacking} rows are missing, and the log tells of ${missing.rows}`)
  const add = await writeMissing(parts, state)
  const { position, batch } = parts.events
  await parts.lake.commit(state.name, {
    add,
    expect: { position: state.position, epoch: state.epoch },
    position: state.position === undefined ? position : furthest(position, state.position),
    batch: Math.max(batch, state.batch),
  })
  return { done: true, message: `${lacking} rows landed again from the log` }
}

const sum = (entries: readonly ManifestEntry[]) => entries.reduce((rows, { file }) => rows + file.rows, 0)

function totalsOf(whole: readonly ManifestEntry[], add: readonly DataFile[]) {
  const files = [...whole.map(({ file }) => file), ...add]
  return {
    rows: files.reduce((rows, file) => rows + file.rows, 0),
    files: files.length,
    bytes: files.reduce((bytes, file) => bytes + file.bytes, 0),
  }
}

/** SQL condition for rows of the partitions that files were of; undefined for a table without partitions. */
function partitionsOf(state: TableState, lost: readonly ManifestEntry[]): string | undefined {
  const field = partitionSpec(state.metadata).fields[0]
  if (field === undefined) return undefined
  const values = new Set(lost.map(({ file }) => file.partition[field.name] ?? null))
  const expression = partitionExpression(field, state.schema)
  return [...values]
    .map((value) => (value === null ? `${expression} IS NULL` : `${expression} = ${Number(value)}`))
    .join(' OR ')
}

/** Fills the temporary table `missing`: rows that the log tells of and the whole files lack. A text says why that cannot be told. */
async function findMissing(
  { connection, lake, log, shadows, events }: RebuildParts,
  state: TableState,
  whole: readonly ManifestEntry[],
  partitions: string | undefined,
): Promise<{ rows: number } | string> {
  const to = state.position === undefined ? events.position : furthest(state.position, events.position)
  if (!covers(events.position, to))
    return 'the table stands in the middle of a batch: start the lander once, then repair'
  const from = rangeStart(beginOf(state), await log.start(), to)
  if (typeof from === 'string') return from
  let shadow: Lake
  try {
    shadow = await shadows.land(from, to)
  } catch (error) {
    if (!isLandfallError(error)) throw error
    return `the log cannot be landed again: ${error.message}`
  }
  const columns = state.schema.fields.map(({ name }) => quoteName(name)).join(', ')
  const where = partitions === undefined ? '' : ` WHERE ${partitions}`
  await using stack = new AsyncDisposableStack()
  const told = await relationOf(shadow, (await shadow.load(state.name))!, stack)
  const there = await relationOf(lake, state, stack, whole)
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE missing AS SELECT ${columns} FROM ${told}${where} EXCEPT ALL SELECT ${columns} FROM ${there}${where}`,
  )
  const counted = await connection.runAndReadAll('SELECT count(*) FROM missing')
  return { rows: Number(counted.getRows()[0]![0]) }
}

/** Where the table began. A text when the log has let go of records since. */
function rangeStart(begin: Position | undefined, start: Position, to: Position): Position | string {
  const from: Position = { logId: start.logId, next: { ...start.next } }
  for (const partition of Object.keys(to.next).map(Number)) {
    const [first, began] = [nextOffset(start, partition), nextOffset(begin, partition)]
    if (first > began) {
      return `the log has let go of offsets ${began} to ${first - 1} of partition ${partition}, which the table has rows of`
    }
    from.next[partition] = began
  }
  return from
}

async function relationOf(
  lake: Lake,
  state: TableState,
  stack: AsyncDisposableStack,
  entries?: readonly ManifestEntry[],
): Promise<string> {
  const tableFiles = new TableFiles(lake.storage)
  const files =
    entries?.map(({ file, snapshotId }) => ({ ...tableFiles.dataFile(file), snapshotId })) ??
    (await lake.files(state))
  if (files.length === 0) return noRows(state)
  const leased = await lake.lease(files)
  stack.defer(leased.release)
  return readParquet(state.schema, leased.locations)
}

/** A text when a column of the rows that were found has other nulls than the lost files had. */
async function compareNulls(
  connection: DuckDBConnection,
  state: TableState,
  lost: readonly ManifestEntry[],
): Promise<string | undefined> {
  const fields = state.schema.fields.filter(({ id }) => lost.every(({ file }) => file.columns.has(id)))
  if (fields.length === 0) return undefined
  const counts = fields.map(({ name }) => `count(*) - count(${quoteName(name)})`).join(', ')
  const found = (await connection.runAndReadAll(`SELECT ${counts} FROM missing`)).getRows()[0]!
  for (const [i, { id, name }] of fields.entries()) {
    const expected = lost.reduce((nulls, { file }) => nulls + Number(file.columns.get(id)!.nulls), 0)
    if (Number(found[i]) !== expected)
      return `${expected} of the lost rows had no ${name}, and of those that the log tells of ${Number(found[i])} have none`
  }
  return undefined
}

function writeMissing({ lake, connection }: RebuildParts, state: TableState): Promise<DataFile[]> {
  return lake.writeFiles(connection, state, 'SELECT * FROM missing')
}
