import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, expect, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { World } from '../lander/support.ts'
import { openTestBucket } from '../storage/s3-support.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { findPython } from '../support/python.ts'
import { remoteLakeSuite, sendTen } from './remote-lake.ts'
import { land, purchaseRows, purchases } from './support.ts'

const bucket = await openTestBucket()
afterAll(() => {
  if (!('missing' in bucket)) bucket.close()
})

if ('missing' in bucket) {
  test('a lake in an object store', ({ skip }) => skip(bucket.missing))
} else {
  remoteLakeSuite({
    name: 'S3 (versitygw)',
    open: bucket.open,
    async openThroughProxy(path, options) {
      const proxy = await startFaultProxy(bucket.server.endpoint.slice('http://'.length))
      const storage = await bucket.open(path, options, proxy.address)
      return { proxy, storage, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() }
    },
  })

  test('a query holds its files while it runs, and a cache that is too small says so', async () => {
    const path = `sql-${randomUUID()}`
    await using world = new World()
    const lakeOn = (storage: Storage) => openLake({ storage, catalog: openFileCatalog(storage) })
    world.lake = lakeOn(await bucket.open(path))
    await sendTen(world, 0)
    await world.land()
    const cacheDirectory = join(bucket.directory, randomUUID())
    const lake = lakeOn(await bucket.open(path, { cacheDirectory, readOnly: true }))
    await using engine = await openDuckdbEngine({ lake, log: world.log })
    for (let i = 0; i < 2; i++) {
      const { pages } = await engine.query('SELECT count(*), count(DISTINCT event_id) FROM events')
      const rows = []
      for await (const page of pages) rows.push(...page)
      expect(rows).toEqual([[10, 10]])
    }
    const [own] = readdirSync(join(cacheDirectory, 'processes'))
    expect(readdirSync(join(cacheDirectory, 'processes', own!, 'leases'))).toEqual([])
    expect(readdirSync(join(cacheDirectory, 'objects'))).toHaveLength(1)
    const small = lakeOn(await bucket.open(path, { cacheDirectory, cacheBytesMax: 10 }))
    await using other = await openDuckdbEngine({ lake: small, log: world.log })
    await expect(other.query('SELECT count(*) FROM events')).rejects.toMatchObject({
      code: 'storage/cache-too-small',
    })
  })

  test('pyiceberg reads a table of the object store', { timeout: 600_000 }, async ({ skip }) => {
    const python = await findPython()
    if ('missing' in python) return skip(python.missing)
    const storage = await bucket.open(`pyiceberg-${randomUUID()}`)
    const lake = openLake({ storage, catalog: openFileCatalog(storage) })
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    let state = await lake.ensure(purchases)
    for (let i = 0; i < 3; i++)
      state = await land({ lake, connection }, state, purchaseRows(i * 10, 10), (i + 1) * 10)
    await lake.maintain(connection, 'purchases')
    const { metadataLocation } = (await lake.catalog.loadTable('purchases'))!
    expect(metadataLocation).toMatch(/^s3:\/\//)
    const { endpoint, region, accessKeyId, secretAccessKey } = bucket.server
    const properties = [
      `s3.endpoint=${endpoint}`,
      `s3.region=${region}`,
      `s3.access-key-id=${accessKeyId}`,
      `s3.secret-access-key=${secretAccessKey}`,
    ]
    const [count, few] = (await python.runJson(
      'read_table.py',
      [metadataLocation, ...properties],
      [{ op: 'count' }, { op: 'rows', filter: 'id < 3', order: 'id' }],
    )) as [number, { id: number; type: string }[]]
    expect(count).toBe(30)
    expect(few.map(({ id, type }) => [id, type])).toEqual([
      [0, 'sabre 0'],
      [1, 'sabre 1'],
      [2, 'sabre 2'],
    ])
    connection.closeSync()
    instance.closeSync()
  })
}
