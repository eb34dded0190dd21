import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { isLandfallError, LandfallError } from '../../src/base/errors.ts'
import { openSealed, sealJson } from '../../src/base/sealed-json.ts'
import type { Commit, Lake, TableState } from '../../src/lake/lake.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import { game, World } from './support.ts'

const sword = (type = 'sabre') => ({ event_type: 'purchase_sword', type, cost: 6 })

/** The lake, but `commit` is in the hands of a test. */
function withCommit(
  lake: Lake,
  commit: (table: string, commit: Commit, real: () => Promise<TableState>) => Promise<TableState>,
): Lake {
  return new Proxy(lake, {
    get(target, name) {
      if (name === 'commit') {
        return (table: string, asked: Commit) => commit(table, asked, () => target.commit(table, asked))
      }
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

class Killed extends Error {}

async function sendMixed(world: World, from: number): Promise<void> {
  await world.send(
    { event: sword(`s${from}`), id: `s${from}` },
    { event: { event_type: 'purchase_shield', type: 'b', cost: null }, id: `p${from}` },
    { event: { event_type: 'join_guild', guild_name: 'g' }, id: `g${from}` },
    { event: sword(), id: `bad${from}`, value: Buffer.from('nonsense') },
    { event: sword(`s${from}`), id: `s${from}` },
    { event: { event_type: 'default' }, id: `d${from}` },
  )
}

async function expectOnce(world: World, rounds: number): Promise<void> {
  const counts = async (table: string) =>
    world.rows(table, 'count(*)::INT AS n, count(DISTINCT raw_event)::INT AS d')
  const n = rounds
  expect(await counts('sword_purchases')).toEqual([{ n, d: n }])
  expect(await counts('purchases')).toEqual([{ n: 2 * n, d: n + 1 }])
  expect(await world.rows('guilds', 'count(*)::INT AS n')).toEqual([{ n }])
  expect(await world.rows('dead_letters', 'count(*)::INT AS n, count(DISTINCT "offset")::INT AS d')).toEqual([
    { n, d: n },
  ])
  expect(await world.rows('events', 'count(*)::INT AS n, count(DISTINCT "offset")::INT AS d')).toEqual([
    { n: 4 * n, d: 4 * n },
  ])
  const events = await world.lake.load('events')
  expect(events?.counters).toEqual({ 0: { records: 6 * n, landed: 4 * n, dead: n, duplicate: n } })
}

const TABLES = ['sword_purchases', 'purchases', 'guilds', 'dead_letters', 'events']

/** A lander that finds the tables and what all landers share, and not the directory of the one before. */
const elsewhere = (world: World) => ({
  directory: join(world.directory, 'elsewhere'),
  spoolDirectory: join(world.directory, 'spool-elsewhere'),
})

for (const victim of TABLES) {
  for (const moment of ['before', 'after'] as const) {
    test(`killed ${moment} the commit of ${victim}, the next lander finishes the same batch`, () =>
      killAndFinish(victim, moment))
  }
  test(`killed before the commit of ${victim}, a lander on another machine finishes its range`, () =>
    killAndFinish(victim, 'before', true))
}

async function killAndFinish(victim: string, moment: 'before' | 'after', isElsewhere = false) {
  await using world = new World()
  await sendMixed(world, 0)
  await world.land()
  await sendMixed(world, 1)
  const lake = withCommit(world.lake, async (table, _commit, real) => {
    if (table === victim && moment === 'before') throw new Killed()
    const state = await real()
    if (table === victim) throw new Killed()
    return state
  })
  if (moment === 'before') await expect(world.land({ lake })).rejects.toThrow(Killed)
  else {
    // The commit happened, so looking at the table finds it, and landing goes on.
    await world.land({ lake })
  }
  const plan = JSON.parse(readFileSync(join(world.directory, 'lander', 'plan.json'), 'utf8')) as {
    number: number
  }
  expect(plan.number).toBe(2)
  const standing = await Promise.all(TABLES.map(async (name) => (await world.lake.load(name))?.batch))
  // The tables are committed side by side, and `events` after all of them.
  const left = moment === 'before' ? [victim, 'events'] : []
  expect(standing).toEqual(TABLES.map((name) => (left.includes(name) ? 1 : 2)))
  // What came later is not part of the batch that is done again.
  await sendMixed(world, 2)
  expect(await world.land(isElsewhere ? elsewhere(world) : {})).toMatchObject({ records: 6 })
  await expectOnce(world, 3)
  expect((await world.lake.load('events'))?.batch).toBe(3)
}

test('killed right after the plan: the redo lands the planned range as one batch', async () => {
  await using world = new World()
  for (let round = 0; round < 3; round++) await sendMixed(world, round)
  const lake = withCommit(world.lake, async () => {
    throw new Killed()
  })
  await expect(world.land({ lake, settings: { batchRows: 10, chunkBytes: 200 } })).rejects.toThrow(Killed)
  await world.land({ settings: { maintain: false } })
  await expectOnce(world, 3)
  const purchases = await world.lake.load('purchases')
  expect(purchases?.metadata.snapshots.map((snapshot) => snapshot.summary['landfall.batch'])).toEqual([
    '1',
    '2',
  ])
})

for (const machine of ['the same machine', 'another machine']) {
  test(`on ${machine}, what was begun is judged by the definition that began it, the next batch by the new one`, () =>
    finishUnderAnother(machine === 'another machine'))
}

async function finishUnderAnother(isElsewhere: boolean) {
  await using world = new World()
  await sendMixed(world, 0)
  await world.land()
  await world.send({
    event: { event_type: 'join_guild', guild_name: 'old', members: 1 },
    id: 'x',
    plan: null,
  })
  const lake = withCommit(world.lake, async (table, _commit, real) => {
    if (table === 'events') throw new Killed()
    return real()
  })
  await expect(world.land({ lake })).rejects.toThrow(Killed)
  const newer = definePipeline({
    name: 'game',
    events: {
      purchase_sword: Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) }),
      purchase_shield: Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) }),
      // Under this plan the record that is in the open batch would be dead.
      join_guild: Type.Object({
        guild_name: Type.String({ minLength: 10 }),
        members: Type.Optional(Type.Integer({ minimum: 0 })),
      }),
      default: Type.Object({}),
    },
    tables: {
      guilds: { events: ['join_guild'], headers: ['Host'] },
      everything: { events: '*', columns: ['event_type'] },
    },
  }).compiled
  await world.send({ event: { event_type: 'join_guild', guild_name: 'short' }, id: 'y', plan: null })
  await world.send({ event: { event_type: 'default' }, id: 'z' })
  await world.land({ pipeline: newer, ...(isElsewhere ? elsewhere(world) : {}) })
  expect(await world.rows('guilds', 'guild_name', 'ORDER BY ALL')).toEqual([
    { guild_name: 'g' },
    { guild_name: 'old' },
  ])
  expect(await world.rows('dead_letters', 'event_id', `WHERE reason = 'range'`)).toEqual([{ event_id: 'y' }])
  expect(await world.rows('everything', 'event_type')).toEqual([{ event_type: 'default' }])
}

test('what was begun under a definition that is nowhere to be found stops the lander, until it is there again', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  const lake = withCommit(world.lake, async (table, _commit, real) => {
    if (table === 'events') throw new Killed()
    return real()
  })
  await expect(world.land({ lake })).rejects.toThrow(Killed)
  const newer = { ...game, hash: '0123456789abcdef' }
  const nowhere = {
    pipeline: newer,
    ...elsewhere(world),
    plans: planDirectory(join(world.directory, 'none')),
  }
  await expect(world.land(nowhere)).rejects.toMatchObject({ code: 'lander/no-definition', kind: 'bad-data' })
  // The pipeline as it was needs no file: it lands, and the next one may be another.
  expect(await world.land({ ...nowhere, pipeline: game })).toMatchObject({ records: 0 })
  expect(await world.land(nowhere)).toMatchObject({ records: 0 })
  await expectOnce(world, 1)
})

test('a lost answer to a commit is looked up, not repeated', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  let lost = 0
  const lake = withCommit(world.lake, async (table, _commit, real) => {
    const state = await real()
    if (table !== 'purchases') return state
    lost += 1
    throw new LandfallError('retry', 'catalog/unknown-outcome', 'no answer')
  })
  await world.land({ lake })
  expect(lost).toBe(1)
  await expectOnce(world, 1)
})

test('an unknown outcome that did not happen is tried again', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  let failures = 2
  const lake = withCommit(world.lake, async (_table, _commit, real) => {
    if (failures-- > 0) throw new LandfallError('retry', 'catalog/unknown-outcome', 'no answer')
    return real()
  })
  await world.land({ lake })
  await expectOnce(world, 1)
})

test('a file that vanished before its commit is written anew', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  let removed = false
  const lake = withCommit(world.lake, async (table, commit, real) => {
    if (table === 'purchases' && !removed) {
      removed = true
      for (const file of commit.add) await world.lake.storage.delete(file.path)
    }
    return real()
  })
  await world.land({ lake })
  expect(removed).toBe(true)
  await expectOnce(world, 1)
})

test('a redo that would land other rows than planned stops', async () => {
  const world = new World()
  await using _ = world
  await sendMixed(world, 0)
  const lake = withCommit(world.lake, async () => {
    throw new Killed()
  })
  await expect(world.land({ lake })).rejects.toThrow(Killed)
  const file = join(world.directory, 'lander', 'plan.json')
  const plan = openSealed(readFileSync(file)) as { tables: { rows: number }[] }
  plan.tables[0]!.rows += 1
  writeFileSync(file, sealJson(JSON.stringify(plan)))
  await expect(world.land()).rejects.toMatchObject({ code: 'lander/redo-differs' })
  expect(await world.rows('sword_purchases')).toEqual([])
})

test('a second lander waits for the lock, and says who holds it', async () => {
  await using world = new World()
  await using _first = await world.open()
  await expect(world.open({ lockWaitMs: 0 })).rejects.toMatchObject({ code: 'base/locked' })
})

test('taking over fences the predecessor before anything lands', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  const first = await world.open()
  // Another machine: the lock is not shared, the tables are.
  const second = await world.open({
    directory: join(world.directory, 'other'),
    lake: world.openLake(),
    spoolDirectory: join(world.directory, 'spool2'),
  })
  await expect(first.landToEnd()).rejects.toMatchObject({ code: 'lake/fenced' })
  expect(first.status().error).toMatch(/fenced/)
  expect(await world.rows('events')).toEqual([])
  await second.landToEnd()
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  await expectOnce(world, 1)
})

test('another log, and a log with a gap, stop the lander with the exact offsets', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  await world.land()
  const other = createMemoryLog()
  await expect(world.land({ log: other })).rejects.toMatchObject({ code: 'lander/wrong-log' })
  const shorter = createMemoryLog({ id: world.log.id })
  await expect(world.land({ log: shorter })).rejects.toMatchObject({
    code: 'lander/gap',
    details: { partition: 0, from: 0, to: 6 },
  })
  await sendMixed(world, 1)
  await sendMixed(world, 2)
  await world.log.trim({ logId: world.log.id, next: { 0: 12 } })
  await expect(world.land()).rejects.toMatchObject({ code: 'lander/gap', details: { from: 6, to: 12 } })
})

test('a table that a stream has brought beyond events gets only what comes after', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  await world.land()
  const rowsOf = async (table: string) => (await world.rows(table)).length
  const [guilds, swords] = [await rowsOf('guilds'), await rowsOf('sword_purchases')]
  // One at the end of what is finished then, one in its middle.
  for (const [table, next] of [
    ['sword_purchases', 18],
    ['guilds', 12],
  ] as const) {
    const { position, epoch } = (await world.lake.load(table))!
    const ahead = { logId: world.log.id, next: { 0: next } }
    await world.lake.commit(table, { add: [], expect: { position, epoch }, position: ahead, batch: 2 })
  }
  for (let round = 1; round <= 3; round++) await sendMixed(world, round)
  await world.land()
  expect(await rowsOf('guilds')).toBe(guilds + 2)
  expect(await rowsOf('sword_purchases')).toBe(swords + 1)
  expect(await world.rows('events', 'event_id', `WHERE event_type = 'join_guild'`)).toHaveLength(4)
})

test('a table of another log stops the lander', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  await world.land()
  const state = await world.lake.load('guilds')
  const expected = { position: state!.position, epoch: state!.epoch }
  const elsewhere = { logId: 'another', next: { 0: 3 } }
  await world.lake.commit('guilds', { add: [], expect: expected, position: elsewhere, batch: 2 })
  await sendMixed(world, 1)
  await expect(world.land()).rejects.toMatchObject({ code: 'lander/table-elsewhere' })
})

test('what a killed lander left in the spool is gone with the next one', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  const lake = withCommit(world.lake, async () => {
    throw new Killed()
  })
  await expect(world.land({ lake })).rejects.toThrow(Killed)
  const chunks = join(world.directory, 'spool', 'chunks')
  expect(readdirSync(chunks).length).toBeGreaterThan(0)
  await using lander = await world.open()
  expect(readdirSync(chunks)).toEqual([])
  expect(lander.status()).toMatchObject({ batch: 1, pending: 0 })
  expect(existsSync(join(world.directory, 'spool', 'manifest.json'))).toBe(true)
  await expectOnce(world, 1)
})

test('errors that are not the lander’s business end it as they are', async () => {
  await using world = new World()
  await sendMixed(world, 0)
  const lake = withCommit(world.lake, async () => {
    throw new LandfallError('fix-config', 'lake/no-table', 'gone')
  })
  const error = await world.land({ lake }).catch((error: unknown) => error)
  expect(isLandfallError(error, 'lake/no-table')).toBe(true)
})
