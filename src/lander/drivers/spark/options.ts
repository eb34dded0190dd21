/** What the Spark lander must be told. Plain data: it knows nothing of settings and environment. */
import type { LanderOptions } from '../../lander.ts'
import type { ConnectOptions } from './connect/client.ts'

export interface SparkLanderOptions extends LanderOptions {
  spark: ConnectOptions
  kafka: KafkaPlace
  catalog: SparkCatalog
  /** Mode stream: micro-batches start so often. Else batches are planned here. */
  stream?: { everyMs: number; queriesPerHour?: number }
}

/** The topic as Spark's executors reach it. */
export interface KafkaPlace {
  /** `host:9092[,host2:9092]` */
  servers: string
  topic: string
  /** Options of Spark's Kafka source beside these, e.g. `kafka.security.protocol`. May hold secrets: never in a text. */
  options?: Record<string, string>
}

/** The Iceberg catalog as Spark finds it. */
export interface SparkCatalog {
  /** Its name in Spark's SQL. */
  name: string
  /** Properties below `spark.sql.catalog.<name>`, for this session; none: the server's own configuration has the catalog. */
  properties?: Record<string, string>
}
