import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import game from '../examples/game/pipeline.ts'
import type { Lake } from '../src/lake/lake.ts'
import { ownPlaces } from '../src/pipeline/places.ts'
import { openDataEngine } from '../src/pipeline/query.ts'
import { openDataLake } from '../src/pipeline/readers.ts'
import { openTrinoEngine } from '../src/sql/drivers/trino.ts'
import type { SqlEngine } from '../src/sql/sql.ts'
import { openSqlServer } from '../src/sql/wire/trino/server.ts'
import { writeGameLog } from './game-log.ts'
import { type Bench, check, comparePairs, median, timed } from './harness.ts'
import { landAndSettle } from './settled.ts'
import { rowsOf } from './sql-client.ts'

/** The tables that the game's questions read. */
const TABLES = ['purchases', 'guilds', 'sword_purchases']

/**
 * A question has a cost that no table changes (to parse, check and pin); on a table that answers in 5 ms it is most of the time.
 * So the tables are larger here than in the other benchmarks, and the fixed cost is told beside the ratio.
 */
const SIZE = 4

/** As our engine has them. */
const THREADS = String(availableParallelism())
const MEMORY = '1GB'

/**
 * The game's questions over our tables when they have settled (landed and compacted, nothing in the spool), with all that an
 * answer takes: parsing and checking the statement, pinning snapshots, the log's end. Against DuckDB over one Parquet file
 * per table, written in order of time, with the statement as it is.
 */
export const benchQuery: Bench = async ({ pairs, events: landerEvents, directory, say }) => {
  const events = landerEvents * SIZE
  const data = `${directory}/data`
  await mkdir(`${data}/lake`, { recursive: true })
  say(`query: landing ${events} events`)
  await writeGameLog(data, events)
  await landAndSettle(data)

  await using engine = await openDataEngine(ownPlaces(data), {})
  const instance = await DuckDBInstance.create(':memory:', {
    threads: THREADS,
    memory_limit: MEMORY,
  })
  const connection = await instance.connect()
  try {
    await connection.run("SET TimeZone = 'UTC'")
    await connection.run('SET GLOBAL parquet_metadata_cache = true')
    await writePerfectFiles(connection, await openDataLake(ownPlaces(data)), directory)
    say('query: the questions of the game, ours and over one perfect file')
    // The engine starts with its first question; files come into the page cache.
    await askAll(async (sql) => asText(await rowsOf(engine, sql)), connection)
    const spent = new Map<string, number[]>()
    const times = await comparePairs(
      pairs,
      () => askAll(async (sql) => asText(await rowsOf(engine, sql)), connection, spent),
      () => askAll((sql) => plainRows(connection, sql), connection),
    )
    const perQuestion = Array.from(spent, ([name, all]) => [`${name}Ms`, median(all)] as const)
    return [
      {
        name: 'questions of the game over settled tables ÷ one perfect Parquet',
        value: times.ratio,
        unit: '×',
        goal: { is: 'at most', value: 1.1 },
        samples: times.ratios,
        detail: {
          events,
          fixedMsPerQuestion: (times.of - times.against) / game.compiled.questions.length,
          oursMs: times.of,
          perfectMs: times.against,
          ...(await whatElseItCosts(engine)),
          ...Object.fromEntries(perQuestion),
        },
      },
    ]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** How often each question is asked each way; the best of them counts. */
const ROUNDS = 20

/**
 * Milliseconds per question beyond those of the engine with a question it has seen: through the door over HTTP, and with a
 * text that is new each time, which must be parsed, checked and prepared.
 */
async function whatElseItCosts(engine: SqlEngine): Promise<{ doorMs: number; newTextMs: number }> {
  await using server = await openSqlServer({ engine, host: '127.0.0.1', port: 0 })
  await using door = openTrinoEngine(server.url)
  const ways = {
    known: (sql: string) => rowsOf(engine, sql),
    door: (sql: string) => rowsOf(door, sql),
    newText: (sql: string, round: number) => rowsOf(engine, `${sql} -- ${round}`),
  }
  const best = { known: 0, door: 0, newText: 0 }
  for (const { sql } of game.compiled.questions) {
    const least = { known: Infinity, door: Infinity, newText: Infinity }
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ['known', 'door', 'newText'] as const) {
        const { seconds } = await timed(() => ways[way](sql, round))
        least[way] = Math.min(least[way], seconds * 1000)
      }
    }
    for (const way of ['known', 'door', 'newText'] as const) best[way] += least[way]
  }
  const count = game.compiled.questions.length
  return { doorMs: (best.door - best.known) / count, newTextMs: (best.newText - best.known) / count }
}

/** One file per table, as well ordered as can be. */
async function writePerfectFiles(connection: DuckDBConnection, lake: Lake, directory: string): Promise<void> {
  for (const table of TABLES) {
    const files = await lake.files((await lake.load(table))!)
    const { locations } = await lake.lease(files)
    const list = locations.map((location) => `'${location}'`).join(', ')
    const path = `${directory}/${table}.parquet`
    await connection.run(
      `COPY (SELECT * FROM read_parquet([${list}]) ORDER BY "timestamp") TO '${path}' (FORMAT parquet, COMPRESSION snappy)`,
    )
    await connection.run(`CREATE VIEW ${table} AS SELECT * FROM '${path}'`)
  }
}

type Ask = (sql: string) => Promise<string>

/** A question takes milliseconds, in which anything else on the machine may stand between: the least of so many counts, on both sides. */
const TRIES = 5

/** Milliseconds of all questions together; each answer must be the plain file's. */
async function askAll(
  ask: Ask,
  connection: DuckDBConnection,
  spent?: Map<string, number[]>,
): Promise<number> {
  let total = 0
  for (const { name, sql } of game.compiled.questions) {
    const right = await plainRows(connection, sql)
    let least = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < TRIES; tries++) {
      const { seconds, value } = await timed(() => ask(sql))
      check(value === right, `${name} has another answer than over the plain file`)
      least = Math.min(least, seconds * 1000)
    }
    total += least
    if (spent !== undefined) spent.set(name, [...(spent.get(name) ?? []), least])
  }
  return total
}

async function plainRows(connection: DuckDBConnection, sql: string): Promise<string> {
  const reader = await connection.runAndReadAll(sql)
  return asText(reader.getRowsJson() as unknown[][])
}

/** 64-bit numbers come as text here and as numbers there; the values are compared, not their dress. */
function asText(rows: readonly (readonly unknown[])[]): string {
  return JSON.stringify(rows.map((row) => row.map((value) => (value === null ? null : String(value)))))
}
