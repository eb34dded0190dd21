import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { testSeed } from '../support/seed.ts'
import { World } from './support.ts'

// A real kill -9 of a real process, at whatever step it is. (crash.test.ts names the steps one by one.)

const KILLS = 12
const script = new URL('./kill-lander.ts', import.meta.url).pathname

async function startLander(directory: string, settings: object = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, directory, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the lander ended with ${code}`))),
  ])
  return child
}

function randomNumbers(): () => number {
  const seed = testSeed(44)
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test(`killed ${KILLS} times while events come: each is in every table it matches exactly once`, async () => {
  const random = randomNumbers()
  const world = new World()
  await using _ = world
  await using log = await openEmbeddedLog({ directory: join(world.directory, 'log') })
  Object.assign(world, { log })
  let sent = 0
  let running = true
  const sender = (async () => {
    while (running) {
      const n = sent++
      await world.send(
        { event: { event_type: 'purchase_sword', type: `s${n}`, cost: n }, id: `s${n}` },
        { event: { event_type: 'join_guild', guild_name: `g${n}` }, id: `g${n}` },
        { event: { event_type: 'purchase_sword', type: `s${n}`, cost: n }, id: `s${n}` },
        { event: { event_type: 'join_guild' }, id: `bad${n}` },
      )
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  })()
  const batches = () => {
    const path = join(world.directory, 'lander', 'plan.json')
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { number: number }).number : 0
  }
  // Each hits another step. On a slow machine a lander may need longer to come so far.
  for (let kill = 0; kill < KILLS || batches() <= 2; kill++) {
    const child = await startLander(world.directory)
    const longer = 500 * Math.max(0, kill - KILLS)
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 1100 + longer))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  running = false
  await sender
  await world.land()
  const once_ = async (table: string, column: string) =>
    world.rows(table, `count(*)::INT AS n, count(DISTINCT ${column})::INT AS d`)
  expect(await once_('sword_purchases', 'type')).toEqual([{ n: sent, d: sent }])
  expect(await once_('purchases', 'type')).toEqual([{ n: sent, d: sent }])
  expect(await once_('guilds', 'guild_name')).toEqual([{ n: sent, d: sent }])
  expect(await once_('dead_letters', 'event_id')).toEqual([{ n: sent, d: sent }])
  expect(await once_('events', 'event_id')).toEqual([{ n: 2 * sent, d: 2 * sent }])
  const events = await world.lake.load('events')
  expect(events?.counters).toEqual({
    0: { records: 4 * sent, landed: 2 * sent, dead: sent, duplicate: sent },
  })
}, 600_000)

test(`killed ${KILLS / 2} times while ids go to disk: what is sent again, from any time, lands once`, async () => {
  const random = randomNumbers()
  const world = new World()
  await using _ = world
  await using log = await openEmbeddedLog({ directory: join(world.directory, 'log') })
  Object.assign(world, { log })
  // Room for so few ids that every few batches some are written out, and runs become one.
  const settings = { idsMemoryBytes: 4 * 16 * 100 }
  let sent = 0
  let records = 0
  const send = async () => {
    const again = Array.from({ length: 3 }, () => Math.floor(random() * (sent + 1)))
    const ids = [sent, ...again, sent]
    sent += 1
    records += ids.length
    await world.send(
      ...ids.map((n) => ({ event: { event_type: 'join_guild', guild_name: `g${n}` }, id: `g${n}` })),
    )
  }
  let running = true
  const sender = (async () => {
    // However slow the machine is: what is landed, and looked up again, stays small.
    while (running) {
      if (sent < 1500) await send()
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  })()
  for (let kill = 0; kill < KILLS / 2; kill++) {
    const child = await startLander(world.directory, settings)
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 1100))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  running = false
  await sender
  await world.land({ settings })
  // And once more each, of which none is new.
  for (let n = 0; n < sent; n += 500) {
    const ids = Array.from({ length: Math.min(500, sent - n) }, (_, i) => n + i)
    await world.send(
      ...ids.map((id) => ({ event: { event_type: 'join_guild', guild_name: `g${id}` }, id: `g${id}` })),
    )
  }
  expect(await world.land({ settings })).toMatchObject({ landed: 0, dead: 0, duplicate: sent })
  const guilds = await world.rows('guilds', 'count(*)::INT AS n, count(DISTINCT guild_name)::INT AS d')
  expect(guilds).toEqual([{ n: sent, d: sent }])
  const events = await world.lake.load('events')
  expect(events?.counters).toEqual({
    0: { records: records + sent, landed: sent, dead: 0, duplicate: records },
  })
}, 600_000)
