/**
 * System B, combination (c): Kafka, HDFS and a Hive metastore 3.1 (the last that Presto can talk to), landed by DuckDB and by Spark,
 * asked by a real Trino. With Spark this is the old stack, part by part, driven from TypeScript.
 */
import { randomUUID } from 'node:crypto'
import { hdfs } from '../../src/stack/engines/hdfs.ts'
import { lakeCatalogs } from '../../src/stack/engines/trino-catalogs.ts'
import { findHive } from '../engines/catalogs.ts'
import { findKafka } from '../engines/kafka.ts'
import { shareEngine } from '../engines/shared-engine.ts'
import { findSparkConnect } from '../engines/spark-connect.ts'
import { findTrino } from '../engines/trino.ts'
import { type Combination, gameOn } from './combination.ts'

async function find(lander: 'duckdb' | 'spark'): Promise<Combination | { missing: string }> {
  const [kafka, files, metastore] = [await findKafka(), await shareEngine(hdfs), await findHive('3.1.3')]
  if ('missing' in kafka) return kafka
  if ('missing' in files) return files
  if ('missing' in metastore) return metastore
  const [spark, trino] = [lander === 'spark' ? await findSparkConnect() : undefined, await findTrino()]
  if (spark && 'missing' in spark) return spark
  if ('missing' in trino) return trino
  const id = randomUUID().slice(0, 8)
  const tables = `${files.url}/game-${id}`
  // One namespace of the metastore for each: the tables have the same names.
  const namespace = `game_${id}`
  return {
    urls: {
      '--log': `kafka://${kafka.plaintext}/game-${id}`,
      '--storage': `${tables}?http=${files.http}`,
      '--catalog': metastore.url,
      '--namespace': namespace,
      ...(spark ? { '--lander': `sc://${spark.host}:${spark.port}` } : {}),
    },
    env: {},
    tables: `${tables}/${namespace}`,
    namespace,
    trino,
    catalog: lakeCatalogs({ hive: metastore })['hive']!,
    spool: lander === 'duckdb',
  }
}

gameOn('Kafka + DuckDB + HDFS + Hive metastore, asked by Trino', await find('duckdb'), () =>
  Promise.resolve(),
)
gameOn('Kafka + Spark + HDFS + Hive metastore, asked by Trino', await find('spark'), () => Promise.resolve())
