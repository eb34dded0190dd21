/** Spark 4.1 as PyPI carries it: the newest version that has a Kafka source and an Iceberg runtime. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineCache } from '../cache.ts'
import { providePython } from '../python.ts'

export const SPARK_VERSION = '4.1.3'

const REQUIREMENTS = `pyspark==4.1.3 --hash=sha256:b600238e771e45618a58beaf9d63cfd9aa06f61ce193244cedf890a04a4409f7
py4j==0.10.9.9 --hash=sha256:c7c26e4158defb37b0bb124933163641a2ff6e3a3913f7811b0ddbe07ed61533
`

export const ICEBERG_SPARK = {
  coordinates: 'org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0:jar',
  sha256: '3123c3798af642dd537230923548e013ef41cc28b6626e5225808cf5670a0f82',
}

/** A Python environment that holds Spark: its jars are in site-packages/pyspark/jars. */
export function providePyspark(cache: EngineCache): Promise<string> {
  return providePython(cache, 'pyspark', REQUIREMENTS)
}

/** The folder of Spark's own jars in that environment. */
export function sparkJars(environment: string): string {
  const [version] = readdirSync(join(environment, 'lib'))
    .filter((name) => name.startsWith('python3'))
    .sort()
  return join(environment, 'lib', version ?? 'python3', 'site-packages/pyspark/jars')
}
