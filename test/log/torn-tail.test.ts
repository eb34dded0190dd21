/** Cuts, zeros and flips at every byte of the last frames: what was answered is there or missed aloud, never quietly gone. */
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { isLandfallError } from '../../src/base/errors.ts'
import { loadIdentity } from '../../src/log/drivers/embedded/identity.ts'
import { recoverLog } from '../../src/log/drivers/embedded/recovery.ts'
import { readHeader } from '../../src/log/record-batch.ts'
import { failure, newRecord, readAll } from '../conformance/log-suite.ts'
import { openSmall, temporaryDirectories, withFaults } from './log-directory.ts'

const newDirectory = temporaryDirectories()
const FIRST = '00000000000000000000.log'

/** A log of five frames with records 0–1, 2, 3–5, 6, 7, as a power cut leaves it: no marker, no side file, zeros behind. */
async function unsealedLog(): Promise<{
  directory: string
  bytes: Buffer
  frames: { at: number; end: number; next: number }[]
}> {
  const directory = newDirectory()
  const log = await openSmall(directory, { idleMarkerMs: 60_000 })
  let next = 0
  for (const count of [2, 1, 3, 1, 1]) {
    await log.append(Array.from({ length: count }, () => newRecord(`{"n":${next++}}`)))
  }
  await log[Symbol.asyncDispose]()
  const sealed = await readFile(`${directory}/${FIRST}`)
  const frames: { at: number; end: number; next: number }[] = []
  for (let at = 0; at < sealed.length; ) {
    const header = readHeader(sealed, at)!
    frames.push({ at, end: at + header.length, next: header.nextOffset })
    at += header.length
  }
  expect(frames.map((frame) => frame.next)).toEqual([2, 3, 6, 7, 8])
  return { directory, bytes: Buffer.concat([sealed, Buffer.alloc(300)]), frames }
}

/** The real files without waiting for the disk: thousands of recoveries. */
const UNSYNCED = withFaults(() => ({ datasync: (_fd, done) => done(null), sync: async () => {} }))

interface Outcome {
  next?: number
  damage?: { from: number; to: number }
}

async function recover(directory: string): Promise<Outcome> {
  const { id } = (await loadIdentity(directory))!
  try {
    return { next: (await recoverLog(UNSYNCED, directory, id, undefined)).next }
  } catch (error) {
    if (!isLandfallError(error, 'log/damaged')) throw error
    return { damage: { from: error.details['from'] as number, to: error.details['to'] as number } }
  }
}

test('at every byte of the last three frames', async () => {
  const { directory, bytes, frames } = await unsealedLog()
  const used = frames.at(-1)!.end
  const path = `${directory}/${FIRST}`
  await rm(`${directory}/durable`)
  const wrong: unknown[] = []
  let cases = 0
  const check = async (kind: string, at: number, damagedBytes: Buffer, expected: Outcome) => {
    await writeFile(path, damagedBytes)
    const found = await recover(directory)
    cases += 1
    if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ kind, at, found, expected })
    // A refused file is left as it was; an accepted one ends exactly behind its last whole frame.
    const now = await readFile(path)
    const length =
      expected.next === undefined
        ? damagedBytes.length
        : (frames.findLast((f) => f.next <= expected.next!)?.end ?? 0)
    if (now.length !== length || now.compare(damagedBytes, 0, length) !== 0)
      wrong.push({ kind, at, length: now.length })
  }
  for (let at = frames.at(-3)!.at; at < used; at++) {
    const index = frames.findIndex((frame) => at < frame.end)
    const before = index === 0 ? 0 : frames[index - 1]!.next
    // Cut there, and cut there with the zeros of a laid out file behind.
    await check('cut', at, bytes.subarray(0, at), { next: before })
    const zeroed = Buffer.from(bytes)
    zeroed.fill(0, at)
    const same = zeroed.compare(bytes, 0, used, 0, used) === 0
    await check('zero', at, zeroed, { next: same ? 8 : before })
    // Flip one byte: only in the last frame it may be a torn commit; before it, an answered record is damaged.
    for (const mask of [0x01, 0xff]) {
      const flipped = Buffer.from(bytes)
      flipped[at]! ^= mask
      const last = index === frames.length - 1
      await check(
        `flip ${mask}`,
        at,
        flipped,
        last ? { next: before } : { damage: { from: before, to: frames[index]!.next } },
      )
    }
  }
  expect(wrong).toEqual([])
  expect(cases).toBeGreaterThan(1200)
}, 120_000)

test('with the recorded position at hand, a damaged last frame is told from a torn one', async () => {
  const { directory, bytes, frames } = await unsealedLog()
  const last = frames.at(-1)!
  const path = `${directory}/${FIRST}`
  for (const at of [last.at, last.at + 8, last.at + 20, last.end - 1]) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 0x10
    await writeFile(path, flipped)
    expect(await recover(directory)).toEqual({ damage: { from: 7, to: 8 } })
    expect(await readFile(path)).toEqual(flipped)
  }
  await writeFile(path, bytes.subarray(0, last.at))
  expect(await recover(directory)).toEqual({ damage: { from: 7, to: 8 } })
  expect(await failure(() => openSmall(directory))).toMatchObject({
    code: 'log/damaged',
    details: { from: 7, to: 8 },
  })
  await writeFile(path, bytes)
  await using log = await openSmall(directory)
  expect(await readAll(log)).toHaveLength(8)
})

test('the marker of an idle second does the same when the side file is gone', async () => {
  const directory = newDirectory()
  const log = await openSmall(directory, { idleMarkerMs: 10 })
  await log.append([newRecord('a')])
  await log.append([newRecord('b')])
  const path = `${directory}/${FIRST}`
  const unsealed = `${newDirectory()}/${FIRST}`
  await new Promise((resolve) => setTimeout(resolve, 100))
  await mkdir(dirname(unsealed), { recursive: true })
  await copyFile(path, unsealed)
  // Appends go on behind the marker, and readers step over it.
  await log.append([newRecord('c')])
  expect((await readAll(log)).map(({ offset, value }) => `${offset}${value}`)).toEqual(['0a', '1b', '2c'])
  await log[Symbol.asyncDispose]()

  const bytes = await readFile(unsealed)
  const second = readHeader(bytes, 0)!.length
  const marker = second + readHeader(bytes, second)!.length
  expect(readHeader(bytes, marker)).toMatchObject({ baseOffset: 2, nextOffset: 2, count: 0 })
  await rm(`${directory}/durable`)
  bytes[second + 70]! ^= 1
  await writeFile(path, bytes)
  expect(await recover(directory)).toEqual({ damage: { from: 1, to: 2 } })
  bytes[second + 70]! ^= 1
  await writeFile(path, bytes)
  await using again = await openSmall(directory)
  expect((await again.end()).next[0]).toBe(2)
})

test('a log that ends below what a table knows is refused, and so is one of another id or without its id', async () => {
  const directory = newDirectory()
  const log = await openSmall(directory)
  const { id } = log
  await log.append([newRecord('a')])
  await log[Symbol.asyncDispose]()
  const knows = (next: number, logId = id) => openSmall(directory, { knownEnd: { logId, next: { 0: next } } })
  expect(await failure(() => knows(2))).toMatchObject({ code: 'log/damaged', details: { from: 1, to: 2 } })
  expect(await failure(() => knows(1, 'other'))).toMatchObject({ code: 'log/wrong-log' })
  await (await knows(1))[Symbol.asyncDispose]()
  await rm(`${directory}/log.json`)
  expect(await failure(() => openSmall(directory))).toMatchObject({ code: 'log/damaged' })
  const empty = { logId: id, next: { 0: 5 } }
  expect(await failure(() => openSmall(newDirectory(), { knownEnd: empty }))).toMatchObject({
    code: 'log/damaged',
  })
})

test('damage in a sealed segment is reported with its range and stepped around on demand', async () => {
  const directory = newDirectory()
  await using log = await openSmall(directory, { segmentBytes: 2000, idleMarkerMs: 60_000 })
  for (let i = 0; i < 60; i++) await log.append([newRecord(`${i}`.padEnd(100, '.'))])
  const path = `${directory}/${FIRST}`
  expect((await stat(path)).size).toBeLessThan(2500)
  const bytes = await readFile(path)
  const at = readHeader(bytes, 0)!.length
  bytes[at + 100]! ^= 1
  await writeFile(path, bytes)
  const seen: number[] = []
  const error = await failure(async () => {
    for await (const batch of log.read({ follow: false, batchBytesMax: 300 })) {
      seen.push(...batch.records.map((record) => record.offset))
    }
  })
  expect(error).toMatchObject({ code: 'log/damaged', kind: 'bad-data', details: { from: 1, to: 2 } })
  expect(seen).toEqual([0])
  for (const from of [2, 3, 59]) {
    const rest = await readAll(log, { from: { logId: log.id, next: { 0: from } } })
    expect(rest.map((record) => record.offset)).toEqual(Array.from({ length: 60 - from }, (_, i) => from + i))
  }
  const inside = await failure(() => readAll(log, { from: { logId: log.id, next: { 0: 1 } } }))
  expect(inside).toMatchObject({ code: 'log/damaged', details: { from: 1, to: 2 } })
})
