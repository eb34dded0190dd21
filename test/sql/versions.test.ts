import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine, Value } from '../../src/sql/sql.ts'
import { at, Landing } from './support/landing.ts'
import { errorOf, rowsOf } from './support/rows.ts'

let landing: Landing
let engine: SqlEngine
let snapshots: bigint[]

beforeAll(async () => {
  landing = await Landing.open()
  await landing.append(20)
  await landing.chunk(8)
  await landing.commit(8)
  await landing.chunk(12)
  await landing.commit(12)
  await landing.chunk(20)
  engine = await openDuckdbEngine({
    lake: landing.lake,
    log: landing.log,
    spoolDirectory: landing.spoolDirectory,
    named: { views: [{ name: 'totals', sql: 'SELECT count(*) AS n FROM events' }], reference: [] },
  })
  const rows = await rowsOf(
    engine,
    `SELECT snapshot_id FROM "purchases$snapshots" ORDER BY committed_at, snapshot_id`,
  )
  snapshots = rows.map(([id]) => BigInt(id as bigint))
})

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

const one = async (sql: string): Promise<Value[]> => (await rowsOf(engine, sql))[0]!

test('a table at a snapshot has its rows of then, without what is not committed', async () => {
  const count = (version: string) => one(`SELECT count(*), max(cost) FROM purchases${version}`)
  const newest = (await landing.lake.load('purchases'))!.metadata['current-snapshot-id']!
  const older = snapshots.find((id) => id !== newest)!
  expect(await count(` FOR VERSION AS OF ${older}`)).toEqual([4, 6])
  expect(await count(` FOR VERSION AS OF ${newest}`)).toEqual([6, 10])
  expect(await count('')).toEqual([10, 18])
  // Both in one statement, by its own name and by another.
  expect(
    await one(
      `SELECT (SELECT count(*) FROM hive.default.Purchases for version as of ${older} WHERE purchases.cost >= 0),
        (SELECT count(p.cost) FROM purchases FOR VERSION AS OF ${newest} AS p), (SELECT count(*) FROM purchases)`,
    ),
  ).toEqual([4, 6, 10])
  expect(
    await one(`WITH purchases AS (SELECT 1 AS x) SELECT count(*) FROM purchases FOR VERSION AS OF ${older}`),
  ).toEqual([4])
})

test('an answer of old snapshots alone says how old it is, and waits for nobody', async () => {
  const newest = (await landing.lake.load('purchases'))!.metadata['current-snapshot-id']!
  const older = snapshots.find((id) => id !== newest)!
  const { freshness } = await engine.query(`SELECT 1 FROM purchases FOR VERSION AS OF ${older}`)
  expect(freshness).toEqual({
    position: at(8),
    end: at(8),
    behind: false,
    batch: 1,
    committedAt: expect.any(Number),
  })
  const mixed = await engine.query(`SELECT 1 FROM purchases FOR VERSION AS OF ${older}, guilds`)
  expect(mixed.freshness).toMatchObject({ position: at(20), behind: false, batch: 2 })
})

test('a version may be named by a tag, as long as it is kept, or by the branch', async () => {
  const { metadata } = (await landing.lake.load('purchases'))!
  const older = snapshots.find((id) => id !== metadata['current-snapshot-id'])!
  const name = "Q4's Report"
  await landing.lake.changeTags('purchases', {
    set: { name, snapshotId: older, untilMs: Date.now() + 3_600_000 },
  })
  const count = (reference: string) => one(`SELECT count(*) FROM purchases FOR VERSION AS OF ${reference}`)
  expect(await count("'Q4''s Report'")).toEqual([4])
  expect(await count("U&'Q4''s Repor\\0074'")).toEqual([4])
  expect(await count("'main'")).toEqual([6])
  expect(await one(`SELECT snapshot_id FROM "purchases$refs" WHERE name = 'Q4''s Report'`)).toEqual([
    Number(older),
  ])
  const both = `SELECT (SELECT count(*) FROM purchases FOR VERSION AS OF 'main'), (SELECT count(*) FROM purchases FOR VERSION AS OF ${older})`
  expect(await one(both)).toEqual([6, 4])
  const { freshness } = await engine.query(`SELECT 1 FROM purchases FOR VERSION AS OF 'Q4''s Report'`)
  expect(freshness).toMatchObject({ position: at(8), batch: 1 })
  for (const unknown of ["q4''s report", '', 'toString'])
    expect(await errorOf(engine, `SELECT * FROM purchases FOR VERSION AS OF '${unknown}'`)).toMatchObject({
      code: 'sql/unknown-snapshot',
      message: `Cannot find snapshot with reference name: ${unknown.replace("''", "'")}`,
      hint: expect.stringContaining('purchases$refs'),
    })
})

test('what is not there, or no table, is told with its place', async () => {
  expect(await errorOf(engine, 'SELECT *\nFROM purchases FOR VERSION AS OF 17179869184017')).toMatchObject({
    code: 'sql/unknown-snapshot',
    message: 'Iceberg snapshot ID does not exists: 17179869184017',
    hint: expect.stringContaining('purchases$snapshots'),
  })
  expect(await errorOf(engine, 'SELECT * FROM totals FOR VERSION AS OF 17179869184017')).toMatchObject({
    code: 'sql/not-supported',
    details: { line: 1, column: 15 },
  })
  expect(await errorOf(engine, 'SELECT * FROM nothing FOR VERSION AS OF 17179869184017')).toMatchObject({
    code: 'sql/unknown-table',
  })
  expect(await errorOf(engine, `SELECT * FROM "purchases@${snapshots[0]}"`)).toMatchObject({
    code: 'sql/unknown-table',
  })
  for (const version of [
    "TIMESTAMP AS OF TIMESTAMP '2021-01-01 00:00:00 UTC'",
    'VERSION AS OF 17',
    'VERSION AS OF 99999999999999999999',
  ])
    expect(await errorOf(engine, `SELECT * FROM purchases FOR ${version}`), version).toMatchObject({
      code: 'sql/not-supported',
    })
})
