/** The sum that must close, over tables of a real lander. */
import { expect, test } from 'vitest'
import { property } from '../../src/lake/lake.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { World } from '../lander/support.ts'

const sword = { event_type: 'purchase_sword', type: 'long', cost: 3 }

test('before anything has landed everything is pending', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' }, { event: sword, id: 'b' })
  const ledger = await readLedger(world)
  expect(ledger).toMatchObject({
    closes: true,
    batch: 0,
    total: { accepted: 2, landed: 0, dead: 0, duplicate: 0, pending: 2 },
    tables: [],
    commits: [],
  })
})

test('landed, dead, duplicate and pending records make up what was accepted', async () => {
  await using world = new World()
  await world.send(
    { event: sword, id: 'a' },
    { event: sword, id: 'a' },
    { event: { event_type: 'dance' }, id: 'b' },
  )
  await world.land()
  await world.send({ event: { event_type: 'default' }, id: 'c' })
  await world.land()
  await world.send({ event: sword, id: 'd' })
  const ledger = await readLedger({ ...world, recount: true })
  expect(ledger.findings).toEqual([])
  expect(ledger.closes).toBe(true)
  expect(ledger.total).toEqual({ accepted: 5, landed: 2, dead: 1, duplicate: 1, pending: 1 })
  expect(ledger.partitions).toMatchObject([
    { partition: 0, begin: 0, start: 0, position: 4, end: 5, empty: 0, pendingIsExact: true },
  ])
  const events = ledger.commits.filter(({ table }) => table === 'events')
  expect(events).toMatchObject([
    { batch: 1, rows: 1, ranges: [{ from: 0, to: 3, records: 3, landed: 1, dead: 1, duplicate: 1 }] },
    { batch: 2, rows: 1, ranges: [{ from: 3, to: 4, records: 1, landed: 1, dead: 0, duplicate: 0 }] },
  ])
  expect(ledger.commits.filter(({ batch }) => batch === 1).map(({ table, rows }) => [table, rows])).toEqual([
    ['dead_letters', 1],
    ['purchases', 1],
    ['sword_purchases', 1],
    ['events', 1],
  ])
  expect(ledger.tables.find(({ table }) => table === 'purchases')).toMatchObject({
    rows: 1,
    batch: 1,
    ahead: false,
  })
  expect((await world.lake.load('events'))?.metadata.properties[property.begin]).toContain('"0":0')
})
