/** The old stack, part by part, driven from TypeScript. */
import { gameOn } from './combination.ts'
import { kafkaHdfsHive } from './parts.ts'

gameOn(
  'Kafka + Spark (in batches, then streams) + HDFS + Hive metastore, asked by Trino',
  await kafkaHdfsHive('spark', { streams: true }),
)
