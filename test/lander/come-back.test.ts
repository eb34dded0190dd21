import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import type { Commit, Lake, TableState } from '../../src/lake/lake.ts'
import type { LanderOptions } from '../../src/lander/lander.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { World } from './support.ts'

// A lander makes a plan and nothing of it lands; another one, elsewhere, is in charge for a while and knows nothing of the plan; the first comes
// back. What the other has left in the tables counts, the plan is history.

const events = {
  purchase_sword: Type.Object({ cost: Type.Integer() }),
  join_guild: Type.Object({ guild_name: Type.String() }),
}
const tables = { purchases: { events: '*sword*' }, guilds: { events: '*guild*' } } as const
const game = definePipeline({ name: 'game', events, tables }).compiled
/** With a column more. */
const newer = definePipeline({
  name: 'game',
  events: {
    ...events,
    purchase_sword: Type.Object({ cost: Type.Integer(), note: Type.Optional(Type.String()) }),
  },
  tables,
}).compiled

class Killed extends Error {}

/** A lake whose commits to this table, or to every one, kill. */
function killing(lake: Lake, victim?: string): Lake {
  return new Proxy(lake, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (name === 'commit')
        return async (table: string, commit: Commit): Promise<TableState> => {
          if (victim === undefined || table === victim) throw new Killed()
          return target.commit(table, commit)
        }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const elsewhere = (world: World): Partial<LanderOptions> => ({
  directory: join(world.directory, 'elsewhere'),
  spoolDirectory: join(world.directory, 'spool-elsewhere'),
})

/** Twelve events in the log, and a plan of all of them. */
async function withPlan(): Promise<World> {
  const world = new World(game)
  for (let i = 0; i < 6; i++) {
    await world.send(
      { event: { event_type: 'purchase_sword', cost: i }, id: `s${i}` },
      { event: { event_type: 'join_guild', guild_name: `g${i}` }, id: `g${i}` },
    )
  }
  await expect(world.land({ lake: killing(world.lake) })).rejects.toThrow(Killed)
  return world
}

async function expectAllOnce(world: World): Promise<void> {
  const count = async (table: string) =>
    (await world.rows(table, 'count(*)::INT AS n, count(DISTINCT "offset")::INT AS d'))[0]
  expect(await world.rows('purchases', 'cost::INT AS cost', 'ORDER BY ALL')).toEqual(
    [0, 1, 2, 3, 4, 5].map((cost) => ({ cost })),
  )
  expect(await world.rows('guilds', 'count(DISTINCT guild_name)::INT AS d, count(*)::INT AS n')).toEqual([
    { d: 6, n: 6 },
  ])
  expect(await count('events')).toEqual({ n: 12, d: 12 })
  const state = await world.lake.load('events')
  expect(state?.counters).toEqual({ 0: { records: 12, landed: 12, dead: 0, duplicate: 0 } })
}

test('the other one gave the tables a column and landed nothing', async () => {
  await using world = await withPlan()
  await (await world.open({ ...elsewhere(world), pipeline: newer }))[Symbol.asyncDispose]()
  await world.land({ pipeline: newer })
  await expectAllOnce(world)
})

for (const victim of ['purchases', 'guilds', 'events']) {
  test(`the other one landed part of a smaller batch and was killed before the commit of ${victim}`, async () => {
    await using world = await withPlan()
    const other = world.land({
      ...elsewhere(world),
      lake: killing(world.lake, victim),
      settings: { batchRows: 5, chunkBytes: 1 },
    })
    await expect(other).rejects.toThrow(Killed)
    await world.land()
    await expectAllOnce(world)
  })
}

test('nobody was in charge since: the plan is executed, also when that is killed and done again', async () => {
  await using world = await withPlan()
  await expect(world.land({ lake: killing(world.lake, 'events') })).rejects.toThrow(Killed)
  await world.send({ event: { event_type: 'join_guild', guild_name: 'g0' }, id: 'later' })
  await world.land({ settings: { maintain: false } })
  const guilds = await world.lake.load('guilds')
  expect(guilds?.metadata.snapshots.map(({ summary }) => summary['added-records'])).toEqual(['6', '1'])
})
