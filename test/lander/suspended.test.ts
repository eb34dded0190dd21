import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { readLedger } from '../../src/ledger/ledger.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { createRandom } from '../../src/simulate/random.ts'
import { testSeed } from '../support/seed.ts'
import { World } from './support.ts'

// A real lander that stands still (SIGSTOP), a second one on another machine, and the first wakes up.

const ROUNDS = 3
const script = new URL('./suspended-lander.ts', import.meta.url).pathname

interface Running {
  child: ChildProcess
  /** What it said when it ended. */
  said: () => string
}

/** `machine`: plan, lock and spool of its own; the tables are the same. */
async function start(directory: string, machine: string): Promise<Running> {
  mkdirSync(join(directory, machine), { recursive: true })
  const child = spawn(process.execPath, [script, directory, join(directory, machine)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Also one that stands still; one that has ended does not mind.
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`the lander ended with ${code}: ${errors}`)),
    ),
  ])
  return { child, said: () => errors }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20)
}

test(`stopped ${ROUNDS} times and woken behind another lander, each is fenced and nothing is doubled`, {
  timeout: 900_000,
}, async () => {
  const seed = testSeed(46)
  const random = createRandom(seed)
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
      await sleep(5)
    }
  })()
  const landed = async () => (await world.openLake().load('events'))?.position?.next[0] ?? 0
  let older = await start(world.directory, 'machine-0')
  for (let round = 1; round <= ROUNDS; round++) {
    const before = await landed()
    await until(async () => (await landed()) > before)
    await sleep(random.below(150))
    older.child.kill('SIGSTOP')
    const newer = await start(world.directory, `machine-${round}`)
    const ended = once(older.child, 'exit')
    const taken = await landed()
    await until(async () => (await landed()) > taken)
    older.child.kill('SIGCONT')
    const [code] = await ended
    expect(code, older.said()).toBe(1)
    expect(older.said()).toMatch(/lake\/fenced/)
    older = newer
  }
  older.child.kill('SIGKILL')
  await once(older.child, 'exit')
  running = false
  await sender
  await world.land()
  const counts = async (table: string, column: string) =>
    world.rows(table, `count(*)::INT AS n, count(DISTINCT ${column})::INT AS d`)
  expect(await counts('sword_purchases', 'type')).toEqual([{ n: sent, d: sent }])
  expect(await counts('guilds', 'guild_name')).toEqual([{ n: sent, d: sent }])
  expect(await counts('dead_letters', 'event_id')).toEqual([{ n: sent, d: sent }])
  expect(await counts('events', 'event_id')).toEqual([{ n: 2 * sent, d: 2 * sent }])
  const { closes, findings } = await readLedger({ log, lake: world.openLake() })
  expect(findings).toEqual([])
  expect(closes).toBe(true)
})
