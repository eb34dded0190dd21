import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Lander } from '../../src/lander/lander.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { Value } from '../../src/sql/sql.ts'
import { World } from '../lander/support.ts'

/** Every event lands in `events` and in one of two tables; `cost` and `members` number the events, so a row missing or twice shows. */
const ASK = `SELECT (SELECT count(*) FROM events), (SELECT count(DISTINCT "offset") FROM events),
  (SELECT count(*) FROM purchases), (SELECT count(DISTINCT cost) FROM purchases), (SELECT count(*) FROM sword_purchases),
  (SELECT count(*) FROM guilds), (SELECT count(DISTINCT members) FROM guilds), (SELECT count(*) FROM dead_letters)`

function expected(n: number): number[] {
  const [even, odd] = [Math.ceil(n / 2), Math.floor(n / 2)]
  return [n, n, even, even, even, odd, odd, 0]
}

test('while the lander lands and is restarted, each answer holds all acknowledged events once, and never fewer', {
  timeout: 120_000,
}, async () => {
  await using world = new World()
  const spoolDirectory = join(world.directory, 'spool')
  const settings = { batchAgeMs: 150, idleMs: 60, askPollMs: 50 }
  let lander: Lander = await world.open({ settings })
  let stop = new AbortController()
  let running = lander.run(stop.signal)
  await using engine = await openDuckdbEngine({
    lake: world.openLake(),
    log: world.log,
    spoolDirectory,
    settings: { spoolWaitMs: 10_000 },
  })

  let sent = 0
  let acknowledged = 0
  const endAt = performance.now() + 12_000
  const going = () => performance.now() < endAt

  async function produce(): Promise<void> {
    while (going()) {
      const events = Array.from({ length: 1 + (sent % 5) }, () => {
        const i = sent++
        return i % 2 === 0
          ? { event: { event_type: 'purchase_sword', type: 'sabre', cost: i } }
          : { event: { event_type: 'join_guild', guild_name: 'grubs', members: i } }
      })
      await world.send(...events)
      acknowledged += events.length
      await sleep(3)
    }
  }

  async function restart(): Promise<void> {
    while (going()) {
      await sleep(2500)
      stop.abort()
      await running
      await lander[Symbol.asyncDispose]()
      lander = await world.open({ settings })
      stop = new AbortController()
      running = lander.run(stop.signal)
    }
  }

  let answers = 0
  async function ask(): Promise<void> {
    let before = 0
    while (going()) {
      const atLeast = acknowledged
      const result = await engine.query(ASK)
      const rows: Value[][] = []
      for await (const page of result.pages) rows.push(...page)
      const n = Number(rows[0]![0])
      expect(rows[0]).toEqual(expected(n))
      expect(result.freshness).toMatchObject({ behind: false, position: { next: { 0: n } } })
      expect(n).toBeGreaterThanOrEqual(Math.max(atLeast, before))
      before = n
      answers++
    }
  }

  await Promise.all([produce(), restart(), ask(), ask(), ask()])
  const last = await engine.query(ASK)
  for await (const page of last.pages) expect(page).toEqual([expected(acknowledged)])
  stop.abort()
  await running
  await lander[Symbol.asyncDispose]()
  expect(last.freshness.batch).toBeGreaterThan(3)
  expect(answers).toBeGreaterThan(0)
  expect(readdirSync(join(spoolDirectory, 'pins'))).toEqual([])
})
