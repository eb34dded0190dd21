/** The file `durable`: what damage to it, and a write of it that fails, may hide. */
import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { DurableFile, DurableFileReader } from '../../src/log/drivers/embedded/durable.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { newRecord, readAll } from '../conformance/log-suite.ts'
import { openSmall, systemError, temporaryDirectories, withFaults } from './log-directory.ts'

const newDirectory = temporaryDirectories()
/** A byte within what the slot's checksum covers. */
const SLOTS = [60, 512 + 60]

async function expectRecords(directory: string, count: number): Promise<void> {
  await using reader = await openEmbeddedReader({ directory })
  expect(await readAll(reader)).toHaveLength(count)
}

async function damageEachSlot(directory: string, look: () => Promise<void>): Promise<void> {
  const path = `${directory}/durable`
  const bytes = await readFile(path)
  for (const at of SLOTS) {
    const harmed = Buffer.from(bytes)
    harmed[at]! ^= 1
    await writeFile(path, harmed)
    await look()
  }
  await writeFile(path, bytes)
}

test('a closed log says its end in both slots: damage to one of them hides no record', async () => {
  const directory = newDirectory()
  const log = await openSmall(directory)
  for (const value of ['a', 'b', 'c']) await log.append([newRecord(value)])
  await log[Symbol.asyncDispose]()
  await damageEachSlot(directory, () => expectRecords(directory, 3))
})

test('so does one that was idle for a while', async () => {
  const directory = newDirectory()
  await using log = await openSmall(directory, { idleMarkerMs: 1 })
  for (const value of ['a', 'b', 'c']) await log.append([newRecord(value)])
  const end = () => readFile(`${directory}/durable`).then((bytes) => SLOTS.map((at) => bytes[at - 4]))
  while ((await end()).join() !== '3,3') await new Promise((resolve) => setTimeout(resolve, 5))
  await damageEachSlot(directory, () => expectRecords(directory, 3))
})

test('a write that fails half way leaves the other slot whole, however often it is tried', async () => {
  const directory = newDirectory()
  const log = await openSmall(directory)
  const { id } = log
  await log.append([newRecord('a')])
  await log[Symbol.asyncDispose]()
  let failing = false
  const files = withFaults((real) => ({
    write(fd, bytes, from, length, position) {
      if (!failing) return real.write(fd, bytes, from, length, position)
      real.write(fd, bytes, from, length >> 1, position)
      throw systemError('ENOSPC')
    },
  }))
  const file = await DurableFile.open(files, directory, id, 7)
  const reader = DurableFileReader.open(directory, id)!
  const publish = (next: number) => file.publish({ epoch: 1, segment: 0, position: 100, next })
  publish(8)
  failing = true
  for (const next of [9, 10, 11]) {
    expect(() => publish(next)).toThrow('ENOSPC')
    expect(reader.read()).toMatchObject({ sequence: 8, next: 8 })
  }
  failing = false
  publish(12)
  expect(reader.read()).toMatchObject({ sequence: 9, next: 12 })
  reader.close()
  await file.close()
})
