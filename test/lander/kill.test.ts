import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { World } from './support.ts'

// A real kill -9 of a real process, at whatever step it is. (crash.test.ts names the steps one by one.)

const KILLS = 12
const script = new URL('./kill-lander.ts', import.meta.url).pathname

async function startLander(directory: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the lander ended with ${code}`))),
  ])
  return child
}

test(`killed ${KILLS} times while events come: each is in every table it matches exactly once`, async () => {
  const seed = Number(process.env.LANDFALL_SEED ?? Date.now() % 1_000_000)
  console.log(`LANDFALL_SEED=${seed}`)
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
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
  for (let kill = 0; kill < KILLS; kill++) {
    const child = await startLander(world.directory)
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 1100))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  running = false
  await sender
  const plan = JSON.parse(readFileSync(join(world.directory, 'lander', 'plan.json'), 'utf8')) as {
    number: number
  }
  expect(plan.number).toBeGreaterThan(2)
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
