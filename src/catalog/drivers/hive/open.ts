import { LandfallError } from '../../../base/errors.ts'
import type { Storage } from '../../../storage/storage.ts'
import type { Catalog } from '../../catalog.ts'
import { HiveCatalog } from './catalog.ts'
import { Connection, type TlsOptions, UnknownMethod } from './connection.ts'
import { LOCK_TIMES, type LockTimes } from './lock.ts'
import { Metastore } from './metastore.ts'
import { WithPrestoTables } from './presto-tables.ts'

export interface HiveCatalogOptions {
  /** The metastore's database. */
  namespace: string
  host: string
  port: number
  framed?: boolean
  tls?: TlsOptions
  /** Also keeps tables that PrestoDB can read, in `<namespace>_presto`. */
  presto?: boolean
  times?: Partial<HiveTimes>
}

export interface HiveTimes extends LockTimes {
  callMs: number
  /** For how long a call that cannot have changed anything is repeated while the metastore does not answer. */
  patienceMs: number
}

export const HIVE_TIMES: HiveTimes = { callMs: 30_000, patienceMs: 10_000, ...LOCK_TIMES }

/** Asks for the metastore's version: so a wrong address is told at start. */
export async function openHiveCatalog(storage: Storage, options: HiveCatalogOptions): Promise<Catalog> {
  const { host, port, framed, tls, namespace } = options
  const times = { ...HIVE_TIMES, ...options.times }
  const url = `thrift://${host}:${port}`
  const connection = new Connection({
    host,
    port,
    callMs: times.callMs,
    ...(framed === undefined ? {} : { framed }),
    ...(tls === undefined ? {} : { tls }),
  })
  const metastore = new Metastore(url, connection, times.patienceMs)
  const catalog = new HiveCatalog(storage, metastore, namespace, await comparesItself(url, metastore), times)
  return options.presto ? new WithPrestoTables(catalog, storage, metastore) : catalog
}

/** `expected_parameter_key` came with 4.0; a 3.1 says that it is 3.0. */
async function comparesItself(url: string, metastore: Metastore): Promise<boolean> {
  let version: string
  try {
    version = await metastore.version()
  } catch (error) {
    if (!(error instanceof UnknownMethod)) throw error
    throw new LandfallError(
      'fix-config',
      'catalog/not-metastore',
      `${url} speaks thrift and is no Hive metastore: ${error.message}`,
      { hint: 'Give the metastore’s thrift address, usually port 9083' },
    )
  }
  const major = Number.parseInt(version, 10)
  if (major >= 3) return major >= 4
  throw new LandfallError(
    'fix-config',
    'catalog/old-metastore',
    `the metastore ${url} is of version ${version || 'unknown'}; 3.1 and 4.0 are known to work`,
    { hint: 'Use a metastore of 3.1 or newer, or an Iceberg REST catalog' },
  )
}
