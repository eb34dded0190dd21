import { LandfallError } from '../base/errors.ts'
import type { Storage } from '../storage/storage.ts'
import { type Catalog, DEFAULT_NAMESPACE } from './catalog.ts'

/** Opens the catalog of a URL; `file:` is the one in the lake's own files. */
export async function openCatalog(
  url: string,
  storage: Storage,
  { namespace = DEFAULT_NAMESPACE }: { namespace?: string } = {},
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
