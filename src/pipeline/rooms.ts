/** Opens log, storage, catalog and lake where the places say; the one place where credentials meet drivers. */
import type { Catalog } from '../catalog/catalog.ts'
import { openCatalog } from '../catalog/open.ts'
import type { Lake } from '../lake/lake.ts'
import type { LakeSettings } from '../lake/settings.ts'
import type { EventLog, LogReader } from '../log/log.ts'
import type { LogCredentials, OpenLogOptions } from '../log/open.ts'
import { openStorage } from '../storage/open.ts'
import type { Storage } from '../storage/storage.ts'
import type { Places } from './places.ts'

export interface LakeRooms {
  storage: Storage
  catalog: Catalog
  lake: Lake
}

export async function openLogAt(places: Places, options: OpenLogOptions = {}): Promise<EventLog> {
  const { openLog } = await import('../log/open.ts')
  return openLog(places.log, { ...options, ...credentialsOf(places) })
}

/** `waitMs`: for a log that somebody else is about to make. */
export async function openLogReaderAt(
  places: Places,
  options: { waitMs?: number; onNote?: (text: string) => void } = {},
): Promise<LogReader> {
  const { openLogReader } = await import('../log/open.ts')
  return openLogReader(places.log, { ...options, ...credentialsOf(places) })
}

/** `readOnly`: for who only reads and may have no right to write. */
export function openStorageAt(
  { storage, paths, cacheBytesMax }: Places,
  { readOnly = false } = {},
): Promise<Storage> {
  const bound = cacheBytesMax === undefined ? {} : { cacheBytesMax }
  return openStorage(storage, { cacheDirectory: paths.cache, readOnly, ...bound })
}

export async function openCatalogAt(
  places: Places,
  storage?: Storage,
  namespace = places.namespace,
): Promise<Catalog> {
  const { catalogToken, catalogCredential } = places.secrets
  return openCatalog(places.catalog, storage ?? (await openStorageAt(places)), {
    namespace,
    ...(catalogToken === null ? {} : { token: catalogToken }),
    ...(catalogCredential === null ? {} : { credential: catalogCredential }),
  })
}

/** `namespace`: default, the pipeline's own. */
export async function openLakeAt(
  places: Places,
  settings: Partial<LakeSettings> = {},
  namespace?: string,
): Promise<LakeRooms> {
  return openRooms(places, await openStorageAt(places), settings, namespace)
}

/** The same for who only reads. */
export async function openLakeReaderAt(places: Places): Promise<LakeRooms> {
  return openRooms(places, await openStorageAt(places, { readOnly: true }))
}

async function openRooms(
  places: Places,
  storage: Storage,
  settings: Partial<LakeSettings> = {},
  namespace?: string,
): Promise<LakeRooms> {
  const { openLake } = await import('../lake/iceberg-lake.ts')
  const catalog = await openCatalogAt(places, storage, namespace)
  return { storage, catalog, lake: openLake({ catalog, storage, settings }) }
}

function credentialsOf({ secrets }: Places): { credentials?: LogCredentials } {
  const { logUsername: username, logPassword: password } = secrets
  if (username === null && password === null) return {}
  return {
    credentials: { ...(username === null ? {} : { username }), ...(password === null ? {} : { password }) },
  }
}
