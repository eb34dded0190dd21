/** Reads back from `events` and `dead_letters` which records are the first of their ids. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake, TableState } from '../../lake/lake.ts'
import { readParquet } from '../../lake/parquet.ts'
import { nextOffset, type Position } from '../../model/position.ts'
import { DISORDER_MICROS } from './floors.ts'
import { type FileBounds, type LandedFiles, leaseLanded } from './landed-files.ts'

export interface LandedIds {
  /** In ascending order: all rows of the partition before `next` were received at `receivedMax` (µs) at latest. */
  onEnd(partition: number, next: number, receivedMax: number): void
  onId(partition: number, offset: number, id: string): void
  /** Between some ids and the next ones. */
  pause(): Promise<void>
}

export interface LandedRange {
  from: Position
  to: Position
  windowMicros: number
  /** Per partition, when its latest record before `from` was received, as far as that is known. */
  receivedMax: Readonly<Record<number, number>>
}

/** Of so many offsets one end is told. */
const END_OFFSETS = 16_384

/** Reads the ids of first records in the range that are inside the window of their partition. */
export async function readLandedIds(
  lake: Lake,
  connection: DuckDBConnection,
  range: LandedRange,
  ids: LandedIds,
): Promise<void> {
  const events = await lake.load('events')
  if (events === undefined) return
  const keptMicros = range.windowMicros + DISORDER_MICROS
  let backMicros = keptMicros
  for (;;) {
    await using landed = await leaseLanded(lake, inRange(range), backMicros)
    const latest = await latestTimes(connection, landed)
    const neededMicros = lookBack(events, range, latest, keptMicros)
    if (neededMicros <= backMicros) return await readIds(connection, landed, range, latest, keptMicros, ids)
    backMicros = neededMicros
  }
}

/** Files that may hold a record of the range. */
function inRange({ from, to }: LandedRange): (bounds: FileBounds) => boolean {
  return ({ partition, offset }) =>
    Object.entries(to.next).some(
      ([key, next]) =>
        partition.lower <= Number(key) &&
        partition.upper >= Number(key) &&
        offset.lower < next &&
        offset.upper >= nextOffset(from, Number(key)),
    )
}

async function latestTimes(connection: DuckDBConnection, landed: LandedFiles): Promise<Map<number, number>> {
  if (landed.tables.length === 0) return new Map()
  const rows = await connection.runAndReadAll(
    `SELECT "partition", max(received) FROM (${selectFirsts(landed)}) GROUP BY 1`,
  )
  return new Map(rows.getRows().map(([partition, latest]) => [Number(partition), Number(latest)]))
}

/**
 * How far behind the latest file files must be read. A partition that is far behind the others has its window there; one that has not been
 * seen yet may be anywhere.
 */
function lookBack(
  { counters }: TableState,
  { from, to }: LandedRange,
  latest: ReadonlyMap<number, number>,
  keptMicros: number,
): number {
  const newest = Math.max(...latest.values())
  let back = keptMicros
  for (const [key, { landed, dead }] of Object.entries(counters ?? {})) {
    const partition = Number(key)
    if (landed + dead === 0 || nextOffset(to, partition) <= nextOffset(from, partition)) continue
    const own = latest.get(partition)
    if (own === undefined) return Number.POSITIVE_INFINITY
    back = Math.max(back, newest - own + keptMicros)
  }
  return back
}

async function readIds(
  connection: DuckDBConnection,
  landed: LandedFiles,
  { from, to, receivedMax }: LandedRange,
  latest: ReadonlyMap<number, number>,
  keptMicros: number,
  ids: LandedIds,
): Promise<void> {
  if (latest.size === 0) return
  const firsts = selectFirsts(landed)
  const inside = [...latest].map(([partition, found]) => {
    const since = Math.max(found, receivedMax[partition] ?? 0) - keptMicros
    return `("partition" = ${partition} AND "offset" >= ${nextOffset(from, partition)} AND "offset" < ${nextOffset(to, partition)} AND received >= ${since})`
  })
  const where = `WHERE ${inside.join(' OR ')}`
  const ends = await connection.runAndReadAll(
    `SELECT "partition", max("offset"), max(received) FROM (${firsts}) ${where} GROUP BY "partition", "offset" // ${END_OFFSETS} ORDER BY 1, 2`,
  )
  for (const [partition, last, received] of ends.getRows()) {
    ids.onEnd(Number(partition), Number(last) + 1, Number(received))
  }
  const result = await connection.stream(`SELECT "partition", "offset", event_id FROM (${firsts}) ${where}`)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    const [partitions, offsets, texts] = chunk.getColumns()
    for (let i = 0; i < chunk.rowCount; i++) {
      ids.onId(Number(partitions![i]), Number(offsets![i]), String(texts![i]))
    }
    await ids.pause()
  }
}

function selectFirsts({ tables }: LandedFiles): string {
  return tables
    .map(({ name, schema, locations }) => {
      const where = name === 'dead_letters' ? `WHERE reason <> 'id_conflict'` : ''
      return `SELECT "partition", "offset", epoch_us(received_at) AS received, event_id FROM ${readParquet(schema, locations)} ${where}`
    })
    .join(' UNION ALL ')
}
