/**
 * One state of all tables, fixed by a batch: whatever is asked through it is asked of the snapshots of that batch, and names no
 * person. The statements it makes say so themselves, so that anybody can ask them again and gets the same.
 */
import { LandfallError } from '../base/errors.ts'
import { icebergType } from '../lake/schema.ts'
import type { ColumnType } from '../model/columns.ts'
import {
  type CompiledPipeline,
  DEAD_LETTERS_COLUMNS,
  EVENTS_TABLE,
  type TableDefinition,
} from '../model/pipeline.ts'
import { trinoTypeOf } from '../sql/column-type.ts'
import { replaceRelations } from '../sql/replace-relations.ts'
import type { SqlEngine } from '../sql/sql.ts'
import { quoteIdentifier, quoteText } from '../sql/text.ts'
import { askRows } from './ask.ts'
import { chooseSnapshots } from './snapshots.ts'

export interface FrozenTable {
  name: string
  columns: readonly string[]
  /** Of these, which the table has gained since the snapshot: they are null, of this type of Trino's. */
  gained: ReadonlyMap<string, string>
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

/** Member of `raw_event` or column that names a person, and the tables' columns for it. */
const SUBJECT_KEY = 'landfall'

/**
 * `at`: number of a batch, or a snapshot of `events`, which stands for its batch; default: the newest batch. Throws `report/no-data` when
 * nothing has landed, and `report/expired` when snapshots of that time are not kept any more.
 */
export async function freezeTables(
  engine: SqlEngine,
  pipeline: CompiledPipeline,
  { at, identify = false }: { at?: bigint; identify?: boolean } = {},
): Promise<Frozen> {
  const described = [
    EVENTS_TABLE,
    { name: 'dead_letters', columns: DEAD_LETTERS_COLUMNS },
    ...pipeline.tables,
  ]
  const names = described.map(({ name }) => name)
  const { proof, snapshots } = await chooseSnapshots(engine, names, at)
  const tables = new Map<string, FrozenTable>()
  for (const { name, columns } of described) {
    const snapshotId = snapshots.get(name)
    if (snapshotId === undefined) continue
    const gained = snapshotId === null ? new Map() : await gainedSince(engine, name, snapshotId, columns)
    tables.set(name, { name, columns: columns.map((column) => column.name), gained, snapshotId })
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

async function gainedSince(
  engine: SqlEngine,
  table: string,
  snapshotId: bigint,
  columns: readonly { name: string; type: ColumnType }[],
): Promise<Map<string, string>> {
  const sql = `SELECT * FROM ${quoteIdentifier(table)} FOR VERSION AS OF ${snapshotId} LIMIT 0`
  const had = new Set((await askRows(engine, sql)).columns.map(({ name }) => name.toLowerCase()))
  const gained = columns.filter(({ name }) => !had.has(name.toLowerCase()))
  return new Map(gained.map(({ name, type }) => [name, trinoTypeOf(icebergType(type))]))
}

/** The table at its snapshot, with its columns in their order, as a subquery. */
function frozenText(
  pipeline: CompiledPipeline,
  { name, columns, gained, snapshotId }: FrozenTable,
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
    if (gained.has(column)) return `CAST(NULL AS ${gained.get(column)}) AS ${quoted}`
    if (identify || member === null) return quoted
    if (column === subject) return `${pseudonymSql(quoted)} AS ${quoted}`
    if (column !== 'raw_event') return quoted
    // Where the person is no column, it is a member of the event.
    const person =
      subject === undefined || gained.has(subject)
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
