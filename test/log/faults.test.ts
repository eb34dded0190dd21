/** What the disk can do to the log, and what the log then does: DESIGN "Failures, thought through". */
import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { failure, newRecord, readAll } from '../conformance/log-suite.ts'
import { Gate, openSmall, systemError, temporaryDirectories, withFaults } from './log-directory.ts'

const newDirectory = temporaryDirectories()
const values = async (log: Parameters<typeof readAll>[0]) =>
  (await readAll(log)).map((record) => record.value)
const segmentsOf = async (directory: string) =>
  (await readdir(directory)).filter((name) => name.endsWith('.log')).sort()

describe('a sync that fails', () => {
  test('nothing is answered from that segment: a new one at the durable end holds the records in flight', async () => {
    const directory = newDirectory()
    let failNext = false
    const failed: number[] = []
    const synced: number[] = []
    const files = withFaults((real) => ({
      datasync(fd, done) {
        if (!failNext) {
          synced.push(fd)
          return real.datasync(fd, done)
        }
        failNext = false
        failed.push(fd)
        done(systemError('EIO'))
      },
    }))
    const log = await openSmall(directory, { files })
    await using reader = await openEmbeddedReader({ directory })
    await log.append([newRecord('a'), newRecord('b')])
    failNext = true
    synced.length = 0
    expect(await log.append([newRecord('c'), newRecord('d')])).toEqual({ partition: 0, baseOffset: 2 })
    expect(await log.append([newRecord('e')])).toEqual({ partition: 0, baseOffset: 4 })
    expect(failed).toHaveLength(1)
    expect(synced).not.toContain(failed[0])
    expect(await segmentsOf(directory)).toEqual(['00000000000000000000.log', '00000000000000000002.log'])
    expect(await values(log)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(await values(reader)).toEqual(['a', 'b', 'c', 'd', 'e'])
    await log[Symbol.asyncDispose]()
    await using again = await openSmall(directory)
    expect(await values(again)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('also as the first sync of a segment, where the new one takes the place of the old', async () => {
    const directory = newDirectory()
    let failures = 0
    let armed = false
    const files = withFaults((real) => ({
      datasync(fd, done) {
        if (armed && failures++ === 0) done(systemError('EIO'))
        else real.datasync(fd, done)
      },
    }))
    await using log = await openSmall(directory, { files })
    await using reader = await openEmbeddedReader({ directory })
    const stop = new AbortController()
    const following = reader.read({ follow: true, signal: stop.signal })[Symbol.asyncIterator]()
    const firstBatch = following.next()
    armed = true
    await log.append([newRecord('a')])
    expect((await firstBatch).value!.records[0]!.value.toString()).toBe('a')
    stop.abort()
    await following.return?.(undefined)
    expect(await segmentsOf(directory)).toEqual(['00000000000000000000.log'])
    expect(failures).toBeGreaterThan(1)
  })

  test('frames of the failed segment beyond the durable end are never served, even when they are whole', async () => {
    const directory = newDirectory()
    let failNext = false
    const files = withFaults((real) => ({
      datasync(fd, done) {
        if (failNext) {
          failNext = false
          done(systemError('EIO'))
        } else real.datasync(fd, done)
      },
      // The old segment cannot be cut either: its dead frame stays on the disk.
      truncate: async () => {
        throw systemError('EIO')
      },
    }))
    await using opened = await openSmall(directory, { files })
    await opened.append([newRecord('a')])
    failNext = true
    await opened.append([newRecord('b')])
    await opened.append([newRecord('c')])
    expect(await values(opened)).toEqual(['a', 'b', 'c'])
    await using reader = await openEmbeddedReader({ directory })
    expect(await values(reader)).toEqual(['a', 'b', 'c'])
  })

  test('when no new segment can be synced: the outcome is unknown, the log is dead and says so', async () => {
    const directory = newDirectory()
    let broken = false
    const dead: unknown[] = []
    const gate = new Gate()
    const files = withFaults((real) => ({
      datasync(fd, done) {
        if (broken) void gate.pass().then(() => done(systemError('EIO')))
        else real.datasync(fd, done)
      },
    }))
    const log = await openSmall(directory, { files, onDead: (error) => dead.push(error) })
    await log.append([newRecord('a')])
    broken = true
    gate.shut()
    const reached = gate.reached()
    const inFlight = failure(() => log.append([newRecord('b')]))
    await reached
    const queued = failure(() => log.append([newRecord('c')]))
    gate.open()
    expect(await inFlight).toMatchObject({ code: 'log/unknown-outcome', kind: 'retry' })
    expect(await queued).toMatchObject({ code: 'log/closed', kind: 'retry' })
    expect(() => log.append([newRecord('d')])).toThrow(expect.objectContaining({ code: 'log/closed' }))
    expect(dead).toHaveLength(1)
    expect(await values(log)).toEqual(['a'])
    expect(log.pressure.queuedBytes).toBe(0)
    await log[Symbol.asyncDispose]()
    await using again = await openSmall(directory)
    const kept = await values(again)
    expect([['a'], ['a', 'b']]).toContainEqual(kept)
    await again.append([newRecord('e')])
    expect(await values(again)).toEqual([...kept, 'e'])
  })

  test('when the directory cannot be synced at opening, that is said, and the next opening goes on', async () => {
    const directory = newDirectory()
    await (await openSmall(directory))[Symbol.asyncDispose]()
    const files = withFaults(() => ({ syncDirectory: () => Promise.reject(systemError('EIO')) }))
    expect(await failure(() => openSmall(directory, { files }))).toMatchObject({
      code: 'log/not-synced',
      kind: 'retry',
      message: `the directory ${directory} cannot be synced: EIO: as the test wants it`,
    })
    await using log = await openSmall(directory)
    expect(await log.append([newRecord('a')])).toEqual({ partition: 0, baseOffset: 0 })
  })

  test('when the directory cannot be synced while rotating, the log dies instead of writing where nobody finds it', async () => {
    const directory = newDirectory()
    let broken = false
    const files = withFaults((real) => ({
      async syncDirectory(path) {
        if (broken) throw systemError('EIO')
        await real.syncDirectory(path)
      },
    }))
    const log = await openSmall(directory, { files, segmentBytes: 4096 })
    await log.append([newRecord('a'.repeat(3000))])
    broken = true
    expect(await failure(() => log.append([newRecord('b'.repeat(3000))]))).toMatchObject({
      code: 'log/unknown-outcome',
    })
    await log[Symbol.asyncDispose]()
    await using again = await openSmall(directory)
    expect(await values(again)).toEqual(['a'.repeat(3000)])
  })
})

test('a side file that cannot be written ends the log: followers would wait for ever', async () => {
  const directory = newDirectory()
  let broken = false
  const dead: unknown[] = []
  const files = withFaults((real) => ({
    write(fd, bytes, from, length, position) {
      if (broken && length === 68) throw systemError('EIO')
      return real.write(fd, bytes, from, length, position)
    },
  }))
  const log = await openSmall(directory, { files, onDead: (error) => dead.push(error) })
  await log.append([newRecord('a')])
  broken = true
  expect(await log.append([newRecord('b')])).toEqual({ partition: 0, baseOffset: 1 })
  expect(() => log.append([newRecord('c')])).toThrow(expect.objectContaining({ code: 'log/closed' }))
  expect(dead).toHaveLength(1)
  await log[Symbol.asyncDispose]()
  await using again = await openSmall(directory)
  expect(await values(again)).toEqual(['a', 'b'])
})

describe('a full disk', () => {
  test('fails that group cleanly and goes on when there is room again', async () => {
    const directory = newDirectory()
    let full = false
    let half = false
    const files = withFaults((real) => ({
      write(fd, bytes, from, length, position) {
        if (!full) return real.write(fd, bytes, from, length, position)
        // A short write first, as a disk does that fills up in the middle.
        half = !half
        if (half) return real.write(fd, bytes, from, length >> 1, position)
        throw systemError('ENOSPC')
      },
    }))
    const log = await openSmall(directory, { files })
    await log.append([newRecord('a')])
    full = true
    const group = ['b', 'c'].map((text) => failure(() => log.append([newRecord(text.repeat(500))])))
    for (const error of await Promise.all(group))
      expect(error).toMatchObject({ code: 'log/disk-full', kind: 'retry' })
    full = false
    expect(await log.append([newRecord('d')])).toEqual({ partition: 0, baseOffset: 1 })
    expect(await values(log)).toEqual(['a', 'd'])
    await log[Symbol.asyncDispose]()
    await using again = await openSmall(directory)
    expect(await values(again)).toEqual(['a', 'd'])
  })

  test('takes with it what is queued behind, even for a later frame, and answers in order', async () => {
    const directory = newDirectory()
    let full = false
    const files = withFaults((real) => ({
      write(fd, bytes, from, length, position) {
        if (full) throw systemError('ENOSPC')
        return real.write(fd, bytes, from, length, position)
      },
    }))
    await using log = await openSmall(directory, { files, frameBytesMax: 300 })
    await log.append([newRecord('a')])
    full = true
    const settled: string[] = []
    const calls = ['b', 'c', 'd'].map((text) =>
      failure(() => log.append([newRecord(text.repeat(200))])).then((error) => {
        settled.push(text)
        full = false
        return error
      }),
    )
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'log/disk-full' })
    expect(settled).toEqual(['b', 'c', 'd'])
    expect(log.pressure.queuedBytes).toBe(0)
    expect(await log.append([newRecord('e')])).toEqual({ partition: 0, baseOffset: 1 })
    expect(await values(log)).toEqual(['a', 'e'])
  })

  test('a new segment that cannot be made fails the group, and the log goes on in the old one', async () => {
    const directory = newDirectory()
    let full = false
    const files = withFaults((real) => ({
      create: async (path) => (full ? Promise.reject(systemError('ENOSPC')) : real.create(path)),
      rename: async (from, to) => (full ? Promise.reject(systemError('ENOSPC')) : real.rename(from, to)),
    }))
    await using log = await openSmall(directory, { files, segmentBytes: 4096 })
    const large = (text: string) => [newRecord(text.repeat(3000), { headers: [] })]
    await log.append(large('a'))
    full = true
    expect(await failure(() => log.append(large('b')))).toMatchObject({ code: 'log/disk-full' })
    await log.append([newRecord('small')])
    full = false
    await log.append(large('c'))
    expect((await values(log)).map((value) => value.slice(0, 5))).toEqual(['aaaaa', 'small', 'ccccc'])
  })

  test('what could not be published is published when there is room, although nothing more is appended', async () => {
    const directory = newDirectory()
    let torn = 0
    const files = withFaults((real) => ({
      write(fd, bytes, from, length, position) {
        // A slot of the file `durable`, written in part.
        if (torn === 0 || bytes.length !== 68) return real.write(fd, bytes, from, length, position)
        torn -= 1
        real.write(fd, bytes, from, 40, position)
        throw systemError('ENOSPC')
      },
    }))
    await using log = await openSmall(directory, { files })
    await log.append([newRecord('a')])
    torn = 3
    await log.append([newRecord('b')])
    // Another process still finds one whole slot, and then sees the rest.
    await using reader = await openEmbeddedReader({ directory })
    expect(await values(reader)).toEqual(['a'])
    await reader.waitBeyond({ logId: log.id, next: { 0: 1 } }, AbortSignal.timeout(20_000))
    expect(await values(reader)).toEqual(['a', 'b'])
    expect(torn).toBe(0)
  })

  test('short writes are completed', async () => {
    const directory = newDirectory()
    const files = withFaults((real) => ({
      write: (fd, bytes, from, length, position) =>
        real.write(fd, bytes, from, Math.min(length, 7), position),
    }))
    await using log = await openSmall(directory, { files })
    for (const text of ['a', 'b', 'c']) await log.append([newRecord(text.repeat(100))])
    expect((await values(log)).map((value) => value[0])).toEqual(['a', 'b', 'c'])
  })

  test('below the reserve append throws before anything is queued, and takes again above it', async () => {
    const directory = newDirectory()
    let free = 100
    let nowMs = 0
    const files = withFaults(() => ({ space: async () => ({ total: 1000, free }) }))
    const clock = { nowMicros: () => nowMs * 1000, monotonicMs: () => nowMs }
    await using log = await openSmall(directory, { files, clock, diskReserve: 0.05 })
    await log.append([newRecord('a')])
    free = 49
    nowMs += 1100
    await log.append([newRecord('b')])
    expect(() => log.append([newRecord('c')])).toThrow(
      expect.objectContaining({ code: 'log/disk-full', kind: 'retry' }),
    )
    expect(log.pressure.queuedBytes).toBe(0)
    free = 60
    nowMs += 1100
    expect(() => log.append([newRecord('c')])).toThrow()
    await new Promise((resolve) => setImmediate(resolve))
    await log.append([newRecord('d')])
    expect(await values(log)).toEqual(['a', 'b', 'd'])
  })

  test('without room for a spare, segments grow instead', async () => {
    const directory = newDirectory()
    const files = withFaults(() => ({
      writeBehind: async () => {
        throw systemError('ENOSPC')
      },
    }))
    await using log = await openSmall(directory, { files, segmentBytes: 2000 })
    const written = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(200, '.'))
    for (const text of written) await log.append([newRecord(text)])
    expect(await values(log)).toEqual(written)
    expect((await segmentsOf(directory)).length).toBeGreaterThan(5)
  })
})

test('readers see nothing of a frame that is written but not yet synced', async () => {
  const directory = newDirectory()
  const gate = new Gate()
  const files = withFaults((real) => ({
    datasync: (fd, done) => void gate.pass().then(() => real.datasync(fd, done)),
  }))
  await using log = await openSmall(directory, { files })
  await log.append([newRecord('a')])
  await using reader = await openEmbeddedReader({ directory })
  // A log behind a shut gate would never close, and what went wrong never be told.
  using _opened = { [Symbol.dispose]: () => gate.open() }
  gate.shut()
  const reached = gate.reached()
  const appended = log.append([newRecord('b')])
  await reached
  for (const one of [log, reader]) {
    expect(await values(one)).toEqual(['a'])
    expect((await one.end()).next[0]).toBe(1)
    // Also one that follows, whom no end holds back.
    for await (const { records, next } of one.read({ follow: true })) {
      expect([records.length, next]).toEqual([1, 1])
      break
    }
  }
  gate.open()
  await appended
  for (const one of [log, reader]) expect(await values(one)).toEqual(['a', 'b'])
})
