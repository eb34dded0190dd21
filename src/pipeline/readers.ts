/** What commands and processes that only look open: the catalog and the log of a data directory. */
import { existsSync } from 'node:fs'
import { LandfallError } from '../base/errors.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { openCatalog } from '../catalog/open.ts'
import type { Lake } from '../lake/lake.ts'
import type { LakeSettings } from '../lake/settings.ts'
import type { LogReader } from '../log/log.ts'
import type { SqlEngine } from '../sql/sql.ts'
import { openStorage } from '../storage/open.ts'
import { dataPaths } from './paths.ts'

/** Throws `landfall/no-data` when nothing was ever written there. */
export async function openDataCatalog(data: string): Promise<Catalog> {
  requireData(data, dataPaths(data).lake, 'lake')
  return openCatalog('file:', await openStorage(dataPaths(data).lake))
}

export async function openDataLog(data: string): Promise<LogReader> {
  requireData(data, dataPaths(data).log, 'log')
  const { openLogReader } = await import('../log/open.ts')
  return openLogReader(dataPaths(data).log)
}

/** An empty log, so that its identity and end exist before the first event. */
export async function createDataLog(data: string): Promise<void> {
  const { openLog } = await import('../log/open.ts')
  await using _log = await openLog(dataPaths(data).log)
}

function requireData(data: string, path: string, what: string): void {
  if (existsSync(path)) return
  throw new LandfallError(
    'fix-config',
    'landfall/no-data',
    `there is no ${what} in the data directory ${data}`,
    {
      hint: 'Name another one with --data, or start a pipeline with "landfall up"',
    },
  )
}

/** The tables with their files; writes nothing and needs no engine. */
export async function openDataLake(data: string): Promise<Lake> {
  requireData(data, dataPaths(data).lake, 'lake')
  return openLakeAt(dataPaths(data).lake)
}

export async function openLakeAt(directory: string, settings: Partial<LakeSettings> = {}): Promise<Lake> {
  const { openLake } = await import('../lake/iceberg-lake.ts')
  const storage = await openStorage(directory)
  return openLake({ catalog: await openCatalog('file:', storage), storage, settings })
}

/** SQL over the wire: a running query process, or any server of the Trino protocol. */
export async function openRemoteSql(
  url: string,
  { token, user }: { token: string | null; user: string | null } = { token: null, user: null },
): Promise<SqlEngine> {
  const { openTrinoEngine } = await import('../sql/drivers/trino.ts')
  return openTrinoEngine(url, { ...(token === null ? {} : { token }), ...(user === null ? {} : { user }) })
}
