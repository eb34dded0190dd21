import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checksumInName, checksumOf } from '../../src/base/checksum.ts'
import { sealOf } from '../../src/base/sealed-json.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { World } from '../lander/support.ts'

/** A world with events landed in several batches. */
async function landed(): Promise<World> {
  const world = new World()
  for (let batch = 0; batch < 3; batch++) {
    for (let i = 0; i < 5; i++) {
      await world.send({
        event: { event_type: 'purchase_sword', type: 'sabre', cost: i },
        at: batch * 10 + i,
      })
    }
    await world.land({ settings: { maintain: false } })
  }
  return world
}

const folderOf = (world: World, table: string, part: 'data' | 'metadata') =>
  join(world.directory, 'lake', 'default', table, part)

function flip(file: string, at = 0.5): void {
  const bytes = readFileSync(file)
  bytes[Math.floor(bytes.length * at)]! ^= 4
  writeFileSync(file, bytes)
}

test('every file of a table bears its checksum', async () => {
  await using world = await landed()
  for (const table of await world.lake.listTables()) {
    for (const part of ['data', 'metadata'] as const) {
      const folder = folderOf(world, table, part)
      // A table without rows has no data.
      for (const name of existsSync(folder) ? readdirSync(folder) : []) {
        const bytes = readFileSync(join(folder, name))
        if (name === 'version-hint.text') continue
        if (name.endsWith('.metadata.json')) expect(sealOf(bytes)).toMatchObject({ sealed: true })
        else expect(checksumInName(name)).toBe(checksumOf(bytes))
      }
    }
  }
})

test('a question over a data file with a bit that turned gets an error, and the other tables answer', async () => {
  await using world = await landed()
  const data = folderOf(world, 'purchases', 'data')
  const victim = join(data, readdirSync(data)[0]!)
  flip(victim)
  await using engine = await openDuckdbEngine({ lake: world.openLake() })
  await expect(engine.query('SELECT count(*) FROM purchases')).rejects.toMatchObject({
    code: 'storage/damaged',
    message: expect.stringMatching(
      /^file:.*parquet is damaged: expected crc32c [0-9a-f]{8}, found [0-9a-f]{8}$/,
    ),
    hint: expect.stringContaining('landfall verify --repair'),
  })
  await expect(engine.query('SELECT count(*) FROM sword_purchases')).resolves.toBeDefined()
  // Mended, it answers again, in the same process.
  flip(victim)
  await expect(engine.query('SELECT count(*) FROM purchases')).resolves.toBeDefined()
  rmSync(victim)
  await expect(engine.query('SELECT count(*) FROM purchases')).rejects.toMatchObject({
    code: 'storage/not-found',
  })
})

test('damage does not get a checksum that fits by being compacted', async () => {
  await using world = await landed()
  const data = folderOf(world, 'purchases', 'data')
  flip(join(data, readdirSync(data)[0]!))
  const before = readdirSync(data).sort()
  const { openLake } = await import('../../src/lake/iceberg-lake.ts')
  const { openFileCatalog } = await import('../../src/catalog/drivers/file.ts')
  const { openLocalStorage } = await import('../../src/storage/drivers/local.ts')
  const storage = openLocalStorage(join(world.directory, 'lake'))
  const lake = openLake({ storage, catalog: openFileCatalog(storage), settings: { tierFilesMax: 2 } })
  await expect(lake.maintain(await world.connection(), 'purchases')).rejects.toMatchObject({
    code: 'storage/damaged',
  })
  expect(readdirSync(data).sort()).toEqual(before)
})

test('a list, a manifest and a metadata file with a bit that turned are not read', async () => {
  await using world = await landed()
  const folder = folderOf(world, 'purchases', 'metadata')
  const state = (await world.lake.load('purchases'))!
  const list = state.metadata.snapshots.at(-1)!['manifest-list'].split('/').at(-1)!
  const newest = readdirSync(folder)
    .filter((name) => name.endsWith('.metadata.json'))
    .sort((a, b) => Number(/\d+/.exec(a)![0]) - Number(/\d+/.exec(b)![0]))
    .at(-1)!
  for (const [name, code] of [
    [list, 'lake/damaged'],
    [newest, 'catalog/damaged'],
  ] as const) {
    flip(join(folder, name))
    const lake = world.openLake()
    await expect((async () => lake.files((await lake.load('purchases'))!))()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/expected crc32c [0-9a-f]{8}, found/),
    })
    flip(join(folder, name))
  }
})
