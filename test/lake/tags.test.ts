import { afterEach, expect, test } from 'vitest'
import { commitRequest } from '../../src/catalog/drivers/rest/commit.ts'
import type { TableState } from '../../src/lake/lake.ts'
import { TableFiles } from '../../src/lake/table-files.ts'
import { land, openTestLake, purchaseRows, purchases, query, type TestLake, tableFiles } from './support.ts'

const MINUTE = 60_000
let lake: TestLake
afterEach(() => lake[Symbol.asyncDispose]())

async function landed(batches: number): Promise<TableState> {
  lake = await openTestLake({ sweepIntervalMs: 0 })
  let state = await lake.lake.ensure(purchases)
  for (let i = 0; i < batches; i++) state = await land(lake, state, purchaseRows(i * 10, 10), (i + 1) * 10)
  return state
}

const load = async () => (await lake.lake.load('purchases'))!
const maintain = () => lake.lake.maintain(lake.connection, 'purchases')
const tag = (state: TableState, batch: number, minutes: number) => ({
  name: `report-${batch}`,
  snapshotId: state.metadata.snapshots[batch - 1]!['snapshot-id'],
  untilMs: Date.now() + minutes * MINUTE,
})

test('what a tag names stays readable through compaction, expiry and removal, until its time', async () => {
  const state = await landed(9)
  const kept = tag(state, 4, 300)
  const tagged = await lake.lake.changeTags('purchases', { set: kept })
  expect(tagged).toMatchObject({ position: state.position, batch: 9, epoch: 0 })
  for (const minutes of [0, 61, 80, 100]) {
    lake.aheadMs = minutes * MINUTE
    await maintain()
  }
  const later = await load()
  expect(later.metadata.snapshots).toHaveLength(2)
  expect(await query(lake, later, 'count(*), max(id)', kept.snapshotId)).toEqual([['40', '39']])
  expect(await query(lake, later, 'count(*)')).toEqual([['90']])
  expect(await tableFiles(lake, 'purchases', 'data')).toHaveLength(1 + 4)

  for (const minutes of [301, 320]) {
    lake.aheadMs = minutes * MINUTE
    await maintain()
  }
  const { metadata } = await load()
  expect(Object.keys(metadata.refs)).toEqual(['main'])
  expect(metadata.snapshots).toHaveLength(1)
  expect(await tableFiles(lake, 'purchases', 'data')).toHaveLength(1)
})

test('the same tag again changes nothing, a longer one prolongs it, a shorter one does not shorten it', async () => {
  const state = await landed(2)
  const set = tag(state, 1, 60)
  const ageOf = ({ metadata }: TableState) => metadata.refs['report-1']!['max-ref-age-ms']!
  const [first, again, longer, shorter] = [
    await lake.lake.changeTags('purchases', { set }),
    await lake.lake.changeTags('purchases', { set }),
    await lake.lake.changeTags('purchases', { set: { ...set, untilMs: set.untilMs + MINUTE } }),
    await lake.lake.changeTags('purchases', { set, remove: ['report-77'] }),
  ]
  expect(again.metadata).toBe(first.metadata)
  expect(ageOf(longer) - ageOf(first)).toBe(MINUTE)
  expect(shorter.metadata).toBe(longer.metadata)
  const taken = { set: { ...tag(state, 2, 60), name: 'report-1' } }
  await expect(lake.lake.changeTags('purchases', taken)).rejects.toMatchObject({ code: 'lake/tag-taken' })
  await expect(
    lake.lake.changeTags('purchases', { set: { ...set, name: 'report-9', snapshotId: 4711n } }),
  ).rejects.toMatchObject({ code: 'lake/no-snapshot' })
  const { metadata } = await lake.lake.changeTags('purchases', { remove: ['report-1', 'main'] })
  expect(Object.keys(metadata.refs)).toEqual(['main'])
})

test('tags of another process and commits of the lander do not undo each other', async () => {
  let state = await landed(20)
  const before = state
  const reporter = lake.openAnother()
  const tags = async () => {
    for (let batch = 1; batch <= 20; batch++)
      await reporter.changeTags('purchases', { set: tag(before, batch, 60) })
  }
  const commits = async () => {
    for (let i = 20; i < 40; i++) state = await land(lake, state, purchaseRows(i * 10, 10), (i + 1) * 10)
  }
  await Promise.all([tags(), commits()])
  const after = await load()
  expect(Object.keys(after.metadata.refs)).toHaveLength(21)
  expect(after).toMatchObject({ batch: 40, position: { next: { 0: 400 } } })
  expect(await query(lake, after, 'count(*), count(DISTINCT id)')).toEqual([['400', '400']])
})

test('snapshots that bear a tag are kept beside the newest ones', async () => {
  let state = await landed(3)
  for (const batch of [1, 2]) await lake.lake.changeTags('purchases', { set: tag(state, batch, 60) })
  const strict = { lake: lake.openAnother({ snapshotsMax: 5 }), connection: lake.connection }
  state = await load()
  for (let i = 3; i < 20; i++) state = await land(strict, state, purchaseRows(i * 10, 10), (i + 1) * 10)
  const batches = state.metadata.snapshots.map(({ summary }) => Number(summary['landfall.batch']))
  expect(batches).toEqual([1, 2, 16, 17, 18, 19, 20])
})

test('a REST catalog is told of a tag with a commit that moves main, and to let go of one without', async () => {
  const state = await landed(1)
  const base = (await lake.lake.catalog.loadTable('purchases'))!
  const { name, snapshotId } = tag(state, 1, 60)
  const ref = { 'snapshot-id': snapshotId, type: 'tag', 'max-ref-age-ms': 5 } as const
  const next = { ...base.metadata, refs: { ...base.metadata.refs, [name]: ref } }
  const files = new TableFiles(lake.storage)
  const setting = await commitRequest(lake.storage, files, base, next, [
    { action: 'set-snapshot-ref', 'ref-name': name, ...ref },
  ])
  expect(setting.updates[0]).toMatchObject({ 'ref-name': name, type: 'tag', 'max-ref-age-ms': 5 })
  expect(setting.updates.map(({ action }) => action)).toContain('add-snapshot')
  const tagged = { ...base, metadata: next }
  const letting = await commitRequest(lake.storage, files, tagged, base.metadata, [
    { action: 'remove-snapshot-ref', 'ref-name': name },
  ])
  expect(letting).toMatchObject({ updates: [{ action: 'remove-snapshot-ref' }], written: [] })
  expect([letting.isIn(next), letting.isIn(base.metadata)]).toEqual([false, true])
})
