/** What commands that only look open: the catalog, the tables and the log, which must be there. */
import { existsSync } from 'node:fs'
import { LandfallError } from '../base/errors.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Lake } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import type { SqlEngine } from '../sql/sql.ts'
import type { Named } from './named.ts'
import { isOwn, type Places } from './places.ts'
import { openCatalogAt, openLakeReaderAt, openLogAt, openLogReaderAt, openStorageAt } from './rooms.ts'

/** Throws `landfall/no-data` when nothing was ever written there. */
export async function openDataCatalog(places: Places): Promise<Catalog> {
  requireData(places, 'lake')
  return openCatalogAt(places, await openStorageAt(places, { readOnly: true }))
}

/** The tables with their files; writes nothing and needs no engine. */
export async function openDataLake(places: Places): Promise<Lake> {
  requireData(places, 'lake')
  return (await openLakeReaderAt(places)).lake
}

export async function openDataLog(places: Places): Promise<LogReader> {
  requireData(places, 'log')
  return openLogReaderAt(places)
}

/** An empty log, so that its identity and end exist before the first event. */
export async function createDataLog(places: Places): Promise<void> {
  await using _log = await openLogAt(places)
}

/** Whether a lake may be there: one in the data directory is when its folder is; elsewhere only asking tells. */
export function hasLake(places: Places): boolean {
  return !isOwn(places, 'storage') || existsSync(places.paths.lake)
}

export function hasLog(places: Places): boolean {
  return !isOwn(places, 'log') || existsSync(places.paths.log)
}

/** Throws `landfall/no-data` when nothing was ever written there. */
export function requireData(places: Places, what: 'lake' | 'log'): void {
  if (what === 'lake' ? hasLake(places) : hasLog(places)) return
  throw new LandfallError(
    'fix-config',
    'landfall/no-data',
    `there is no ${what} in the data directory ${places.data}`,
    {
      hint: 'Name another one with --data, or start a pipeline with "landfall up"',
    },
  )
}

export interface RemoteSqlOptions {
  token: string | null
  password: string | null
  user: string | null
  /** Views and files of the pipeline, which a server of others does not have. */
  named?: Named
}

function whatIsNamed({ views, reference }: Named): Map<string, string> {
  return new Map([
    ...views.map(({ name }) => [name.toLowerCase(), 'view'] as const),
    ...reference.map(({ name }) => [name.toLowerCase(), 'reference file'] as const),
  ])
}

/** SQL over the wire: a running query process, or any server of the Trino protocol. */
export async function openRemoteSql(
  url: string,
  { token, password, user, named }: RemoteSqlOptions = { token: null, password: null, user: null },
): Promise<SqlEngine> {
  const { openTrinoEngine } = await import('../sql/drivers/trino.ts')
  return openTrinoEngine(url, {
    ...(token === null ? {} : { token }),
    ...(password === null ? {} : { password }),
    ...(user === null ? {} : { user }),
    ...(named === undefined ? {} : { named: whatIsNamed(named) }),
  })
}
