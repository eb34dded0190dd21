/**
 * `landfall verify`: is everything that was written still what was written, and does it fit together?
 *
 * It looks in the order in which the parts depend on each other: the files of this machine, the log, each table by its files, then the rows
 * of the tables against each other and the sum of all (the ledger). Reading only, it may run beside a pipeline: tables are taken at one
 * version each, `events` first, and what is committed meanwhile is not looked at. What it finds is data; it throws only what keeps it from
 * looking (storage away, no such directory).
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { isLandfallError } from '../base/errors.ts'
import { makeTemporary } from '../base/temporary.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import { DEAD_LETTERS_TABLE } from '../lander/tables.ts'
import { readLedger } from '../ledger/ledger.ts'
import type { LogReader } from '../log/log.ts'
import { EVENTS_TABLE } from '../model/pipeline.ts'
import type { Places } from '../pipeline/places.ts'
import { openPlans } from '../pipeline/plans.ts'
import { hasLog } from '../pipeline/readers.ts'
import { type LakeRooms, openLakeReaderAt, openLogReaderAt } from '../pipeline/rooms.ts'
import { checkDataDirectory, type DataDirectory } from './check-data-directory.ts'
import { checkLog } from './check-log.ts'
import { checkOrphans } from './check-orphans.ts'
import { checkRows } from './check-rows.ts'
import { type CheckedTable, TableCheck } from './check-table.ts'
import { type Finding, Findings, type VerifyReport } from './report.ts'

export type Stage = 'log' | 'files' | 'rows'

export interface VerifyOptions {
  signal?: AbortSignal
  /** Of `log` in records, of `files` in bytes, of `rows` in tables; `total` is known from the start. */
  onProgress?: (stage: Stage, done: number, total: number) => void
}

/** Everything that was found, for the report and for whoever repairs. */
export interface Verified {
  findings: Findings
  directory: DataDirectory
  log: LogReader | undefined
  rooms: LakeRooms
  tables: CheckedTable[]
  /** Tables whose metadata cannot be read. */
  unreadable: { table: string; finding: Finding }[]
}

/** Reads everything, changes nothing. */
export async function verify(places: Places, options: VerifyOptions = {}): Promise<VerifyReport> {
  const rooms = await openLakeReaderAt(places)
  return inEngine(async (connection) => {
    await using verified = await look(places, rooms, connection, options)
    return verified.findings.report()
  })
}

/** Looks at everything with the rooms that are open. The log is closed with what is returned. */
export async function look(
  places: Places,
  rooms: LakeRooms,
  connection: DuckDBConnection,
  { signal = new AbortController().signal, onProgress = () => {} }: VerifyOptions,
): Promise<Verified & AsyncDisposable> {
  const findings = new Findings()
  const directory = await checkDataDirectory(
    places,
    openPlans(places, rooms.storage),
    rooms.storage,
    findings,
  )
  const log = await openTheLog(places, findings)
  const verified: Verified = { findings, directory, log, rooms, tables: [], unreadable: [] }
  const closed = Object.assign(verified, {
    [Symbol.asyncDispose]: async () => log?.[Symbol.asyncDispose](),
  })
  try {
    const versions = await loadTables(rooms, verified)
    await checkTables(versions, verified, connection, signal, onProgress)
    if (log !== undefined) await checkTheLog(log, findings, signal, onProgress)
    await compareRows(verified, connection, onProgress)
    await checkSum(verified, signal)
    return closed
  } catch (error) {
    await log?.[Symbol.asyncDispose]()
    throw error
  }
}

/** A DuckDB of its own, whose work spills to a directory that goes with it. */
export async function inEngine<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  await using temporary = await makeTemporary('verify')
  const settings = { memory_limit: '1GB', temp_directory: temporary.path }
  const instance = await DuckDBInstance.create(':memory:', settings)
  try {
    const connection = await instance.connect()
    await connection.run("SET TimeZone = 'UTC'")
    return await work(connection)
  } finally {
    instance.closeSync()
  }
}

/** A log whose identity is damaged is told already, and cannot be opened. */
async function openTheLog(places: Places, findings: Findings): Promise<LogReader | undefined> {
  if (!hasLog(places)) {
    findings.note(`there is no log at ${places.log}: only the tables are looked at`)
    return undefined
  }
  try {
    return await openLogReaderAt(places)
  } catch (error) {
    if (!isLandfallError(error, 'log/damaged') && !isLandfallError(error, 'log/absent')) throw error
    const said = findings.list.some(({ message }) => message === error.message)
    if (!said) findings.damage(error.message, { file: places.log })
    return undefined
  }
}

/** `events` first: what is committed last is never behind the others. */
async function loadTables({ catalog }: LakeRooms, verified: Verified): Promise<TableVersion[]> {
  const names = (await catalog.listTables()).sort(
    (a, b) => Number(b === EVENTS_TABLE.name) - Number(a === EVENTS_TABLE.name) || (a < b ? -1 : 1),
  )
  const versions: TableVersion[] = []
  for (const table of names) {
    try {
      const version = await catalog.loadTable(table)
      if (version !== undefined) versions.push(version)
      verified.findings.count('metadata', 0)
    } catch (error) {
      if (!isLandfallError(error, 'catalog/damaged')) throw error
      const file = String(error.details['path'] ?? '')
      const finding = verified.findings.damage(error.message, { file, table })
      verified.unreadable.push({ table, finding })
    }
  }
  return versions
}

async function checkTables(
  versions: readonly TableVersion[],
  verified: Verified,
  connection: DuckDBConnection,
  signal: AbortSignal,
  onProgress: NonNullable<VerifyOptions['onProgress']>,
): Promise<void> {
  const total = versions.reduce((sum, { metadata }) => {
    const newest = metadata.snapshots.at(-1)?.summary['total-files-size']
    return sum + Number(newest ?? 0)
  }, 0)
  let done = 0
  for (const version of versions) {
    const check = new TableCheck(version, verified.rooms.storage, connection, verified.findings)
    const checked = await check.run(signal, (bytes) => {
      done += bytes
      onProgress('files', Math.min(done, total), total)
    })
    verified.tables.push(checked)
    await checkOrphans(version, checked, verified.rooms, verified.findings)
  }
  if (total > 0) onProgress('files', total, total)
}

async function checkTheLog(
  log: LogReader,
  findings: Findings,
  signal: AbortSignal,
  onProgress: NonNullable<VerifyOptions['onProgress']>,
): Promise<void> {
  const [start, end] = [await log.start(), await log.end()]
  const total = Object.entries(end.next).reduce(
    (sum, [partition, next]) => sum + next - (start.next[Number(partition)] ?? 0),
    0,
  )
  await checkLog(log, findings, { signal, onProgress: (records) => onProgress('log', records, total) })
}

async function compareRows(
  { findings, directory, rooms, tables, unreadable }: Verified,
  connection: DuckDBConnection,
  onProgress: NonNullable<VerifyOptions['onProgress']>,
): Promise<void> {
  for (const { table } of unreadable) findings.tables.push({ table, rows: null })
  const definitions = directory.definitions.map((pipeline) => pipeline.tables)
  const ours = tables.filter(({ version }) => isOurs(version))
  await checkRows(ours, {
    lake: rooms.lake,
    connection,
    findings,
    definitions,
    onProgress: (done, total) => onProgress('rows', done, total),
  })
}

/** Tables of a rehearsal, or of somebody else, have no position. */
function isOurs({ name, metadata }: TableVersion): boolean {
  return (
    metadata.properties['landfall.position'] !== undefined ||
    name === EVENTS_TABLE.name ||
    name === DEAD_LETTERS_TABLE.name
  )
}

/** The ledger needs a log and every table's metadata. */
async function checkSum({ log, rooms, findings, unreadable }: Verified, signal: AbortSignal): Promise<void> {
  if (log === undefined || unreadable.length > 0) {
    findings.note('the ledger was not added up: it needs the log and the metadata of every table')
    return
  }
  try {
    const ledger = await readLedger({ log, lake: rooms.lake, signal })
    for (const { message, table } of ledger.findings) findings.damage(`ledger: ${message}`, { table })
  } catch (error) {
    // What it could not read has been told.
    if (!isLandfallError(error) || error.kind !== 'bad-data') throw error
    findings.note(`the ledger was not added up: ${error.message}`)
  }
}
