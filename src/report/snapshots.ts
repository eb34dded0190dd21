/**
 * Which snapshots make up a batch: those that bear its tag, where a report of it was kept (`keep.ts`); else of each table the newest of
 * that batch or one before.
 */
import { isLandfallError, LandfallError } from '../base/errors.ts'
import { EVENTS_TABLE } from '../model/pipeline.ts'
import type { SqlEngine } from '../sql/sql.ts'
import { askRows } from './ask.ts'
import { parseMoment } from './weeks.ts'

export interface SnapshotRow {
  id: bigint
  parent: bigint | null
  committedAt: string
  batch: number
  position: string
  counters: string | null
}

export interface ChosenSnapshots {
  /** Of `events`. */
  proof: SnapshotRow
  /** Of each table that is there; null: it had no rows yet. */
  snapshots: ReadonlyMap<string, bigint | null>
}

/** The tag of a kept report: the same in every table. */
export function reportTag(batch: number): string {
  return `report-${batch}`
}

/** Throws `report/no-data` and `report/expired`. */
export async function chooseSnapshots(
  engine: SqlEngine,
  tables: readonly string[],
  at: bigint | undefined,
): Promise<ChosenSnapshots> {
  const listed = new Set((await engine.listTables()).map((name) => name.toLowerCase()))
  if (!listed.has(EVENTS_TABLE.name)) throw noData()
  const events = await snapshotsOf(engine, EVENTS_TABLE.name)
  const batch = chooseBatch(events, at)
  const kept = await keptProof(engine, events, batch)
  const proof = kept ?? newestOf(events, batch)!
  const chosen = new Map<string, bigint | null>([[EVENTS_TABLE.name, proof.id]])
  for (const name of tables) {
    if (chosen.has(name) || !listed.has(name)) continue
    const id = kept
      ? // What has no tag of a report that is kept was empty.
        ((await tagOf(engine, name, batch))?.id ?? null)
      : chooseSnapshot(name, await snapshotsOf(engine, name), batch)
    chosen.set(name, id)
  }
  return { proof, snapshots: chosen }
}

/** Commits of ours, oldest first. */
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
      parent: parent === null ? null : BigInt(parent as bigint),
      committedAt: String(committedAt),
      batch: Number(batch),
      position: String(position),
      counters: counters === null ? null : String(counters),
    }))
}

/**
 * The snapshot of `events` that bears the batch's tag. Not after the time of the tag, whoever has or has not let go of it by then: the tags
 * of other tables may be gone, and what has none would be taken for empty.
 */
async function keptProof(
  engine: SqlEngine,
  events: readonly SnapshotRow[],
  batch: number,
): Promise<SnapshotRow | undefined> {
  const tag = await tagOf(engine, EVENTS_TABLE.name, batch).catch((error: unknown) => {
    // A server that does not know `$refs`.
    if (isLandfallError(error) && error.kind === 'fix-request') return undefined
    throw error
  })
  const found = events.find(({ id }) => id === tag?.id)
  const untilMs = found && tag && parseMoment(found.committedAt).getTime() + tag.ageMs
  return untilMs !== undefined && Date.now() < untilMs ? found : undefined
}

async function tagOf(
  engine: SqlEngine,
  table: string,
  batch: number,
): Promise<{ id: bigint; ageMs: number } | undefined> {
  const sql = `SELECT snapshot_id, max_reference_age_in_ms FROM "${table}$refs" WHERE name = '${reportTag(batch)}' AND type = 'TAG'`
  const [row] = (await askRows(engine, sql)).rows
  return row && { id: BigInt(row[0] as bigint), ageMs: Number(row[1] ?? Number.POSITIVE_INFINITY) }
}

function chooseBatch(events: readonly SnapshotRow[], at: bigint | undefined): number {
  const newest = events.at(-1)
  if (!newest) throw noData()
  if (at === undefined) return newest.batch
  const found = events.find(({ id, batch }) => id === at || BigInt(batch) === at)
  if (found) return found.batch
  const kept = events.map((each) => each.batch)
  throw expired(`${at} is no batch or snapshot of ${EVENTS_TABLE.name} that is kept`, kept)
}

function chooseSnapshot(table: string, snapshots: readonly SnapshotRow[], batch: number): bigint | null {
  const found = newestOf(snapshots, batch)
  const next = snapshots[found ? snapshots.indexOf(found) + 1 : 0]
  // Each says what came before it: nothing of that batch may have gone in between.
  if (next && next.parent !== (found?.id ?? null)) {
    const batches = snapshots.map((each) => each.batch)
    throw expired(`table ${table} has no snapshot of batch ${batch} any more`, batches)
  }
  return found?.id ?? null
}

/** The last of the newest batch up to this one. */
function newestOf(snapshots: readonly SnapshotRow[], batch: number): SnapshotRow | undefined {
  return snapshots
    .filter((each) => each.batch <= batch)
    .reduce<SnapshotRow | undefined>(
      (best, each) => (best && best.batch > each.batch ? best : each),
      undefined,
    )
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
  return new LandfallError('fix-request', 'report/expired', message, {
    hint: `Batches that are kept: ${rangesText(batches)}`,
  })
}

/** `3, 40 to 139`: kept reports, and what has not expired yet. */
function rangesText(batches: readonly number[]): string {
  const runs: [number, number][] = []
  for (const batch of batches) {
    const last = runs.at(-1)
    if (last && batch <= last[1] + 1) last[1] = Math.max(last[1], batch)
    else runs.push([batch, batch])
  }
  return runs.map(([from, to]) => (from === to ? from : `${from} to ${to}`)).join(', ')
}
