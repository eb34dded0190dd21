/**
 * A real Spark 4.1 with Iceberg for tests, one per test run: a statement in, rows out. Catalogs are attached at run time.
 *
 *   const spark = await findSpark({ lake: { type: 'rest', uri: door.url } })
 *   test('…', async ({ skip }) => {
 *     if ('missing' in spark) return skip(spark.missing)
 *     const { rows } = await spark.query('SELECT count(*) FROM lake.default.events')
 *   })
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { provideArtifact } from '../../src/stack/artifacts.ts'
import type { Engine } from '../../src/stack/engine.ts'
import { ICEBERG_SPARK, providePyspark } from '../../src/stack/engines/pyspark.ts'
import { provideJava } from '../../src/stack/java.ts'
import { shareEngine } from './shared-engine.ts'

const SERVER = join(import.meta.dirname, '../python/spark_server.py')

export interface SparkAnswer {
  /** `type` in Spark's words (`bigint`, `timestamp`). */
  columns: { name: string; type: string }[]
  /** JSON values; times and decimals as Python prints them, binary as hexadecimal digits. */
  rows: unknown[][]
}

export interface Spark {
  /** Throws what Spark says against the statement. */
  query(sql: string): Promise<SparkAnswer>
  /** Attaches an Iceberg catalog: `attach('lake', { type: 'rest', uri })` is `spark.sql.catalog.lake.type=rest`, … */
  attach(name: string, properties: Record<string, string>): Promise<void>
}

/** Starts it, or finds the one that this run has started. Takes about 10 s the first time. */
export async function findSpark(
  catalogs: Record<string, Record<string, string>> = {},
): Promise<Spark | { missing: string }> {
  const running = await shareEngine(sparkReader)
  if ('missing' in running) return running
  const spark = describe(running.url)
  for (const [name, properties] of Object.entries(catalogs)) await spark.attach(name, properties)
  return spark
}

async function ask(url: string, question: Record<string, unknown>): Promise<SparkAnswer> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(question) })
  const answer = (await response.json()) as SparkAnswer & { error?: string }
  if (answer.error !== undefined) throw new Error(answer.error)
  return answer
}

function describe(url: string): Spark {
  return {
    query: (sql) => ask(url, { sql }),
    async attach(name, properties) {
      const prefix = `spark.sql.catalog.${name}`
      const entries = Object.entries(properties).map(([key, value]) => [`${prefix}.${key}`, value] as const)
      const conf = { [prefix]: 'org.apache.iceberg.spark.SparkCatalog', ...Object.fromEntries(entries) }
      await ask(url, { conf })
    },
  }
}

export const sparkReader: Engine<{ url: string }> = {
  name: 'spark-reader',
  title: 'Spark 4.1 behind HTTP',
  ports: { http: 20001 },
  memoryMb: 800,
  async provide(cache) {
    const java = provideJava('Spark 4.1', { min: 17, max: 21 })
    const jar = await provideArtifact(cache, ICEBERG_SPARK)
    const venv = await providePyspark(cache)
    return {
      async prepare({ directory, ports }) {
        const work = join(directory, 'work')
        mkdirSync(work, { recursive: true })
        const command = [join(venv, 'bin/python'), SERVER, String(ports['http']), jar, work]
        const env = {
          JAVA_HOME: dirname(dirname(java)),
          SPARK_LOCAL_IP: '127.0.0.1',
          PYTHONDONTWRITEBYTECODE: '1',
        }
        const url = `http://127.0.0.1:${ports['http']}`
        return { processes: [{ name: 'spark', command, env }], state: { url } }
      },
      isReady: async ({ url }) => (await ask(url, { sql: 'SELECT 1' })).rows.length === 1,
    }
  },
}
