/** Real engines put together: what `landfall up` is told, and how a Trino reaches the same tables. */
import { randomUUID } from 'node:crypto'
import { hdfs } from '../../src/stack/engines/hdfs.ts'
import type { HiveState } from '../../src/stack/engines/hive.ts'
import { lakeCatalogs } from '../../src/stack/engines/trino-catalogs.ts'
import { makeBucket, versitygw } from '../../src/stack/engines/versitygw.ts'
import { findHive, findIcebergRest } from '../engines/catalogs.ts'
import { findKafka } from '../engines/kafka.ts'
import { shareEngine } from '../engines/shared-engine.ts'
import { findSparkConnect } from '../engines/spark-connect.ts'
import { type Catalogs, findTrino, type Trino } from '../engines/trino.ts'

export interface Combination {
  /** `--log`, `--storage`, `--catalog`, `--namespace`, `--lander`. */
  urls: Record<string, string>
  env: NodeJS.ProcessEnv
  namespace: string
  /** Where the storage's tables are, as Iceberg has it. */
  tables: string
  trino: Trino
  /** How Trino reaches the same tables. */
  catalog: Catalogs[string]
  metastore?: HiveState
  /** URL of a lander that takes over half-way. */
  successor?: string
  /** The lander writes a spool, so answers of our own door hold what is not committed yet. */
  spool: boolean
}

type Found = Promise<Combination | { missing: string }>

/** (b): Kafka, S3 and an Iceberg REST catalog, landed by DuckDB. */
export async function kafkaS3Rest(): Found {
  const s3 = await shareEngine(versitygw)
  if ('missing' in s3) return s3
  const kafka = await findKafka()
  if ('missing' in kafka) return kafka
  const rest = await findIcebergRest()
  if ('missing' in rest) return rest
  const trino = await findTrino()
  if ('missing' in trino) return trino
  const id = randomUUID().slice(0, 8)
  const [bucket, namespace] = [`game-${id}`, `game_${id}`]
  await makeBucket(s3, bucket)
  return {
    urls: {
      '--log': `kafka://${kafka.plaintext}/game-${id}`,
      '--storage': `s3://${bucket}/lake?endpoint=${s3.endpoint}&region=${s3.region}&path-style=true`,
      '--catalog': rest.url,
      '--namespace': namespace,
    },
    env: { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    namespace,
    tables: `s3://${bucket}/lake/${namespace}`,
    trino,
    catalog: lakeCatalogs({ 'iceberg-rest': rest, versitygw: s3 })['lake']!,
    spool: true,
  }
}

/**
 * (c): Kafka, HDFS and a Hive metastore 3.1 (the last that Presto can talk to), landed by Spark or by DuckDB; `streams`: Spark lands in
 * batches, then by streams.
 */
export async function kafkaHdfsHive(
  lander: 'duckdb' | 'spark',
  { presto = false, streams = false } = {},
): Found {
  const kafka = await findKafka()
  if ('missing' in kafka) return kafka
  const files = await shareEngine(hdfs)
  if ('missing' in files) return files
  const metastore = await findHive('3.1.3')
  if ('missing' in metastore) return metastore
  const spark = lander === 'spark' ? await findSparkConnect() : undefined
  if (spark && 'missing' in spark) return spark
  const trino = await findTrino()
  if ('missing' in trino) return trino
  const id = randomUUID().slice(0, 8)
  const namespace = `game_${id}`
  return {
    urls: {
      '--log': `kafka://${kafka.plaintext}/game-${id}`,
      '--storage': `${files.url}/game-${id}?http=${files.http}`,
      '--catalog': presto ? `${metastore.url}?presto=true` : metastore.url,
      '--namespace': namespace,
      ...(spark ? { '--lander': `sc://${spark.host}:${spark.port}` } : {}),
    },
    ...(spark && streams ? { successor: `sc://${spark.host}:${spark.port}?mode=stream&trigger=1s` } : {}),
    env: {},
    namespace,
    tables: `${files.url}/game-${id}/${namespace}`,
    trino,
    catalog: lakeCatalogs({ hive: metastore })['hive']!,
    metastore,
    spool: lander === 'duckdb',
  }
}
