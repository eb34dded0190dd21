/** What the lake and its lander must do over storage elsewhere; a real store's own test calls this. */
import { randomUUID } from 'node:crypto'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { LakeSettings } from '../../src/lake/settings.ts'
import type { OpenStorageOptions } from '../../src/storage/open.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { catalogSuite } from '../conformance/catalog-suite.ts'
import { World } from '../lander/support.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { land, positionAt, purchaseRows, purchases, query, type TestLake, tableOf } from './support.ts'

export interface RemoteLakeSuite {
  name: string
  open(path: string, options?: OpenStorageOptions): Promise<Storage>
  /** A proxy before all of the store, and storage through it. */
  openThroughProxy(
    path: string,
    options?: OpenStorageOptions,
  ): Promise<{ proxy: FaultProxy; storage: Storage } & AsyncDisposable>
}

const MINUTE = 60_000

export function remoteLakeSuite({ name, open, openThroughProxy }: RemoteLakeSuite): void {
  catalogSuite({
    name: `files on ${name}`,
    async open() {
      const path = `catalog-${randomUUID()}`
      const storage = await open(path)
      return {
        catalog: openFileCatalog(storage),
        openAnother: async () => openFileCatalog(await open(path)),
        location: (table) => `${storage.url}/default/${table}`,
        close: async () => {},
      }
    },
  })

  describe(`lake: ${name}`, () => {
    let instance: DuckDBInstance
    let connection: DuckDBConnection
    beforeAll(async () => {
      instance = await DuckDBInstance.create(':memory:')
      connection = await instance.connect()
    })
    afterAll(() => {
      connection.closeSync()
      instance.closeSync()
    })

    function lakeOn(storage: Storage, settings: Partial<LakeSettings> = {}) {
      const lake = { connection, storage, aheadMs: 0 } as TestLake
      const clock = {
        nowMicros: () => (Date.now() + lake.aheadMs) * 1000,
        monotonicMs: () => performance.now(),
      }
      lake.lake = openLake({ storage, catalog: openFileCatalog(storage), clock, settings })
      return lake
    }

    test('a table is made, filled, compacted, expired and swept, and gains a column', async () => {
      const path = `life-${randomUUID()}`
      const storage = await open(path)
      const test = lakeOn(storage)
      let state = await test.lake.ensure(purchases)
      expect(state.metadata.location).toBe(`${storage.url}/default/purchases`)
      for (let i = 0; i < 8; i++) state = await land(test, state, purchaseRows(i * 10, 10), (i + 1) * 10)
      const maintain = () => test.lake.maintain(connection, 'purchases')
      expect(await maintain()).toMatchObject({ compactedFiles: 8, writtenFiles: 1 })
      // Another machine, with a cache of its own, reads what this one wrote.
      const other = lakeOn(
        await open(path, { cacheDirectory: `${storage.leaseDirectories[0]}-${randomUUID()}` }),
      )
      const seen = (await other.lake.load('purchases'))!
      expect(await query(other, seen, 'count(*), sum(id)')).toEqual([['80', '3160']])
      for (const minutes of [61, 76, 92]) {
        test.aheadMs = minutes * MINUTE
        await maintain()
      }
      const left: string[] = []
      for await (const object of storage.list('default/purchases/data')) left.push(object.path)
      const live = await test.lake.files((await test.lake.load('purchases'))!)
      expect(left).toEqual(live.map((file) => file.path))
      expect(left).toHaveLength(1)
      const wider = tableOf('purchases', {
        id: 'long',
        timestamp: 'timestamptz',
        type: 'string',
        cost: 'long',
        guild: 'string',
      })
      state = await test.lake.ensure(wider)
      state = await land(test, state, `SELECT *, 'g' AS guild FROM (${purchaseRows(80, 5)})`, 85)
      expect(await query(test, state, 'count(*), count(guild)')).toEqual([['85', '5']])
      expect(state.position).toEqual(positionAt(85))
    })

    test('two lakes commit at once: nothing is lost and nothing doubled', async () => {
      const path = `race-${randomUUID()}`
      const one = lakeOn(await open(path))
      await one.lake.ensure(purchases)
      const lakes = [one, lakeOn(await open(path)), lakeOn(await open(path))]
      const won = await Promise.all(
        lakes.map(async ({ lake }) => {
          const state = (await lake.load('purchases'))!
          const outcome = await land({ lake, connection }, state, purchaseRows(0, 10), 10).catch(
            (error: unknown) => error,
          )
          return !(outcome instanceof Error)
        }),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      const state = (await lakeOn(await open(path)).lake.load('purchases'))!
      expect(await query(one, state, 'count(*), count(DISTINCT id)')).toEqual([['10', '10']])
    })

    test('every commit through a network that fails happens exactly once', { timeout: 180_000 }, async () => {
      const seed = Math.floor(Math.random() * 2 ** 31)
      console.info(`seed ${seed}`)
      const random = randomFrom(seed)
      const path = `faults-${randomUUID()}`
      await using opened = await openThroughProxy(path, {
        patience: { retryMaxMs: 3_000, requestMaxMs: 2_000 },
      })
      await using world = new World()
      const openWorldLake = () =>
        openLake({ storage: opened.storage, catalog: openFileCatalog(opened.storage) })
      world.lake = openWorldLake()
      const faults = [
        { status: 500 },
        { statusAfter: 500 },
        'drop',
        'drop-after',
        'cut',
        { delayMs: 100 },
      ] as const
      opened.proxy.fault = () => (random() < 0.15 ? faults[Math.floor(random() * faults.length)] : undefined)
      for (let batch = 0; batch < 4; batch++) {
        await sendTen(world, batch)
        await landUntilDone(world, openWorldLake)
      }
      opened.proxy.fault = () => undefined
      await expectEachOnce(world, 40)
    })

    test('a store that answers 500 for a while heals by itself', { timeout: 120_000 }, async () => {
      await using opened = await openThroughProxy(`outage-${randomUUID()}`, {
        patience: { retryMaxMs: 1_000 },
      })
      await using world = new World()
      const openWorldLake = () =>
        openLake({ storage: opened.storage, catalog: openFileCatalog(opened.storage) })
      world.lake = openWorldLake()
      await sendTen(world, 0)
      await world.land()
      const until = performance.now() + 6_000
      let refused = 0
      opened.proxy.fault = () => {
        if (performance.now() > until) return undefined
        refused += 1
        return { status: 500 }
      }
      await sendTen(world, 1)
      await landUntilDone(world, openWorldLake)
      expect(refused).toBeGreaterThan(3)
      await expectEachOnce(world, 20)
    })
  })
}

export async function sendTen(world: World, batch: number): Promise<void> {
  for (let i = batch * 10; i < batch * 10 + 10; i++)
    await world.send({
      event: { event_type: 'purchase_sword', type: `t${i}`, cost: i },
      id: `id-${i}`,
      at: i * 1_000_000,
    })
}

/** As a supervisor would: a lander that gives up is started again, until the log's end has landed. */
export async function landUntilDone(world: World, openWorldLake: () => World['lake']): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await world.land()
      return
    } catch (error) {
      if ((error as { kind?: string }).kind !== 'retry' || attempt > 20) throw error
      world.lake = openWorldLake()
    }
  }
}

export async function expectEachOnce(world: World, count: number): Promise<void> {
  const wanted = Array.from({ length: count }, (_, i) => `id-${i}`).sort()
  for (const table of ['events', 'purchases', 'sword_purchases']) {
    const column = table === 'events' ? 'event_id' : 'type'
    const rows = (await world.rows(table, column)).map((row) => String(row[column]).replace(/^t/, 'id-'))
    expect(rows.sort(), table).toEqual(wanted)
  }
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
