import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { type OpenCatalogOptions, openCatalog } from '../../src/catalog/open.ts'
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
