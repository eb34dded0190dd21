import { expect, test, vi } from 'vitest'
import type { Commit, Lake } from '../../src/lake/lake.ts'
import { healedEventId } from '../../src/model/healed.ts'
import { type Sent, World } from '../lander/support.ts'

// What the lander makes of healed events when it is killed between two commits, or works in small pieces. What every lander
// makes of them is in test/conformance/lander-suite.ts.

vi.setConfig({ testTimeout: 300_000 })

class Killed extends Error {}

const DAY = 24 * 3_600_000_000

/** The lake, whose commit to `victim` never happens. */
function dyingLake(lake: Lake, victim: string): Lake {
  return new Proxy(lake, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      if (name !== 'commit') return value.bind(target)
      return async (table: string, commit: Commit) => {
        if (table === victim) throw new Killed()
        return target.commit(table, commit)
      }
    },
  })
}

const broken = (n: number): Sent => ({ event: { event_type: 'purchase_sword', type: `s${n}`, cost: `${n}` } })

function healed(world: World, offset: number, cost: number, at: number): Sent {
  const id = healedEventId({ logId: world.log.id, partition: 0, offset })
  return { event: { event_type: 'purchase_sword', type: `s${offset}`, cost }, id, at, happened: offset }
}

for (const victim of ['purchases', 'dead_letters', 'events']) {
  test(`killed before the commit of ${victim}: judged again, each healed event lands once`, async () => {
    await using world = new World()
    await world.send(broken(0), broken(1), broken(2))
    await world.land()
    await world.send(healed(world, 0, 0, DAY))
    await world.land()
    // In one batch: repeats of one that has landed, of one in the batch itself, one that is dead, and its repeat.
    const dead = { ...healed(world, 2, 2, 9 * DAY), event: { event_type: 'purchase_sword', type: 's2' } }
    await world.send(
      broken(3),
      healed(world, 0, 99, 9 * DAY),
      healed(world, 1, 1, 9 * DAY),
      healed(world, 1, 99, 9 * DAY),
      dead,
      healed(world, 2, 2, 9 * DAY),
    )
    await expect(world.land({ lake: dyingLake(world.lake, victim) })).rejects.toThrow(Killed)
    await world.land()
    expect(await world.rows('purchases', 'type, cost', 'ORDER BY type')).toEqual([
      { type: 's0', cost: '0' },
      { type: 's1', cost: '1' },
    ])
    expect((await world.lake.load('events'))?.counters).toEqual({
      0: { records: 10, landed: 2, dead: 5, duplicate: 3 },
    })
  })
}

test('a repeat in another chunk of a batch that is not committed yet is seen', async () => {
  await using world = new World()
  await world.send(...Array.from({ length: 40 }, (_, n) => broken(n)))
  for (let round = 0; round < 3; round++)
    await world.send(...Array.from({ length: 40 }, (_, n) => healed(world, n, round, (round + 1) * DAY)))
  await world.land({ settings: { chunkBytes: 500, batchRows: 30 } })
  expect(await world.rows('purchases', 'count(*)::INT AS n, max(cost)::INT AS most')).toEqual([
    { n: 40, most: 0 },
  ])
  expect((await world.lake.load('events'))?.counters).toEqual({
    0: { records: 160, landed: 40, dead: 40, duplicate: 80 },
  })
})
