import { globSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ownPlaces } from '../../src/pipeline/places.ts'
import { openDataLake } from '../../src/pipeline/readers.ts'
import { landfall } from '../cli/run-cli.ts'
import { type Running, startLandfall, temporaryFolder, until, wait } from '../support/landfall.ts'
import { testSeed } from '../support/seed.ts'

// The wall clock is set forwards and backwards under a running pipeline, and between the death of a process and its successor: as far as
// a day, which is less than the window of duplicates. Every answered event is in its tables once, also when it is sent again on the other
// side of a jump, and the ledger closes. libfaketime (Debian: faketime) sets the clock that our processes see; timers go on.

const LIBRARY = globSync([
  '/usr/lib*/*/faketime/libfaketimeMT.so.1',
  '/usr/lib*/faketime/libfaketimeMT.so.1',
])[0]
const CLIENTS = 4
/** Seconds off the true time, one after the other. */
const JUMPS = [3_600, -1_800, 86_400, 0, -86_400, 5, -5, 0]
const VICTIMS = ['door', 'lander', 'query', 'supervisor'] as const
/** libfaketime looks at its file once a second. */
const SEEN_MS = 1_200

test('a wall clock that jumps loses nothing and doubles nothing', { timeout: 240_000 }, async ({ skip }) => {
  if (LIBRARY === undefined) return skip('not installed: faketime (a Debian package)')
  const seed = testSeed(20261128)
  const folder = temporaryFolder()
  const file = join(folder, 'offset')
  const data = join(folder, 'data')
  const jump = async (seconds: number) => {
    writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`)
    await wait(SEEN_MS)
  }
  writeFileSync(file, '+0\n')
  const env = {
    LD_PRELOAD: LIBRARY,
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
  }
  const options = { data, env, args: ['--lander-batch-age', '400ms'] }
  let running: Running = await startLandfall('examples/game/pipeline.ts', options)
  const { http, sql } = running
  onTestFinished(async () => {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const answered: string[] = []
  let again = 0
  let sending = true
  const send = async (id: string) => {
    const event = { event_type: 'purchase_sword', event_id: id, type: id, cost: 6 }
    const body = JSON.stringify(event)
    const answer = await fetch(`${http}/v1/events`, { method: 'POST', body }).catch(() => undefined)
    return answer?.status === 200 && (await answer.text().catch(() => undefined)) !== undefined
  }
  const client = async (number: number) => {
    for (let i = 0; sending; i++) {
      const id = `${seed}-${number}-${i}`
      while (sending && !(await send(id))) await wait(20)
      if (!sending) return
      answered.push(id)
      // What was answered at another time of the clock, perhaps.
      const earlier = answered[(i * 7919) % answered.length]!
      if (await send(earlier)) again += 1
      await wait(5)
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number))
  /** Of the events after each kill: seconds that their time is ahead of the true one. */
  const ahead: number[] = []
  try {
    for (const [i, seconds] of JUMPS.entries()) {
      await jump(seconds)
      await wait(500)
      const victim = VICTIMS[i % VICTIMS.length]!
      const up = running.up()
      process.kill(victim === 'supervisor' ? up.supervisor : up.processes[victim], 'SIGKILL')
      // Some come back at the time that is to come, some at this one.
      if (i % 2 === 0 && i + 1 < JUMPS.length)
        writeFileSync(file, `${JUMPS[i + 1]!}\n`.replace(/^(\d)/, '+$1'))
      if (victim === 'supervisor') {
        const [door, query] = [new URL(http).host, new URL(sql).host]
        running = await startLandfall('examples/game/pipeline.ts', { ...options, http: door, sql: query })
      }
      const id = `${seed}-after-${i}`
      await until('the door to answer', () => send(id))
      answered.push(id)
      await until('SQL to have it', () =>
        running.query(`SELECT 1 FROM purchases WHERE type = '${id}'`).then(
          (rows) => rows.length === 1,
          () => false,
        ),
      )
      const [row] = await running.query(
        `SELECT to_unixtime(timestamp) AS at FROM purchases WHERE type = '${id}'`,
      )
      ahead.push(Math.round((row!['at'] as number) - Date.now() / 1000))
    }
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\nevents were ahead by ${ahead.join(', ')} s\n${running.output()}`,
      { cause: error },
    )
  } finally {
    sending = false
    await Promise.all(clients)
  }
  // Otherwise nothing of this was seen by anyone.
  expect(Math.max(...ahead)).toBeGreaterThan(86_000)
  expect(again).toBeGreaterThan(100)
  const rows = await running.query('SELECT type, count(*) AS n FROM purchases GROUP BY type')
  const times = new Map(rows.map(({ type, n }) => [type as string, n as number]))
  expect(answered.filter((id) => !times.has(id))).toEqual([])
  expect([...times].filter(([, n]) => n !== 1)).toEqual([])
  expect(await running.stop()).toBe(0)

  const ledger = await landfall(['ledger', '--data', data, '--json'], { env })
  expect(ledger.code, ledger.stdout + ledger.stderr).toBe(0)
  expect(JSON.parse(ledger.stdout)).toMatchObject({ closes: true })
  const verified = await landfall(['verify', '--data', data], { env })
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  // Readers in Java refuse a log of snapshots that goes back by more than a minute.
  const { metadata } = (await (await openDataLake(ownPlaces(data))).load('purchases'))!
  const commits = metadata['snapshot-log'].map((entry) => entry['timestamp-ms'])
  expect(commits.length).toBeGreaterThan(JUMPS.length)
  expect(commits).toEqual(commits.toSorted((a, b) => a - b))
})
