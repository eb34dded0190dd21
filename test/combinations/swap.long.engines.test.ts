/** The lander is swapped under a running pipeline: rehearsed, handed over, and back. */
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { landfall } from '../cli/run-cli.ts'
import { findIcebergRest } from '../engines/catalogs.ts'
import { findKafka } from '../engines/kafka.ts'
import { findSparkConnect } from '../engines/spark-connect.ts'
import { type Running, startLandfall, temporaryFolder, until } from '../support/landfall.ts'
import { GAME } from './play.ts'

const MINUTES = 60_000
const [kafka, rest, spark] = [await findKafka(), await findIcebergRest(), await findSparkConnect()]
const missing = [kafka, rest, spark].find((engine) => 'missing' in engine)

describe('swap of the lander on Kafka and an Iceberg REST catalog', () => {
  if (missing !== undefined || 'missing' in kafka || 'missing' in rest || 'missing' in spark) {
    test('DuckDB to Spark, to its streams, and back', ({ skip }) =>
      skip((missing as { missing: string }).missing))
    return
  }
  const id = randomUUID().slice(0, 8)
  const data = temporaryFolder()
  const sparkUrl = `sc://${spark.host}:${spark.port}`
  const places = ['--log', `kafka://${kafka.plaintext}/swap-${id}`, '--storage', join(data, 'tables')]
  const args = [...places, '--catalog', rest.url, '--namespace', `swap_${id}`]
  const swap = (...rest: string[]) => landfall(['swap', GAME, ...rest, '--json', '--data', data])
  let up: Running
  let sent = 0
  let loading = true
  let load: Promise<void>

  beforeAll(async () => {
    up = await startLandfall(GAME, { data, args, readyMs: 2 * MINUTES })
    load = (async () => {
      for (let i = 0; loading; i++) {
        const path = ['purchase_a_sword/sabre', 'join_guild/grubs', 'purchase_a_shield/buckler'][i % 3]
        const answer = await fetch(`${up.http}/${path}`, { headers: { Host: `user${i % 7}.att.com` } })
        if (answer.ok) sent += 1
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })()
    await committed(100)
  }, 3 * MINUTES)

  afterAll(async () => {
    loading = false
    await load
    await up.stop()
    rmSync(data, { recursive: true, force: true })
  }, MINUTES)

  /** Rows of `events` that are committed, as every reader of the catalog sees them. */
  async function rows(): Promise<number> {
    const { stdout } = await landfall(['tables', '--data', data, '--json'])
    const tables = JSON.parse(stdout) as { table: string; rows: number }[]
    return tables.find(({ table }) => table === 'events')?.rows ?? 0
  }

  const committed = (least: number) =>
    until(
      `${least} committed rows: ${up.output().slice(-2000)}`,
      async () => (await rows()) >= least,
      4 * MINUTES,
    )

  test(
    'a rehearsal finds the tables of Spark and of DuckDB equal, and the running pipeline goes over to Spark',
    async () => {
      const { code, stdout, stderr } = await swap(`lander=${sparkUrl}`, '--rehearse')
      expect(code, stderr + stdout).toBe(0)
      const { rehearsal, ...told } = JSON.parse(stdout)
      expect(told).toEqual({ now: 'duckdb:', next: sparkUrl, handedOver: true })
      expect(rehearsal.equal).toBe(true)
      expect(rehearsal.records).toBeGreaterThanOrEqual(100)
      expect(rehearsal.sides.next.landed).toBe(rehearsal.sides.now.landed)
      // What is accepted from now on, only Spark can land.
      await committed(sent + 1)
      expect(up.output()).toMatch(/lander ended|lander is back/)
    },
    6 * MINUTES,
  )

  test(
    'a start with the flag of before is refused',
    async () => {
      const { code, stderr } = await landfall([
        'land',
        GAME,
        '--once',
        '--data',
        data,
        ...args,
        '--lander',
        'duckdb:',
      ])
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/the tables are landed by sc:/),
      })
    },
    MINUTES,
  )

  test(
    'streams land the same as batches, and the running pipeline goes over to them',
    async () => {
      const streams = `${sparkUrl}?mode=stream&trigger=1s`
      const { code, stdout, stderr } = await swap(`lander=${streams}`, '--rehearse')
      expect(code, stderr + stdout).toBe(0)
      const { rehearsal, ...told } = JSON.parse(stdout)
      expect(told).toEqual({ now: sparkUrl, next: streams, handedOver: true })
      expect(rehearsal).toMatchObject({ equal: true })
      await committed(sent + 1)
    },
    8 * MINUTES,
  )

  test(
    'back to DuckDB under load: every answered event is in every table once',
    async () => {
      expect((await swap('lander=duckdb:', '--rehearse')).code).toBe(0)
      await committed(sent + 1)
      loading = false
      await load
      const [counts] = await up.query(`SELECT count(*) AS events, count(DISTINCT event_id) AS ids,
      (SELECT count(*) FROM purchases) + (SELECT count(*) FROM guilds) AS landed FROM events`)
      expect(counts).toEqual({ events: sent, ids: sent, landed: sent })
    },
    6 * MINUTES,
  )
})
