/** kill -9 of a writing process, many times over: every answered record is there exactly once, where it was said to be. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { testSeed } from '../support/seed.ts'
import { openSmall, temporaryDirectories } from './log-directory.ts'

const newDirectory = temporaryDirectories()
const WRITER = new URL('./crash-writer.ts', import.meta.url).pathname
const KILLS = 25

/** Answered names by offset, as the child reported them before it died. */
async function writeUntilKilled(
  directory: string,
  seed: number,
  afterMs: number,
): Promise<Map<number, string>> {
  const child = spawn(process.execPath, [WRITER, directory, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const answered = new Map<number, string>()
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'open') {
      setTimeout(() => child.kill('SIGKILL'), afterMs)
      continue
    }
    const [base, ...names] = line.split(' ')
    for (const [i, name] of names.entries()) answered.set(Number(base) + i, name)
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return answered
}

test(`every answered record survives ${KILLS} kills, exactly once and in order; a follower sees the same`, async () => {
  const directory = newDirectory()
  const seed = testSeed(47)
  let random = seed
  const answered = new Map<number, string>()
  const followed: string[] = []
  const stop = new AbortController()
  let following: Promise<void> | undefined
  for (let kill = 0; kill < KILLS; kill++) {
    random = (random * 48271 + 11) % 2147483647
    for (const [offset, name] of await writeUntilKilled(directory, kill, 10 + (random % 120))) {
      expect(answered.has(offset), `offset ${offset} was given out twice (seed ${seed})`).toBe(false)
      answered.set(offset, name)
    }
    following ??= (async () => {
      await using reader = await openEmbeddedReader({ directory })
      for await (const batch of reader.read({ follow: true, signal: stop.signal })) {
        for (const record of batch.records) {
          expect(record.offset).toBe(followed.length)
          followed.push(record.headers[0]![1].toString())
        }
      }
    })()
  }
  const log = await openSmall(directory)
  const kept: string[] = []
  for await (const batch of log.read({ follow: false })) {
    for (const record of batch.records) {
      expect(record.offset).toBe(kept.length)
      const name = record.headers[0]![1].toString()
      expect(record.value.toString().startsWith(`${name}.`)).toBe(true)
      kept.push(name)
    }
  }
  expect(answered.size).toBeGreaterThan(KILLS * 10)
  expect(new Set(kept).size).toBe(kept.length)
  const wrong = [...answered].filter(([offset, name]) => kept[offset] !== name)
  expect(wrong, `seed ${seed}`).toEqual([])
  // All records of one call are there or none of them.
  const calls = Map.groupBy(kept, (name) => name.split('-').slice(0, 3).join('-'))
  for (const [call, names] of calls) {
    const [, caller, n] = call.split('-').map(Number)
    expect(names).toHaveLength(1 + ((n! + caller!) % 4))
  }
  await expect.poll(() => followed.length, { timeout: 10_000 }).toBe(kept.length)
  expect(followed).toEqual(kept)
  stop.abort()
  await following
  await log[Symbol.asyncDispose]()
}, 180_000)
