/** The tables of a pipeline as the lander finds them when it takes over: fenced, made if missing, checked. */
import { isLandfallError, LandfallError } from '../base/errors.ts'
import { type Lake, property, type TableState } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import {
  type CompiledPipeline,
  DEAD_LETTERS_COLUMNS,
  EVENTS_TABLE,
  type TableDefinition,
} from '../model/pipeline.ts'
import { formatPosition, nextOffset, type Position } from '../model/position.ts'

export const DEAD_LETTERS_TABLE: TableDefinition = {
  name: 'dead_letters',
  events: [],
  // The lake asks for names and types only; the values come from the verdict (judge-sql.ts).
  columns: DEAD_LETTERS_COLUMNS.map(({ name, type }) => ({ name, type, source: { from: 'raw_event' } })),
  partition: { column: 'received_at', transform: 'day' },
  codec: 'snappy',
}

/** In the order of their commits: `events` last, since its position proves the batch for all. */
export function landedTables(pipeline: CompiledPipeline): TableDefinition[] {
  return [...pipeline.tables, DEAD_LETTERS_TABLE, EVENTS_TABLE]
}

/** The tables that a lander has made, as they stand; in a catalog there may be others. */
export async function landedStates(lake: Lake): Promise<TableState[]> {
  const states = await Promise.all((await lake.listTables()).map((table) => lake.load(table)))
  return states.filter((state) => state?.metadata.properties[property.epoch] !== undefined) as TableState[]
}

/**
 * Raises the epoch of every table that a lander has made, so that a predecessor that wakes up can commit nothing: what is read of them from
 * here on stands still. `events` is the last; `also`: properties that it gets in the same commit. Returns the epoch.
 */
export async function fence(lake: Lake, also: Record<string, string> = {}): Promise<number> {
  const states = await landedStates(lake)
  const epoch = Math.max(0, ...states.map((state) => state.epoch)) + 1
  for (const { name } of states.filter(({ name }) => name !== EVENTS_TABLE.name)) {
    await lake.raiseEpoch(name, epoch).catch((error: unknown) => {
      // Nobody can commit to it as it is; whoever lands it says so.
      if (!isLandfallError(error, 'lake/inconsistent')) throw error
    })
  }
  if (states.some(({ name }) => name === EVENTS_TABLE.name))
    await lake.raiseEpoch(EVENTS_TABLE.name, epoch, also)
  return epoch
}

/** Makes missing tables (they begin where `events` stands) and new columns, under the epoch of `fence`. Returns the states by name. */
export async function prepareTables(
  pipeline: CompiledPipeline,
  lake: Lake,
  position: Position,
  epoch: number,
): Promise<Map<string, TableState>> {
  const states = new Map<string, TableState>()
  for (const definition of landedTables(pipeline)) {
    await lake.ensure(definition, { position, epoch })
    // Does nothing, unless somebody else has made the table just now.
    states.set(definition.name, await lake.raiseEpoch(definition.name, epoch))
  }
  return states
}

/** Where landing goes on: the position of `events`, or the log's start when nothing has landed yet. */
export async function committedPosition(lake: Lake, log: LogReader): Promise<Position> {
  const events = await lake.load(EVENTS_TABLE.name)
  return events?.position ?? (await log.start())
}

/** Throws when the log is not the one that was landed, or does not reach from the position on. */
export async function checkLog(log: LogReader, position: Position): Promise<void> {
  if (position.logId !== log.id) {
    throw new LandfallError(
      'fix-config',
      'lander/wrong-log',
      `the tables stand at a position of log ${position.logId}, and this is log ${log.id}`,
      { hint: 'Use the log that belongs to these tables, or an empty lake for a new log' },
    )
  }
  const start = await log.start()
  const end = await log.end()
  for (const partition of new Set([...Object.keys(start.next), ...Object.keys(position.next)]).values()) {
    const next = nextOffset(position, Number(partition))
    const first = nextOffset(start, Number(partition))
    const last = nextOffset(end, Number(partition))
    if (first > next) throw gap(partition, next, first, 'the log has let go of them before they were landed')
    if (last < next)
      throw gap(partition, last, next, 'the tables have landed them, and the log does not know them')
  }
}

function gap(partition: string, from: number, to: number, what: string): LandfallError {
  return new LandfallError(
    'bad-data',
    'lander/gap',
    `partition ${partition}, offsets ${from} to ${to - 1} (${to - from} records): ${what}`,
    {
      hint: 'Restore the log that has them. Nothing is landed meanwhile, so nothing is lost silently',
      details: { partition: Number(partition), from, to },
    },
  )
}

/**
 * The position of a table that stands ahead somewhere in these ranges: a stream lands each table for itself, `events` last, so rows of the
 * ranges that lie before it have landed. Undefined: all of them are to land (a table without rows since stays behind).
 */
export function aheadIn(
  { position }: TableState,
  ranges: Readonly<Record<number, { from: number }>>,
): Position | undefined {
  const partitions = Object.keys(ranges).map(Number)
  return partitions.some((partition) => ranges[partition]!.from < nextOffset(position, partition))
    ? position
    : undefined
}

/** Throws when a table stands in another log than `events`. */
export function checkTablePosition({ name, position }: TableState, from: Position): void {
  if (position === undefined || position.logId === from.logId) return
  throw new LandfallError(
    'bad-data',
    'lander/table-elsewhere',
    `table ${name} stands at ${formatPosition(position)}, and events at ${formatPosition(from)}`,
    {
      hint: 'One of them was restored from a backup of another log: restore both from the same one',
      details: { table: name },
    },
  )
}
