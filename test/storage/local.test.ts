import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { openStorage } from '../../src/storage/open.ts'
import { storageSuite } from '../conformance/storage-suite.ts'

storageSuite({
  name: 'local disk',
  engines: true,
  async open() {
    const root = await mkdtemp(join(tmpdir(), 'landfall-local-'))
    return {
      storage: openLocalStorage(join(root, 'not/yet/there')),
      close: () => rm(root, { recursive: true, force: true }),
    }
  },
})

describe('local disk', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'landfall local é '))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  test('its URL is the plain path, as Iceberg has it', async () => {
    expect(openLocalStorage(root).url).toBe(`file://${root}`)
    expect((await openStorage(root)).url).toBe(`file://${root}`)
    expect((await openStorage(`file://${encodeURI(root)}`)).url).toBe(`file://${root}`)
  })

  test('an unknown scheme names the known ones', async () => {
    await expect(openStorage('ftp://x/y')).rejects.toMatchObject({
      code: 'storage/unknown-driver',
      hint: expect.stringContaining('file://'),
    })
  })

  test('adopt does not copy on the same disk', async () => {
    const storage = openLocalStorage(root)
    const spool = join(root, 'spool.parquet')
    await writeFile(spool, 'x'.repeat(10_000))
    await storage.adopt(spool, 'data/1.parquet')
    expect((await stat(join(root, 'data/1.parquet'))).ino).toBe((await stat(spool)).ino)
  })

  test('a file of the workspace becomes the object itself: no copy, no second name', async () => {
    const storage = openLocalStorage(root)
    const file = join(await storage.workspace('data'), '1.parquet')
    await writeFile(file, 'rows')
    const before = await stat(file)
    await storage.adopt(file, 'data/1.parquet')
    const { locations } = await storage.lease([{ path: 'data/1.parquet', bytes: 4 }])
    expect(locations).toEqual([file])
    const after = await stat(file)
    expect({ ino: after.ino, nlink: after.nlink, mtimeMs: after.mtimeMs }).toEqual({
      ino: before.ino,
      nlink: 1,
      mtimeMs: before.mtimeMs,
    })
    expect(await readdir(join(root, 'data'))).toEqual(['1.parquet'])
  })

  test('an adopted file is as young as its adoption', async () => {
    const storage = openLocalStorage(root)
    const spool = join(root, 'spool.parquet')
    await writeFile(spool, 'rows')
    const { utimes } = await import('node:fs/promises')
    await utimes(spool, 1, 1)
    const { modifiedAt } = await storage.adopt(spool, 'data/1.parquet')
    expect(Date.now() - modifiedAt).toBeLessThan(60_000)
  })

  test('no temporary file stays after writes, lost races and failures', async () => {
    const storage = openLocalStorage(root)
    await storage.write('a/x', '1')
    await storage.createExclusive('a/x', '2')
    await storage.createExclusive('a/y', '2')
    await mkdir(join(root, 'a/folder/inside'), { recursive: true })
    await expect(storage.write('a/folder', 'cannot replace a folder')).rejects.toThrow()
    const left = (await readdir(join(root, 'a'))).filter((name) => name.endsWith('.tmp'))
    // A rename that failed leaves its temporary; list shows it, so that maintenance can delete it.
    expect(left.length).toBeLessThanOrEqual(1)
    const listed: string[] = []
    for await (const object of storage.list('a/')) listed.push(object.path)
    expect(listed.filter((path) => path.endsWith('.tmp'))).toHaveLength(left.length)
  })
})
