/** pyiceberg attaches to the running door and reads what our SQL reads. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findPython, type Python } from '../../support/python.ts'
import { type Lakehouse, openLakehouse } from './open-lakehouse.ts'

let house: Lakehouse
let python: Python | { missing: string }
beforeAll(async () => {
  python = await findPython()
  house = await openLakehouse()
}, 600_000)
afterAll(() => house[Symbol.asyncDispose]())

async function ask(requests: object[], skip: (reason: string) => never): Promise<unknown[]> {
  if ('missing' in python) return skip(python.missing)
  const catalog = { type: 'rest', uri: house.catalog }
  return (await python.runJson('read_catalog.py', [], { catalog, requests })) as unknown[]
}

const tables = ['empty', 'events', 'every_type', 'evolved', 'purchases']

test('it lists, describes and counts as our SQL does', async ({ skip }) => {
  const [namespaces, listed, exists, missing, ...counts] = await ask(
    [
      { op: 'namespaces' },
      { op: 'tables' },
      { op: 'exists', table: 'purchases' },
      { op: 'exists', table: 'nothing' },
      ...tables.map((table) => ({ op: 'count', table })),
    ],
    skip,
  )
  expect({ namespaces, exists, missing }).toEqual({ namespaces: ['default'], exists: true, missing: false })
  expect(listed).toEqual(tables.map((table) => `default.${table}`))
  for (const [i, table] of tables.entries()) {
    const [[ours]] = (await house.sql(`select count(*) from ${table}`)) as [[number]]
    expect({ table, count: counts[i] }).toEqual({ table, count: ours })
  }
})

test('it reads every type, null and letter', async ({ skip }) => {
  const [rows, schema] = await ask(
    [
      { op: 'rows', table: 'every_type', order: 'id' },
      { op: 'schema', table: 'every_type' },
    ],
    skip,
  )
  expect((schema as { partition: unknown }).partition).toEqual([['moment_day', 'day']])
  expect(rows).toMatchObject([
    {
      id: 1,
      text: '',
      big: '-9223372036854775808',
      moment: '1969-12-31T23:59:59.999999+00:00',
      bytes: '00ff',
    },
    {
      id: 2,
      text: 'grüße 😀',
      huge: '1234567890123456789012345678.0123456789',
      birthday: '9999-12-31',
      bytes: '',
    },
    { id: 3, ratio: 'inf', ok: null, price: '0.00' },
    {
      id: 4,
      text: null,
      small: null,
      big: null,
      ratio: null,
      birthday: null,
      moment: null,
      huge: null,
      bytes: null,
    },
  ])
})

test('it reads a snapshot of the past, and an evolved table', async ({ skip }) => {
  const [history] = (await ask([{ op: 'history', table: 'purchases' }], skip)) as [string[]]
  const counts = await ask(
    history.map((snapshot) => ({ op: 'count', table: 'purchases', snapshot })),
    skip,
  )
  expect(counts).toEqual([1000, 2000, 3000])
  const [rows, filtered] = (await ask(
    [
      { op: 'rows', table: 'evolved', order: 'id' },
      { op: 'count', table: 'purchases', filter: "timestamp >= '2026-11-22T00:00:00+00:00'" },
    ],
    skip,
  )) as [Record<string, unknown>[], number]
  expect([rows[0], rows[14]]).toEqual([
    { id: 0, name: 'name 0', level: null, moment: null },
    { id: 14, name: null, level: 14, moment: '2026-11-20T00:00:00.000000+00:00' },
  ])
  expect(filtered).toBe(1000)
})

test('what it tries to write is refused with our reason and changes nothing', async ({ skip }) => {
  const before = (await house.lake.catalog.loadTable('evolved'))!
  const writes = ['append', 'property', 'create', 'drop', 'rename', 'create namespace']
  const answers = (await ask(
    writes.map((op) => ({ op, table: 'evolved' })),
    skip,
  )) as { error: string; message: string }[]
  for (const [i, { error, message }] of answers.entries()) {
    expect({ write: writes[i], error }).toEqual({ write: writes[i], error: 'ForbiddenError' })
    expect(message).toContain('written by Landfall alone')
  }
  const after = (await house.lake.catalog.loadTable('evolved'))!
  expect(after.metadataLocation).toBe(before.metadataLocation)
  expect(await house.sql('select count(*) from evolved')).toEqual([[15]])
})
