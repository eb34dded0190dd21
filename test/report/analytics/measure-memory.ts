/**
 * node test/report/analytics/measure-memory.ts [EVENTS] [BYTES] [NAME]
 *
 * Makes a lake with that many events (default 10 million, of 100,000 persons over 30 days, in `raw_event`), and asks each function of the
 * analytics (or the one of that name) in a process of its own with that much as `sql.memoryMax` (default 500,000,000). Prints what each took
 * and the most memory of its own that the whole process held, and beside it what it had mapped (the files of Node and DuckDB, which the
 * kernel drops when it needs the room). Exit code 1 when one of them failed or held more.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openFileCatalog } from '../../../src/catalog/drivers/file.ts'
import { openLake } from '../../../src/lake/iceberg-lake.ts'
import { EVENTS_TABLE } from '../../../src/model/pipeline.ts'
import {
  type Analysis,
  activeUsers,
  type EventSource,
  funnel,
  paths,
  percentiles,
  retention,
  revenuePerUser,
  sessions,
  topN,
} from '../../../src/report/analytics.ts'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { openLocalStorage } from '../../../src/storage/drivers/local.ts'
import { land, openTestLake } from '../../lake/support.ts'

const from: EventSource = {
  table: 'events',
  subject: { member: 'user' },
  time: { column: 'received_at' },
  event: { column: 'event_type' },
}
const amount = { member: 'amount', type: 'bigint' } as const

const ANALYSES: Record<string, Analysis> = {
  funnel: funnel({
    from,
    steps: ['look', 'choose', 'buy', 'join', 'leave'].map((event) => ({ event })),
    windowMs: 7 * 86_400_000,
  }),
  sessions: sessions({ from, per: 'day' }),
  paths: paths({ from }),
  'active users': activeUsers({ from, per: 'day' }),
  retention: retention({ from, per: 'week' }),
  revenue: revenuePerUser({ from, amount, per: 'week' }),
  percentiles: percentiles({ from, value: amount }),
  'percentiles of persons': percentiles({ from, value: amount, of: 'subjects' }),
  'top persons': topN({ from, by: { member: 'user' }, measure: { sum: amount } }),
}

const EVENTS_AT_ONCE = 2_000_000
const LOOK_MS = 20

async function make(events: number) {
  const test = await openTestLake({})
  let state = await test.lake.ensure(EVENTS_TABLE, { position: { logId: 'log-1', next: { 0: 0 } } })
  for (let at = 0; at < events; at += EVENTS_AT_ONCE) {
    const to = Math.min(events, at + EVENTS_AT_ONCE)
    // hash(n): who, when and what have nothing to do with each other.
    state = await land(
      test,
      state,
      `SELECT 'e' || n AS event_id, 0::INTEGER AS "partition", n AS "offset",
        TIMESTAMPTZ '2026-10-01 00:00:00+00' + to_microseconds((hash(n) % 2592000000000)::BIGINT) AS received_at,
        ['look', 'look', 'look', 'choose', 'choose', 'buy', 'join', 'leave'][(hash(n + 1) % 8)::BIGINT + 1] AS event_type,
        '{"user":"user-' || hash(n + 2) % 100000 || '.example.com","amount":' || hash(n + 3) % 1000 || ',"agent":"ApacheBench/2.3"}' AS raw_event
        FROM range(${at}, ${to}) AS r(n)`,
      to,
    )
  }
  return test
}

async function ask(root: string, name: string, memoryMax: number): Promise<void> {
  const storage = openLocalStorage(root)
  const lake = openLake({ storage, catalog: openFileCatalog(storage) })
  await using engine = await openDuckdbEngine({ lake, settings: { memoryMax } })
  let peak = 0
  const look = setInterval(() => (peak = Math.max(peak, held('RssAnon'))), LOOK_MS)
  const before = process.cpuUsage()
  let rows = 0
  for await (const page of (await engine.query(ANALYSES[name]!.sql)).pages) rows += page.length
  clearInterval(look)
  const seconds = process.cpuUsage(before).user / 1e6
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0).padStart(4)
  process.stdout.write(
    `${name.padEnd(24)} ${String(rows).padStart(6)} rows ${seconds.toFixed(1).padStart(7)} s of CPU   ${megabytes(peak)} MB at most, ${megabytes(held('RssFile'))} MB mapped\n`,
  )
  if (peak > memoryMax) throw new Error(`the process held ${peak} bytes, at most ${memoryMax} were allowed`)
}

/** Bytes of this process, as the kernel counts them. */
function held(what: 'RssAnon' | 'RssFile'): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)![1]) * 1024
}

const [first = '10000000', second = '500000000', third, root] = process.argv.slice(2)
if (root !== undefined) await ask(root, third!, Number(second))
else {
  await using test = await make(Number(first))
  process.stdout.write(`${first} events; memory of the process at most ${second} bytes\n`)
  for (const name of third === undefined ? Object.keys(ANALYSES) : [third]) {
    const self = fileURLToPath(import.meta.url)
    const { status, stderr } = spawnSync(process.execPath, [self, first, second, name, test.root], {
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    if (status === 0) continue
    process.exitCode = 1
    process.stdout.write(
      `${name.padEnd(24)} failed: ${stderr.toString().match(/^\w*Error.*/m)?.[0] ?? stderr}\n`,
    )
  }
}
