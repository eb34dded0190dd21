import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bind } from '../../src/pipeline/bound.ts'
import { type LakeRooms, openLakeAt } from '../../src/pipeline/rooms.ts'
import type { VerifyReport } from '../../src/verify/report.ts'
import { landfall } from '../cli/run-cli.ts'
import { findIcebergRest } from '../engines/catalogs.ts'
import { openTestBucket } from '../storage/s3-support.ts'
import { type DataDirectory, landedDirectory } from './support.ts'

const bucket = await openTestBucket()
const rest = await findIcebergRest()

const ROWS = { events: 6, dead_letters: 2, guilds: 2, purchases: 4, sword_purchases: 4 }
const SLOW_MS = 240_000

if ('missing' in bucket) test('an S3', ({ skip }) => skip(bucket.missing))
else if ('missing' in rest) test('a real Iceberg REST catalog', ({ skip }) => skip(rest.missing))
else {
  const { environment: env } = bucket
  let data: DataDirectory
  let rooms: LakeRooms

  beforeAll(async () => {
    for (const [name, value] of Object.entries(env)) if (name.startsWith('AWS_')) process.env[name] = value
    const id = randomUUID().slice(0, 8)
    const elsewhere = { storage: bucket.url('lake'), catalog: rest.url, namespace: `verify_${id}` }
    data = await landedDirectory(2, elsewhere)
    await bind(data.places)
    rooms = await openLakeAt(data.places)
  }, SLOW_MS)
  afterAll(() => {
    data[Symbol.dispose]()
    bucket.close()
  })

  /** What `landfall verify` says when it is told the directory alone. */
  const verify = async (...flags: string[]) => {
    const args = ['verify', '--data', data.root, '--json', ...flags]
    const { code, stdout, stderr } = await landfall(args, { env })
    expect(stdout, stderr).toMatch(/^\{/)
    return { code, report: JSON.parse(stdout) as VerifyReport }
  }
  const purchases = async () => (await rooms.lake.files((await rooms.lake.load('purchases'))!))[0]!.path
  const damageOf = ({ findings }: VerifyReport) => findings.filter(({ level }) => level === 'damage')
  const rowsOf = ({ tables }: VerifyReport) =>
    Object.fromEntries(tables.map(({ table, rows }) => [table, rows]))

  test('tables in S3 and a REST catalog that nothing has touched are right, to the last row', {
    timeout: SLOW_MS,
  }, async () => {
    const { code, report } = await verify()
    expect(damageOf(report)).toEqual([])
    expect([code, report.ok, report.unchecked.files, rowsOf(report)]).toEqual([0, true, 0, ROWS])
  })

  test('a data file that is damaged in S3 is told, though this machine has a whole copy, and made again', {
    timeout: SLOW_MS,
  }, async () => {
    const { storage } = rooms
    const path = await purchases()
    const file = `${storage.url}/${path}`
    const bytes = await storage.read(path)
    bytes[bytes.length >> 1]! ^= 8
    await storage.write(path, bytes)
    const { code, report } = await verify()
    expect([code, report.ok]).toEqual([1, false])
    expect(damageOf(report)).toMatchObject([{ table: 'purchases', file, days: ['2026-11-22'], repair: null }])
    expect(damageOf(report)[0]!.message).toContain(file)
    const repaired = await verify('--repair')
    expect(damageOf(repaired.report)).toMatchObject([{ file, repair: { done: true } }])
    expect([repaired.code, rowsOf(repaired.report)]).toEqual([0, ROWS])
  })

  test('a data file that is gone from S3 is told by its name', { timeout: SLOW_MS }, async () => {
    const path = await purchases()
    await rooms.storage.delete(path)
    const { code, report } = await verify()
    expect(code).toBe(1)
    const file = `${rooms.storage.url}/${path}`
    expect(damageOf(report)).toMatchObject([
      { table: 'purchases', file, message: expect.stringContaining('is missing') },
    ])
  })
}
