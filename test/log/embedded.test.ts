import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { failure, logSuite, newRecord, readAll } from '../conformance/log-suite.ts'
import { SMALL, temporaryDirectories } from './log-directory.ts'

const newDirectory = temporaryDirectories()

logSuite({
  name: 'embedded',
  secondReader: true,
  open: async (settings) => {
    const directory = newDirectory()
    const log = await openEmbeddedLog({ directory, ...SMALL, ...settings })
    return {
      log,
      openReader: () => openEmbeddedReader({ directory }),
      close: () => log[Symbol.asyncDispose](),
    }
  },
})

test('what was appended is there after closing and opening again, under the same id', async () => {
  const directory = newDirectory()
  let id = ''
  for (let round = 0; round < 5; round++) {
    const log = await openEmbeddedLog({ directory, ...SMALL })
    if (round > 0) expect(log.id).toBe(id)
    id = log.id
    expect(await log.end()).toEqual({ logId: id, next: { 0: round * 3 } })
    await log.append([newRecord(`${round}a`), newRecord(`${round}b`)])
    await log.append([newRecord(`${round}c`)])
    await log[Symbol.asyncDispose]()
  }
  await using log = await openEmbeddedLog({ directory, ...SMALL })
  expect((await readAll(log)).map((record) => record.value).join(' ')).toBe(
    '0a 0b 0c 1a 1b 1c 2a 2b 2c 3a 3b 3c 4a 4b 4c',
  )
})

test('rotates through many segments under load; a follower beside it sees every record once, in order', async () => {
  const directory = newDirectory()
  await using log = await openEmbeddedLog({ directory, ...SMALL })
  await using reader = await openEmbeddedReader({ directory })
  const total = 4000
  const stop = new AbortController()
  const seen: number[] = []
  const following = (async () => {
    for await (const batch of reader.read({ follow: true, signal: stop.signal, batchBytesMax: 10_000 })) {
      for (const record of batch.records) {
        expect(record.value.toString()).toBe(`${record.offset}`.padEnd(200, '.'))
        seen.push(record.offset)
      }
      if (seen.length === total) stop.abort()
    }
  })()
  for (let i = 0; i < total; i += 8) {
    const group = Array.from({ length: 8 }, (_, n) => log.append([newRecord(`${i + n}`.padEnd(200, '.'))]))
    await Promise.all(group)
  }
  await following
  expect(seen).toEqual(Array.from({ length: total }, (_, i) => i))
  const segments = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  expect(segments.length).toBeGreaterThan(10)
  const values = (await readAll(log, { from: { logId: log.id, next: { 0: 3000 } } })).map((r) => r.offset)
  expect(values).toEqual(Array.from({ length: 1000 }, (_, i) => 3000 + i))
})

test('one process has the log: a second one is refused, and may come when the first has gone', async () => {
  const directory = newDirectory()
  const first = await openEmbeddedLog({ directory, ...SMALL })
  expect(await failure(() => openEmbeddedLog({ directory, ...SMALL }))).toMatchObject({ code: 'base/locked' })
  const second = openEmbeddedLog({ directory, ...SMALL, lockWaitMs: 5000 })
  await first[Symbol.asyncDispose]()
  await (await second)[Symbol.asyncDispose]()
})
