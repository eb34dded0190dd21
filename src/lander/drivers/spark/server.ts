/** A session of a Spark Connect server that has what landing needs; else one clear line that says what is missing. */
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { type ConnectOptions, connectSpark, type SparkConnect } from './connect/client.ts'
import type { SparkCatalog } from './options.ts'
import { sparkSettings } from './sql/compile.ts'

const JARS = 'see docs/reference/spark.md for the jars and the start command'
const PROBE_MS = 120_000

/** Connects, checks the version and the jars, and attaches the catalog. */
export async function openSession(options: ConnectOptions, catalog: SparkCatalog): Promise<SparkConnect> {
  const spark = await connectSpark(options)
  try {
    await checkVersion(spark)
    await spark.configure(sparkSettings)
    await checkKafka(spark)
    await attachCatalog(spark, catalog)
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
async function checkKafka(spark: SparkConnect): Promise<void> {
  try {
    await spark.run(
      "CREATE OR REPLACE TEMPORARY VIEW landfall_probe USING kafka OPTIONS ('kafka.bootstrap.servers' '127.0.0.1:1', 'assign' '{\"probe\":[0]}')",
      PROBE_MS,
    )
    await spark.run('DROP VIEW IF EXISTS landfall_probe', PROBE_MS)
  } catch (error) {
    if (!isMissing(error)) throw error
    throw missing(spark, 'the Kafka source', 'spark-sql-kafka-0-10', error)
  }
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
  try {
    await spark.run(`SHOW NAMESPACES IN ${quoteName(name)}`, PROBE_MS)
  } catch (error) {
    if (isMissing(error)) throw missing(spark, 'the Iceberg runtime', 'iceberg-spark-runtime-4.1_2.13', error)
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return (
    isLandfallError(error) &&
    /DATA_SOURCE_NOT_FOUND|Cannot find catalog plugin class|ClassNotFound|NoClassDefFound|CATALOG_NOT_FOUND/.test(
      error.message,
    )
  )
}

function missing(spark: SparkConnect, what: string, jar: string, cause: unknown): LandfallError {
  return new LandfallError(
    'fix-config',
    'lander/spark-jar',
    `the Spark server at ${spark.address} has not ${what}`,
    {
      hint: `Start it with the jar ${jar} on its class path (${JARS})`,
      cause,
    },
  )
}

/** A name in Spark's SQL. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
