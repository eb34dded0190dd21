/** What every storage driver promises (src/storage/storage.ts), as tests. A driver's own test calls this. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Storage, StoredObject } from '../../src/storage/storage.ts'

export interface StorageSuiteOptions {
  name: string
  /** Engines write in `workspace` and read what `lease` gives them. */
  engines: boolean
  open(): Promise<{ storage: Storage; close(): Promise<void> }>
}

async function list(storage: Storage, prefix: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for await (const object of storage.list(prefix)) objects.push(object)
  return objects.sort((a, b) => (a.path < b.path ? -1 : 1))
}

export function storageSuite(options: StorageSuiteOptions): void {
  describe(`storage: ${options.name}`, () => {
    let storage: Storage
    let close: () => Promise<void>
    let scratch: string
    beforeEach(async () => {
      ;({ storage, close } = await options.open())
      scratch = await mkdtemp(join(tmpdir(), 'landfall-storage-'))
    })
    afterEach(async () => {
      await close()
      await rm(scratch, { recursive: true, force: true })
    })

    test('reads back what was written, bytes and text', async () => {
      const bytes = Buffer.from([0, 255, 10, 13, 128])
      await storage.write('a/b/c.bin', bytes)
      await storage.write('a/text', 'grüße 😀')
      expect(await storage.read('a/b/c.bin')).toEqual(bytes)
      expect((await storage.read('a/text')).toString()).toBe('grüße 😀')
    })

    test('write replaces', async () => {
      await storage.write('x', 'a long first text')
      await storage.write('x', 'short')
      expect((await storage.read('x')).toString()).toBe('short')
      await storage.write('x', 'not durable', { durable: false })
      expect((await storage.read('x')).toString()).toBe('not durable')
    })

    test('a buffer that is read can be changed without changing the object', async () => {
      await storage.write('x', 'abc')
      ;(await storage.read('x')).fill(0)
      expect((await storage.read('x')).toString()).toBe('abc')
    })

    test('an absent object is storage/not-found and has no stat', async () => {
      await storage.write('a/b', '1')
      for (const path of ['absent', 'a', 'a/b/c', 'a/absent']) {
        await expect(storage.read(path)).rejects.toMatchObject({
          code: 'storage/not-found',
          kind: 'bad-data',
        })
        expect(await storage.stat(path)).toBeUndefined()
      }
    })

    test('stat says size and age', async () => {
      await storage.write('a/b', '12345')
      const object = await storage.stat('a/b')
      expect(object).toMatchObject({ path: 'a/b', bytes: 5 })
      expect(Math.abs(Date.now() - object!.modifiedAt)).toBeLessThan(60_000)
    })

    test('createExclusive lets exactly one of many win', async () => {
      const names = Array.from({ length: 20 }, (_, i) => `writer ${i}`)
      const won = await Promise.all(names.map((name) => storage.createExclusive('t/v1', name)))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect((await storage.read('t/v1')).toString()).toBe(names[won.indexOf(true)])
      expect(await storage.createExclusive('t/v1', 'late')).toBe(false)
      expect((await list(storage, 't/')).map((object) => object.path)).toEqual(['t/v1'])
    })

    test('list gives everything below a prefix at a boundary', async () => {
      for (const path of ['a/1', 'a/b/2', 'a/b/c/3', 'ab/4', 'c']) await storage.write(path, path)
      expect((await list(storage, 'a/')).map((object) => object.path)).toEqual(['a/1', 'a/b/2', 'a/b/c/3'])
      expect((await list(storage, 'a/b/')).map((object) => object.path)).toEqual(['a/b/2', 'a/b/c/3'])
      expect(await list(storage, '')).toHaveLength(5)
      expect(await list(storage, 'absent/')).toEqual([])
      expect((await list(storage, 'ab/'))[0]).toMatchObject({ path: 'ab/4', bytes: 4 })
    })

    test('folders gives the names directly below, sorted', async () => {
      for (const path of ['d/z/1', 'd/a/b/2', 'd/file', 'e/x']) await storage.write(path, '')
      expect(await storage.folders('d')).toEqual(['a', 'z'])
      expect(await storage.folders('')).toEqual(['d', 'e'])
      expect(await storage.folders('absent/')).toEqual([])
    })

    test('delete removes, and again is fine', async () => {
      await storage.write('x', '1')
      await storage.delete('x')
      await storage.delete('x')
      expect(await storage.stat('x')).toBeUndefined()
      expect(await storage.createExclusive('x', '2')).toBe(true)
    })

    test('a path that could leave the root is refused', async () => {
      for (const path of ['', '/etc/passwd', '../x', 'a/../../x', 'a//b', './x', 'a/', 'a\\b', 'a\0']) {
        await expect(storage.read(path), path).rejects.toMatchObject({ code: 'storage/bad-path' })
        await expect(storage.write(path, ''), path).rejects.toMatchObject({ code: 'storage/bad-path' })
      }
    })

    test('adopt takes a local file and never overwrites', async () => {
      const file = join(scratch, 'spool.parquet')
      await writeFile(file, 'rows')
      expect(await storage.adopt(file, 't/data/1.parquet')).toMatchObject({
        path: 't/data/1.parquet',
        bytes: 4,
      })
      expect((await storage.read('t/data/1.parquet')).toString()).toBe('rows')
      expect((await readFile(file)).toString()).toBe('rows')
      await expect(storage.adopt(file, 't/data/1.parquet')).rejects.toThrow(/EEXIST/)
      await rm(file)
      expect((await storage.read('t/data/1.parquet')).toString()).toBe('rows')
    })

    if (options.engines) {
      test('an engine writes in the workspace, adopt makes it an object, lease gives it back', async () => {
        const file = join(await storage.workspace('t/data/deep'), '2.parquet')
        await writeFile(file, 'rows')
        const path = 't/data/deep/2.parquet'
        expect(await storage.adopt(file, path)).toMatchObject({ path, bytes: 4 })
        expect((await storage.read(path)).toString()).toBe('rows')
        const leased = await storage.lease([{ path, bytes: 4 }])
        expect(storage.leaseDirectories.some((root) => leased.locations[0]!.startsWith(`${root}/`))).toBe(
          true,
        )
        expect((await readFile(leased.locations[0]!)).toString()).toBe('rows')
        leased.release()
        leased.release()
        const absent = join(await storage.workspace('t/data'), 'absent')
        await expect(storage.adopt(absent, 't/data/absent')).rejects.toMatchObject({
          code: 'storage/not-found',
        })
      })

      test('leased files come in the order that was asked for', async () => {
        const names = Array.from({ length: 12 }, (_, i) => `l/${i}.parquet`)
        for (const name of names) await storage.write(name, name)
        const { locations, release } = await storage.lease(
          names.map((path) => ({ path, bytes: Buffer.byteLength(path) })),
        )
        expect(await Promise.all(locations.map(async (file) => (await readFile(file)).toString()))).toEqual(
          names,
        )
        release()
      })
    } else {
      test('workspace and lease say that no engine can open it', async () => {
        await expect(storage.workspace('x')).rejects.toMatchObject({ code: 'storage/unsupported' })
        await expect(storage.lease([{ path: 'x', bytes: 1 }])).rejects.toMatchObject({
          code: 'storage/unsupported',
        })
        expect((await storage.lease([])).locations).toEqual([])
      })
    }
  })
}
