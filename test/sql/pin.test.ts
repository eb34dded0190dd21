import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Lake } from '../../src/lake/lake.ts'
import { readParquet } from '../../src/lake/parquet.ts'
import { Pinner } from '../../src/sql/drivers/duckdb/pin.ts'
import { SpoolReader } from '../../src/sql/drivers/duckdb/spool-reader.ts'
import { World } from '../lander/support.ts'

/** The lake, with something that happens after the `n`-th table is loaded. */
function withBreak(lake: Lake, n: number, between: () => Promise<void>): Lake {
  let loads = 0
  return new Proxy(lake, {
    get(target, name) {
      if (name !== 'load') {
        const value = Reflect.get(target, name) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      }
      return async (table: string) => {
        const state = await target.load(table)
        loads += 1
        if (loads === n) await between()
        return state
      }
    },
  })
}

const TABLES = ['sword_purchases', 'purchases', 'guilds', 'events']

async function countsOf(world: World, pinner: Pinner): Promise<Record<string, number>> {
  const pinned = await pinner.pin(
    TABLES.map((table) => ({ id: table, table })),
    new AbortController().signal,
  )
  try {
    const connection = await world.connection()
    const counts: Record<string, number> = {}
    for (const [name, { state, locations }] of pinned.tables) {
      const from = readParquet(state.schema, locations)
      const found = await connection.runAndReadAll(`SELECT count(*)::INT FROM ${from}`)
      counts[name] = Number(found.getRows()[0]![0])
    }
    return counts
  } finally {
    pinned.release()
  }
}

// Whatever is pinned first: a batch that is committed meanwhile is in the answer of every table.
for (const loads of [1, 2, 3, 4]) {
  test(`a batch that is committed after ${loads} of the loads of a query is wholly in its answer`, async () => {
    await using world = new World()
    const send = () =>
      world.send(
        { event: { event_type: 'purchase_sword', type: 'sabre', cost: 6 } },
        { event: { event_type: 'join_guild', guild_name: 'g' } },
      )
    await using lander = await world.open()
    await send()
    await lander.landToEnd()
    await send()
    const lake = withBreak(world.openLake(), loads, async () => {
      await lander.landToEnd()
    })
    const spool = new SpoolReader(join(world.directory, 'spool'))
    const pinner = new Pinner({ lake, log: world.log, spool, spoolWaitMs: 1_000 })
    expect(await countsOf(world, pinner)).toEqual({ sword_purchases: 2, purchases: 2, guilds: 2, events: 4 })
    spool.close()
  })
}
