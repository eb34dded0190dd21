/**
 * The path of one event, told from log and tables alone; no process is asked.
 *
 * Read in the order of the ledger: `events`, the other tables, the log's end. So what lies before the position of `events` has been
 * decided and its row is in the tables that are read afterwards: in `events`, it has landed; in `dead_letters`, it is dead; in
 * neither, it repeats an earlier record. At or behind the position it is pending.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { Lake, TableState } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import { EVENTS_TABLE, type TableDefinition } from '../model/pipeline.ts'
import { nextOffset, type Position } from '../model/position.ts'
import { beginOf, commitsOf } from './commits.ts'
import { EventTables, type RowPlace } from './event-tables.ts'
import { readTables } from './ledger.ts'
import { recordAt, recordsOfId } from './record-at.ts'
import { type FoundRow, TableRows, type Wanted } from './table-rows.ts'

export type Asked =
  | { id: string }
  /** Of a receipt: `count` records from `offset` on. */
  | { logId: string; partition: number; offset: number; count: number }

export type Verdict =
  | 'landed'
  | 'dead'
  | 'duplicate'
  | 'pending'
  /** No record stands at this offset of a topic. */
  | 'empty'
  /** The log has never come so far, or the tables began behind it. */
  | 'unknown'

/** Where a record stands. */
export interface Place {
  partition: number
  offset: number
  /** `<log id>/<partition>/<offset>` */
  receipt: string
}

export interface EventPath extends Place {
  verdict: Verdict
  /** Null when neither tables nor log can tell any more. */
  eventId: string | null
  /** RFC 3339 with microseconds */
  receivedAt: string | null
  eventType: string | null
  /** The log still has the record. */
  inLog: boolean
  /** The commit of `events` that decided it, while its snapshot is kept. */
  batch: { number: number; committedAt: string } | null
  tables: RowPlace[]
  /** Tables that should have it by the lander's definition, and in which no row like it was found. */
  missing: string[]
  dead: { reason: string; field: string | null; detail: string | null } | null
  /** Of a duplicate and of an `id_conflict`: the first record of the id. */
  first: (Place & { receivedAt: string }) | null
  /** Of what is pending: how many offsets wait, and how many of them go first. */
  waiting: { behind: number; ahead: number } | null
}

export interface WhyOptions {
  log: LogReader
  lake?: Lake
  asked: Asked
  /** Tables of the definition that landed last, where it is known; else all tables are looked through by what they have of the event. */
  definition?: readonly TableDefinition[]
}

/** More records of one id or receipt are not looked for. */
export const PATHS_MAX = 20

/** One path per record; none when nothing with this id was ever accepted, as far as tables and log reach. */
export async function why({ log, lake, asked, definition }: WhyOptions): Promise<EventPath[]> {
  const start = await log.start()
  const events = await lake?.load(EVENTS_TABLE.name)
  const tables = lake ? await readTables(lake) : []
  const end = await log.end()
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run(`SET TimeZone = 'UTC'`)
    const asker = new Asker({ log, lake, connection, start, events, tables, end, definition })
    return 'id' in asked ? await asker.byId(asked.id) : await asker.byReceipt(asked)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

interface AskerParts {
  log: LogReader
  lake: Lake | undefined
  connection: DuckDBConnection
  start: Position
  events: TableState | undefined
  tables: readonly TableState[]
  end: Position
  definition: readonly TableDefinition[] | undefined
}

/** A row of `events` or `dead_letters`. */
interface IdRow {
  table: TableState
  row: FoundRow
  partition: number
  offset: number
}

const SHOWN = [
  'event_id',
  'partition',
  'offset',
  'received_at',
  'event_type',
  'raw_event',
  'reason',
  'field',
  'detail',
]

class Asker {
  readonly #parts: AskerParts
  readonly #rows: TableRows | undefined
  readonly #eventTables: EventTables | undefined
  readonly #deadLetters: TableState | undefined

  constructor(parts: AskerParts) {
    const { lake, connection, tables, definition } = parts
    this.#parts = parts
    this.#rows = lake && new TableRows(lake, connection)
    this.#deadLetters = tables.find(({ name }) => name === 'dead_letters')
    const own = tables.filter((table) => table !== this.#deadLetters)
    this.#eventTables = this.#rows && new EventTables(this.#rows, own, definition)
  }

  async byId(id: string): Promise<EventPath[]> {
    const { log, end } = this.#parts
    const rows = await this.#find([{ column: 'event_id', value: id }], PATHS_MAX)
    const decided = rows.filter((row) => row.offset < this.#next(row.partition)).sort(byPlace)
    const paths: EventPath[] = []
    for (const row of decided) paths.push(await this.#decided(row.partition, row.offset, row))
    const pending = await recordsOfId(log, id, this.#position, end, PATHS_MAX)
    for (const record of pending) paths.push(await this.#pending(record.partition, record.offset))
    return paths.slice(0, PATHS_MAX)
  }

  async byReceipt({
    partition,
    offset,
    count,
  }: {
    partition: number
    offset: number
    count: number
  }): Promise<EventPath[]> {
    const paths: EventPath[] = []
    for (let i = 0; i < Math.min(count, PATHS_MAX); i++) paths.push(await this.#at(partition, offset + i))
    return paths
  }

  get #position(): Position {
    return this.#parts.events?.position ?? this.#parts.start
  }

  #next(partition: number): number {
    return nextOffset(this.#position, partition)
  }

  async #at(partition: number, offset: number): Promise<EventPath> {
    const { end, events } = this.#parts
    const begin = nextOffset(beginOf(events), partition)
    const known = Math.max(nextOffset(end, partition), this.#next(partition))
    if (offset >= known || offset < begin) return this.#path(partition, offset, { verdict: 'unknown' })
    if (offset >= this.#next(partition)) return this.#pending(partition, offset)
    const place = [
      { column: 'partition', value: partition },
      { column: 'offset', value: offset },
    ]
    const [row] = await this.#find(place, 1)
    return this.#decided(partition, offset, row)
  }

  /** Rows of `events` and `dead_letters`. */
  async #find(wanted: readonly Wanted[], max: number): Promise<IdRow[]> {
    const found: IdRow[] = []
    for (const table of [this.#parts.events, this.#deadLetters]) {
      if (table === undefined) continue
      for (const row of (await this.#rows?.find(table, wanted, SHOWN, max)) ?? []) {
        const { partition, offset } = row.values
        found.push({ table, row, partition: Number(partition), offset: Number(offset) })
      }
    }
    return found
  }

  async #pending(partition: number, offset: number): Promise<EventPath> {
    const { log, end } = this.#parts
    const record = await recordAt(log, partition, offset, end)
    if (record === undefined) return this.#path(partition, offset, { verdict: 'empty' })
    const next = this.#next(partition)
    return this.#path(partition, offset, {
      verdict: 'pending',
      eventId: record.eventId,
      receivedAt: timeText(record.receivedAt),
      inLog: true,
      waiting: { behind: nextOffset(end, partition) - next, ahead: offset - next },
    })
  }

  async #decided(partition: number, offset: number, row: IdRow | undefined): Promise<EventPath> {
    const { log, start, end } = this.#parts
    // A log that has lost its end is the ledger's to tell; the row is there all the same.
    const kept = offset >= nextOffset(start, partition) && offset < nextOffset(end, partition)
    const record = kept ? await recordAt(log, partition, offset, end) : undefined
    const common = { inLog: record !== undefined, batch: this.#batchOf(partition, offset) }
    if (row === undefined) {
      if (kept && record === undefined) return this.#path(partition, offset, { verdict: 'empty' })
      const first = record && (await this.#first(record.eventId, partition, offset))
      return this.#path(partition, offset, {
        ...common,
        verdict: 'duplicate',
        eventId: record?.eventId ?? null,
        receivedAt: record ? timeText(record.receivedAt) : null,
        first: first ?? null,
      })
    }
    const {
      event_id: eventId = null,
      event_type: eventType = null,
      received_at: received,
      reason,
      field,
      detail,
    } = row.row.values
    const told = { ...common, eventId, eventType, receivedAt: timeText(Number(received)) }
    if (row.table === this.#deadLetters) {
      const dead = { reason: reason ?? '', field: field ?? null, detail: detail ?? null }
      const first = reason === 'id_conflict' ? await this.#first(eventId!, partition, offset) : undefined
      const tables = [this.#eventTables!.place(row.table, row.row.file)]
      return this.#path(partition, offset, { ...told, verdict: 'dead', dead, tables, first: first ?? null })
    }
    const { found, missing } = await this.#eventTables!.find(row.row.values)
    const tables = [this.#eventTables!.place(row.table, row.row.file), ...found]
    return this.#path(partition, offset, { ...told, verdict: 'landed', tables, missing })
  }

  /** The nearest record before it that could be the first of the id: what the lander compared it with. */
  async #first(id: string, partition: number, offset: number): Promise<EventPath['first'] | undefined> {
    const rows = await this.#find([{ column: 'event_id', value: id }], 10 * PATHS_MAX)
    const before = rows
      .filter(
        (row) =>
          row.partition === partition && row.offset < offset && row.row.values['reason'] !== 'id_conflict',
      )
      .sort(byPlace)
      .at(-1)
    if (before === undefined) return undefined
    const receivedAt = timeText(Number(before.row.values['received_at']))
    return { ...this.#place(partition, before.offset), receivedAt }
  }

  #batchOf(partition: number, offset: number): EventPath['batch'] {
    const { events } = this.#parts
    for (const { batch, committedAt, ranges } of events ? commitsOf(events, beginOf(events)) : []) {
      const isIn = ranges.some(
        (range) => range.partition === partition && range.from <= offset && offset < range.to,
      )
      if (isIn) return { number: batch, committedAt }
    }
    return null
  }

  #place(partition: number, offset: number): Place {
    return { partition, offset, receipt: `${this.#parts.log.id}/${partition}/${offset}` }
  }

  #path(partition: number, offset: number, told: Partial<EventPath> & { verdict: Verdict }): EventPath {
    return {
      ...this.#place(partition, offset),
      eventId: null,
      receivedAt: null,
      eventType: null,
      inLog: false,
      batch: null,
      tables: [],
      missing: [],
      dead: null,
      first: null,
      waiting: null,
      ...told,
    }
  }
}

function byPlace(a: { partition: number; offset: number }, b: { partition: number; offset: number }): number {
  return a.partition - b.partition || a.offset - b.offset
}

/** Microseconds since 1970 as RFC 3339. */
export function timeText(micros: number): string {
  const millis = Math.floor(micros / 1000)
  return new Date(millis).toISOString().replace('Z', `${String(micros - millis * 1000).padStart(3, '0')}Z`)
}
