import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { property, type TableState } from '../../src/lake/lake.ts'
import { findSnapshot } from '../../src/lake/metadata.ts'
import { formatPosition } from '../../src/model/position.ts'
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

let lake: TestLake
beforeEach(async () => {
  lake = await openTestLake()
})
afterEach(() => lake[Symbol.asyncDispose]())

const currentSummary = (state: TableState) => findSnapshot(state.metadata)!.summary

describe('commit', () => {
  test('a new table is empty and stands nowhere', async () => {
    expect(await lake.lake.load('purchases')).toBeUndefined()
    const state = await lake.lake.ensure(purchases)
    expect(state).toMatchObject({
      name: 'purchases',
      position: undefined,
      epoch: 0,
      batch: 0,
      counters: undefined,
      definition: undefined,
    })
    expect(await lake.lake.files(state)).toEqual([])
    expect(await lake.lake.listTables()).toEqual(['purchases'])
  })

  test('a new table can start at a position and an epoch', async () => {
    const state = await lake.lake.ensure(purchases, { position: positionAt(7), epoch: 3 })
    expect(state).toMatchObject({ position: positionAt(7), epoch: 3 })
    expect(await lake.lake.ensure(purchases, { position: positionAt(9), epoch: 9 })).toMatchObject({
      position: positionAt(7),
      epoch: 3,
    })
    expect((await land(lake, state, purchaseRows(7, 3), 10)).position).toEqual(positionAt(10))
  })

  test('rows, position, batch and counters become visible together', async () => {
    const counters = { 0: { records: 12, landed: 10, dead: 1, duplicate: 1 } }
    const before = await lake.lake.ensure(purchases)
    const after = await land(lake, before, purchaseRows(0, 10), 12, counters)
    expect(after).toMatchObject({ position: positionAt(12), batch: 1, epoch: 0, counters })
    expect(await query(lake, after, 'count(*), sum(id)')).toEqual([['10', '45']])
    const elsewhere = (await lake.openAnother().load('purchases'))!
    expect(elsewhere).toEqual(after)
    const position = formatPosition(positionAt(12))
    expect(currentSummary(elsewhere)).toMatchObject({
      operation: 'append',
      [property.position]: position,
      [property.batch]: '1',
      [property.epoch]: '0',
      [property.counters]: JSON.stringify(counters),
      'added-data-files': '1',
      'added-records': '10',
      'total-records': '10',
      'total-data-files': '1',
    })
    expect(elsewhere.metadata.properties[property.position]).toBe(position)
  })

  test('a state read earlier still reads its own files', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const second = await land(lake, first, purchaseRows(10, 10), 20)
    expect(await query(lake, first, 'count(*)')).toEqual([['10']])
    expect(await query(lake, second, 'count(*)')).toEqual([['20']])
    const old = first.metadata['current-snapshot-id']!
    expect(await query(lake, second, 'count(*)', old)).toEqual([['10']])
    await expect(lake.lake.files(second, 1n)).rejects.toMatchObject({ code: 'lake/no-snapshot' })
  })

  test('a commit without files moves the position and the counters', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const counters = { 0: { records: 15, landed: 10, dead: 5, duplicate: 0 } }
    const second = await lake.lake.commit('purchases', {
      add: [],
      expect: { position: positionAt(10), epoch: 0 },
      position: positionAt(15),
      batch: 2,
      counters,
    })
    expect(second).toMatchObject({ position: positionAt(15), batch: 2, counters })
    expect(await lake.lake.files(second)).toEqual(await lake.lake.files(first))
    expect(currentSummary(second)['total-records']).toBe('10')
  })

  test('a table that stands elsewhere refuses, and nothing is visible', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const add = await lake.lake.writeFiles(lake.connection, first, purchaseRows(10, 10))
    const late = (position: ReturnType<typeof positionAt> | undefined) =>
      lake.lake.commit('purchases', {
        add,
        expect: { position, epoch: 0 },
        position: positionAt(30),
        batch: 2,
      })
    for (const position of [undefined, positionAt(9), { logId: 'another', next: { 0: 10 } }]) {
      await expect(late(position)).rejects.toMatchObject({ code: 'lake/position-moved', kind: 'retry' })
    }
    expect(await lake.lake.load('purchases')).toEqual(first)
    expect((await late(positionAt(10))).position).toEqual(positionAt(30))
    // The same commit again, as after a lost answer: the table has moved.
    await expect(late(positionAt(10))).rejects.toMatchObject({ code: 'lake/position-moved' })
  })

  test('a raised epoch fences the predecessor', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const add = await lake.lake.writeFiles(lake.connection, first, purchaseRows(10, 10))
    const raised = await lake.openAnother().raiseEpoch('purchases', 5)
    expect(raised).toMatchObject({ epoch: 5, position: positionAt(10), batch: 1 })
    expect(raised.metadata['current-snapshot-id']).toBe(first.metadata['current-snapshot-id'])
    const commit = (epoch: number) =>
      lake.lake.commit('purchases', {
        add,
        expect: { position: positionAt(10), epoch },
        position: positionAt(20),
        batch: 2,
      })
    await expect(commit(0)).rejects.toMatchObject({ code: 'lake/fenced' })
    await expect(lake.lake.raiseEpoch('purchases', 4)).rejects.toMatchObject({ code: 'lake/fenced' })
    expect(await lake.lake.raiseEpoch('purchases', 5)).toEqual(raised)
    expect(await commit(5)).toMatchObject({ epoch: 5, position: positionAt(20) })
  })

  test('it is made again by itself when only the metadata moved', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const add = await lake.lake.writeFiles(lake.connection, first, purchaseRows(10, 10))
    const storage = openLocalStorage(lake.root)
    let steps = 3
    // Another process adds a column just before our commit point, three times.
    const inTheWay = changedStorage(storage, {
      async createExclusive(path, bytes) {
        if (steps-- > 0) {
          const columns = Object.fromEntries(
            Array.from({ length: 3 - steps }, (_, i) => [`extra_${i}`, 'string' as const]),
          )
          const wider = tableOf('purchases', {
            id: 'long',
            timestamp: 'timestamptz',
            type: 'string',
            cost: 'long',
            ...columns,
          })
          await lake.lake.ensure(wider)
        }
        return storage.createExclusive(path, bytes)
      },
    })
    const disturbed = openLake({ storage: inTheWay, catalog: openFileCatalog(inTheWay) })
    const state = await disturbed.commit('purchases', {
      add,
      expect: { position: positionAt(10), epoch: 0 },
      position: positionAt(20),
      batch: 2,
    })
    expect(state.schema.fields.map((field) => field.name)).toContain('extra_2')
    expect(await query(lake, state, 'count(*), count(extra_2)')).toEqual([['20', '0']])
    // What the lost attempts wrote is gone: two snapshots, each with its list and its manifest.
    const avro = (await tableFiles(lake, 'purchases', 'metadata')).filter((name) => name.endsWith('.avro'))
    expect(avro).toHaveLength(4)
  })

  test('a data file that is gone is not committed', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const add = await lake.lake.writeFiles(lake.connection, first, purchaseRows(10, 10))
    await rm(join(lake.root, add[0]!.path))
    const commit = { add, expect: { position: positionAt(10), epoch: 0 }, position: positionAt(20), batch: 2 }
    await expect(lake.lake.commit('purchases', commit)).rejects.toMatchObject({ code: 'lake/missing-file' })
    expect(await lake.lake.load('purchases')).toEqual(first)
  })

  test('a data file that is nearly as old as an orphan is not committed', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const add = await lake.lake.writeFiles(lake.connection, first, purchaseRows(10, 10))
    const commit = { add, expect: { position: positionAt(10), epoch: 0 }, position: positionAt(20), batch: 2 }
    lake.aheadMs = 11 * 60_000
    await expect(lake.lake.commit('purchases', commit)).rejects.toMatchObject({ code: 'lake/missing-file' })
    lake.aheadMs = 9 * 60_000
    expect((await lake.lake.commit('purchases', commit)).position).toEqual(positionAt(20))
  })

  test('after an unknown outcome nothing is deleted, and a load tells', async () => {
    const first = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const storage = openLocalStorage(lake.root)
    const losesAnswers = changedStorage(storage, {
      async createExclusive(path, bytes) {
        await storage.createExclusive(path, bytes)
        throw new Error('EIO: i/o error, fsync')
      },
    })
    const unsure = openLake({ storage: losesAnswers, catalog: openFileCatalog(losesAnswers) })
    const add = await unsure.writeFiles(lake.connection, first, purchaseRows(10, 10))
    const commit = { add, expect: { position: positionAt(10), epoch: 0 }, position: positionAt(20), batch: 2 }
    await expect(unsure.commit('purchases', commit)).rejects.toMatchObject({
      code: 'catalog/unknown-outcome',
    })
    const state = (await unsure.load('purchases'))!
    expect(state.position).toEqual(positionAt(20))
    expect(await query(lake, state, 'count(*)')).toEqual([['20']])
  })

  test('a table that does not exist says so', async () => {
    const commit = { add: [], expect: { position: undefined, epoch: 0 }, position: positionAt(1), batch: 1 }
    await expect(lake.lake.commit('absent', commit)).rejects.toMatchObject({ code: 'lake/no-table' })
  })
})

describe('a table that something else has written', () => {
  const change = async (
    state: TableState,
    edit: (properties: Record<string, string>, summary: Record<string, string>) => void,
  ) => {
    const { catalog } = lake.lake
    const base = (await catalog.loadTable(state.name))!
    const next = structuredClone(base.metadata)
    edit(next.properties, findSnapshot(next)?.summary ?? {})
    await catalog.commitTable(base, next, [])
  }

  test.each([
    [
      'rows but no position',
      (p: Record<string, string>, s: Record<string, string>) => {
        delete p[property.position]
        delete s[property.position]
      },
    ],
    [
      'a property that is ahead',
      (p: Record<string, string>) => {
        p[property.position] = formatPosition(positionAt(99))
      },
    ],
    [
      'a newest snapshot without a position',
      (_p: Record<string, string>, s: Record<string, string>) => {
        delete s[property.position]
      },
    ],
    [
      'no property',
      (p: Record<string, string>) => {
        delete p[property.position]
      },
    ],
  ])('%s: refuses to land', async (_name, edit) => {
    const state = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    await change(state, edit)
    const add = await lake.lake.writeFiles(lake.connection, state, purchaseRows(10, 10))
    for (const position of [undefined, positionAt(10), positionAt(99)]) {
      const commit = { add, expect: { position, epoch: 0 }, position: positionAt(20), batch: 2 }
      await expect(lake.lake.commit('purchases', commit)).rejects.toMatchObject({ code: 'lake/inconsistent' })
    }
    await expect(lake.lake.ensure(purchases)).rejects.toMatchObject({
      code: 'lake/inconsistent',
      kind: 'bad-data',
    })
    await expect(lake.lake.raiseEpoch('purchases', 1)).rejects.toMatchObject({ code: 'lake/inconsistent' })
  })

  test('a newer format is refused', async () => {
    const state = await lake.lake.ensure(purchases)
    await change(state, (properties) => {
      properties[property.formatVersion] = '99'
    })
    await expect(lake.lake.load('purchases')).rejects.toMatchObject({ code: 'lake/newer-format' })
  })
})

describe('schema', () => {
  test('a column that is gained gets a new id, old files read as null there', async () => {
    let state = await land(lake, await lake.lake.ensure(purchases), purchaseRows(0, 10), 10)
    const wider = tableOf('purchases', {
      id: 'long',
      guild: 'string',
      timestamp: 'timestamptz',
      type: 'string',
      cost: 'long',
      amount: 'decimal(12, 2)',
    })
    state = await lake.lake.ensure(wider)
    expect(state.schema.fields.map((field) => [field.id, field.name])).toEqual([
      [1, 'id'],
      [5, 'guild'],
      [2, 'timestamp'],
      [3, 'type'],
      [4, 'cost'],
      [6, 'amount'],
    ])
    expect(state.position).toEqual(positionAt(10))
    state = await land(
      lake,
      state,
      `SELECT *, 'grubs' AS guild, 1.25 AS amount FROM (${purchaseRows(10, 10)})`,
      20,
    )
    expect(await query(lake, state, 'count(*), count(guild), count(amount), sum(amount), sum(id)')).toEqual([
      ['20', '10', '10', '12.50', '190'],
    ])
    expect((await lake.lake.ensure(wider)).metadata).toEqual(state.metadata)
  })

  test('a changed type is refused with both types and what to paste', async () => {
    await lake.lake.ensure(purchases)
    const changed = tableOf('purchases', {
      id: 'long',
      timestamp: 'timestamptz',
      type: 'string',
      cost: 'double',
    })
    await expect(lake.lake.ensure(changed)).rejects.toMatchObject({
      code: 'lake/breaking-change',
      kind: 'fix-config',
      message: 'column cost of table purchases is long, the pipeline asks for double',
      hint: expect.stringContaining('cost: Type.Optional(Type.Integer())'),
      details: { table: 'purchases', column: 'cost', found: 'long', asked: 'double' },
    })
  })

  test('a removed column is refused', async () => {
    await lake.lake.ensure(purchases)
    const smaller = tableOf('purchases', { id: 'long', timestamp: 'timestamptz', type: 'string' })
    await expect(lake.lake.ensure(smaller)).rejects.toMatchObject({
      code: 'lake/breaking-change',
      details: { column: 'cost', found: 'long', asked: null },
    })
  })

  test('another partition is refused, another codec is taken', async () => {
    await lake.lake.ensure(purchases)
    await expect(lake.lake.ensure({ ...purchases, partition: null })).rejects.toMatchObject({
      code: 'lake/breaking-change',
    })
    const state = await lake.lake.ensure({ ...purchases, codec: 'zstd' })
    expect(state.metadata.properties['write.parquet.compression-codec']).toBe('zstd')
  })

  test('a partition by something that is no time is refused', async () => {
    const wrong = { ...purchases, partition: { column: 'type', transform: 'day' as const } }
    await expect(lake.lake.ensure(wrong)).rejects.toMatchObject({
      code: 'lake/bad-partition',
      kind: 'fix-config',
    })
  })

  test('json is text, names may hold anything', async () => {
    const odd = tableOf('odd', { 'User-Agent': 'string', 'a "b" \'c\' grüße': 'json', 'date col': 'date' })
    let state = await lake.lake.ensure({ ...odd, partition: { column: 'date col', transform: 'month' } })
    state = await land(
      lake,
      state,
      `SELECT 'ab' AS "User-Agent", '{"x": [1]}' AS "a ""b"" 'c' grüße", DATE '2026-11-20' AS "date col"`,
      1,
    )
    expect(await query(lake, state, `"a ""b"" 'c' grüße"->'x'->>0, "User-Agent"`)).toEqual([['1', 'ab']])
  })

  test('two processes that make the table at once both get it', async () => {
    const states = await Promise.all(Array.from({ length: 5 }, () => lake.openAnother().ensure(purchases)))
    const ids = new Set(states.map((state) => state.metadata['table-uuid']))
    expect(ids.size).toBe(1)
  })
})
