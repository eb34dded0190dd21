import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { property, type TableState } from '../../src/lake/lake.ts'
import { findSnapshot } from '../../src/lake/metadata.ts'
import type { LakeSettings } from '../../src/lake/settings.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { changedStorage } from '../support/storage.ts'
import {
  land,
  openTestLake,
  positionAt,
  purchaseRows,
  purchases,
  query,
  type TestLake,
  tableFiles,
  tableOf,
} from './support.ts'

const MINUTE = 60_000
let lake: TestLake
const open = async (settings: Partial<LakeSettings> = {}) => {
  lake = await openTestLake(settings)
  return lake.lake.ensure(purchases)
}
afterEach(() => lake[Symbol.asyncDispose]())

/** Lands `batches` of 10 rows each. */
async function landMany(state: TableState, batches: number, day?: string): Promise<TableState> {
  let now = state
  for (let i = 0; i < batches; i++) {
    const from = now.position?.next[0] ?? 0
    now = await land(lake, now, purchaseRows(from, 10, day), from + 10)
  }
  return now
}

const maintain = (keep?: ReadonlySet<string>) =>
  lake.lake.maintain(lake.connection, 'purchases', keep === undefined ? {} : { keep })
const load = async () => (await lake.lake.load('purchases'))!

describe('compaction', () => {
  test('small files become one, rows and position stay', async () => {
    const before = await landMany(await open(), 20)
    const report = await maintain()
    expect(report).toMatchObject({ table: 'purchases', compactedFiles: 20, writtenFiles: 1 })
    const after = await load()
    expect(after).toMatchObject({ position: before.position, batch: 20, epoch: 0 })
    expect(await lake.lake.files(after)).toHaveLength(1)
    expect(await query(lake, after, 'count(*), count(DISTINCT id), sum(id)')).toEqual([
      ['200', '200', '19900'],
    ])
    const summary = findSnapshot(after.metadata)!.summary
    expect(summary).toMatchObject({
      operation: 'replace',
      [property.position]: before.metadata.properties[property.position],
      [property.batch]: '20',
      'deleted-data-files': '20',
      'total-data-files': '1',
      'total-records': '200',
    })
    // The rows keep their order, and landing goes on.
    const ids = (await query(lake, after, 'id')).map(([id]) => Number(id))
    expect(ids).toEqual(Array.from({ length: 200 }, (_, id) => id))
    await landMany(after, 2)
  })

  test('it waits until a tier is full while a day still grows', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const state = await landMany(await open(), 7, today)
    expect((await maintain()).compactedFiles).toBe(0)
    await landMany(state, 1, today)
    expect((await maintain()).compactedFiles).toBe(8)
  })

  test('days are not mixed', async () => {
    let state = await open()
    for (const day of ['2026-11-18', '2026-11-19']) state = await landMany(state, 5, day)
    await maintain()
    const files = await lake.lake.files(await load())
    expect(files.map((file) => file.partition.timestamp_day).sort()).toEqual([20_775, 20_776])
  })

  test('a day of batches stays at 64 files or fewer, and each row is rewritten only a few times', async () => {
    const today = new Date().toISOString().slice(0, 10)
    let state = await open({ smallBytes: 4096 })
    let most = 0
    let rewritten = 0
    for (let batch = 0; batch < 300; batch++) {
      const from = batch * 10
      state = await land(lake, state, purchaseRows(from, 10, today), from + 10)
      if (batch % 10 !== 9) continue
      most = Math.max(most, (await lake.lake.files(await load())).length)
      rewritten += (await maintain()).compactedFiles
      state = await load()
    }
    expect(most).toBeLessThanOrEqual(64)
    expect(await query(lake, state, 'count(*), sum(id)')).toEqual([['3000', String((2999 * 3000) / 2)]])
    // 300 files enter; a full rewrite each time would be 300 * 301 / 20 = 4,515.
    expect(rewritten).toBeLessThan(700)
  })

  test('large files are left alone', async () => {
    const state = await open({ targetBytes: 500 })
    await landMany(state, 10)
    expect((await maintain()).compactedFiles).toBe(0)
  })

  test('one round reads no more than its budget', async () => {
    await landMany(await open({ compactionBytesMax: 4000 }), 20)
    const report = await maintain()
    expect(report.compactedFiles).toBeGreaterThan(0)
    expect(report.compactedFiles).toBeLessThan(10)
  })

  test('rows that land meanwhile stay, and the position is that of the last commit', async () => {
    const state = await landMany(await open(), 10)
    const other = lake.openAnother()
    const copy = lake.connection.runAndReadAll.bind(lake.connection)
    let landed = false
    // The other writer lands while the compaction has read its files and not yet committed.
    lake.connection.runAndReadAll = async (...args: Parameters<typeof copy>) => {
      const result = await copy(...args)
      if (!landed && args[0].startsWith('COPY')) {
        landed = true
        const connection = lake.connection
        const add = await other.writeFiles(connection, state, purchaseRows(100, 10))
        await other.commit('purchases', {
          add,
          expect: { position: positionAt(100), epoch: 0 },
          position: positionAt(110),
          batch: 11,
        })
        await other.raiseEpoch('purchases', 4)
      }
      return result
    }
    expect((await maintain()).compactedFiles).toBeGreaterThanOrEqual(10)
    const after = await load()
    expect(after).toMatchObject({ position: positionAt(110), batch: 11, epoch: 4 })
    expect(findSnapshot(after.metadata)!.summary[property.batch]).toBe('11')
    expect(await query(lake, after, 'count(*), sum(id)')).toEqual([['110', '5995']])
  })

  test('it gives up when an input is not live any more', async () => {
    await landMany(await open(), 10)
    const other = lake.openAnother()
    const copy = lake.connection.runAndReadAll.bind(lake.connection)
    let first = true
    lake.connection.runAndReadAll = async (...args: Parameters<typeof copy>) => {
      const result = await copy(...args)
      if (first && args[0].startsWith('COPY')) {
        first = false
        await other.maintain(lake.connection, 'purchases')
      }
      return result
    }
    expect((await maintain()).compactedFiles).toBe(0)
    const after = await load()
    expect(await lake.lake.files(after)).toHaveLength(1)
    expect(await query(lake, after, 'count(*), sum(id)')).toEqual([['100', '4950']])
    // What it had written in vain is deleted: ten inputs and the other's output.
    expect(await tableFiles(lake, 'purchases', 'data')).toHaveLength(11)
  })

  test('columns that were gained and values of every type survive', async () => {
    await open()
    const narrow = tableOf('t', { id: 'long', at: 'timestamptz' })
    let state = await lake.lake.ensure(narrow)
    for (let i = 0; i < 4; i++)
      state = await land(
        lake,
        state,
        `SELECT ${i} AS id, TIMESTAMPTZ '2026-11-20 00:00:00.000001+00' AS at`,
        i + 1,
      )
    state = await lake.lake.ensure(
      tableOf('t', { amount: 'decimal(38, 4)', id: 'long', at: 'timestamptz', ok: 'boolean' }),
    )
    for (let i = 4; i < 8; i++) {
      state = await land(
        lake,
        state,
        `SELECT ${i}.25 AS amount, ${i} AS id, TIMESTAMPTZ '2026-11-20 00:00:00.000001+00' AS at, true AS ok`,
        i + 1,
      )
    }
    expect((await lake.lake.maintain(lake.connection, 't')).compactedFiles).toBe(8)
    state = (await lake.lake.load('t'))!
    expect(
      await query(
        lake,
        state,
        'sum(amount), count(amount), sum(id), count(ok), count(DISTINCT epoch_us("at"))',
      ),
    ).toEqual([['23.0000', '4', '28', '4', '1']])
  })
})

describe('expiry and removal', () => {
  test('snapshots older than an hour go, the current one stays', async () => {
    const state = await landMany(await open(), 5)
    expect((await maintain()).expiredSnapshots).toBe(0)
    lake.aheadMs = 61 * MINUTE
    // The compaction of above has its own snapshot; all before it go.
    const report = await maintain()
    expect(report.expiredSnapshots).toBe(5)
    const after = await load()
    expect(after.metadata.snapshots).toHaveLength(1)
    expect(after.metadata['snapshot-log']).toHaveLength(1)
    expect(after).toMatchObject({ position: state.position, batch: 5 })
    expect((await maintain()).expiredSnapshots).toBe(0)
    expect(await query(lake, after, 'count(*)')).toEqual([['50']])
  })

  test('a snapshot that a tag names stays, with its files', async () => {
    const tagged = await landMany(await open({ snapshotsMax: 3 }), 2)
    const id = tagged.metadata['current-snapshot-id']!
    const { catalog } = lake.lake
    const base = (await catalog.loadTable('purchases'))!
    const refs = { ...base.metadata.refs, report: { 'snapshot-id': id, type: 'tag' as const } }
    await catalog.commitTable(base, { ...base.metadata, refs }, [])
    const state = await landMany(await load(), 10)
    expect(state.metadata.snapshots.length).toBeLessThanOrEqual(4)
    await maintain()
    for (const minutes of [61, 80, 120]) {
      lake.aheadMs = minutes * MINUTE
      await maintain()
    }
    expect(await query(lake, await load(), 'count(*)', id)).toEqual([['20']])
  })

  test('replaced files are unlinked 15 minutes after no snapshot names them, not before', async () => {
    await landMany(await open(), 10)
    const pinned = await lake.lake.files(await load())
    await maintain()
    lake.aheadMs = 61 * MINUTE
    expect((await maintain()).removedFiles).toBe(0)
    lake.aheadMs = 75 * MINUTE
    expect((await maintain()).removedFiles).toBe(0)
    expect(await tableFiles(lake, 'purchases', 'data')).toHaveLength(11)
    lake.aheadMs = 81 * MINUTE
    expect((await maintain()).removedFiles).toBeGreaterThan(10)
    const state = await load()
    const left = await lake.lake.files(state)
    expect(await tableFiles(lake, 'purchases', 'data')).toEqual(
      left.map((file) => file.path.split('/').at(-1)),
    )
    expect(left.map((file) => file.url)).not.toContain(pinned[0]!.url)
    expect(await query(lake, state, 'count(*), sum(id)')).toEqual([['100', '4950']])
  })

  test('the grace time goes on after a restart', async () => {
    await landMany(await open(), 10)
    await maintain()
    lake.aheadMs = 61 * MINUTE
    await maintain()
    lake.aheadMs = 77 * MINUTE
    const restarted = lake.openAnother()
    expect((await restarted.maintain(lake.connection, 'purchases')).removedFiles).toBeGreaterThan(10)
  })

  test('orphans of a dead writer go after 15 minutes, what an open plan keeps does not', async () => {
    const state = await landMany(await open(), 2)
    const dead = lake.openAnother()
    const [kept] = await dead.writeFiles(lake.connection, state, purchaseRows(20, 5))
    const [orphan] = await dead.writeFiles(lake.connection, state, purchaseRows(20, 5))
    await writeFile(join(lake.root, 'default/purchases/metadata/v9.metadata.json.123.abc.tmp'), 'half')
    await writeFile(join(lake.root, 'default/purchases/data/half-written.parquet'), 'PAR1')
    const keep = new Set([kept!.path])
    await maintain(keep)
    const there = async () =>
      (await readdir(join(lake.root, 'default/purchases/data'))).map(
        (name) => `default/purchases/data/${name}`,
      )
    expect(await there()).toContain(orphan!.path)
    lake.aheadMs = 16 * MINUTE
    const report = await maintain(keep)
    // The orphan, the half-written file and the temporary, and the two files that were compacted stay for their snapshots.
    expect(report.removedFiles).toBe(3)
    const left = await there()
    expect(left).toContain(kept!.path)
    expect(left).not.toContain(orphan!.path)
  })

  test('a file that this process has written and not yet committed is no orphan, also when the clock is set wrong for a while', async () => {
    const state = await landMany(await open({ sweepIntervalMs: 0 }), 2)
    const add = await lake.lake.writeFiles(lake.connection, state, purchaseRows(20, 5))
    lake.aheadMs = 9 * MINUTE
    await maintain()
    lake.aheadMs = 25 * MINUTE
    await maintain()
    lake.aheadMs = 9 * MINUTE
    await lake.lake.commit('purchases', {
      add,
      expect: { position: positionAt(20), epoch: 0 },
      position: positionAt(25),
      batch: 3,
    })
    lake.aheadMs = 30 * MINUTE
    await maintain()
    expect(await query(lake, await load(), 'count(*)')).toEqual([['25']])
  })

  test('a writer that slept while its files were removed cannot commit them', async () => {
    const state = await landMany(await open(), 2)
    const sleeper = lake.openAnother()
    const add = await sleeper.writeFiles(lake.connection, state, purchaseRows(20, 5))
    await maintain()
    lake.aheadMs = 16 * MINUTE
    expect((await maintain()).removedFiles).toBeGreaterThan(0)
    const commit = { add, expect: { position: positionAt(20), epoch: 0 }, position: positionAt(25), batch: 3 }
    await expect(sleeper.commit('purchases', commit)).rejects.toMatchObject({ code: 'lake/missing-file' })
    expect(await query(lake, await load(), 'count(*)')).toEqual([['20']])
  })

  test('nor when it slept right before its commit point', async () => {
    const state = await landMany(await open({ sweepIntervalMs: 0 }), 2)
    const storage = openLocalStorage(lake.root)
    let asleep = false
    const sleeping = changedStorage(storage, {
      async createExclusive(path, bytes) {
        if (!asleep) {
          asleep = true
          await maintain()
          lake.aheadMs = 16 * MINUTE
          expect((await maintain()).removedFiles).toBeGreaterThan(0)
        }
        return storage.createExclusive(path, bytes)
      },
    })
    // Nothing to compact and nothing to expire: only the fence stands between the sleeper and its commit.
    await maintain()
    const sleeper = lake.openAnother({}, sleeping)
    const add = await sleeper.writeFiles(lake.connection, state, purchaseRows(20, 5))
    const commit = { add, expect: { position: positionAt(20), epoch: 0 }, position: positionAt(25), batch: 3 }
    await expect(sleeper.commit('purchases', commit)).rejects.toMatchObject({ code: 'lake/missing-file' })
    expect(await lake.storage.stat(add[0]!.path)).toBeUndefined()
    expect(await query(lake, await load(), 'count(*)')).toEqual([['20']])
  })

  test('versions that the metadata log names stay readable', async () => {
    await landMany(await open(), 2)
    await maintain()
    for (const minutes of [16, 32, 48]) {
      lake.aheadMs = minutes * MINUTE
      await maintain()
    }
    // A reader of the metadata log still finds every version it names.
    const state = await load()
    for (const entry of state.metadata['metadata-log']) {
      const path = entry['metadata-file'].slice(`file://${lake.root}/`.length)
      expect(await lake.storage.stat(path), path).toBeDefined()
    }
  })
})

describe('bounded', () => {
  beforeEach(async () => {
    await open({ snapshotAgeMs: 10 * MINUTE })
  })

  test('1,000 commits with maintenance: few files, small metadata, few manifests', async () => {
    let state = await load()
    const [file] = await lake.lake.writeFiles(lake.connection, state, purchaseRows(0, 10))
    const manifests: number[] = []
    for (let batch = 1; batch <= 1000; batch++) {
      lake.aheadMs += 10_000
      // Every tenth batch has a file of its own, the others only move the position: this is about the metadata.
      const add =
        batch === 1
          ? [file!]
          : batch % 10 === 0
            ? await lake.lake.writeFiles(lake.connection, state, purchaseRows(batch * 10, 10))
            : []
      state = await lake.lake.commit('purchases', {
        add,
        expect: { position: state.position, epoch: 0 },
        position: positionAt(batch),
        batch,
      })
      if (batch % 50 === 0) {
        await maintain()
        state = await load()
        manifests.push(state.metadata.snapshots.length)
      }
    }
    expect(Math.max(...manifests)).toBeLessThanOrEqual(100)
    expect(
      JSON.stringify(await lake.storage.read('default/purchases/metadata/version-hint.text')),
    ).toBeTruthy()
    const names = await tableFiles(lake, 'purchases', 'metadata')
    expect(names.filter((name) => name.endsWith('.metadata.json'))).toHaveLength(21)
    // Of 1,000 batches at 10 s: 10 minutes of snapshots (60), 15 minutes of grace (90), and 500 s between two rounds.
    expect(names.filter((name) => name.startsWith('snap-')).length).toBeLessThan(350)
    expect(names.length).toBeLessThan(500)
    expect(await query(lake, state, 'count(*)')).toEqual([['1010']])
  })
})

describe('without maintenance', () => {
  test('256 commits: metadata and the number of manifests stay bounded', async () => {
    let state = await open()
    const sizes: number[] = []
    for (let batch = 1; batch <= 256; batch++) {
      const add = await lake.lake.writeFiles(lake.connection, state, purchaseRows(batch * 10, 10))
      state = await lake.lake.commit('purchases', {
        add,
        expect: { position: state.position, epoch: 0 },
        position: positionAt(batch),
        batch,
      })
      const name = `default/purchases/metadata/v${batch + 1}.metadata.json`
      if (batch % 64 === 0 && batch >= 128) sizes.push((await lake.storage.stat(name))!.bytes)
    }
    expect(sizes.at(-1)! / sizes[0]!).toBeLessThan(1.1)
    expect(state.metadata.snapshots).toHaveLength(100)
    const list = await lake.storage.read(
      findSnapshot(state.metadata)!['manifest-list'].slice(`file://${lake.root}/`.length),
    )
    // Three tiers of at most 7.
    expect(list.toString('latin1').match(/-m\d+-crc32c-[0-9a-f]{8}\.avro/g)!.length).toBeLessThanOrEqual(21)
    expect(await query(lake, state, 'count(*)')).toEqual([['2560']])
  })
})
