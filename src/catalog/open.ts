import { LandfallError } from '../base/errors.ts'
import type { Storage } from '../storage/storage.ts'
import { type Catalog, DEFAULT_NAMESPACE } from './catalog.ts'

export interface OpenCatalogOptions {
  namespace?: string
  /** Bearer token, or `id:secret` of an OAuth2 client; for catalogs that are servers. */
  token?: string
  credential?: string
}

/** Opens the catalog of a URL; `file:` is the one in the lake's own files. */
export async function openCatalog(
  url: string,
  storage: Storage,
  { namespace = DEFAULT_NAMESPACE }: OpenCatalogOptions = {},
): Promise<Catalog> {
  if (url === 'file:' || url.startsWith('file://')) {
    const { openFileCatalog } = await import('./drivers/file.ts')
    return openFileCatalog(storage, namespace)
  }
  throw new LandfallError(
    'fix-config',
    'catalog/unknown-driver',
    `no catalog driver for ${JSON.stringify(url)}`,
    {
      hint: 'Use file: for the catalog in the lake itself',
    },
  )
}
