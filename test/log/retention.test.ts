import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import type { EventLog } from '../../src/log/log.ts'
import { failure, newRecord, readAll } from '../conformance/log-suite.ts'
import { openSmall, temporaryDirectories, withFaults } from './log-directory.ts'

const newDirectory = temporaryDirectories()
const DAY = 24 * 3600_000

class DayClock {
  day = 20_000
  readonly nowMicros = () => this.day * DAY * 1000
  readonly monotonicMs = () => this.day * DAY
}

/** Ten records a day, each day in its own segment. */
async function fill(log: EventLog, clock: DayClock, days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    clock.day += 1.1
    for (let i = 0; i < 10; i++) {
      await log.append([newRecord('x'.repeat(100), { receivedAt: clock.nowMicros() })])
    }
  }
}

const segments = async (directory: string) =>
  (await readdir(directory)).filter((name) => name.endsWith('.log')).map((name) => Number(name.slice(0, 20)))

test('lets go by age what has landed, never what has not, never the last segment', async () => {
  const directory = newDirectory()
  const clock = new DayClock()
  const log = await openSmall(directory, { clock, retention: { ageMs: 3 * DAY, bytes: 1e12 } })
  const at = (next: number) => ({ logId: log.id, next: { 0: next } })
  await fill(log, clock, 8)
  expect((await segments(directory)).sort((a, b) => a - b)).toEqual([0, 10, 20, 30, 40, 50, 60, 70])
  await log.trim(at(0))
  expect(await log.start()).toEqual(at(0))
  await log.trim(at(25))
  expect(await log.start()).toEqual(at(20))
  await log.trim(at(80))
  // Records 40 to 49 are 3.3 days old; all that is known of them is that they lie before their successors of 2.2 days ago.
  expect(await log.start()).toEqual(at(40))
  clock.day += 30
  await log.trim(at(80))
  expect(await log.start()).toEqual(at(70))
  const gone = await failure(() => readAll(log, { from: at(30) }))
  expect(gone).toMatchObject({ code: 'log/out-of-range', details: { from: 30, to: 70 } })
  expect(await readAll(log, { from: at(70) })).toHaveLength(10)
  await log[Symbol.asyncDispose]()
  await using again = await openSmall(directory, { clock })
  expect(await again.end()).toEqual(at(80))
  expect(await again.append([newRecord('next')])).toEqual({ partition: 0, baseOffset: 80 })
})

test('lets go by size, oldest first', async () => {
  const directory = newDirectory()
  const clock = new DayClock()
  await using log = await openSmall(directory, { clock, retention: { ageMs: 1000 * DAY, bytes: 0 } })
  await fill(log, clock, 3)
  await log.trim({ logId: log.id, next: { 0: 19 } })
  expect((await log.start()).next[0]).toBe(10)
  await log.trim({ logId: log.id, next: { 0: 30 } })
  expect((await log.start()).next[0]).toBe(20)
})

test('below the disk reserve everything that has landed may go, so that the disk recovers', async () => {
  const directory = newDirectory()
  const clock = new DayClock()
  let free = 100
  const files = withFaults(() => ({ space: async () => ({ total: 1000, free }) }))
  await using log = await openSmall(directory, { clock, files, diskReserve: 0.05 })
  await fill(log, clock, 3)
  await log.trim({ logId: log.id, next: { 0: 30 } })
  expect((await log.start()).next[0]).toBe(0)
  free = 40
  await log.trim({ logId: log.id, next: { 0: 15 } })
  expect((await log.start()).next[0]).toBe(10)
})

test('a reader in the middle of a segment that goes reads it to its end and goes on', async () => {
  const directory = newDirectory()
  const clock = new DayClock()
  await using log = await openSmall(directory, { clock, retention: { ageMs: 0, bytes: 0 } })
  await fill(log, clock, 4)
  await using reader = await openEmbeddedReader({ directory })
  const reading = reader.read({ follow: false, batchBytesMax: 150 })[Symbol.asyncIterator]()
  const seen = [(await reading.next()).value!.records[0]!.offset]
  await log.trim({ logId: log.id, next: { 0: 10 } })
  for (let step = await reading.next(); !step.done; step = await reading.next()) {
    seen.push(...step.value.records.map((record) => record.offset))
  }
  expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i))
  expect((await reader.start()).next[0]).toBe(10)
})
