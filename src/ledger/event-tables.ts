/**
 * In which tables of the pipeline a landed event stands. They have no offsets: its row is known by what the table has of it, the id where
 * it has one, else the raw event and the time.
 */
import { type PinnedFile, property, type TableState } from '../lake/lake.ts'
import { findSnapshot } from '../lake/metadata.ts'
import type { TableDefinition } from '../model/pipeline.ts'
import type { TableRows, Wanted } from './table-rows.ts'

export interface RowPlace {
  table: string
  /** URL of the data file. */
  file: string
  /** That added the file: the commit, or the compaction that came after it. */
  snapshot: string
  /** RFC 3339, and the batch; null when the snapshot is not kept any more. */
  committedAt: string | null
  batch: number | null
  /** The file was made by compaction out of older ones. */
  compacted: boolean
}

/** A row of `events`, its values as text; times in µs. */
type EventValues = Record<string, string | null>

export class EventTables {
  readonly #rows: TableRows
  readonly #tables: readonly TableState[]
  readonly #definition: readonly TableDefinition[] | undefined

  constructor(
    rows: TableRows,
    tables: readonly TableState[],
    definition: readonly TableDefinition[] | undefined,
  ) {
    this.#rows = rows
    this.#tables = tables
    this.#definition = definition
  }

  async find(event: EventValues): Promise<{ found: RowPlace[]; missing: string[] }> {
    const found: RowPlace[] = []
    const missing: string[] = []
    for (const table of this.#tables) {
      const definition = this.#definition?.find(({ name }) => name === table.name)
      if (definition !== undefined && !definition.events.includes(event['event_type'] ?? '')) continue
      const place = await this.#findIn(table, definition, event)
      if (place !== undefined) found.push(place)
      else if (definition !== undefined) missing.push(table.name)
    }
    return { found, missing }
  }

  /** Where a file comes from. */
  place({ name, metadata }: TableState, { url, snapshotId }: PinnedFile): RowPlace {
    const snapshot = findSnapshot(metadata, snapshotId)
    const batch = snapshot?.summary[property.batch]
    return {
      table: name,
      file: url,
      snapshot: String(snapshotId),
      committedAt: snapshot === undefined ? null : new Date(snapshot['timestamp-ms']).toISOString(),
      batch: batch === undefined ? null : Number(batch),
      compacted: snapshot?.summary['operation'] === 'replace',
    }
  }

  async #findIn(
    table: TableState,
    definition: TableDefinition | undefined,
    event: EventValues,
  ): Promise<RowPlace | undefined> {
    const has = new Set(table.schema.fields.map(({ name }) => name))
    for (const wanted of waysToKnow(has, event, definition !== undefined)) {
      const [row] = await this.#rows.find(table, wanted, [], 1)
      if (row !== undefined) return this.place(table, row.file)
    }
    return undefined
  }
}

/** The surest and cheapest first. `timestamp` is the time of arrival, unless the client's own is trusted. */
function waysToKnow(has: ReadonlySet<string>, event: EventValues, isExpected: boolean): Wanted[][] {
  const received = Number(event['received_at'])
  const at = ['timestamp', 'received_at']
    .filter((column) => has.has(column))
    .map((column) => ({ column, value: received }))
  const id = { column: 'event_id', value: event['event_id'] ?? '' }
  const raw = { column: 'raw_event', value: event['raw_event'] ?? '' }
  const type = { column: 'event_type', value: event['event_type'] ?? '' }
  const known = has.has('event_id') ? [id] : has.has('raw_event') ? [raw] : []
  // Events of one request have one time: alone it tells a row only where there must be one.
  if (known.length === 0 && !isExpected) return []
  if (known.length === 0 && has.has('event_type')) known.push(type)
  const ways: Wanted[][] = []
  if (at.length > 0) ways.push([...known, at.at(-1)!])
  // Without a time to go by the whole table is read: only where the event must be.
  if (known.length > 0 && known[0] !== type && isExpected) ways.push(known)
  return ways
}
