/** The tables of a pipeline as the lander finds them when it takes over: made if missing, checked, fenced. */
import { LandfallError } from '../base/errors.ts'
import type { Lake, TableState } from '../lake/lake.ts'
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

/**
 * Makes missing tables (they begin where `events` stands) and new columns, and raises the epoch of all, so that a
 * predecessor that wakes up can commit nothing. Returns the states by name.
 */
export async function takeOver(
  pipeline: CompiledPipeline,
  lake: Lake,
  position: Position,
): Promise<{ epoch: number; states: Map<string, TableState> }> {
  const definitions = landedTables(pipeline)
  let epoch = 0
  for (const { name } of definitions) epoch = Math.max(epoch, (await lake.load(name))?.epoch ?? 0)
  epoch += 1
  const states = new Map<string, TableState>()
  for (const definition of definitions) {
    await lake.ensure(definition, { position, epoch: epoch - 1 })
    states.set(definition.name, await lake.raiseEpoch(definition.name, epoch))
  }
  return { epoch, states }
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
