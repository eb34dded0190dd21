import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import type { Call } from '../faults/calls.ts'
import { Hook } from '../faults/hook.ts'
import { patchFiles } from '../faults/patch.ts'

// In which order bytes, names and syncs reach the disk. After a power cut nothing else counts.

class Recorder extends Hook {
  readonly seen: string[] = []

  override run<T>(call: Call, act: () => T): T {
    const result = act()
    this.#note(call, result)
    return result
  }

  override async runLater<T>(call: Call, act: () => Promise<T>): Promise<T> {
    const result = await act()
    this.#note(call, result)
    return result
  }

  #note(call: Call, result: unknown): void {
    if (call.operation.kind === 'create') call.done?.(result)
    // Temporary names are random.
    const path = call.operation.path.replace(/\.\d+\.[0-9a-f]{8}\.tmp$/, '.tmp')
    this.seen.push(`${call.operation.kind} ${path}`)
  }
}

const root = mkdtempSync(join(tmpdir(), 'landfall-durability-'))
const folder = join(root, 'folder')
mkdirSync(folder)
const recorder = new Recorder({ root, faults: [] })
await patchFiles(recorder)
const { createFile, makeDirectory, replaceFile } = await import('../../src/base/files.ts')
const { openLocalStorage } = await import('../../src/storage/drivers/local.ts')

beforeEach(() => {
  recorder.seen.length = 0
})
afterAll(() => rmSync(root, { recursive: true }))

test('a file that is replaced has its bytes synced before its name, and its name after that', async () => {
  await replaceFile(join(folder, 'plan.json'), 'new')
  expect(recorder.seen).toEqual([
    'create folder/plan.json.tmp',
    'write folder/plan.json.tmp',
    'sync folder/plan.json.tmp',
    'rename folder/plan.json',
    'sync folder',
  ])
})

test('a file that is created has its bytes synced before its name, and its name after that', async () => {
  expect(await createFile(join(folder, 'v1.json'), 'first')).toBe(true)
  expect(recorder.seen).toEqual([
    'create folder/v1.json.tmp',
    'write folder/v1.json.tmp',
    'sync folder/v1.json.tmp',
    'link folder/v1.json',
    'unlink folder/v1.json.tmp',
    'sync folder',
  ])
  expect(await createFile(join(folder, 'v1.json'), 'second')).toBe(false)
})

test('a directory that is made is synced in the one above', async () => {
  await makeDirectory(join(folder, 'a', 'b'))
  expect(recorder.seen).toEqual(['mkdir folder/a', 'mkdir folder/a/b', 'sync folder/a', 'sync folder'])
})

test('a data file that is taken has its bytes synced before its name, and its name after that', async () => {
  const storage = openLocalStorage(join(root, 'lake'))
  const spooled = join(folder, 'chunk.parquet')
  writeFileSync(spooled, 'rows')
  recorder.seen.length = 0
  await storage.adopt(spooled, 'default/t/data/x.parquet')
  const after = recorder.seen.indexOf('sync folder/chunk.parquet')
  expect(after).toBeGreaterThanOrEqual(0)
  expect(recorder.seen.slice(after)).toEqual([
    'sync folder/chunk.parquet',
    'link lake/default/t/data/x.parquet',
    'sync lake/default/t/data',
  ])
})
