/** A session of a Spark Connect server that has what landing needs; else one clear line that says what is missing. */
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { type ConnectOptions, connectSpark, type SparkConnect } from './connect/client.ts'
import type { SparkCatalog } from './options.ts'
import { sparkSettings } from './sql/compile.ts'

const PROBE_MS = 120_000

/** Connects, checks the version and the jars, and attaches the catalog. */
export async function openSession(options: ConnectOptions, catalog: SparkCatalog): Promise<SparkConnect> {
  const spark = await connectSpark(options)
  try {
    await checkVersion(spark)
    await spark.configure(sparkSettings)
    const lacking: string[] = []
    if (!(await isThere(() => loadKafka(spark)))) lacking.push('the Kafka source (spark-sql-kafka-0-10_2.13)')
    if (!(await isThere(() => attachCatalog(spark, catalog))))
      lacking.push('the Iceberg runtime (iceberg-spark-runtime-4.1_2.13)')
    if (lacking.length > 0) throw lacks(spark, lacking, catalog)
    return spark
  } catch (error) {
    await spark.close()
    throw error
  }
}

async function checkVersion(spark: SparkConnect): Promise<void> {
  const version = await spark.version()
  if (version.startsWith('4.1.')) return
  throw new LandfallError(
    'fix-config',
    'lander/spark-version',
    `the Spark Connect server at ${spark.address} is Spark ${version || 'of an unknown version'}, expected 4.1`,
    { hint: 'Start a server of Spark 4.1: the newest with a Kafka source and an Iceberg runtime' },
  )
}

/** Describing a view of the source loads its class, and asks no broker. */
async function loadKafka(spark: SparkConnect): Promise<void> {
  const options = `'kafka.bootstrap.servers' '127.0.0.1:1', 'assign' '{"probe":[0]}'`
  await spark.run(
    `CREATE OR REPLACE TEMPORARY VIEW landfall_probe USING kafka OPTIONS (${options})`,
    PROBE_MS,
  )
  await spark.run('DROP VIEW IF EXISTS landfall_probe', PROBE_MS)
}

async function attachCatalog(spark: SparkConnect, { name, properties }: SparkCatalog): Promise<void> {
  const prefix = `spark.sql.catalog.${name}`
  if (properties) {
    const entries = Object.entries(properties).map(([key, value]) => [`${prefix}.${key}`, value] as const)
    await spark.configure({
      [prefix]: 'org.apache.iceberg.spark.SparkCatalog',
      // What we commit must be seen at once.
      [`${prefix}.cache-enabled`]: 'false',
      ...Object.fromEntries(entries),
    })
  }
  await spark.run(`SHOW NAMESPACES IN ${quoteName(name)}`, PROBE_MS)
  if (properties?.['type'] === 'hive') await checkMetastore(spark, name)
}

/** Spark 4.1's client of the metastore asks for tables by a call that metastores of 4.0 do not have any more. */
async function checkMetastore(spark: SparkConnect, catalog: string): Promise<void> {
  try {
    await spark.run(`DESCRIBE TABLE ${quoteName(catalog)}.default.landfall_probe`, PROBE_MS)
  } catch (error) {
    if (!isLandfallError(error) || !error.message.includes('Failed to get table info from metastore')) return
    throw new LandfallError(
      'fix-config',
      'lander/spark-metastore',
      'Spark 4.1 does not speak with this Hive metastore: it is one of 4.0',
      {
        hint: 'Use a metastore of 3.1, which Presto needs as well, or an Iceberg REST catalog',
        cause: error,
      },
    )
  }
}

const NO_CLASS =
  /DATA_SOURCE_NOT_FOUND|[Ff]ailed to find (the )?data source|CATALOG_NOT_FOUND|catalog plugin class|ClassNotFound|NoClassDefFound/

/** Whether the server has the classes that `work` needs. */
async function isThere(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isLandfallError(error) && NO_CLASS.test(error.message)) return false
    throw error
  }
}

function lacks(spark: SparkConnect, lacking: string[], { name, properties }: SparkCatalog): LandfallError {
  const orCatalog = properties ? '' : `, and that its configuration has the catalog ${name}`
  return new LandfallError(
    'fix-config',
    'lander/spark-jar',
    `the Spark server at ${spark.address} has not ${lacking.join(' and not ')}`,
    { hint: `See that its class path has these jars (docs/reference/spark.md)${orCatalog}` },
  )
}

/** A name in Spark's SQL. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
