/** Several processes on one table, and processes that die. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestLake, purchases, query, type TestLake, tableFiles } from './support.ts'

const MINUTE = 60_000
const PROGRAM = join(import.meta.dirname, 'writer-process.ts')
let lake: TestLake
beforeEach(async () => {
  lake = await openTestLake({ snapshotsMax: 20 })
  await lake.lake.ensure(purchases)
})
afterEach(() => lake[Symbol.asyncDispose]())

function start(...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, ended, output: () => out, errors: () => err }
}

test('three writers and a maintainer at once: nothing lost, nothing twice', async () => {
  const writers = [1, 2, 3].map((writer) => start('append', lake.root, String(writer), '15'))
  const maintainer = start('maintain', lake.root, '5')
  for (const process of [...writers, maintainer]) expect(await process.ended, process.errors()).toBe(0)
  const state = (await lake.lake.load('purchases'))!
  expect(state).toMatchObject({ position: { next: { 0: 135 } }, batch: 45 })
  const expected = [1, 2, 3].flatMap((writer) => Array.from({ length: 45 }, (_, i) => writer * 1000 + i))
  const ids = (await query(lake, state, 'id')).map(([id]) => Number(id))
  expect(ids.sort((a, b) => a - b)).toEqual(expected)
})

test('a writer killed again and again: the table is whole, what was reported is there, the rest is cleaned up', async () => {
  let reported = 0
  for (let kill = 0; kill < 8; kill++) {
    const writer = start('land', lake.root)
    const before = reported
    for (let waited = 0; waited < 30_000 && writer.output() === ''; waited += 10) await sleep(10)
    await sleep(5 + ((kill * 37) % 90))
    writer.child.kill('SIGKILL')
    await writer.ended
    reported = Number(writer.output().trim().split('\n').at(-1))
    expect(reported, writer.errors()).toBeGreaterThan(before)

    const state = (await lake.openAnother().load('purchases'))!
    const position = state.position!.next[0]!
    // The last commit may have happened without its line being read.
    expect(position === reported || position === reported + 10, `${position} after ${reported}`).toBe(true)
    reported = position
    expect(await query(lake, state, 'count(*), count(DISTINCT id), min(id), max(id)')).toEqual([
      [String(position), String(position), '0', String(position - 1)],
    ])
  }
  for (const minutes of [61, 80, 100]) {
    lake.aheadMs = minutes * MINUTE
    await lake.lake.maintain(lake.connection, 'purchases')
  }
  const files = await lake.lake.files((await lake.lake.load('purchases'))!)
  expect(await tableFiles(lake, 'purchases', 'data')).toEqual(
    files.map((file) => file.path.split('/').at(-1)).sort(),
  )
  const metadata = await tableFiles(lake, 'purchases', 'metadata')
  expect(metadata.filter((name) => name.endsWith('.tmp'))).toEqual([])
  expect(metadata.filter((name) => name.startsWith('snap-')).length).toBeLessThanOrEqual(2)
})
