/** System B, combination (b): Kafka, DuckDB's lander, S3 and an Iceberg REST catalog, asked by a real Trino. */
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lakeCatalogs } from '../../src/stack/engines/trino-catalogs.ts'
import { makeBucket, versitygw } from '../../src/stack/engines/versitygw.ts'
import { landfall } from '../cli/run-cli.ts'
import { findIcebergRest } from '../engines/catalogs.ts'
import { findKafka } from '../engines/kafka.ts'
import { shareEngine } from '../engines/shared-engine.ts'
import { findTrino } from '../engines/trino.ts'
import { type Running, startLandfall, temporaryFolder } from '../support/landfall.ts'
import { expectCounts, expectGame, GAME, playGame } from './play.ts'

const [kafka, s3] = await Promise.all([findKafka(), shareEngine(versitygw)])
const rest = 'missing' in s3 ? s3 : await findIcebergRest({ versitygw: s3 })
const trino = await findTrino()
const missing = [kafka, s3, rest, trino].flatMap((one) => ('missing' in one ? [one.missing] : []))[0]

describe('Kafka + DuckDB + S3 + Iceberg REST, asked by Trino', () => {
  if (
    missing !== undefined ||
    'missing' in kafka ||
    'missing' in s3 ||
    'missing' in rest ||
    'missing' in trino
  ) {
    test('System B', ({ skip }) => skip(missing))
    return
  }
  const id = randomUUID().slice(0, 8)
  const bucket = `game-${id}`
  const data = temporaryFolder()
  const urls = {
    '--log': `kafka://${kafka.plaintext}/game-${id}`,
    '--storage': `s3://${bucket}/lake?endpoint=${s3.endpoint}&region=${s3.region}&path-style=true`,
    '--catalog': rest.url,
  }
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey }
  const look = (...args: string[]) => landfall(args, { env })
  let up: Running

  beforeAll(async () => {
    await makeBucket(s3, bucket)
    await trino.attach('lake', lakeCatalogs({ 'iceberg-rest': rest, versitygw: s3 })['lake']!)
    up = await startLandfall(GAME, { data, args: Object.entries(urls).flat(), env })
    await playGame(up.http)
  }, 240_000)

  afterAll(async () => {
    await up?.stop()
    await trino.detach('lake')
    rmSync(data, { recursive: true, force: true })
  })

  test('our own door answers at once, from commits and spool', () => expectGame(up.sql))

  test('what was accepted is landed at the stop, and every line is in the topic', async () => {
    expect(await up.stop(), up.output()).toBe(0)
    const watched = await look('watch', '--data', data, '-e')
    expect(watched.stdout.trim().split('\n')).toHaveLength(1144)
  }, 120_000)

  test('a real Trino answers as the seeds do', async () => {
    const url = `${trino.url.replace('http://', 'trino://test@')}/lake/default`
    await expectCounts(url)
    await expectGame(url)
  }, 120_000)

  test('commands that look find everything by what the directory works with', async () => {
    const tables = JSON.parse((await look('tables', '--data', data, '--json')).stdout) as {
      table: string
      rows: number
    }[]
    expect(Object.fromEntries(tables.map(({ table, rows }) => [table, rows]))).toMatchObject({
      events: 1144,
      purchases: 364,
    })
    expect((await look('files', 'purchases', '--data', data)).stdout).toContain(
      `s3://${bucket}/lake/default/purchases/`,
    )
    expect((await look('topics', '--describe', '--data', data)).stdout).toMatch(
      /^Topic: game-\w+ {2}Partitions: 1/,
    )
    expect((await look('status', '--data', data)).stdout).toMatch(/1144 accepted = 1144 landed \+ 0 dead/)
    expect((await look('check', GAME, '--data', data)).stdout).toMatch(/fine\n$/)
  }, 120_000)

  test('questions on another machine are answered from the commits, and say so', async () => {
    const other = temporaryFolder()
    const asked = await look(
      'sql',
      'select count(*) as n from events',
      '--data',
      other,
      ...Object.entries(urls).flat(),
    )
    rmSync(other, { recursive: true, force: true })
    expect(asked.stdout).toMatch(/1144/)
    // A topic written in transactions has offsets without a record.
    expect(asked.stderr).toMatch(/holds every event before offset 114\d, as of the commit of 20\d\d-/)
  }, 120_000)
})
