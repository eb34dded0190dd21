/** Reads dead letters that have landed, as a stream: as many as there are, a few at a time in memory. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { makeTemporary } from '../../base/temporary.ts'
import type { Lake } from '../../lake/lake.ts'
import { readParquet } from '../../lake/parquet.ts'
import { quoteText } from '../../lake/schema.ts'
import type { DeadLetter } from '../../model/define-repair.ts'
import { HEALED_END, HEALED_PREFIX } from '../../model/healed.ts'
import type { LeasedFiles } from '../../storage/storage.ts'

/** Which letters; what is absent does not matter. */
export interface LetterFilter {
  reason?: string
  field?: string
  eventType?: string
  /** µs since 1970: received then or later. */
  sinceMicros?: number
  /** At most so many, the oldest first. */
  limit?: number
}

/** A letter, and whether an event that heals it has landed. */
export interface LandedLetter {
  letter: DeadLetter
  receivedAt: number
  isHealed: boolean
}

const MEMORY = '512MB'

const COLUMNS = [
  'event_id',
  '"partition"',
  '"offset"',
  `strftime(received_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS received_at`,
  'reason',
  'field',
  'detail',
  'event_type',
  'plan_version',
  'source',
  'raw_event',
]

/** The letters of the lake that belong to this log. Memory does not grow with their number; a limit sorts, on disk if need be. */
export async function* readLetters(
  lake: Lake,
  logId: string,
  filter: LetterFilter,
): AsyncGenerator<LandedLetter[]> {
  await using temporary = await makeTemporary('letters')
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: MEMORY,
    temp_directory: temporary.path,
    preserve_insertion_order: 'false',
  })
  const connection = await instance.connect()
  const leases: LeasedFiles[] = []
  try {
    await connection.run(`SET TimeZone = 'UTC'`)
    const letters = await relationOf(lake, 'dead_letters', leases)
    if (letters === undefined) return
    const events = await relationOf(lake, 'events', leases)
    yield* stream(connection, selectOf(letters, events?.sql, logId, filter))
  } finally {
    for (const lease of leases) lease.release()
    connection.closeSync()
    instance.closeSync()
  }
}

async function* stream(connection: DuckDBConnection, select: string): AsyncGenerator<LandedLetter[]> {
  const result = await connection.stream(select)
  const names = result.columnNames()
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    yield chunk.getRows().map((row) => {
      const values = Object.fromEntries(row.map((value, i) => [names[i]!, value]))
      const { received, healed, ...columns } = values as Record<string, unknown>
      const [partition, offset] = [Number(columns['partition']), Number(columns['offset'])]
      const letter = { ...columns, partition, offset } as unknown as DeadLetter
      return { letter, receivedAt: Number(received), isHealed: healed === true }
    })
  }
}

interface Relation {
  sql: string
  columns: string[]
}

async function relationOf(lake: Lake, table: string, leases: LeasedFiles[]): Promise<Relation | undefined> {
  const state = await lake.load(table)
  const files = state === undefined ? [] : await lake.files(state)
  if (state === undefined || files.length === 0) return undefined
  const lease = await lake.lease(files)
  leases.push(lease)
  return {
    sql: readParquet(state.schema, lease.locations),
    columns: state.schema.fields.map(({ name }) => name),
  }
}

function selectOf(
  letters: Relation,
  events: string | undefined,
  logId: string,
  { reason, field, eventType, sinceMicros, limit }: LetterFilter,
): string {
  const isIt = (column: string, wanted: string | undefined) =>
    wanted === undefined ? [] : [`${column} = ${quoteText(wanted)}`]
  const conditions = [
    ...isIt('reason', reason),
    ...isIt('field', field),
    ...isIt('event_type', eventType),
    ...(sinceMicros === undefined ? [] : [`epoch_us(received_at) >= ${sinceMicros}`]),
  ]
  // A lake that no lander of this version has opened yet does not have the column.
  const headers = letters.columns.includes('request_headers') ? 'request_headers' : 'NULL AS request_headers'
  const healed = events
    ? `${quoteText(`${HEALED_PREFIX}${logId}/`)} || "partition" || '/' || "offset" IN (SELECT event_id FROM ${events} WHERE event_id >= '${HEALED_PREFIX}' AND event_id < '${HEALED_END}')`
    : 'false'
  return [
    `SELECT ${COLUMNS.join(', ')}, ${headers}, epoch_us(received_at) AS received, ${healed} AS healed FROM ${letters.sql}`,
    conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`,
    limit === undefined ? '' : `ORDER BY epoch_us(received_at), "partition", "offset" LIMIT ${limit}`,
  ].join(' ')
}
