/** The lake over real catalogs: landed, taken over, maintained, and read by a real Trino and by pyiceberg through the same catalogs. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findHive, findIcebergRest } from '../engines/catalogs.ts'
import { findTrino } from '../engines/trino.ts'
import { land, positionAt, purchaseRows, purchases, tableOf } from '../lake/support.ts'
import { findPython } from '../support/python.ts'
import { type CatalogLake, openCatalogLake } from './support.ts'

const SETTINGS = { snapshotAgeMs: 10_000, graceMs: 18_000, sweepIntervalMs: 0 }
const CATALOGS = {
  'Iceberg REST': {
    find: findIcebergRest,
    trino: (url: string) => ({ 'iceberg.catalog.type': 'rest', 'iceberg.rest-catalog.uri': url }),
  },
  'Hive metastore 4.0.1': { find: () => findHive('4.0.1'), trino: hiveCatalog },
  'Hive metastore 3.1.3': { find: () => findHive('3.1.3'), trino: hiveCatalog },
}

function hiveCatalog(url: string) {
  return { 'iceberg.catalog.type': 'hive_metastore', 'hive.metastore.uri': url }
}

for (const [name, { find, trino }] of Object.entries(CATALOGS)) {
  test(`what is landed and maintained over ${name} is what a real Trino reads`, { timeout: 240_000 }, async ({
    skip,
  }) => {
    const found = await find()
    if ('missing' in found) return skip(found.missing)
    const server = await findTrino({
      lake_of_catalog: { connector: 'iceberg', 'fs.hadoop.enabled': 'true', ...trino(found.url) },
    })
    if ('missing' in server) return skip(server.missing)
    const lake = await openCatalogLake(found.url, SETTINGS)
    try {
      await landTwenty(lake)
      const table = `lake_of_catalog.${lake.namespace}.purchases`
      const { rows } = await server.query(
        `SELECT count(*), count(DISTINCT id), sum(cost), CAST(max(timestamp) AS varchar) FROM ${table} WHERE timestamp >= TIMESTAMP '2026-11-20 00:00:00 UTC'`,
      )
      expect(rows).toEqual([[2000, 2000, 49_000, '2026-11-20 12:33:19.000000 UTC']])
      expect((await server.query(`SHOW TABLES FROM lake_of_catalog.${lake.namespace}`)).rows).toEqual([
        ['purchases'],
      ])
      const columns = (await server.query(`DESCRIBE ${table}`)).rows!.map(
        ([column, type]) => `${column} ${type}`,
      )
      expect(columns).toEqual([
        'id bigint',
        'timestamp timestamp(6) with time zone',
        'type varchar',
        'cost bigint',
        'note varchar',
      ])
      const tagged = await lake.lake.load('purchases')
      const { 'snapshot-id': snapshotId } = tagged!.metadata.snapshots.find(
        ({ summary }) => summary['total-records'] === '1000',
      )!
      const tag = { name: 'report-10', snapshotId, untilMs: Date.now() + 3_600_000 }
      await lake.lake.changeTags('purchases', { set: tag })
      const ofTag = await server.query(`SELECT count(*) FROM ${table} FOR VERSION AS OF 'report-10'`)
      expect(ofTag.rows).toEqual([[1000]])
      // As our own door says it.
      const unknown = await server.query(`SELECT count(*) FROM ${table} FOR VERSION AS OF 'report-11'`)
      expect(unknown.error).toMatchObject({
        name: 'INVALID_ARGUMENTS',
        message: 'Cannot find snapshot with reference name: report-11',
      })
      await lake.lake.changeTags('purchases', { remove: [tag.name] })
      await isMaintained(lake)
      expect((await server.query(`SELECT count(*), sum(cost) FROM ${table}`)).rows).toEqual([[2000, 49_000]])
    } finally {
      await server.detach('lake_of_catalog')
      await lake.close()
    }
  })
}

/** Twenty batches, with a takeover and a new column among them. */
async function landTwenty(lake: CatalogLake): Promise<void> {
  let state = await lake.lake.ensure(purchases, { position: positionAt(0), epoch: 1 })
  const predecessor = state
  state = await lake.lake.raiseEpoch('purchases', 2)
  await expect(land(lake, predecessor, purchaseRows(0, 100), 100)).rejects.toMatchObject({
    code: 'lake/fenced',
  })
  const other = await lake.openAnotherLake()
  for (let batch = 0; batch < 20; batch++) {
    if (batch === 10) {
      const grown = tableOf('purchases', {
        id: 'long',
        timestamp: 'timestamptz',
        type: 'string',
        cost: 'long',
        note: 'string',
      })
      state = await lake.lake.ensure(grown)
    }
    const rows = purchaseRows(batch * 100, 100)
    state = await land(
      lake,
      state,
      batch < 10 ? rows : `SELECT *, 'n' AS note FROM (${rows})`,
      (batch + 1) * 100,
    )
    // Beside it, as in a running pipeline.
    if (batch % 5 === 4) await other.maintain(lake.connection, 'purchases')
  }
  const elsewhere = {
    add: [],
    expect: { position: positionAt(5), epoch: 2 },
    position: positionAt(9),
    batch: 99,
  }
  await expect(lake.lake.commit('purchases', elsewhere)).rejects.toMatchObject({
    code: 'lake/position-moved',
  })
  expect(state.position).toEqual(positionAt(2000))
}

/** When its times are over nothing is left that nobody names, and whatever the metadata names is there. */
async function isMaintained(lake: CatalogLake): Promise<void> {
  for (let round = 0; round < 4; round++) {
    // A catalog server refuses what is more than a minute ahead of its own clock.
    lake.aheadMs = round * (SETTINGS.graceMs + 500)
    await lake.lake.maintain(lake.connection, 'purchases')
  }
  const { metadata, metadataLocation } = (await lake.catalog.loadTable('purchases'))!
  const folder = join(lake.root, lake.namespace, 'purchases')
  const files = readdirSync(join(folder, 'metadata'))
  const versions = files.filter((file) => file.endsWith('.metadata.json'))
  const named = [metadataLocation, ...metadata['metadata-log'].map((entry) => entry['metadata-file'])]
  expect(versions.sort()).toEqual(
    named.map((location) => location.slice(location.lastIndexOf('/') + 1)).sort(),
  )
  expect(versions.length).toBeLessThanOrEqual(21)
  expect(readdirSync(join(folder, 'data')).filter((file) => file.endsWith('.parquet'))).toHaveLength(1)
  expect(metadata.snapshots.length).toBeLessThanOrEqual(3)
  expect(files.length).toBeLessThanOrEqual(versions.length + 16)
}

test('pyiceberg reads through Iceberg REST what was landed there', { timeout: 240_000 }, async ({ skip }) => {
  const found = await findIcebergRest()
  if ('missing' in found) return skip(found.missing)
  const python = await findPython()
  if ('missing' in python) return skip(python.missing)
  const lake = await openCatalogLake(found.url)
  try {
    const state = await lake.lake.ensure(purchases, { position: positionAt(0), epoch: 1 })
    await land(lake, state, purchaseRows(0, 100), 100)
    const request = { namespace: lake.namespace, table: 'purchases' }
    const asked = {
      catalog: { type: 'rest', uri: found.url },
      requests: [
        { op: 'exists', ...request },
        { op: 'count', ...request },
      ],
    }
    expect(await python.runJson('read_catalog.py', [], asked)).toEqual([true, 100])
  } finally {
    await lake.close()
  }
})
