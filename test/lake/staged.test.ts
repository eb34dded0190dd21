import { expect, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import type { TableState } from '../../src/lake/lake.ts'
import { stageSnapshot } from '../../src/lake/snapshot.ts'
import { TableFiles } from '../../src/lake/table-files.ts'
import { land, openTestLake, positionAt, purchaseRows, purchases, query, type TestLake } from './support.ts'

/** Stages rows as Spark does under `spark.wap.id`: a snapshot in the metadata that is not current. */
async function stage(
  test: TestLake,
  state: TableState,
  select: string,
  wapId: string,
  streamEpoch?: number,
): Promise<void> {
  const add = await test.lake.writeFiles(test.connection, state, select)
  const catalog = openFileCatalog(test.storage)
  const base = (await catalog.loadTable(state.name))!
  const change = {
    operation: 'append' as const,
    add,
    remove: new Set<string>(),
    summary: {
      'wap.id': wapId,
      ...(streamEpoch === undefined ? {} : { 'spark.sql.streaming.epochId': String(streamEpoch) }),
    },
    properties: {},
  }
  const settings = { nowMs: Date.now(), snapshotsMax: 100 }
  const { next } = (await stageSnapshot(test.storage, new TableFiles(test.storage), base, change, settings))!
  const { snapshots } = next
  const kept = { ...base.metadata, 'last-sequence-number': next['last-sequence-number'], snapshots }
  await catalog.commitTable(base, kept, [{ action: 'add-snapshot', snapshot: snapshots.at(-1)! }])
}

const commitOf = (state: TableState, wapId: string, rows: number) => ({
  wapId,
  rows,
  expect: { position: state.position, epoch: state.epoch },
  position: positionAt(10),
  batch: state.batch + 1,
})

const staged = (state: TableState) => state.metadata.snapshots.filter(({ summary }) => summary['wap.id'])

test('staged rows become visible by one commit that carries the position', async () => {
  await using world = await openTestLake()
  let state = await world.lake.ensure(purchases)
  await stage(world, state, purchaseRows(0, 5), 'landfall-1-1-a')
  const seen = (await world.lake.load('purchases'))!
  expect(await world.lake.files(seen)).toEqual([])
  const counters = { 0: { records: 5, landed: 5, dead: 0, duplicate: 0 } }
  state = await world.lake.commitStaged('purchases', { ...commitOf(state, 'landfall-1-1-a', 5), counters })
  expect(state).toMatchObject({ position: positionAt(10), batch: 1, counters })
  expect(await query(world, state, 'count(*), sum(id)')).toEqual([['5', '10']])
  const summary = state.metadata.snapshots.at(-1)!.summary
  expect(summary).toMatchObject({
    'landfall.position': JSON.stringify(positionAt(10)),
    'landfall.batch': '1',
    'added-records': '5',
    'published-wap-id': 'landfall-1-1-a',
  })
  expect(staged(state)).toEqual([])
})

test('micro-batches of a stream are taken one by one, each once, and those of another stream are dropped', async () => {
  await using world = await openTestLake()
  const state = await world.lake.ensure(purchases)
  await stage(world, state, purchaseRows(50, 5), 'landfall-stream-1-b', 0)
  await stage(world, state, purchaseRows(0, 5), 'landfall-stream-1-a', 0)
  await stage(world, state, purchaseRows(5, 2), 'landfall-stream-1-a', 1)
  const first = { ...commitOf(state, 'landfall-stream-1-a', 5), streamEpoch: 0 }
  const after = await world.lake.commitStaged('purchases', first)
  expect(staged(after)).toHaveLength(1)
  const again = { ...commitOf(after, 'landfall-stream-1-a', 5), streamEpoch: 0, position: positionAt(12) }
  await expect(world.lake.commitStaged('purchases', again)).rejects.toMatchObject({
    code: 'lake/nothing-staged',
  })
  const end = await world.lake.commitStaged('purchases', { ...again, streamEpoch: 1, rows: 2 })
  expect(staged(end)).toEqual([])
  expect(await query(world, end, 'count(*), min(id), max(id)')).toEqual([['7', '0', '6']])
})

test('the table moves on between staging and commit, and nothing of it is lost', async () => {
  await using world = await openTestLake()
  const state = await world.lake.ensure(purchases)
  await stage(world, state, purchaseRows(100, 5), 'landfall-2-1-a')
  const moved = await land(world, state, purchaseRows(0, 3), 3)
  const after = await world.lake.commitStaged('purchases', commitOf(moved, 'landfall-2-1-a', 5))
  expect(await query(world, after, 'count(*), min(id), max(id)')).toEqual([['8', '0', '104']])
})

test('a commit that the table does not expect leaves what is staged unseen', async () => {
  await using world = await openTestLake()
  const state = await world.lake.ensure(purchases, { epoch: 3 })
  await stage(world, state, purchaseRows(0, 5), 'landfall-1-3-a')
  const commit = commitOf(state, 'landfall-1-3-a', 5)
  const refused = async (change: object) =>
    world.lake
      .commitStaged('purchases', { ...commit, ...change })
      .catch((error: { code: string }) => error.code)
  expect(await refused({ expect: { position: undefined, epoch: 2 } })).toBe('lake/fenced')
  expect(await refused({ expect: { position: positionAt(1), epoch: 3 } })).toBe('lake/position-moved')
  expect(await refused({ rows: 4 })).toBe('lake/staged-rows')
  expect(await refused({ wapId: 'landfall-1-3-b' })).toBe('lake/nothing-staged')
  expect(await world.lake.files((await world.lake.load('purchases'))!)).toEqual([])
})

test('a commit lets go of what earlier attempts have staged, and of nothing else', async () => {
  await using world = await openTestLake()
  const state = await world.lake.ensure(purchases)
  await stage(world, state, purchaseRows(0, 5), 'landfall-1-1-given-up')
  await stage(world, state, purchaseRows(0, 7), 'audit-of-somebody')
  await stage(world, state, purchaseRows(0, 5), 'landfall-1-2-a')
  const after = await world.lake.commitStaged('purchases', commitOf(state, 'landfall-1-2-a', 5))
  expect(staged(after).map(({ summary }) => summary['wap.id'])).toEqual(['audit-of-somebody'])
  expect(await query(world, after, 'count(*)')).toEqual([['5']])
})

test('rows staged twice under one id are not guessed about', async () => {
  await using world = await openTestLake()
  const state = await world.lake.ensure(purchases)
  await stage(world, state, purchaseRows(0, 5), 'landfall-1-1-a')
  await stage(world, state, purchaseRows(0, 5), 'landfall-1-1-a')
  const commit = world.lake.commitStaged('purchases', commitOf(state, 'landfall-1-1-a', 5))
  await expect(commit).rejects.toMatchObject({ code: 'lake/nothing-staged', kind: 'retry' })
})
