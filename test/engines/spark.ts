/**
 * A real Spark 4.1 with Iceberg for tests, one per test run: a statement in, rows out. Catalogs are attached at run time.
 *
 *   const spark = await findSpark({ lake: { type: 'rest', uri: door.url } })
 *   test('…', async ({ skip }) => {
 *     if ('missing' in spark) return skip(spark.missing)
 *     const { rows } = await spark.query('SELECT count(*) FROM lake.default.events')
 *   })
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findArtifact } from './artifacts.ts'
import { engineCache, execute, withCache } from './cache.ts'
import { findJava } from './java.ts'
import { type EngineRecipe, freePort, shareEngine } from './shared-engine.ts'

const REQUIREMENTS = join(import.meta.dirname, 'spark-requirements.txt')
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
  const java = findJava({ min: 17, max: 21 })
  if (typeof java !== 'string') return { missing: `Spark 4.1: ${java.missing}` }
  const jar = await findArtifact('iceberg-spark-runtime')
  if (typeof jar !== 'string') return jar
  const home = await findSparkHome()
  if (typeof home !== 'string') return home
  const running = await shareEngine(sparkRecipe(java, home, jar))
  if ('missing' in running) return running
  const spark = describe(running.url)
  for (const [name, properties] of Object.entries(catalogs)) await spark.attach(name, properties)
  return spark
}

/** A Python environment with pyspark, which carries Spark itself; files are held to the hashes of the requirements. */
export async function findSparkHome(): Promise<string | { missing: string }> {
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
  const venv = join(engineCache(), 'unpacked', `pyspark-${hash}`)
  if (existsSync(join(venv, 'ready'))) return venv
  try {
    await withCache(async () => {
      if (existsSync(join(venv, 'ready'))) return
      rmSync(venv, { recursive: true, force: true })
      await execute('making a Python environment', 'python3', ['-m', 'venv', venv])
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir']
      const python = join(venv, 'bin/python')
      await execute('fetching pyspark', python, [...pip, '--require-hashes', '-r', REQUIREMENTS])
      writeFileSync(join(venv, 'ready'), '')
    })
    return venv
  } catch (error) {
    return { missing: `Spark 4.1: ${(error as Error).message} (it needs python3 with venv, and PyPI)` }
  }
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

function sparkRecipe(java: string, venv: string, jar: string): EngineRecipe<{ url: string }> {
  return {
    name: 'spark',
    async prepare(directory) {
      const port = await freePort()
      const work = join(directory, 'work')
      mkdirSync(work)
      return {
        command: [join(venv, 'bin/python'), SERVER, String(port), jar, work],
        env: { JAVA_HOME: dirname(dirname(java)), SPARK_LOCAL_IP: '127.0.0.1', PYTHONDONTWRITEBYTECODE: '1' },
        state: { url: `http://127.0.0.1:${port}` },
      }
    },
    isReady: async ({ url }) => (await ask(url, { sql: 'SELECT 1' })).rows.length === 1,
  }
}
