/**
 * A Spark Connect server of Spark 4.1: one JVM from PyPI's wheel, without the launcher that spark-submit starts beside it, and with the
 * jars that the wheel does not carry (Kafka source, Iceberg, Iceberg's S3). No final version of `spark-token-provider-kafka` 4.1 is in
 * Maven's central repository; 4.1.0-preview1 is what fits the source, and only delegation tokens are its own.
 *
 * Measured here: 4 to 7 s to start, 0.3 GB idle, 0.7 GB under work; 4.5 MB more for every streaming query that has ended in the last hour.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { connectSpark } from '../../lander/drivers/spark/connect/client.ts'
import { jarsOf, provideJars } from '../artifacts.ts'
import type { Engine } from '../engine.ts'
import { provideJava } from '../java.ts'
import { providePyspark, sparkJars } from './pyspark.ts'

export interface SparkState {
  host: string
  port: number
}

export const SPARK_JARS = [
  'org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0 3123c3798af642dd537230923548e013ef41cc28b6626e5225808cf5670a0f82',
  'org.apache.iceberg:iceberg-aws-bundle:1.12.0 dd7e49ffa4ac9b215bed846581991259e3aec9bb2fa08d6cec029c46cd66d957',
  'org.apache.spark:spark-sql-kafka-0-10_2.13:4.1.3 cb31ffd9c8f5527dba061db8af671d295562092e4f3f5ff42fc249fab8a8fde6',
  'org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.1.0-preview1 ab6e27a8a47ce63348dd0ecbd5543dc6212b4783180305cde5749e79684ea97b',
  'org.apache.kafka:kafka-clients:3.9.1 7568b998572d256f0b7bc0afdc1b7a2588b8b08415c62ce314c864a6851ae9d9',
  'org.apache.commons:commons-pool2:2.12.1 5273c8bc8c0dca2211175c0d27efbd7228efae99689aac001a8e1ef8e872e9ef',
]

/** What Spark needs of a Java 17 and newer (its own launcher adds the same). */
const OPENED = [
  'java.lang',
  'java.lang.invoke',
  'java.lang.reflect',
  'java.io',
  'java.net',
  'java.nio',
  'java.util',
  'java.util.concurrent',
  'java.util.concurrent.atomic',
  'jdk.internal.ref',
  'sun.nio.ch',
  'sun.nio.cs',
  'sun.security.action',
  'sun.util.calendar',
].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`)

export const spark: Engine<SparkState> = {
  name: 'spark',
  title: 'Apache Spark 4.1.3 (Spark Connect)',
  ports: { connect: 15002 },
  memoryMb: 700,
  uses: ['kafka'],
  async provide(cache) {
    const java = provideJava('Spark 4.1', { min: 17, max: 21 })
    const jars = await provideJars(cache, 'spark', jarsOf(SPARK_JARS))
    const home = sparkJars(await providePyspark(cache))
    return {
      async prepare({ directory, ports }) {
        const port = ports['connect']!
        const work = join(directory, 'work')
        mkdirSync(work, { recursive: true })
        const settings = Object.entries(settingsOf(directory, work, port)).map(
          ([key, value]) => `-D${key}=${value}`,
        )
        const jvm = [
          '-Xmx2g',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          // With one tier Java reserves 48 MB, which the code that Spark generates for a few streams fills; then the server dies.
          '-XX:ReservedCodeCacheSize=240m',
          '-XX:+ExitOnOutOfMemoryError',
          ...OPENED,
        ]
        const main = [
          '-cp',
          `${join(jars, '*')}:${join(home, '*')}`,
          'org.apache.spark.sql.connect.service.SparkConnectServer',
        ]
        const env = { SPARK_LOCAL_IP: '127.0.0.1' }
        const command = [java, ...jvm, ...settings, ...main]
        return { processes: [{ name: 'spark', command, env }], state: { host: '127.0.0.1', port } }
      },
      async isReady({ host, port }) {
        const client = await connectSpark({ host, port })
        try {
          return (await client.version()) !== ''
        } finally {
          await client.close()
        }
      },
    }
  },
  offer: ({ host, port }) => ({ flags: { '--lander': `sc://${host}:${port}` } }),
}

const settingsOf = (directory: string, work: string, port: number) => ({
  'java.io.tmpdir': work,
  'spark.local.dir': work,
  'jdk.reflect.useDirectMethodHandle': 'false',
  'io.netty.tryReflectionSetAccessible': 'true',
  'spark.master': 'local[2]',
  'spark.app.name': 'landfall',
  'spark.ui.enabled': 'false',
  // What the page that is off would show is kept all the same: 1000 of each by default.
  'spark.ui.retainedJobs': '50',
  'spark.ui.retainedStages': '50',
  'spark.ui.retainedTasks': '1000',
  'spark.sql.ui.retainedExecutions': '50',
  'spark.driver.host': '127.0.0.1',
  'spark.driver.bindAddress': '127.0.0.1',
  'spark.connect.grpc.binding.address': '127.0.0.1',
  'spark.connect.grpc.binding.port': String(port),
  'spark.sql.warehouse.dir': join(directory, 'warehouse'),
  'spark.sql.shuffle.partitions': '2',
  'spark.sql.extensions': 'org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions',
})
