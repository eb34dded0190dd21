/** Kafka, an Iceberg REST catalog and Spark, with a topic and a namespace of a test's own. Tables are on the local disk. */
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCatalog } from '../../src/catalog/open.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Lake } from '../../src/lake/lake.ts'
import type { SparkLanderOptions } from '../../src/lander/drivers/spark/options.ts'
import { kafkaPlace, parseSparkUrl, sparkCatalog } from '../../src/lander/drivers/spark/places.ts'
import { openSparkLander } from '../../src/lander/drivers/spark/spark-lander.ts'
import { type Lander, type LanderOptions, openLander } from '../../src/lander/lander.ts'
import type { EventLog } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import type { IcebergRestState } from '../../src/stack/engines/iceberg-rest.ts'
import type { KafkaState } from '../../src/stack/engines/kafka.ts'
import type { SparkState } from '../../src/stack/engines/spark.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { findIcebergRest } from '../engines/catalogs.ts'
import { findKafka } from '../engines/kafka.ts'
import { findSparkConnect } from '../engines/spark-connect.ts'
import { patiently } from './patiently.ts'
import type { ChildPlaces } from './spark-lander-child.ts'
import { game, World } from './support.ts'

export interface SparkEngines {
  kafka: KafkaState
  catalog: IcebergRestState
  spark: SparkState
}

/** The engines, or why one of them cannot be had. */
export async function findSparkEngines(): Promise<SparkEngines | { missing: string }> {
  const kafka = await findKafka()
  if ('missing' in kafka) return kafka
  const catalog = await findIcebergRest()
  if ('missing' in catalog) return catalog
  const spark = await findSparkConnect()
  if ('missing' in spark) return spark
  return { kafka, catalog, spark }
}

/** A lander in a process of its own. */
export interface LanderChild {
  readonly hasEnded: boolean
  /** How it ended and what it said. */
  output(): string
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export interface SparkWorldOptions {
  pipeline?: CompiledPipeline
  partitions?: number
  /** Its Spark lander streams, with micro-batches so often (`1s`). */
  trigger?: string
}

export class SparkWorld extends World {
  readonly engines: SparkEngines
  readonly logUrl: string
  readonly #storage: string
  /** Where Spark is; another server takes its place when it is set. */
  spark: SparkState
  readonly #trigger: string | undefined
  /** What its landers in this process have said: for a test that waits in vain. */
  readonly notes: string[] = []

  private constructor(
    engines: SparkEngines,
    logUrl: string,
    storage: string,
    parts: { pipeline: CompiledPipeline; log: EventLog; lake: Lake; trigger: string | undefined },
  ) {
    super(parts.pipeline, parts.log, parts.lake)
    this.engines = engines
    this.logUrl = logUrl
    this.#storage = storage
    this.spark = engines.spark
    this.#trigger = parts.trigger
  }

  static async open(engines: SparkEngines, options: SparkWorldOptions = {}): Promise<SparkWorld> {
    const name = `t${randomUUID().replaceAll('-', '').slice(0, 12)}`
    const storage = mkdtempSync(join(tmpdir(), 'landfall-spark-lake-'))
    const logUrl = `kafka://${engines.kafka.plaintext}/${name}?partitions=${options.partitions ?? 1}`
    const log = await openLog(logUrl)
    const lake = await openLakeOf(engines, storage, name)
    return new SparkWorld(engines, logUrl, storage, {
      pipeline: options.pipeline ?? game,
      log,
      lake,
      trigger: options.trigger,
    })
  }

  /** A lake of another namespace, for another lander over the same log. */
  openAnother(suffix = 'other'): Promise<Lake> {
    return openLakeOf(this.engines, this.#storage, `${this.lake.catalog.namespace}_${suffix}`)
  }

  override open(options: Partial<SparkLanderOptions> = {}): Promise<Lander> {
    const url = parseSparkUrl(this.#url)
    const urls = { catalog: this.engines.catalog.url, storage: this.#storage }
    return patiently(() =>
      openSparkLander({
        ...this.options(),
        spark: url.spark,
        kafka: kafkaPlace(this.logUrl, {}),
        catalog: sparkCatalog(url, urls, {}),
        ...(url.stream ? { stream: url.stream } : {}),
        ...options,
      }),
    )
  }

  get #url(): string {
    return `sc://${this.spark.host}:${this.spark.port}${this.#trigger ? `?mode=stream&trigger=${this.#trigger}` : ''}`
  }

  /** Its lander in a process of its own; `follow`: on and on, else to the end of the log. */
  startChild(...follow: 'follow'[]): LanderChild {
    const file = join(import.meta.dirname, 'spark-lander-child.ts')
    const child = fork(file, [JSON.stringify(this.places()), ...follow], { silent: true })
    const said: Buffer[] = []
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (bytes) => said.push(bytes))
    const ended = once(child, 'close')
    return {
      get hasEnded() {
        return child.exitCode !== null || child.signalCode !== null
      },
      output: () => `the lander ended with ${child.exitCode ?? child.signalCode}: ${Buffer.concat(said)}`,
      async kill() {
        child.kill('SIGKILL')
        await ended
      },
    }
  }

  /** What a lander in another process must know. */
  places(): ChildPlaces {
    return {
      lander: this.#url,
      log: this.logUrl,
      storage: this.#storage,
      catalog: this.engines.catalog.url,
      namespace: this.lake.catalog.namespace,
      directory: this.directory,
    }
  }

  /** The lander within, over the same log and lake. */
  openDuckdb(options: Partial<LanderOptions> = {}): Promise<Lander> {
    return openLander({ ...this.options(), ...options })
  }

  private options(): LanderOptions {
    const note = (_: object, text: string) => void this.notes.push(text)
    return {
      logger: { info: note, warn: note, error: note },
      pipeline: this.pipeline,
      log: this.log,
      lake: this.lake,
      directory: join(this.directory, 'lander'),
      spoolDirectory: join(this.directory, 'spool'),
      plans: planDirectory(join(this.directory, 'plans')),
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    rmSync(this.#storage, { recursive: true, force: true })
  }
}

async function openLakeOf(engines: SparkEngines, directory: string, namespace: string): Promise<Lake> {
  const storage = openLocalStorage(directory)
  return openLake({ storage, catalog: await openCatalog(engines.catalog.url, storage, { namespace }) })
}
