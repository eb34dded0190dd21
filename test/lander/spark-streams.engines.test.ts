import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SparkConnect } from '../../src/lander/drivers/spark/connect/client.ts'
import { readSource, sqlOver } from '../../src/lander/drivers/spark/connect/relation.ts'
import {
  activeStreams,
  awaitStream,
  processAllAvailable,
  type StreamSettings,
  startStream,
  stopStream,
  streamFailure,
  streamProgress,
  streamStatus,
} from '../../src/lander/drivers/spark/connect/streams.ts'
import { kafkaPlace, parseSparkUrl, sparkCatalog } from '../../src/lander/drivers/spark/places.ts'
import { openSession } from '../../src/lander/drivers/spark/server.ts'
import { findSparkEngines, SparkWorld } from './spark-world.ts'

const engines = await findSparkEngines()

/** A world with a table of its own that a stream of its topic goes into. */
class Stage implements AsyncDisposable {
  readonly world: SparkWorld
  readonly spark: SparkConnect
  readonly directory = mkdtempSync(join(tmpdir(), 'landfall-streams-'))
  readonly table: string

  private constructor(world: SparkWorld, spark: SparkConnect) {
    this.world = world
    this.spark = spark
    this.table = `landfall.\`${world.lake.catalog.namespace}\`.streamed`
  }

  static async open(): Promise<Stage> {
    if ('missing' in engines) throw new Error(engines.missing)
    const world = await SparkWorld.open(engines)
    const stage = new Stage(world, await Stage.connect(world))
    await stage.spark.run(`CREATE NAMESPACE IF NOT EXISTS landfall.\`${world.lake.catalog.namespace}\``)
    await stage.spark.run(
      `CREATE TABLE ${stage.table} (partition INT, offset BIGINT, text STRING) USING iceberg`,
    )
    return stage
  }

  static connect(world: SparkWorld, sessionId?: string): Promise<SparkConnect> {
    const url = parseSparkUrl(`sc://${world.spark.host}:${world.spark.port}`)
    const { catalog, storage } = world.places()
    return openSession(
      { ...url.spark, ...(sessionId ? { sessionId } : {}) },
      sparkCatalog(url, { catalog, storage }, {}),
    )
  }

  settings(trigger: StreamSettings['trigger'], where = 'true'): StreamSettings {
    const { servers, topic } = kafkaPlace(this.world.logUrl, {})
    const source = readSource(
      'kafka',
      { 'kafka.bootstrap.servers': servers, subscribe: topic, startingOffsets: 'earliest' },
      true,
    )
    const select = `SELECT partition, offset, CAST(value AS STRING) AS text FROM records WHERE ${where}`
    return {
      name: 'streamed',
      input: sqlOver(select, { records: source }),
      table: this.table,
      checkpoint: `file://${this.directory}/checkpoint`,
      trigger,
    }
  }

  async offsets(): Promise<unknown[]> {
    return (await this.spark.query(`SELECT offset FROM ${this.table} ORDER BY offset`)).map(
      (row) => row['offset'],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.spark.close()
    rmSync(this.directory, { recursive: true, force: true })
    await this.world[Symbol.asyncDispose]()
  }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ event: { n: from + i }, plan: null }))
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

test('a stream outlives its client, tells how far it is, and goes on behind its checkpoint', {
  timeout: 120_000,
}, async ({ skip }) => {
  if ('missing' in engines) return skip(engines.missing)
  await using stage = await Stage.open()
  await stage.world.send(...numbers(0, 10))
  const query = await startStream(stage.spark, stage.settings({ everyMs: 200 }))
  await processAllAvailable(stage.spark, query)
  expect(await stage.offsets()).toEqual(upTo(10))
  expect(await streamStatus(stage.spark, query)).toMatchObject({ active: true })
  const topic = kafkaPlace(stage.world.logUrl, {}).topic
  const [first] = await streamProgress(stage.spark, query)
  expect(first).toMatchObject({ batchId: 0, inputRows: 10, sources: [{ end: { [topic]: { 0: 10 } } }] })

  // The client is gone; another one comes back to its session.
  const again = await Stage.connect(stage.world, stage.spark.sessionId)
  expect(await activeStreams(again)).toEqual([{ id: query.id, name: 'streamed' }])
  await stage.world.send(...numbers(10, 20))
  await processAllAvailable(again, query)
  await stopStream(again, query)
  expect(await activeStreams(again)).toEqual([])
  await again.close({ keep: true })

  await stage.world.send(...numbers(20, 30))
  const next = await startStream(stage.spark, stage.settings('once'))
  expect(next.id.id).toBe(query.id.id)
  expect(await awaitStream(stage.spark, next, 60_000)).toBe(true)
  expect(await streamFailure(stage.spark, next)).toBeUndefined()
  expect(await stage.offsets()).toEqual(upTo(30))
})

test('a stream that fails says why', { timeout: 120_000 }, async ({ skip }) => {
  if ('missing' in engines) return skip(engines.missing)
  await using stage = await Stage.open()
  await stage.world.send(...numbers(0, 1))
  const query = await startStream(stage.spark, stage.settings('once', "raise_error('enough') IS NULL"))
  await expect(awaitStream(stage.spark, query, 60_000)).rejects.toMatchObject({ code: 'lander/spark-failed' })
  expect(await streamFailure(stage.spark, query)).toContain('enough')
  expect(await stage.offsets()).toEqual([])
})
