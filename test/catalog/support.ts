import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { Clock } from '../../src/base/clock.ts'
import { LandfallError } from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { type OpenCatalogOptions, openCatalog } from '../../src/catalog/open.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Lake } from '../../src/lake/lake.ts'
import type { LakeSettings } from '../../src/lake/settings.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { OpenedCatalog } from '../conformance/catalog-suite.ts'

/** A storage and a namespace of a real catalog that no other test has. */
export interface OwnNamespace extends OpenedCatalog {
  root: string
  storage: Storage
  namespace: string
  openAnother(options?: OpenCatalogOptions): Promise<Catalog>
}

export async function openNamespace(url: string, options: OpenCatalogOptions = {}): Promise<OwnNamespace> {
  const root = await mkdtemp(join(tmpdir(), 'landfall-catalog-'))
  const storage = openLocalStorage(root)
  const namespace = `n_${randomBytes(6).toString('hex')}`
  const openAnother = (more: OpenCatalogOptions = {}) =>
    openCatalog(url, openLocalStorage(root), { namespace, ...options, ...more })
  return {
    root,
    storage,
    namespace,
    catalog: await openAnother(),
    openAnother,
    location: (table) => `${storage.url}/${namespace}/${table}`,
    close: () => rm(root, { recursive: true, force: true }),
  }
}

export interface CatalogLake extends OwnNamespace {
  lake: Lake
  connection: DuckDBConnection
  /** Milliseconds that the lake's clock is ahead of the machine's. */
  aheadMs: number
  openAnotherLake(): Promise<Lake>
}

/** A lake over a real catalog. */
export async function openCatalogLake(
  url: string,
  settings: Partial<LakeSettings> = {},
): Promise<CatalogLake> {
  const own = await openNamespace(url)
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const clock: Clock = {
    nowMicros: () => (Date.now() + made.aheadMs) * 1000,
    monotonicMs: () => performance.now(),
  }
  const lakeOf = (catalog: Catalog) => openLake({ catalog, storage: own.storage, clock, settings })
  const made: CatalogLake = {
    ...own,
    lake: lakeOf(own.catalog),
    connection,
    aheadMs: 0,
    openAnotherLake: async () => lakeOf(await own.openAnother()),
    async close() {
      connection.closeSync()
      instance.closeSync()
      await own.close()
    },
  }
  return made
}

/**
 * One commit that counts: `n` goes up by one, under a mark of its own. Tried again until it stands, and after an unknown outcome only when
 * the mark is not there. Only for one writer of a table.
 */
export async function count(catalog: Catalog, table: string): Promise<void> {
  const mark = randomBytes(8).toString('hex')
  const until = performance.now() + 120_000
  for (;;) {
    try {
      const base = (await catalog.loadTable(table))!
      if (base.metadata.properties['mark'] === mark) return
      const updates = { n: String(Number(base.metadata.properties['n'] ?? 0) + 1), mark }
      const next = {
        ...base.metadata,
        'last-updated-ms': base.metadata['last-updated-ms'] + 1,
        properties: { ...base.metadata.properties, ...updates },
      }
      await catalog.commitTable(base, next, [{ action: 'set-properties', updates }])
      return
    } catch (error) {
      if (!(error instanceof LandfallError) || error.kind !== 'retry' || performance.now() > until)
        throw error
    }
  }
}
