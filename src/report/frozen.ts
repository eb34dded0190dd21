/**
 * One state of all tables, fixed by a batch: whatever is asked through it is asked of the snapshots of that batch, and names no
 * person. The statements it makes say so themselves, so that anybody can ask them again and gets the same.
 */
import { LandfallError } from '../base/errors.ts'
import {
  type CompiledPipeline,
  DEAD_LETTERS_COLUMNS,
  EVENTS_TABLE,
  type TableDefinition,
} from '../model/pipeline.ts'
import { replaceRelations } from '../sql/replace-relations.ts'
import type { SqlEngine, Value } from '../sql/sql.ts'
import { quoteIdentifier, quoteText } from '../sql/text.ts'
import { askRows } from './ask.ts'

export interface FrozenTable {
  name: string
  columns: readonly string[]
  /** Null: the table had no rows yet. */
  snapshotId: bigint | null
}

export interface Frozen {
  batch: number
  /** Of the commit of `events` that proves the batch, as the server writes it. */
  committedAt: string
  position: string
  /** Cumulative counts of the ledger at that commit. */
  counters: { records: number; landed: number; dead: number; duplicate: number } | null
  tables: ReadonlyMap<string, FrozenTable>
  /** The statement, asked of this state; persons are pseudonyms unless `identify`. */
  freeze(sql: string): Promise<string>
}

interface SnapshotRow {
  id: bigint
  hasParent: boolean
  committedAt: string
  batch: number
  position: string
  counters: string | null
}

/** Member of `raw_event` or column that names a person, and the tables' columns for it. */
const SUBJECT_KEY = 'landfall'

/**
 * `at`: number of a batch, or a snapshot of `events`; default: the newest batch. Throws `report/no-data` when nothing has landed, and
 * `report/expired` when snapshots of that time are not kept any more.
 */
export async function freezeTables(
  engine: SqlEngine,
  pipeline: CompiledPipeline,
  { at, identify = false }: { at?: bigint; identify?: boolean } = {},
): Promise<Frozen> {
  const listed = new Set((await engine.listTables()).map((name) => name.toLowerCase()))
  if (!listed.has(EVENTS_TABLE.name)) throw noData()
  const events = await snapshotsOf(engine, EVENTS_TABLE.name)
  const proof = chooseProof(events, at)
  const tables = new Map<string, FrozenTable>()
  for (const { name, columns } of [
    EVENTS_TABLE,
    { name: 'dead_letters', columns: DEAD_LETTERS_COLUMNS },
    ...pipeline.tables,
  ]) {
    if (!listed.has(name)) continue
    const snapshots = name === EVENTS_TABLE.name ? events : await snapshotsOf(engine, name)
    tables.set(name, {
      name,
      columns: columns.map((column) => column.name),
      snapshotId: chooseSnapshot(name, snapshots, proof.batch),
    })
  }
  const views = new Map(pipeline.views.map(({ name, sql }) => [name, sql]))
  const columnOf = (table: string) => subjectColumn(pipeline, table)
  const freeze = (sql: string, depth = 0): Promise<string> => {
    if (depth > 20)
      throw new LandfallError('fix-config', 'report/view', 'the views of the pipeline read each other')
    // A view is put in where it is named: then its tables are those of the batch too.
    const inside = new Map<string, string>()
    const replace = (name: string): string | undefined => {
      const table = tables.get(name)
      return table
        ? frozenText(pipeline, table, identify ? undefined : columnOf(name), identify)
        : inside.get(name)
    }
    return Promise.all(
      [...views]
        .filter(([name]) => new RegExp(`\\b${name}\\b`, 'i').test(sql))
        .map(async ([name, text]) => {
          if (text !== sql) inside.set(name, `(${await freeze(text, depth + 1)})`)
        }),
    ).then(() => replaceRelations(sql, replace))
  }
  return {
    batch: proof.batch,
    committedAt: proof.committedAt,
    position: proof.position,
    counters: sumOf(proof.counters),
    tables,
    freeze: (sql) => freeze(sql),
  }
}

async function snapshotsOf(engine: SqlEngine, table: string): Promise<SnapshotRow[]> {
  const key = (name: string) => `element_at(summary, 'landfall.${name}')`
  const { rows } = await askRows(
    engine,
    `SELECT snapshot_id, parent_id, committed_at, ${key('batch')}, ${key('position')}, ${key('counters')} FROM "${table}$snapshots" ORDER BY committed_at, snapshot_id`,
  )
  return rows
    .filter((row) => row[3] !== null)
    .map(([id, parent, committedAt, batch, position, counters]) => ({
      id: BigInt(id as bigint),
      hasParent: parent !== null,
      committedAt: String(committedAt),
      batch: Number(batch),
      position: String(position),
      counters: counters === null ? null : String(counters),
    }))
}

function chooseProof(events: readonly SnapshotRow[], at: bigint | undefined): SnapshotRow {
  const newest = events.at(-1)
  if (!newest) throw noData()
  if (at === undefined) return newestOf(events, newest.batch)!
  const named = events.find(({ id }) => id === at)
  if (named) return named
  const batch = newestOf(events, Number(at))
  if (batch?.batch === Number(at)) return batch
  const kept = [...new Set(events.map((each) => each.batch))]
  throw expired(`${at} is no batch or snapshot of ${EVENTS_TABLE.name} that is kept`, kept)
}

function chooseSnapshot(table: string, snapshots: readonly SnapshotRow[], batch: number): bigint | null {
  const found = newestOf(snapshots, batch)
  if (found) return found.id
  const [oldest] = snapshots
  // The first commit of all has no parent: before it the table was empty.
  if (oldest?.hasParent)
    throw expired(
      `table ${table} has no snapshot of batch ${batch} any more`,
      snapshots.map((each) => each.batch),
    )
  return null
}

function newestOf(snapshots: readonly SnapshotRow[], batch: number): SnapshotRow | undefined {
  return snapshots
    .filter((each) => each.batch <= batch)
    .reduce<SnapshotRow | undefined>(
      (best, each) => (best && best.batch > each.batch ? best : each),
      undefined,
    )
}

/** The table at its snapshot, with its columns in their order, as a subquery. */
function frozenText(
  pipeline: CompiledPipeline,
  { name, columns, snapshotId }: FrozenTable,
  subject: string | undefined,
  identify: boolean,
): string {
  const from =
    snapshotId === null
      ? `${quoteIdentifier(name)} WHERE false`
      : `${quoteIdentifier(name)} FOR VERSION AS OF ${snapshotId}`
  const member = pipeline.subject
  const selected = columns.map((column) => {
    const quoted = quoteIdentifier(column)
    if (identify || member === null) return quoted
    if (column === subject) return `${pseudonymSql(quoted)} AS ${quoted}`
    if (column !== 'raw_event') return quoted
    // Where the person is no column, it is a member of the event.
    const person =
      subject === undefined
        ? `json_extract_scalar(${quoted}, ${quoteText(`$["${member}"]`)})`
        : quoteIdentifier(subject)
    return `coalesce(replace(${quoted}, ${person}, ${pseudonymSql(person)}), ${quoted}) AS ${quoted}`
  })
  return `(SELECT ${selected.join(', ')} FROM ${from})`
}

/** The same person has the same pseudonym in every report of every table; who guesses a name can check the guess. */
function pseudonymSql(person: string): string {
  return `'person-' || lower(substr(to_hex(sha256(to_utf8(${quoteText(`${SUBJECT_KEY}:`)} || ${person}))), 1, 12))`
}

function subjectColumn(pipeline: CompiledPipeline, table: string): string | undefined {
  const definition: TableDefinition | undefined = pipeline.tables.find(({ name }) => name === table)
  return definition?.columns.find(({ source }) =>
    source.from === 'header'
      ? source.header.toLowerCase() === pipeline.subject?.toLowerCase()
      : source.from === 'property' && source.property === pipeline.subject,
  )?.name
}

function sumOf(counters: string | null): Frozen['counters'] {
  if (counters === null) return null
  const total = { records: 0, landed: 0, dead: 0, duplicate: 0 }
  for (const each of Object.values(JSON.parse(counters) as Record<string, typeof total>))
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += Number(each[key] ?? 0)
  return total
}

function noData(): LandfallError {
  return new LandfallError(
    'fix-request',
    'report/no-data',
    'nothing has landed yet, so there is nothing to report',
    {
      hint: 'Send events and wait for the first commit',
    },
  )
}

function expired(message: string, batches: readonly number[]): LandfallError {
  const list = [...new Set(batches)]
  return new LandfallError('fix-request', 'report/expired', message, {
    hint: `Batches that are kept: ${list.length > 12 ? `${list[0]} to ${list.at(-1)}` : list.join(', ')}`,
  })
}

export type { Value }
