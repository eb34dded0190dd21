import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import game from '../examples/game/pipeline.ts'
import { openFileCatalog } from '../src/catalog/drivers/file.ts'
import { openLake } from '../src/lake/iceberg-lake.ts'
import { identifier, literal } from '../src/lander/judge/field-text.ts'
import { duckdbType } from '../src/lander/judge/property-sql.ts'
import { openLander } from '../src/lander/lander.ts'
import type { LanderSettings } from '../src/lander/settings.ts'
import type { SpoolManifest } from '../src/lander/spool.ts'
import { openEmbeddedLog } from '../src/log/drivers/embedded/embedded-log.ts'
import type { EventLog } from '../src/log/log.ts'
import type { Column } from '../src/model/columns.ts'
import { EVENTS_TABLE, type TableDefinition } from '../src/model/pipeline.ts'
import { planDirectory } from '../src/model/plan-store.ts'
import { formatPosition } from '../src/model/position.ts'
import { openLocalStorage } from '../src/storage/drivers/local.ts'
import { gameEvents } from './game-events.ts'
import { type Bench, check, comparePairs, median, timed } from './harness.ts'

const FRAME = 1000
const QUERIES = 15
/** received_at of the first event, µs. */
const RECEIVED = 1_790_000_000_000_000
const pipeline = game.compiled

/**
 * Landing: a log of the game's events into all its tables, beside DuckDB alone that copies the same lines into the same files (no
 * log, no verdicts, no ids, no commits, no syncs). And how long a query waits for a chunk of 1,000 events.
 */
export const benchLander: Bench = async ({ pairs, events, directory, say }) => {
  say(`lander: a log of ${events} events`)
  const file = join(directory, 'lines.ndjson')
  await using log = await openEmbeddedLog({ directory: join(directory, 'log') })
  await fill(file, log, events)
  say('lander: log → tables, and COPY')
  // A lander runs for weeks: its first second, in which its code is compiled, is left out on both sides.
  await land(log, directory, events)
  await copy(file, directory, events)
  const landed = await comparePairs(
    pairs,
    () => land(log, directory, events),
    () => copy(file, directory, events),
  )
  say('lander: a chunk for a query')
  const waits = await chunkWaits(directory)
  return [
    {
      name: 'lander, log → all tables ÷ DuckDB COPY',
      value: landed.ratio,
      unit: '×',
      goal: { is: 'at least', value: 0.8 },
      samples: landed.ratios,
      detail: { landedEventsPerSecond: landed.of, copiedEventsPerSecond: landed.against },
    },
    {
      name: 'lander, query asks → 1,000 events in the spool',
      value: median(waits),
      unit: 'ms',
      goal: { is: 'at most', value: 50 },
      samples: waits,
      detail: {},
    },
  ]
}

/** Its own function, so that nothing of the events is left on the heap for the collector to walk over while the lander runs. */
export async function fill(file: string, log: EventLog, events: number): Promise<void> {
  const lines = gameEvents(events)
  writeFileSync(file, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])))
  for (let from = 0; from < lines.length; from += FRAME)
    await append(log, lines.slice(from, from + FRAME), from)
}

async function append(log: EventLog, values: Buffer[], from: number): Promise<void> {
  await log.append(
    values.map((value, i) => ({
      key: null,
      value,
      receivedAt: RECEIVED + (from + i) * 50,
      headers: [
        ['id', `0197a3c4-0000-7000-8000-${String(from + i).padStart(12, '0')}`],
        ['plan', pipeline.plan.version],
        ['r', 'r'],
      ],
    })),
  )
}

async function openHere(log: EventLog, directory: string, settings: Partial<LanderSettings> = {}) {
  const storage = openLocalStorage(join(directory, 'lake'))
  const lake = openLake({ catalog: openFileCatalog(storage), storage })
  const lander = await openLander({
    pipeline,
    log,
    lake,
    directory: join(directory, 'lander'),
    spoolDirectory: join(directory, 'spool'),
    plans: planDirectory(join(directory, 'plans')),
    settings: { maintain: false, ...settings },
  })
  return { lander, lake }
}

/** Events per second into all tables of a new directory. */
export async function land(log: EventLog, directory: string, events: number): Promise<number> {
  const here = join(directory, 'landed')
  try {
    const { lander, lake } = await openHere(log, here)
    await using _ = lander
    const { seconds, value: report } = await timed(() => lander.landToEnd())
    check(report.landed === events && report.records === events, `landed ${report.landed} of ${events}`)
    const state = await lake.load('events')
    const rows = (await lake.files(state!)).reduce((sum, pinned) => sum + pinned.rows, 0)
    check(rows === events, `events has ${rows} rows`)
    return events / seconds
  } finally {
    rmSync(here, { recursive: true, force: true })
  }
}

/** The same tables from the same lines by DuckDB alone: one typed pass over the file, one COPY per table. */
async function copy(file: string, directory: string, events: number): Promise<number> {
  const into = join(directory, 'copied')
  mkdirSync(into)
  const instance = await DuckDBInstance.create(':memory:', {
    // All cores, as DuckDB would take by itself.
    threads: String(availableParallelism()),
    preserve_insertion_order: 'false',
  })
  try {
    const connection = await instance.connect()
    const { seconds, value: rows } = await timed(async () => {
      await connection.run(
        `CREATE TEMP TABLE batch AS SELECT raw, s FROM (SELECT raw, json_transform(raw, ${literal(JSON.stringify(structure()))}) AS s FROM read_csv(${literal(file)}, columns = {'raw': 'VARCHAR'}, header = false, delim = '\x01', quote = '', escape = '', auto_detect = false))`,
      )
      let copied = 0
      for (const table of [...pipeline.tables, EVENTS_TABLE]) {
        const count = await connection.runAndReadAll(copySql(table, join(into, `${table.name}.parquet`)))
        if (table === EVENTS_TABLE) copied = Number(count.getRows()[0]![0])
      }
      return copied
    })
    connection.closeSync()
    check(rows === events, `copied ${rows} of ${events}`)
    return events / seconds
  } finally {
    instance.closeSync()
    rmSync(into, { recursive: true, force: true })
  }
}

function structure(): Record<string, string> {
  const fields: Record<string, string> = { event_type: 'VARCHAR' }
  for (const { source, type } of pipeline.tables.flatMap((table) => table.columns)) {
    if (source.from === 'property') fields[source.property] = duckdbType(type)
    if (source.from === 'header') fields[source.header] = 'VARCHAR'
  }
  return fields
}

function copySql(table: TableDefinition, path: string): string {
  const columns = table.columns.map((column) => `${fromLine(column)} AS ${identifier(column.name)}`)
  const where =
    table === EVENTS_TABLE ? '' : ` WHERE s.event_type IN (${table.events.map(literal).join(', ')})`
  return `COPY (SELECT ${columns.join(', ')} FROM batch${where}) TO ${literal(path)} (FORMAT parquet, COMPRESSION ${table.codec})`
}

/** What the line itself has; ids, times and offsets, which it has not, are made from the row's number, so that the files are the same. */
function fromLine({ source }: Column): string {
  switch (source.from) {
    case 'raw_event':
      return 'raw'
    case 'event_type':
      return 's.event_type'
    case 'header':
      return `s.${identifier(source.header)}`
    case 'property':
      return `s.${identifier(source.property)}`
    case 'event_id':
      return `'0197a3c4-0000-7000-8000-' || lpad(rowid::VARCHAR, 12, '0')`
    case 'partition':
      return '0'
    case 'offset':
      return 'rowid'
    default:
      return `make_timestamptz(${RECEIVED} + rowid * 50)`
  }
}

/** Milliseconds from a question to the manifest that holds the events before it, with 1,000 of them waiting. */
async function chunkWaits(directory: string): Promise<number[]> {
  const here = join(directory, 'asked')
  await using log = await openEmbeddedLog({ directory: join(here, 'log') })
  const { lander } = await openHere(log, here, { idleMs: 600_000, batchAgeMs: 600_000 })
  await using _ = lander
  const stop = new AbortController()
  const running = lander.run(stop.signal)
  const manifest = join(here, 'spool', 'manifest.json')
  const ask = join(here, 'spool', 'ask')
  const waits: number[] = []
  const lines = gameEvents(FRAME)
  for (let i = 1; i <= QUERIES; i++) {
    await append(log, lines, (i - 1) * FRAME)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { seconds } = await timed(async () => {
      writeFileSync(`${ask}.tmp`, formatPosition(await log.end()))
      renameSync(`${ask}.tmp`, ask)
      for (;;) {
        const { end } = JSON.parse(readFileSync(manifest, 'utf8')) as SpoolManifest
        if ((end.next[0] ?? 0) >= i * FRAME) return
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })
    waits.push(seconds * 1000)
  }
  stop.abort()
  await running
  // The first ones find DuckDB cold.
  return waits.slice(3)
}
