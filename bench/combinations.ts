import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTrinoEngine } from '../src/sql/drivers/trino.ts'
import { type Combination, kafkaHdfsHive, kafkaS3Rest } from '../test/combinations/parts.ts'
import { startLandfall, temporaryFolder } from '../test/support/landfall.ts'
import { type Bench, check, type Figure, median } from './harness.ts'
import { askNumber } from './sql-client.ts'

const GAME = 'examples/game/pipeline.ts'
const PROBE_MAX_MS = 180_000

type Found = Combination | { missing: string } | undefined

/** Undefined: everything within one process tree. */
const COMBINATIONS: Record<string, () => Promise<Found>> = {
  embedded: () => Promise.resolve(undefined),
  'Kafka + DuckDB + S3 + Iceberg REST': kafkaS3Rest,
  'Kafka + DuckDB + HDFS + Hive metastore': () => kafkaHdfsHive('duckdb'),
  'Kafka + Spark + HDFS + Hive metastore': () => kafkaHdfsHive('spark'),
}

/**
 * How long after its answer an event is in SQL, in each combination of engines: at our own door and at a Trino beside it. Nothing else
 * happens meanwhile, so what is measured is the way of one event: with a spool that of the spool, else that of a batch, which is due
 * after `lander.idle` (2 s) when nothing more comes.
 */
export const benchCombinations: Bench = async ({ pairs, say }) => {
  const figures: Figure[] = []
  for (const [name, find] of Object.entries(COMBINATIONS)) {
    say(`combinations: ${name}`)
    const found = await find()
    if (found && 'missing' in found) say(`combinations: left out: ${found.missing}`)
    else figures.push(...(await measure(name, found, pairs)))
  }
  return figures
}

async function measure(name: string, found: Combination | undefined, pairs: number): Promise<Figure[]> {
  const data = temporaryFolder()
  const options = found ? { args: Object.entries(found.urls).flat(), env: found.env, readyMs: 120_000 } : {}
  const up = await startLandfall(GAME, { data, ...options })
  try {
    await found?.trino.attach('bench', found.catalog)
    const askers: Record<string, string> = { 'our door': up.sql }
    if (found)
      askers['Trino'] = `${found.trino.url.replace('http://', 'trino://bench@')}/bench/${found.namespace}`
    const waits: Record<string, number[]> = Object.fromEntries(
      Object.keys(askers).map((asker) => [asker, []]),
    )
    // The first one starts engines and makes tables.
    for (let i = 0; i <= pairs; i++) {
      const seen = await probe(up.http, `probe-${i}`, askers)
      if (i > 0) for (const [asker, ms] of Object.entries(seen)) waits[asker]!.push(ms)
    }
    return Object.entries(waits).map(([asker, samples]) => ({
      name: `answer → row in SQL, ${name}, ${asker}`,
      value: median(samples),
      unit: 'ms',
      goal: undefined,
      samples,
      detail: { probes: samples.length, mostMs: Math.max(...samples) },
    }))
  } finally {
    await up.stop()
    await found?.trino.detach('bench')
    rmSync(data, { recursive: true, force: true })
  }
}

/** Sends one event and asks everybody until they have it; milliseconds from the answer on. */
async function probe(
  http: string,
  id: string,
  askers: Record<string, string>,
): Promise<Record<string, number>> {
  const body = JSON.stringify({ event_type: 'purchase_sword', event_id: id, type: 'estoc', cost: 7 })
  const sent = await fetch(`${http}/v1/events`, { method: 'POST', body })
  check(sent.ok, `the probe was answered with ${sent.status}`)
  const answeredAt = performance.now()
  const seen = Object.entries(askers).map(async ([asker, url]) => {
    await using engine = openTrinoEngine(url)
    for (;;) {
      const found = await askNumber(engine, `SELECT count(*) FROM events WHERE event_id = '${id}'`).catch(
        // A server of theirs has no table before the first commit.
        () => ({ value: 0 }),
      )
      const ms = performance.now() - answeredAt
      if (found.value === 1) return [asker, ms] as const
      check(found.value === 0, `${id} was sent once and is there ${found.value} times`)
      check(ms < PROBE_MAX_MS, `${id} was answered and is not in SQL after ${PROBE_MAX_MS / 1000} s`)
      await sleep(20)
    }
  })
  return Object.fromEntries(await Promise.all(seen))
}
