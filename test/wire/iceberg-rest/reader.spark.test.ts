/** A real Spark attaches to the running door and reads what our SQL reads. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findSpark } from '../../engines/spark.ts'
import { guideBlock, propertiesOf } from './guide.ts'
import { type Lakehouse, openLakehouse } from './open-lakehouse.ts'

// A JVM on a busy machine takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })
const spark = await findSpark()
let house: Lakehouse
beforeAll(async () => {
  house = await openLakehouse()
  if ('missing' in spark) return
  const given = Object.entries(propertiesOf(guideBlock('Spark', 'properties', house)))
  const prefix = 'spark.sql.catalog.game.'
  const ours = given.filter(([name]) => name.startsWith(prefix))
  await spark.attach(
    'game',
    Object.fromEntries(ours.map(([name, value]) => [name.slice(prefix.length), value])),
  )
})
afterAll(() => house[Symbol.asyncDispose]())

async function rows(sql: string, skip: (reason: string) => never): Promise<unknown[][]> {
  if ('missing' in spark) return skip(spark.missing)
  return (await spark.query(sql)).rows
}

test('it lists, describes and counts as our SQL does', async ({ skip }) => {
  expect(await rows('SHOW NAMESPACES IN game', skip)).toEqual([['default']])
  const tables = (await rows('SHOW TABLES IN game.default', skip)).map(([, name]) => name as string).sort()
  expect(tables).toEqual(['empty', 'events', 'every_type', 'evolved', 'purchases'])
  for (const table of tables) {
    const [[theirs]] = (await rows(`SELECT count(*) FROM game.default.${table}`, skip)) as [[number]]
    expect({ table, count: theirs }).toEqual({
      table,
      count: (await house.sql(`select count(*) from ${table}`))[0]![0],
    })
  }
  const described = (await rows('DESCRIBE game.default.evolved', skip)).map(([name, type]) => [name, type])
  expect(described).toEqual([
    ['id', 'bigint'],
    ['name', 'string'],
    ['level', 'int'],
    ['moment', 'timestamp'],
  ])
})

test('it reads every type, null and letter as our SQL does', async ({ skip }) => {
  const theirs = await rows(
    `SELECT id, text, small, string(big), string(ratio), ok, string(birthday), date_format(to_utc_timestamp(moment, current_timezone()), 'yyyy-MM-dd HH:mm:ss.SSSSSS') || ' UTC',
      string(price), string(huge), base64(bytes) FROM game.default.every_type ORDER BY id`,
    skip,
  )
  const ours = await house.sql('select * from every_type order by id')
  const asSpark = (value: unknown) => (value === null ? null : String(value))
  const ratios = ['-1.5E300', '4.9E-324', 'Infinity', null]
  expect(theirs.map((row) => row.map(asSpark))).toEqual(
    ours.map((row, i) => row.map((value, column) => (column === 4 ? ratios[i] : asSpark(value)))),
  )
})

test('it reads an evolved table and travels in time', async ({ skip }) => {
  expect(
    await rows('SELECT id, name, level FROM game.default.evolved WHERE id IN (0, 14) ORDER BY id', skip),
  ).toEqual([
    [0, 'name 0', null],
    [14, null, 14],
  ])
  const { metadata } = (await house.lake.catalog.loadTable('purchases'))!
  for (const [i, snapshot] of metadata.snapshots.entries()) {
    const at = async (version: string) =>
      (await rows(`SELECT count(*) FROM game.default.purchases ${version}`, skip))[0]![0]
    expect(await at(`VERSION AS OF ${snapshot['snapshot-id']}`)).toBe((i + 1) * 1000)
    expect(await at(`TIMESTAMP AS OF timestamp_millis(${snapshot['timestamp-ms']})`)).toBe((i + 1) * 1000)
  }
})

test('it sees a commit that came after it was attached', async ({ skip }) => {
  const count = async () => (await rows('SELECT count(*) FROM game.default.empty', skip))[0]![0]
  expect(await count()).toBe(0)
  await house.land('empty', "SELECT 1::BIGINT AS id, 'x' AS name")
  expect(await count()).toBe(1)
})

test('what it tries to write is refused with our reason and changes nothing', async ({ skip }) => {
  const before = (await house.lake.catalog.loadTable('evolved'))!.metadataLocation
  for (const sql of [
    `INSERT INTO game.default.evolved VALUES (1, 'x', 1, NULL)`,
    'DELETE FROM game.default.evolved WHERE id = 1',
    'DROP TABLE game.default.evolved',
    'CREATE TABLE game.default.other (id BIGINT)',
    'ALTER TABLE game.default.evolved ADD COLUMN more STRING',
    'CREATE NAMESPACE game.other',
  ]) {
    await expect(rows(sql, skip), sql).rejects.toThrow(/written by Landfall alone/)
  }
  expect((await house.lake.catalog.loadTable('evolved'))!.metadataLocation).toBe(before)
  expect(await rows('SELECT count(*) FROM game.default.evolved', skip)).toEqual([[15]])
})

test('it is let in with a token or by logging in, and not without', async ({ skip }) => {
  if ('missing' in spark) return skip(spark.missing)
  await using guarded = await openLakehouse({ token: 'secret-of-spark' })
  const attach = (name: string, more: Record<string, string>) =>
    spark.attach(name, { type: 'rest', uri: guarded.catalog, ...more })
  await attach('barred', {})
  await expect(rows('SELECT count(*) FROM barred.default.purchases', skip)).rejects.toThrow(
    /a token is needed/,
  )
  await attach('guarded', { token: 'secret-of-spark' })
  await attach('logged_in', {
    credential: 'spark:secret-of-spark',
    'oauth2-server-uri': `${guarded.catalog}/v1/oauth/tokens`,
  })
  for (const name of ['guarded', 'logged_in']) {
    expect(await rows(`SELECT count(*) FROM ${name}.default.purchases`, skip)).toEqual([[3000]])
  }
})
