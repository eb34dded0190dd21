/**
 * Lands a batch: one atomic commit per table with rows, all side by side, then `events`.
 *
 * What a crash leaves, and what the next lander does:
 * - before the plan is durable: nothing; the records are read and judged again.
 * - after the plan, or between two commits: some tables stand at the plan's end, the others where they were. The plan is
 *   executed again, over the same range and with the same verdicts; tables at its end are skipped.
 * - after the commit of `events`: everything is landed; the plan is history, its number is that of `events`.
 * Files of a commit that did not happen are orphans; maintenance takes them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { checksumInName, checksumOfFile } from '../base/checksum.ts'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import type { Counters, DataFile, Lake, TableState } from '../lake/lake.ts'
import { type ParquetFile, readParquet } from '../lake/parquet.ts'
import { EVENTS_TABLE } from '../model/pipeline.ts'
import { covers, furthest, type Position } from '../model/position.ts'
import { allDone } from './all-done.ts'
import type { BatchPlan } from './batch-plan.ts'
import type { ChunkCounts } from './judge/judge.ts'
import type { LanderLogger } from './logger.ts'
import type { JudgedChunk } from './spool-writer.ts'
import { checkTablePosition } from './tables.ts'

const ATTEMPTS_MAX = 8
const RETRY_MS = 100
const RETRY_MAX_MS = 5000
/** Of one batch at most about so many files of a table: questions that cut small chunks must not scatter it. */
const ADOPTED_MAX = 12

export interface LandingParts {
  lake: Lake
  connection: DuckDBConnection
  adoptBytes: number
  /** Wait before the second attempt of a commit (default 100 ms); twice as long before each further one. */
  retryMs?: number
  logger: LanderLogger
}

/** Executes a plan. `states` are the tables as last seen, and are brought up to date. */
export async function executePlan(
  parts: LandingParts,
  plan: BatchPlan,
  epoch: number,
  chunks: readonly JudgedChunk[],
  states: Map<string, TableState>,
): Promise<void> {
  const filesOf = new Map<string, ParquetFile[]>()
  for (const { name, rows } of plan.tables) {
    if (isAt(states.get(name)!, plan)) continue
    const files = chunks.flatMap((chunk) => chunk.files.get(name) ?? [])
    const found = files.reduce((sum, file) => sum + file.rows, 0)
    if (found !== rows) throw differs(plan, name, rows, found)
    filesOf.set(name, files)
  }
  const merging = new Turns()
  const commit = async (name: string) => {
    const state = states.get(name)!
    checkTablePosition(state, plan.from)
    states.set(name, await commitTable(parts, plan, epoch, state, filesOf.get(name)!, merging))
  }
  const others = [...filesOf.keys()].filter((name) => name !== EVENTS_TABLE.name)
  await allDone(others.map(commit))
  // It proves the batch for all tables.
  if (filesOf.has(EVENTS_TABLE.name)) await commit(EVENTS_TABLE.name)
}

/** Tables that are committed side by side take turns at the connection, which is not for two. */
class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }
}

async function commitTable(
  parts: LandingParts,
  plan: BatchPlan,
  epoch: number,
  state: TableState,
  files: readonly ParquetFile[],
  merging: Turns,
): Promise<TableState> {
  const { lake } = parts
  const counters =
    state.name === EVENTS_TABLE.name ? { counters: addCounts(state.counters ?? {}, plan.counts) } : {}
  for (let attempt = 1; ; attempt++) {
    try {
      const add = await dataFiles(parts, state, files, merging)
      const expect = { position: state.position, epoch }
      // The commit point of this table.
      return await lake.commit(state.name, {
        add,
        expect,
        position: targetOf(state, plan),
        batch: plan.number,
        definition: plan.definition,
        ...counters,
      })
    } catch (error) {
      const landed = await outcomeOf(parts, plan, epoch, state.name, error, attempt)
      if (landed !== undefined) return landed
    }
  }
}

/**
 * After a failure: the table's state when the commit happened after all, undefined when it did not and may be tried again.
 * Whatever the error says, the table is looked at: an answer may have been lost, and only the position tells.
 */
export async function outcomeOf(
  { lake, logger, retryMs = RETRY_MS }: Pick<LandingParts, 'lake' | 'logger' | 'retryMs'>,
  plan: BatchPlan,
  epoch: number,
  table: string,
  error: unknown,
  attempt: number,
): Promise<TableState | undefined> {
  if (isLandfallError(error, 'lake/fenced') || isLandfallError(error, 'lake/inconsistent')) throw error
  const state = await lake.load(table)
  if (state !== undefined && state.epoch === epoch && isAt(state, plan)) return state
  const mayRetry = error instanceof LandfallError ? error.kind === 'retry' : isSystemError(error)
  if (!mayRetry || isLandfallError(error, 'lake/position-moved') || attempt >= ATTEMPTS_MAX) throw error
  logger.warn(
    { err: error, table, batch: plan.number, attempt },
    `committing to ${table} failed; trying again`,
  )
  await sleep(Math.min(RETRY_MAX_MS, retryMs * 2 ** (attempt - 1)))
  return undefined
}

function isSystemError(error: unknown): boolean {
  return typeof (error as { syscall?: unknown }).syscall === 'string'
}

/** Large spool files become data files as they are; of small ones one file is made. */
async function dataFiles(
  { lake, connection, adoptBytes }: LandingParts,
  state: TableState,
  files: readonly ParquetFile[],
  merging: Turns,
): Promise<DataFile[]> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const least = Math.max(adoptBytes, total / ADOPTED_MAX)
  const small = files.filter(({ bytes }) => bytes < least)
  // One alone would only be copied.
  const merged = small.length > 1 ? small : []
  const asTheyAre = files.filter((file) => !merged.includes(file))
  const add = await Promise.all(asTheyAre.map((file) => lake.adopt(state, file)))
  if (merged.length === 0) return add
  await checkWritten(merged)
  const from = readParquet(
    state.schema,
    merged.map((file) => file.location),
  )
  const made = await merging.take(() => lake.writeFiles(connection, state, `SELECT * FROM ${from}`))
  return [...add, ...made]
}

/** Files of the spool that become part of another one: damage must not get a checksum that fits. */
async function checkWritten(files: readonly ParquetFile[]): Promise<void> {
  for (const { location, bytes } of files) {
    const expected = checksumInName(location)
    const found = await checksumOfFile(location, bytes)
    if (expected === undefined || expected === found) continue
    throw new LandfallError(
      'bad-data',
      'lander/spool-damaged',
      `${location} is damaged: expected crc32c ${expected}, found ${found}`,
      { hint: 'Start the lander again: it makes the spool anew from the log', details: { expected, found } },
    )
  }
}

/** Whether all that the plan has for the table has landed. */
export function isAt(state: TableState, plan: BatchPlan): boolean {
  return state.position !== undefined && covers(state.position, plan.to)
}

/** Where the table stands after the plan: it never goes back, although a stream has brought it beyond the plan somewhere. */
export function targetOf({ position }: TableState, plan: BatchPlan): Position {
  return position === undefined ? plan.to : furthest(plan.to, position)
}

export function addCounts(before: Counters, counts: ChunkCounts): Counters {
  const sums: Counters = structuredClone(before)
  for (const [key, count] of Object.entries(counts)) {
    const partition = Number(key)
    const sum = sums[partition] ?? { records: 0, landed: 0, dead: 0, duplicate: 0 }
    sums[partition] = {
      records: sum.records + count.records,
      landed: sum.landed + count.landed,
      dead: sum.dead + count.dead,
      duplicate: sum.duplicate + count.duplicate,
    }
  }
  return sums
}

export function differs(plan: BatchPlan, table: string, expected: number, found: number): LandfallError {
  return new LandfallError(
    'bug',
    'lander/redo-differs',
    `batch ${plan.number} was planned with ${expected} rows for ${table}; judged again it has ${found}`,
    {
      hint: 'Start the version of Landfall that began this batch once, so that it is finished by the same rules',
      details: { batch: plan.number, table, expected, found },
    },
  )
}
