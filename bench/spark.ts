/**
 * Spark as the lander: how fast it lands beside the lander within, over the same topic into the same kind of tables (Kafka, Iceberg REST,
 * local disk), and how long an event takes from its acknowledgement to its commit.
 */
import { join } from 'node:path'
import game from '../examples/game/pipeline.ts'
import type { Lake } from '../src/lake/lake.ts'
import type { Lander } from '../src/lander/lander.ts'
import { samePosition } from '../src/model/position.ts'
import { findSparkEngines, SparkWorld } from '../test/lander/spark-world.ts'
import { gameEvents } from './game-events.ts'
import { type Bench, check, comparePairs, median, timed } from './harness.ts'

const FRAME = 1000
const SAMPLES = 10
/** Spark's first batches compile its code: they are left out. */
const WARM_UP = 2
const RECEIVED = 1_790_000_000_000_000
const SETTINGS = { maintain: false, batchAgeMs: 100, idleMs: 50 }

export const benchSpark: Bench = async ({ pairs, events, say }) => {
  const engines = await findSparkEngines()
  if ('missing' in engines) throw new Error(engines.missing)
  await using world = await SparkWorld.open(engines, { pipeline: game.compiled })
  say(`spark: a topic of ${events} events`)
  const lines = gameEvents(events)
  for (let from = 0; from < lines.length; from += FRAME)
    await append(world, lines.slice(from, from + FRAME), from)
  let runs = 0
  const land = (open: (lake: Lake, directory: string) => Promise<Lander>) => async () => {
    const name = `run${runs++}`
    const lake = await world.openAnother(name)
    await using lander = await open(lake, join(world.directory, name))
    const { seconds, value: report } = await timed(() => lander.landToEnd())
    check(report.landed === events && report.records === events, `landed ${report.landed} of ${events}`)
    return events / seconds
  }
  const spark = land((lake, directory) => world.open({ lake, directory, settings: SETTINGS }))
  const duckdb = land((lake, directory) => world.openDuckdb({ lake, directory, settings: SETTINGS }))
  say('spark: warm up')
  for (let i = 0; i < WARM_UP; i++) await spark()
  await duckdb()
  say('spark: landing, Spark and DuckDB')
  const landed = await comparePairs(pairs, spark, duckdb)
  say('spark: freshness')
  const waits = await freshness(world, lines[0]!)
  return [
    {
      name: 'Spark, Kafka → all tables ÷ the lander within',
      value: landed.ratio,
      unit: '×',
      goal: undefined,
      samples: landed.ratios,
      detail: { sparkEventsPerSecond: landed.of, duckdbEventsPerSecond: landed.against },
    },
    {
      name: 'Spark, acknowledged → committed in all tables',
      value: median(waits),
      unit: 'ms',
      goal: undefined,
      samples: waits,
      detail: {},
    },
  ]
}

async function append(world: SparkWorld, values: Buffer[], from: number): Promise<void> {
  await world.log.append(
    values.map((value, i) => ({
      key: null,
      value,
      receivedAt: RECEIVED + (from + i) * 50,
      headers: [
        ['id', `0197a3c4-0000-7000-8000-${String(from + i).padStart(12, '0')}`],
        ['plan', game.compiled.plan.version],
        ['r', 'r'],
      ],
    })),
  )
}

/** One event at a time, each when the one before it is committed. */
async function freshness(world: SparkWorld, line: Buffer): Promise<number[]> {
  await using lander = await world.open({ settings: SETTINGS })
  await lander.landToEnd()
  const stop = new AbortController()
  const running = lander.run(stop.signal)
  const waits: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    await append(world, [line], 100_000_000 + i)
    const begun = performance.now()
    const end = await world.log.end()
    while (!samePosition(lander.status().position, end))
      await new Promise((resolve) => setTimeout(resolve, 10))
    waits.push(performance.now() - begun)
  }
  stop.abort()
  await running
  return waits
}
