import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Lake } from '../../src/lake/lake.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { at, Landing } from './support/landing.ts'
import { rowsOf } from './support/rows.ts'

let landing: Landing
let engine: SqlEngine

beforeEach(async () => {
  landing = await Landing.open()
  engine = await openDuckdbEngine({ ...parts(), settings: { spoolWaitMs: 300 } })
})

afterEach(async () => {
  await engine[Symbol.asyncDispose]()
  await landing.close()
})

function parts() {
  return { lake: landing.lake, log: landing.log, spoolDirectory: landing.spoolDirectory }
}

const COUNTS = `SELECT (SELECT count(*) FROM events), (SELECT count(DISTINCT "offset") FROM events),
  (SELECT count(*) FROM purchases), (SELECT count(DISTINCT cost) FROM purchases),
  (SELECT count(*) FROM guilds), (SELECT count(DISTINCT cost) FROM guilds)`

/** What COUNTS must say when the answer reaches to record `n`. */
function counts(n: number): number[] {
  const even = Math.ceil(n / 2)
  const odd = Math.floor(n / 2)
  return [n, n, even, even, odd, odd]
}

async function ask(sql = COUNTS) {
  const result = await engine.query(sql)
  const rows = []
  for await (const page of result.pages) rows.push(...page)
  return { rows, freshness: result.freshness }
}

test('a table without any file is empty and typed', async () => {
  const result = await engine.query('SELECT * FROM purchases')
  expect(result.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'raw_event varchar',
    'timestamp timestamp(6) with time zone',
    'Host varchar',
    'User-Agent varchar',
    'cost bigint',
  ])
  expect(await rowsOf(engine, 'SELECT * FROM purchases')).toEqual([])
  expect((await ask()).rows).toEqual([counts(0)])
})

test('rows of the spool only, of both, of the lake only: each once', async () => {
  await landing.append(10)
  await landing.chunk(4)
  await landing.chunk(10)
  expect(await ask()).toEqual({
    rows: [counts(10)],
    freshness: { position: at(10), end: at(10), behind: false, batch: 0 },
  })
  await landing.commit(10)
  await landing.append(5)
  await landing.chunk(15)
  expect(await ask()).toEqual({
    rows: [counts(15)],
    freshness: { position: at(15), end: at(15), behind: false, batch: 1 },
  })
  await landing.commit(15)
  expect((await ask()).rows).toEqual([counts(15)])
})

test('in the middle of a batch every table reaches to the same end', async () => {
  await landing.append(20)
  await landing.chunk(8)
  await landing.commit(8)
  await landing.chunk(14)
  await landing.chunk(20)
  await landing.commit(14, ['purchases'])
  expect((await ask()).rows).toEqual([counts(20)])
  await landing.commit(14, ['guilds'])
  expect((await ask()).rows).toEqual([counts(20)])
  await landing.commit(14, ['events'])
  expect((await ask()).rows).toEqual([counts(20)])
})

test('a batch broken off, the spool begun anew: no table shows more than the others', async () => {
  await landing.append(20)
  await landing.chunk(8)
  await landing.commit(8)
  await landing.chunk(20)
  await landing.commit(20, ['purchases'])
  await landing.restartSpool()
  const { rows, freshness } = await ask()
  expect(rows).toEqual([counts(8)])
  expect(freshness).toEqual({ position: at(8), end: at(20), behind: true, batch: 1 })
  // The new lander has cut other chunks: the table's position is in the middle of one.
  await landing.chunk(11)
  expect((await ask()).rows).toEqual([counts(11)])
  await landing.chunk(20)
  expect((await ask()).rows).toEqual([counts(20)])
})

test('a table that a stream has brought ahead is read as far as it came, and never less than events', async () => {
  await landing.append(20)
  await landing.chunk(8)
  await landing.commit(8)
  await landing.commit(12, ['purchases'])
  await landing.commit(10, ['events'])
  await landing.restartSpool()
  const lake = madeByStream(landing.lake, 'purchases')
  await using streamed = await openDuckdbEngine({ ...parts(), lake, settings: { spoolWaitMs: 10 } })
  const sql = 'SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM purchases)'
  expect(await rowsOf(streamed, sql)).toEqual([[10, 6]])
})

/** The same lake, whose table's newest commit took what a stream had staged. */
function madeByStream(lake: Lake, table: string): Lake {
  return new Proxy(lake, {
    get(target, key) {
      if (key !== 'load') {
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return async (name: string) => {
        const state = await target.load(name)
        if (state === undefined || name !== table) return state
        const snapshots = state.metadata.snapshots.map((snapshot, i, all) =>
          i < all.length - 1
            ? snapshot
            : { ...snapshot, summary: { ...snapshot.summary, 'published-wap-id': 'landfall-stream-1-a' } },
        )
        return { ...state, metadata: { ...state.metadata, snapshots } }
      }
    },
  })
}

test('without a lander the answer is what is committed, and says that it is behind', async () => {
  await landing.append(10)
  await landing.chunk(6)
  await landing.commit(6)
  rmSync(landing.spoolDirectory, { recursive: true })
  const { rows, freshness } = await ask()
  expect(rows).toEqual([counts(6)])
  expect(freshness).toEqual({ position: at(6), end: at(10), behind: true, batch: 1 })
  const started = performance.now()
  await ask()
  // Nobody came in the first wait of 2 s, so the second is short.
  expect(performance.now() - started).toBeLessThan(1500)
})

test('a query asks the lander for what is missing and waits for it', async () => {
  await landing.append(6)
  await landing.chunk(6)
  await landing.append(4)
  const asked = ask()
  const path = join(landing.spoolDirectory, 'ask')
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(at(10))
  await landing.chunk(10)
  expect(await asked).toMatchObject({ rows: [counts(10)], freshness: { behind: false } })
})

test('a spool of another log is not read', async () => {
  await landing.append(4)
  await landing.chunk(4)
  const manifest = join(landing.spoolDirectory, 'manifest.json')
  const text = readFileSync(manifest, 'utf8').replaceAll('log-1', 'log-2')
  rmSync(manifest)
  const { writeFileSync } = await import('node:fs')
  writeFileSync(manifest, text)
  expect(await ask()).toMatchObject({ rows: [counts(0)], freshness: { behind: true } })
})

test('pins are gone after the answer, and those of dead processes at the start', async () => {
  await landing.append(4)
  await landing.chunk(4)
  const stale = landing.pinStale(2 ** 22 + 7)
  const alive = landing.pinStale(process.ppid)
  await engine[Symbol.asyncDispose]()
  engine = await openDuckdbEngine(parts())
  expect([existsSync(stale), existsSync(alive)]).toEqual([false, true])
  await ask()
  expect(readdirSync(join(landing.spoolDirectory, 'pins'))).toEqual([`${process.ppid}-1`])
})

test('while batches land, every answer has every acknowledged event once and tables agree', {
  timeout: 120_000,
}, async () => {
  const rounds = 25
  let acknowledged = 0
  let landingDone = false
  const land = (async () => {
    for (let round = 1; round <= rounds; round++) {
      for (let part = 0; part < 3; part++) {
        await landing.append(7)
        acknowledged += 7
        await landing.chunk(acknowledged)
      }
      await landing.commit(acknowledged, ['purchases', 'guilds', 'events'])
    }
    landingDone = true
  })()
  let answers = 0
  let before = 0
  const loop = async () => {
    while (!landingDone) {
      const atLeast = acknowledged
      const { rows, freshness } = await ask()
      const n = Number(rows[0]![0])
      expect(rows[0]).toEqual(counts(n))
      expect(freshness.position).toEqual(at(n))
      // On a busy machine it may give up waiting for the spool, and says so.
      if (!freshness.behind) expect(n).toBeGreaterThanOrEqual(atLeast)
      before = Math.max(before, n)
      answers++
    }
  }
  await Promise.all([land, loop(), loop()])
  expect((await ask()).rows).toEqual([counts(rounds * 21)])
  expect(before).toBeGreaterThan(0)
  expect(answers).toBeGreaterThan(10)
})
