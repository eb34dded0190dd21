import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isLandfallError } from '../../src/base/errors.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { Landing } from './support/landing.ts'
import { numbers } from './support/numbers.ts'
import { rowsOf } from './support/rows.ts'

const LARGE = `SELECT lpad('', 100, 'x') || cast(n AS varchar) AS x, n FROM ${numbers(100000)}`
const long = (count: number) =>
  `SELECT sum(a.n * b.n) FROM ${numbers(count, 'a', 'n')}, ${numbers(count, 'b', 'n')}`
const LONG = long(3000)

/** Reads an answer until the signal; what it ended with. */
async function outcome(engine: SqlEngine, sql: string, signal: AbortSignal): Promise<string> {
  try {
    await rowsOf(engine, sql, { signal })
    return 'ok'
  } catch (error) {
    return isLandfallError(error) ? error.code : String(error)
  }
}

test('queries that are cancelled at any moment leave the engine well and memory free', {
  timeout: 60_000,
}, async () => {
  const landing = await Landing.open()
  const engine = await openDuckdbEngine({ lake: landing.lake, settings: { waitingMax: 100 } })
  const outcomes = new Set<string>()
  const worker = async (seed: number) => {
    for (let i = 0; i < 40; i++) {
      const signal = AbortSignal.timeout(1 + ((seed * 37 + i * 13) % 90))
      outcomes.add(await outcome(engine, i % 3 === 0 ? LONG : LARGE, signal))
    }
  }
  await Promise.all([1, 2, 3, 4, 5, 6].map(worker))
  expect([...outcomes].filter((code) => code !== 'ok')).toEqual(['sql/cancelled'])
  expect(await rowsOf(engine, 'SELECT count(*) FROM events')).toEqual([[0]])
  expect(process.memoryUsage.rss()).toBeLessThan(1.2e9)
  await engine[Symbol.asyncDispose]()
  await landing.close()
})

test('an engine that is closed ends its queries and answers', { timeout: 30_000 }, async () => {
  const landing = await Landing.open()
  const engine = await openDuckdbEngine({ lake: landing.lake })
  const unread = await engine.query(LARGE)
  const { pages } = await engine.query(LARGE)
  const reader = pages[Symbol.asyncIterator]()
  await reader.next()
  const next = reader.next().catch((error: unknown) => error)
  const never = new AbortController().signal
  const running = outcome(engine, long(3_000_000), never)
  await sleep(100)
  const started = performance.now()
  await engine[Symbol.asyncDispose]()
  expect(performance.now() - started).toBeLessThan(5000)
  expect(await running).toBe('sql/closed')
  await next
  const rest = async () => {
    while (!(await reader.next()).done);
  }
  await expect(rest()).rejects.toMatchObject({ code: 'sql/cancelled' })
  expect(unread.columns).toHaveLength(2)
  await expect(engine.query('SELECT 1')).rejects.toMatchObject({ code: 'sql/closed' })
  await landing.close()
})

test('more queries than may run wait in line; more than may wait are turned away', {
  timeout: 30_000,
}, async () => {
  const landing = await Landing.open()
  const engine = await openDuckdbEngine({ lake: landing.lake, settings: { runningMax: 1, waitingMax: 2 } })
  const never = new AbortController().signal
  const asked = Array.from({ length: 6 }, () => outcome(engine, LONG, never))
  expect((await Promise.all(asked)).toSorted()).toEqual([
    'ok',
    'ok',
    'ok',
    'sql/overloaded',
    'sql/overloaded',
    'sql/overloaded',
  ])
  const gone = new AbortController()
  const first = outcome(engine, LONG, never)
  const waiting = outcome(engine, LONG, gone.signal)
  gone.abort()
  expect([await first, await waiting]).toEqual(['ok', 'sql/cancelled'])
  await engine[Symbol.asyncDispose]()
  await landing.close()
})

test('a process that grows beyond its bound ends the queries that run', { timeout: 30_000 }, async () => {
  const landing = await Landing.open()
  const engine = await openDuckdbEngine({ lake: landing.lake, settings: { processMemoryMax: 1 } })
  const never = new AbortController().signal
  expect(await outcome(engine, long(3_000_000), never)).toBe('sql/out-of-memory')
  await engine[Symbol.asyncDispose]()
  await landing.close()
})
