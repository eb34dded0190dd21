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
import { checkRead } from '../../src/lander/drivers/spark/stream/check-read.ts'
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
    return {
      name: 'streamed',
      input: sqlOver(
        { records: source },
        ({ records }) =>
          `SELECT partition, offset, CAST(value AS STRING) AS text FROM ${records} WHERE ${where}`,
      ),
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

test('queries that are begun side by side each read from where they were told', { timeout: 240_000 }, async ({
  skip,
}) => {
  if ('missing' in engines) return skip(engines.missing)
  await using stage = await Stage.open()
  const { servers, topic } = kafkaPlace(stage.world.logUrl, {})
  await stage.world.send(...numbers(0, 80))
  const firsts = Array.from({ length: 8 }, (_, i) => i * 10)
  const tableOf = (first: number) => `${stage.table}_${first}`
  await Promise.all(
    firsts.map((first) =>
      stage.spark.run(`CREATE TABLE ${tableOf(first)} (partition INT, offset BIGINT) USING iceberg`),
    ),
  )
  const queries = await Promise.all(
    firsts.map((first) => {
      const startingOffsets = JSON.stringify({ [topic]: { 0: first } })
      const options = { 'kafka.bootstrap.servers': servers, subscribe: topic, startingOffsets }
      const records = readSource('kafka', options, true)
      return startStream(stage.spark, {
        name: `from-${first}`,
        input: sqlOver({ records }, (names) => `SELECT partition, offset FROM ${names.records}`),
        table: tableOf(first),
        checkpoint: `file://${stage.directory}/from-${first}`,
        trigger: 'once',
      })
    }),
  )
  for (const query of queries) expect(await awaitStream(stage.spark, query, 120_000)).toBe(true)
  const read = await Promise.all(
    firsts.map((first) =>
      stage.spark.query(`SELECT min(offset) AS first, count(*) AS n FROM ${tableOf(first)}`),
    ),
  )
  expect(read.flat()).toEqual(firsts.map((first) => ({ first, n: 80 - first })))
})

test('a micro-batch for which other records were read than those of its offsets is not taken', {
  timeout: 120_000,
}, async ({ skip }) => {
  if ('missing' in engines) return skip(engines.missing)
  await using stage = await Stage.open()
  await stage.spark.run(
    'CREATE TEMPORARY VIEW landfall_records AS SELECT CAST(id % 2 AS INT) AS partition, id DIV 2 AS offset FROM range(20)',
  )
  const staged = (read: number, beyond = 0) => ({
    table: 'purchases',
    epoch: { id: 0, end: { logId: 'log', next: {} }, read, beyond },
    ranges: { 0: { from: 2, to: 7 }, 1: { from: 9, to: 12 } },
  })
  // Offsets 10 and 11 of partition 1 have no record.
  await checkRead(stage.spark, [staged(6), staged(6, 5), staged(11, 5)])
  for (const wrong of [staged(5), staged(7), staged(5, 5), staged(12, 5)])
    await expect(checkRead(stage.spark, [staged(6), wrong])).rejects.toMatchObject({
      code: 'lander/stream-astray',
      kind: 'retry',
    })
})
