/** Answers that are larger than anybody should keep: pages are made when they are asked for, and nothing gathers behind the door. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { QueryOptions, SqlEngine } from '../../../src/sql/sql.ts'
import type { WireResults } from '../../../src/sql/trino-protocol.ts'
import { openSqlServer, type SqlServer } from '../../../src/sql/wire/trino/server.ts'
import { Landing } from '../support/landing.ts'
import { ask, post } from '../support/wire.ts'

const ROWS = 1_000_000
/** Every number below a million once. */
const LARGE = `SELECT a."offset" * 1000 + b."offset" AS n, lpad(a.event_id || b.event_id, 150, 'x') AS text
  FROM events a CROSS JOIN events b`

/** Without what waits for the collector a heap says what is kept. */
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

let landing: Landing
let engine: SqlEngine
let server: SqlServer
/** Rows that the door took from the engine. */
let taken = 0

beforeAll(async () => {
  landing = await Landing.open()
  await landing.append(1000)
  await landing.chunk(1000)
  const parts = { lake: landing.lake, log: landing.log, spoolDirectory: landing.spoolDirectory }
  engine = await openDuckdbEngine({ ...parts, settings: { memoryMax: 256e6 } })
  server = await openSqlServer({ engine: counting(engine), host: '127.0.0.1', port: 0 })
}, 60_000)

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

function counting(inner: SqlEngine): SqlEngine {
  return {
    listTables: () => inner.listTables(),
    describe: (table) => inner.describe(table),
    async query(sql: string, options?: QueryOptions) {
      const result = await inner.query(sql, options)
      const pages = (async function* () {
        for await (const page of result.pages) {
          taken += page.length
          yield page
        }
      })()
      return { ...result, pages }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

test('a million rows come whole, and memory stays flat', { timeout: 240_000 }, async () => {
  let results = await post(server.url, LARGE)
  let [rows, sum, bytes, pages] = [0, 0, 0, 0]
  const held: number[] = []
  while (results.nextUri) {
    const text = await (await fetch(results.nextUri)).text()
    bytes += text.length
    results = JSON.parse(text) as WireResults
    for (const row of results.data ?? []) {
      rows++
      sum += Number(row[0])
    }
    if (++pages % 8 === 0) {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      held.push(heapUsed + external)
    }
  }
  expect(results.error).toBeUndefined()
  expect([rows, sum]).toEqual([ROWS, (ROWS * (ROWS - 1)) / 2])
  expect(results.stats).toMatchObject({ state: 'FINISHED', processedRows: ROWS, progressPercentage: 100 })
  expect(pages).toBeGreaterThan(100)
  const half = held.length >> 1
  const [first, second] = [Math.max(...held.slice(0, half)), Math.max(...held.slice(half))]
  // A door that kept its pages would hold half of all bytes more.
  expect(bytes).toBeGreaterThan(150e6)
  expect(second - first).toBeLessThan(32e6)
})

test('a client that reads slowly holds back the engine', { timeout: 60_000 }, async () => {
  taken = 0
  const first = await post(server.url, LARGE)
  const page = (await (await fetch(first.nextUri!)).json()) as WireResults
  const sent = page.data?.length ?? 0
  await sleep(500)
  // At most what the page in hand and the engine's next one hold.
  expect(taken - sent).toBeLessThan(5000)
  expect((await fetch(page.nextUri!, { method: 'DELETE' })).status).toBe(204)
  const after = (await (await fetch(page.nextUri!)).json()) as WireResults
  expect(after.error?.errorName).toBe('USER_CANCELED')
  expect((await ask(server.url, 'SELECT count(*) FROM events')).rows).toEqual([[1000]])
})
