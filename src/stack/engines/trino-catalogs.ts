/** The lake of the engines beside it, as catalogs of Trino: `lake` behind Iceberg's REST catalog, `hive` behind Hive's metastore. */
import type { EngineState } from '../engine.ts'
import type { HiveState } from './hive.ts'
import type { IcebergRestState } from './iceberg-rest.ts'
import type { VersitygwState } from './versitygw.ts'

export type TrinoCatalogs = Record<string, { connector: string } & Record<string, string>>

export function lakeCatalogs(engines: Record<string, EngineState>): TrinoCatalogs {
  const rest = engines['iceberg-rest'] as IcebergRestState | undefined
  const hive = engines['hive'] as HiveState | undefined
  const files = filesOf(engines['versitygw'] as VersitygwState | undefined)
  const catalogs: TrinoCatalogs = {}
  if (rest !== undefined)
    catalogs['lake'] = {
      connector: 'iceberg',
      'iceberg.catalog.type': 'rest',
      'iceberg.rest-catalog.uri': rest.url,
      ...files,
    }
  if (hive !== undefined)
    catalogs['hive'] = {
      connector: 'iceberg',
      'iceberg.catalog.type': 'hive_metastore',
      'hive.metastore.uri': hive.url,
      ...files,
    }
  return catalogs
}

/** How files are reached: `hadoop` reads `file:` and `hdfs:`. */
function filesOf(s3: VersitygwState | undefined): Record<string, string> {
  const hadoop = { 'fs.hadoop.enabled': 'true' }
  if (s3 === undefined) return hadoop
  return {
    ...hadoop,
    'fs.native-s3.enabled': 'true',
    's3.endpoint': s3.endpoint,
    's3.region': s3.region,
    's3.path-style-access': 'true',
    's3.aws-access-key': s3.accessKeyId,
    's3.aws-secret-key': s3.secretAccessKey,
  }
}

/** Statements; a catalog that is there already stays as it is. */
export function createCatalogs(catalogs: TrinoCatalogs): string[] {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
  return Object.entries(catalogs).map(([name, { connector, ...properties }]) => {
    const list = Object.entries(properties).map(([key, value]) => `"${key}" = ${quoted(value)}`)
    const having = list.length > 0 ? ` WITH (${list.join(', ')})` : ''
    return `CREATE CATALOG IF NOT EXISTS ${name} USING ${connector}${having}`
  })
}
