/** A report can be made again when the snapshots of its time have expired, because they bear its tag. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryToKeep } from '../../src/cli/look/keep.ts'
import type { TagChange } from '../../src/lake/tags.ts'
import { askRows } from '../../src/report/ask.ts'
import { type Frozen, freezeTables } from '../../src/report/frozen.ts'
import { keepReport } from '../../src/report/keep.ts'
import { renderReport } from '../../src/report/render.ts'
import { makeReport } from '../../src/report/report.ts'
import { World } from '../lander/support.ts'
import { type History, openHistory, pipeline } from './history.ts'

const LONG = { timeout: 120_000 }
let kept: History
const snapshotCount = async () => {
  const { rows } = await askRows(kept.engine, 'SELECT count(*) FROM "events$snapshots"')
  return rows[0]![0]
}
/** As maintenance lets go of what is so old. */
const later = async (minutes: number, only?: string) => {
  const lake = kept.world.openLake(minutes * 60_000)
  const tables = only === undefined ? await lake.listTables() : [only]
  for (const table of tables) await lake.maintain(await kept.world.connection(), table)
}
const sendOne = async (type: string, more = {}) => {
  await kept.world.send({
    event: { event_type: type, Host: 'late.example', ...more },
    source: 'history',
  })
  await kept.world.land()
}

beforeAll(async () => {
  kept = await openHistory({ seed: 32, players: 20 })
}, LONG.timeout)
afterAll(() => kept?.[Symbol.asyncDispose]())

test('the same bytes after snapshots have expired, also of a table that was empty then', LONG, async () => {
  const untilMs = Date.now() + 30 * 86_400_000
  const keep = async (frozen: Frozen) => {
    expect(await keepReport(kept.world.openLake(), frozen, untilMs)).toEqual({ tag: 'report-1', untilMs })
  }
  const first = await makeReport(kept.engine, pipeline, { keep })
  const written = await renderReport(first)
  expect(first.frozen.tables.get('dead_letters')!.snapshotId).toBeNull()
  // Compaction makes another snapshot of the same batch.
  await later(0)
  await sendOne('default')
  await sendOne('no such event')
  for (const minutes of [61, 80, 100]) await later(minutes)
  expect(await snapshotCount()).toBe(2)
  const { tables } = await freezeTables(kept.engine, pipeline, {})
  expect(tables.get('dead_letters')!.snapshotId).not.toBeNull()
  expect(await renderReport(await makeReport(kept.engine, pipeline, { at: 1n, keep }))).toEqual(written)
})

test('a batch that was not kept is not taken for an older one that was', LONG, async () => {
  const purchase = { type: 'sabre', cost: 3 }
  await sendOne('purchase_sword', purchase)
  await sendOne('default')
  const { batch, tables } = await freezeTables(kept.engine, pipeline)
  await sendOne('purchase_sword', purchase)
  const at = { at: BigInt(batch) }
  expect((await freezeTables(kept.engine, pipeline, at)).tables).toEqual(tables)
  for (const minutes of [161, 180]) await later(minutes, 'purchases')
  await expect(freezeTables(kept.engine, pipeline, at)).rejects.toMatchObject({
    code: 'report/expired',
    message: `table purchases has no snapshot of batch ${batch} any more`,
  })
  await expect(freezeTables(kept.engine, pipeline, { at: 1n })).resolves.toMatchObject({ batch: 1 })
})

test('the command tags the tables that were asked, and says in one line why it does not', LONG, async () => {
  const frozen = await freezeTables(kept.engine, pipeline)
  const data = kept.world.directory
  const tag = await tryToKeep(frozen, { data }, 3_600_000)
  expect(tag).toEqual({ tag: `report-${frozen.batch}`, untilMs: expect.any(Number) })
  await using other = new World(pipeline)
  await other.send({ event: { event_type: 'default', Host: 'late.example' }, source: 'history' })
  await other.land()
  expect(await tryToKeep(frozen, { data: other.directory }, 3_600_000)).toMatch(
    /^table \w+ has no snapshot \d+$/,
  )
  const none = join(data, 'none')
  expect(await tryToKeep(frozen, { data: none }, 1)).toBe(
    `there are no tables in ${none}, only SQL was asked`,
  )
})

test('without the right to write there it is not kept, and says so', LONG, async () => {
  const frozen = await freezeTables(kept.engine, pipeline)
  const data = kept.world.directory
  const folders = [...frozen.tables.keys()].map((name) => join(data, 'lake/default', name, 'metadata'))
  const isRoot = process.getuid!() === 0
  await chmod(data, 0o755)
  for (const folder of folders) await chmod(folder, 0o555)
  // To root every right is given.
  if (isRoot) process.seteuid!(65_534)
  try {
    expect(await tryToKeep(frozen, { data }, 30 * 86_400_000)).toMatch(/permission denied/)
  } finally {
    if (isRoot) process.seteuid!(0)
    for (const folder of folders) await chmod(folder, 0o755)
  }
})

test('a column that a table has gained since is null', LONG, async () => {
  const tables = pipeline.tables.map((table) => ({
    ...table,
    columns: [
      ...table.columns,
      { name: 'colour', type: 'string', source: { from: 'property', property: 'colour' } } as const,
    ],
  }))
  const grown = { ...pipeline, tables }
  await kept.world.openLake().ensure(tables.find(({ name }) => name === 'purchases')!)
  const { freeze } = await freezeTables(kept.engine, grown, { at: 1n })
  const asked = 'SELECT count(*) > 0, count(colour) FROM purchases'
  expect((await askRows(kept.engine, await freeze(asked))).rows).toEqual([[true, 0]])
})

test('at most 100 batches: the oldest goes, from events first', LONG, async () => {
  const lake = kept.world.openLake()
  const frozen = await freezeTables(kept.engine, pipeline)
  let changed: string[] = []
  const watched = {
    load: lake.load.bind(lake),
    changeTags(table: string, change: TagChange) {
      changed.push(table)
      return lake.changeTags(table, change)
    },
  }
  for (let batch = 1000; batch <= 1100; batch++) {
    changed = []
    await keepReport(watched, { ...frozen, batch }, Date.now() + 60_000)
  }
  expect([changed[0], changed.at(-1), changed.length]).toEqual(['events', 'events', frozen.tables.size + 1])
  for (const table of ['events', 'purchases']) {
    const tags = Object.keys((await lake.load(table))!.metadata.refs).filter((name) => name !== 'main')
    expect([tags.length, tags.includes('report-1'), tags.includes('report-1001')]).toEqual([100, false, true])
  }
})
