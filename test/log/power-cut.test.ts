/** The power goes at any moment, several times in a row: nothing that was answered is lost, moved or doubled. */
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { EmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { failure, newRecord } from '../conformance/log-suite.ts'
import { testSeed } from '../support/seed.ts'
import { Gate, openSmall, temporaryDirectories, withFaults } from './log-directory.ts'
import { DiskRecorder, writeDirectory } from './power-cut.ts'

const newDirectory = temporaryDirectories()
const SETTINGS = {
  segmentBytes: 4096,
  idleMarkerMs: 3,
  diskReserve: 0,
  // Whatever has landed may go at once.
  retention: { ageMs: 1e12, bytes: 0 },
}
/** For looking only: the real files, without waiting for the disk. */
const UNSYNCED = withFaults(() => ({ datasync: (_fd, done) => done(null), sync: async () => {} }))

function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Appends and trims for a while and notes every answer at its time; then leaves the log as it is. */
async function work(
  log: EmbeddedLog,
  recorder: DiskRecorder,
  life: number,
  random: () => number,
): Promise<void> {
  const callers = Array.from({ length: 4 }, async (_, caller) => {
    for (let n = 0; n < 10; n++) {
      const names = Array.from(
        { length: 1 + Math.floor(random() * 3) },
        (__, i) => `${life}-${caller}-${n}-${i}`,
      )
      const records = names.map((name) =>
        newRecord(name.padEnd(Math.floor(random() * 900), '.'), { headers: [['id', name]] }),
      )
      const { baseOffset } = await log.append(records)
      recorder.answers.push({ time: recorder.time++, baseOffset, names })
      if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 6))
      if (random() < 0.1) {
        recorder.landed = Math.max(recorder.landed, Math.floor(random() * baseOffset))
        await log.trim({ logId: log.id, next: { 0: recorder.landed } })
      }
    }
  })
  await Promise.all(callers)
}

/** Names by offset, from the start of the log to its end, without a gap. */
async function namesOf(log: EmbeddedLog): Promise<Map<number, string>> {
  const names = new Map<number, string>()
  let next = (await log.start()).next[0]!
  for await (const batch of log.read({ follow: false })) {
    for (const record of batch.records) {
      expect(record.offset).toBe(next++)
      names.set(record.offset, record.headers[0]![1].toString())
    }
  }
  expect(await log.end()).toEqual({ logId: log.id, next: { 0: next } })
  return names
}

const SEEDS = [1, 2, testSeed(49)]
const LIVES = 4
const CUTS = 20

/** What must be true of a log after the power went at `time` of the recorded life. */
interface Truth {
  recorder: DiskRecorder
  time: number
  /** Answered in earlier lives, by offset. */
  answered: ReadonlyMap<number, string>
  /** Retention was never told that more has landed. */
  landed: number
}

async function checkRecovered(log: EmbeddedLog, { recorder, time, answered, landed }: Truth): Promise<void> {
  const kept = await namesOf(log)
  expect(new Set(kept.values()).size, 'a record twice').toBe(kept.size)
  const start = (await log.start()).next[0]!
  expect(start, 'retention passed what has landed').toBeLessThanOrEqual(landed)
  const check = (offset: number, name: string, when: string) => {
    if (offset >= start) expect(kept.get(offset), `${offset}, answered ${when}`).toBe(name)
  }
  for (const [offset, name] of answered) check(offset, name, 'in an earlier life')
  for (const { time: at, baseOffset, names } of recorder.answers) {
    if (at < time) for (const [i, name] of names.entries()) check(baseOffset + i, name, `at ${at} of ${time}`)
  }
  const end = (await log.end()).next[0]
  expect((await log.append([newRecord('after')])).baseOffset).toBe(end)
}

async function livesAndCuts(seed: number): Promise<void> {
  const random = seeded(seed)
  const answered = new Map<number, string>()
  let directory = newDirectory()
  let landed = 0
  let trimmed = 0
  for (let life = 0; life < LIVES; life++) {
    const recorder = new DiskRecorder(directory)
    recorder.landed = landed
    const log = await openSmall(directory, { ...SETTINGS, files: recorder.files })
    if (life % 2 === 1) recorder.failSync = () => random() < 0.03
    const began = recorder.time
    // A log that dies of two failed syncs in a row is one more way to end a life.
    const died = await failure(() => work(log, recorder, life, random))
    const code = (died as { code?: string } | undefined)?.code
    expect(['log/unknown-outcome', 'log/closed', undefined]).toContain(code)
    if (code === undefined) expect(died).toBeUndefined()
    const identity = readFileSync(`${directory}/log.json`)
    const ended = recorder.time
    await log[Symbol.asyncDispose]()
    landed = recorder.landed

    const cut = async (time: number): Promise<string> => {
      const disk = recorder.cutAt(time, random)
      disk.set('log.json', identity)
      disk.delete('lock')
      const after = newDirectory()
      writeDirectory(after, disk)
      await using recovered = await openSmall(after, { ...SETTINGS, files: UNSYNCED })
      await checkRecovered(recovered, { recorder, time, answered, landed })
      trimmed = Math.max(trimmed, (await recovered.start()).next[0]!)
      // Another copy, untouched by the look at it, for the next life.
      const copy = newDirectory()
      writeDirectory(copy, disk)
      return copy
    }
    for (let i = 0; i < CUTS; i++) await cut(began + Math.floor(random() * (ended - began)))
    const end = began + Math.floor((0.5 + random() / 2) * (ended - began))
    directory = await cut(end)
    for (const { time, baseOffset, names } of recorder.answers) {
      if (time < end) for (const [i, name] of names.entries()) answered.set(baseOffset + i, name)
    }
  }
  expect(answered.size).toBeGreaterThan(50)
  expect(trimmed).toBeGreaterThan(0)
}

test.each(SEEDS)('seed %i', livesAndCuts, 120_000)

test('a frame that a killed writer left in the page cache only is made durable before anyone sees it', async () => {
  const directory = newDirectory()
  const gate = new Gate()
  const recorder = new DiskRecorder(directory)
  const { datasync, write } = recorder.files
  let held: number | undefined
  recorder.files.write = (fd, bytes, ...where) => {
    if (Buffer.from(bytes).includes('never answered')) held = fd
    return write(fd, bytes, ...where)
  }
  // The spare segment, which is made meanwhile, is synced as it comes.
  recorder.files.datasync = (fd, done) =>
    void (fd === held ? gate.pass() : Promise.resolve()).then(() => datasync(fd, done))
  const log = await openSmall(directory, { ...SETTINGS, idleMarkerMs: 60_000, files: recorder.files })
  await log.append([newRecord('answered')])
  gate.shut()
  const reached = gate.reached()
  const pending = log.append([newRecord('never answered')])
  await reached
  // kill -9: the page cache has the second frame, the disk does not.
  const killed = newDirectory()
  cpSync(directory, killed, { recursive: true })
  rmSync(`${killed}/lock`)
  const nothingMore = () => 0
  const onDisk = recorder.cutAt(recorder.time, nothingMore)
  gate.open()
  await pending
  await log[Symbol.asyncDispose]()

  const second = new DiskRecorder(killed, onDisk)
  const reopened = await openSmall(killed, { ...SETTINGS, files: second.files })
  const seen = (await namesOf(reopened)).size
  expect(seen).toBe(2)
  const after = newDirectory()
  const disk = second.cutAt(second.time, nothingMore)
  disk.set('log.json', readFileSync(`${killed}/log.json`))
  disk.delete('lock')
  await reopened[Symbol.asyncDispose]()
  writeDirectory(after, disk)
  await using recovered = await openSmall(after)
  expect((await namesOf(recovered)).size).toBe(seen)
})
