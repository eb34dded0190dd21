/**
 * A crash at every call that changes storage, before it and after it: the process stops there and another one goes on. In
 * between DuckDB writes its own files; a crash there leaves what a crash before `adopt` leaves.
 */
import { expect, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Lake, TableState } from '../../src/lake/lake.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { land, openTestLake, purchaseRows, purchases, query, type TestLake, tableFiles } from './support.ts'

const MINUTE = 60_000

const CHANGES = new Set<string | symbol>(['write', 'createExclusive', 'delete', 'adopt'])

class Crash extends Error {}

/** A storage whose process dies at the given call, before or after it has its effect. Dead, it does nothing any more. */
function dyingStorage(
  storage: Storage,
  callToDie: number,
  after: boolean,
): { storage: Storage; died: () => boolean } {
  let calls = 0
  let dead = false
  /** Dead, and what it did last has had its effect. */
  let gone = false
  const step = async (changes: boolean, act: () => Promise<unknown>): Promise<unknown> => {
    if (dead) return new Promise<never>(() => {})
    if (changes) calls += 1
    if (!changes || calls !== callToDie) return act()
    dead = true
    try {
      if (after) await act()
    } finally {
      gone = true
    }
    throw new Crash()
  }
  const proxy = new Proxy(storage, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (key === 'list') return method
      return (...args: unknown[]) => step(CHANGES.has(key), () => method(...args))
    },
  })
  return { storage: proxy, died: () => gone }
}

/** Runs until it ends or its process dies. A dead process never answers, so the wait ends with the death. */
async function untilDeath(act: Promise<unknown>, died: () => boolean): Promise<void> {
  let ended = false
  const run = act.then(
    () => {
      ended = true
    },
    (error: unknown) => {
      ended = true
      if (!died()) throw error
    },
  )
  while (!ended && !died()) await Promise.race([run, new Promise((resolve) => setTimeout(resolve, 2))])
  if (ended) await run
  // Writes that run side by side with the one that died end as they can.
  else await new Promise((resolve) => setTimeout(resolve, 20))
}

async function sweep(act: (lake: Lake, test: TestLake) => Promise<unknown>): Promise<number> {
  await using test = await openTestLake()
  let state = await test.lake.ensure(purchases)
  for (let i = 0; i < 9; i++) state = await land(test, state, purchaseRows(i * 10, 10), (i + 1) * 10)
  for (let call = 1; ; call++) {
    for (const after of [false, true]) {
      const dying = dyingStorage(openLocalStorage(test.root), call, after)
      const clock = {
        nowMicros: () => (Date.now() + test.aheadMs) * 1000,
        monotonicMs: () => performance.now(),
      }
      const lake = openLake({ storage: dying.storage, catalog: openFileCatalog(dying.storage), clock })
      await untilDeath(act(lake, test), dying.died)

      // Another process: the table is whole, at the old position or the new one, never between.
      const survivor = test.openAnother()
      const found = (await survivor.load('purchases'))!
      const rows = found.position!.next[0]!
      expect(
        await query(test, found, 'count(*), count(DISTINCT id), max(id)'),
        `call ${call}, after ${after}`,
      ).toEqual([[String(rows), String(rows), String(rows - 1)]])
      // It goes on from there.
      await goOn(survivor, test, found)
      if (!dying.died()) return await finish(test, call)
    }
  }
}

/** Lands ten more rows; columns that the table has gained stay null. */
async function goOn(lake: Lake, test: TestLake, state: TableState): Promise<void> {
  const from = state.position!.next[0]!
  const gained = state.schema.fields.slice(purchases.columns.length).map((field) => `, NULL AS ${field.name}`)
  await land(
    { lake, connection: test.connection },
    state,
    `SELECT *${gained.join('')} FROM (${purchaseRows(from, 10)})`,
    from + 10,
  )
}

/** Everything that the dead left is found and removed. */
async function finish(test: TestLake, calls: number): Promise<number> {
  const lake = test.openAnother()
  const start = test.aheadMs
  for (const minutes of [61, 80, 100]) {
    test.aheadMs = start + minutes * MINUTE
    await lake.maintain(test.connection, 'purchases')
  }
  const state = (await lake.load('purchases'))!
  const live = (await lake.files(state)).map((file) => file.path.split('/').at(-1)).sort()
  expect(await tableFiles(test, 'purchases', 'data')).toEqual(live)
  expect(await query(test, state, 'count(*)')).toEqual([[String(state.position!.next[0])]])
  return calls
}

test('landing', { timeout: 180_000 }, async () => {
  const calls = await sweep(async (lake, { connection }) => {
    const state = (await lake.load('purchases'))!
    const from = state.position!.next[0]!
    await land({ lake, connection }, state, purchaseRows(from, 10), from + 10)
  })
  expect(calls).toBeGreaterThanOrEqual(5)
})

test('maintenance: compaction, expiry, removal', { timeout: 300_000 }, async () => {
  const calls = await sweep(async (lake, test) => {
    test.aheadMs += 20 * MINUTE
    await lake.maintain(test.connection, 'purchases')
  })
  expect(calls).toBeGreaterThan(8)
})

test('taking over and gaining a column', { timeout: 180_000 }, async () => {
  await sweep(async (lake) => {
    const state = (await lake.load('purchases'))!
    await lake.raiseEpoch('purchases', state.epoch + 1)
    const gained = state.schema.fields.length - purchases.columns.length
    const extra = Array.from({ length: gained + 1 }, (_, i) => ({
      name: `extra_${i}`,
      type: 'string' as const,
      source: { from: 'raw_event' as const },
    }))
    await lake.ensure({ ...purchases, columns: [...purchases.columns, ...extra] })
  })
})
