import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TableVersion } from '../../src/catalog/catalog.ts'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { createMetadata } from '../../src/lake/create-metadata.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { createMemoryStorage } from '../../src/storage/drivers/memory.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { catalogSuite, setProperty } from '../conformance/catalog-suite.ts'

catalogSuite({
  name: 'files in memory',
  async open() {
    const storage = createMemoryStorage()
    return {
      catalog: openFileCatalog(storage),
      openAnother: async () => openFileCatalog(storage),
      location: (table) => `${storage.url}/default/${table}`,
      close: async () => {},
    }
  },
})

catalogSuite({
  name: 'files on local disk',
  async open() {
    const root = await mkdtemp(join(tmpdir(), 'landfall-catalog-'))
    const storage = openLocalStorage(root)
    return {
      catalog: openFileCatalog(storage),
      openAnother: async () => openFileCatalog(openLocalStorage(root)),
      location: (table) => `${storage.url}/default/${table}`,
      close: () => rm(root, { recursive: true, force: true }),
    }
  },
})

const metadata = (storage: Storage) =>
  createMetadata(
    {
      name: 't',
      events: ['*'],
      columns: [{ name: 'a', type: 'string', source: { from: 'property', property: 'a' } }],
      partition: null,
      codec: 'snappy',
    },
    `${storage.url}/default/t`,
    1,
    {},
  )

const at = (number: number) => `default/t/metadata/v${number}.metadata.json`
const HINT = 'default/t/metadata/version-hint.text'

async function paths(storage: Storage): Promise<string[]> {
  const found: string[] = []
  for await (const { path } of storage.list('')) found.push(path)
  return found.sort()
}

/** A table that has been committed to `commits` times. */
async function tableOf(storage: Storage, commits: number): Promise<TableVersion> {
  const catalog = openFileCatalog(storage)
  let base = await catalog.createTable('t', metadata(storage))
  for (let i = 0; i < commits; i++) base = await setProperty(catalog, base, 'k', String(i))
  return base
}

/** Storage that counts calls and lets a test step in before one. */
function watched(storage: Storage, before: (method: string, path: string) => void | Promise<void>): Storage {
  return new Proxy(storage, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown
      if (typeof value !== 'function') return value
      const method = value as (...args: unknown[]) => Promise<unknown>
      if (key === 'list') return method.bind(target)
      return async (...args: unknown[]) => {
        await before(String(key), String(args[0]))
        return method.apply(target, args)
      }
    },
  })
}

describe('file catalog', () => {
  test('finds the current version past a stale, broken or missing hint', async () => {
    const storage = createMemoryStorage()
    await tableOf(storage, 10)
    for (const hint of ['3', '11', '0', 'nonsense', '', '999']) {
      await storage.write(HINT, hint)
      const loaded = await openFileCatalog(storage).loadTable('t')
      expect(loaded?.version, `hint ${hint}`).toBe('11')
    }
    await storage.delete(HINT)
    expect((await openFileCatalog(storage).loadTable('t'))?.version).toBe('11')
    expect(await openFileCatalog(storage).listTables()).toEqual(['t'])
  })

  test('finds it when the hint names a version that is deleted', async () => {
    const storage = createMemoryStorage()
    await tableOf(storage, 60)
    await storage.write(HINT, '7')
    expect((await openFileCatalog(storage).loadTable('t'))?.version).toBe('61')
  })

  test('keeps the current and 20 previous versions, and their log', async () => {
    const storage = createMemoryStorage()
    const version = await tableOf(storage, 100)
    const versions = (await paths(storage)).filter((path) => path.endsWith('.json'))
    expect(versions).toHaveLength(21)
    expect(versions).toContain(at(101))
    expect(versions).toContain(at(81))
    const log = version.metadata['metadata-log'].map((entry) => entry['metadata-file'])
    expect(log).toEqual(Array.from({ length: 20 }, (_, i) => `${storage.url}/${at(81 + i)}`))
  })

  test('makes up for old versions that a dead writer left', async () => {
    const storage = createMemoryStorage()
    const version = await tableOf(storage, 50)
    await storage.write(at(3), 'left behind')
    await openFileCatalog(storage).forgetOldVersions(version)
    expect((await paths(storage)).filter((path) => path.endsWith('.json'))).toHaveLength(21)
  })

  test('loading costs the same after 10 and after 300 versions', async () => {
    const cost: number[] = []
    for (const commits of [10, 300]) {
      const storage = createMemoryStorage()
      await tableOf(storage, commits)
      let calls = 0
      const counted = openFileCatalog(watched(storage, () => void calls++))
      await counted.loadTable('t')
      await counted.loadTable('t')
      cost.push(calls)
    }
    expect(cost[1]).toBe(cost[0])
    expect(cost[0]).toBeLessThanOrEqual(8)
  })

  test('a writer suspended for more versions than are kept does not commit into the past', async () => {
    const storage = createMemoryStorage()
    const suspended = openFileCatalog(storage)
    await tableOf(storage, 5)
    const base = (await suspended.loadTable('t'))!
    let current = base
    const other = openFileCatalog(storage)
    for (let i = 0; i < 50; i++) current = await setProperty(other, current, 'k', `other ${i}`)
    // The name it wants was used and deleted again: taking it would succeed.
    expect(await storage.stat(at(Number(base.version) + 1))).toBeUndefined()
    await expect(setProperty(suspended, base, 'k', 'lost')).rejects.toMatchObject({
      code: 'catalog/conflict',
    })
    expect(await storage.stat(at(Number(base.version) + 1))).toBeUndefined()
    expect((await suspended.loadTable('t'))?.metadata.properties.k).toBe('other 49')
  })

  test('a reader suspended for more versions than are kept notices, even with a stale hint', async () => {
    const storage = createMemoryStorage()
    const reader = openFileCatalog(storage)
    let current = await tableOf(storage, 5)
    await reader.loadTable('t')
    const other = openFileCatalog(storage)
    for (let i = 0; i < 50; i++) current = await setProperty(other, current, 'k', `other ${i}`)
    await storage.write(HINT, '5')
    expect((await reader.loadTable('t'))?.version).toBe(current.version)
  })

  test('an error of the commit itself is an unknown outcome, whether or not it happened', async () => {
    for (const happened of [true, false]) {
      const storage = createMemoryStorage()
      const base = await tableOf(storage, 1)
      const failing = watched(storage, async (method, path) => {
        if (method !== 'createExclusive') return
        if (happened) await storage.createExclusive(path, JSON.stringify(base.metadata))
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      })
      await expect(setProperty(openFileCatalog(failing), base, 'k', 'v')).rejects.toMatchObject({
        code: 'catalog/unknown-outcome',
        kind: 'retry',
      })
      const versions = (await paths(storage)).filter((path) => path.endsWith('.json'))
      expect(versions).toHaveLength(happened ? 3 : 2)
    }
  })

  test('what a commit of unknown outcome left is made durable before anyone goes on from it', async () => {
    const storage = createMemoryStorage()
    const base = await tableOf(storage, 1)
    const durable: string[] = []
    const failing: Storage = {
      ...storage,
      // The name is there, and its directory was not synced.
      async createExclusive(path, bytes) {
        await storage.createExclusive(path, bytes)
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      },
      async write(path, bytes, options) {
        if (options?.durable !== false) durable.push(path)
        await storage.write(path, bytes, options)
      },
    }
    const catalog = openFileCatalog(failing)
    await expect(setProperty(catalog, base, 'k', 'v')).rejects.toMatchObject({
      code: 'catalog/unknown-outcome',
    })
    expect((await catalog.loadTable('t'))?.metadata.properties).toMatchObject({ k: 'v' })
    expect(durable).toEqual(['default/t/metadata/version-hint.text'])
    await catalog.loadTable('t')
    expect(durable).toHaveLength(1)
  })

  test('a failure after the commit point does not fail the commit', async () => {
    const storage = createMemoryStorage()
    const base = await tableOf(storage, 30)
    const failing = watched(storage, (method) => {
      if (method === 'write' || method === 'delete') throw new Error('EIO: i/o error')
    })
    const version = await setProperty(openFileCatalog(failing), base, 'k', 'v')
    expect((await openFileCatalog(storage).loadTable('t'))?.version).toBe(version.version)
  })

  test('damaged metadata is reported, not skipped', async () => {
    const storage = createMemoryStorage()
    await tableOf(storage, 1)
    await storage.write(at(2), '{"format-version": 2, "cut of')
    await expect(openFileCatalog(storage).loadTable('t')).rejects.toMatchObject({
      code: 'catalog/damaged',
      kind: 'bad-data',
    })
  })

  test('openCatalog names what it knows', async () => {
    const storage = createMemoryStorage()
    await openCatalog('file:', storage)
    await expect(openCatalog('ldap://x', storage)).rejects.toMatchObject({ code: 'catalog/unknown-driver' })
  })
})
