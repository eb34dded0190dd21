import { Type } from 'typebox'
import { expect, test, vi } from 'vitest'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { defineRepair } from '../../src/model/define-repair.ts'
import { healedEventId } from '../../src/model/healed.ts'
import { recordHeader } from '../../src/model/record.ts'
import { ReplayLog } from '../../src/pipeline/dead-letters/replay-log.ts'
import { openDataLog } from '../../src/pipeline/readers.ts'
import { Folder } from './support.ts'

// Each test opens an engine several times; a busy machine takes its time.
vi.setConfig({ testTimeout: 300_000 })

const buy = Type.Object({ cost: Type.Integer(), note: Type.Optional(Type.String()) })
const tables = { bought: { events: '*' as const, headers: ['Host'] } }
const duplicates = { window: '1h' }
const shop = definePipeline({ name: 'shop', events: { buy }, tables, duplicates }).compiled
/** The same shop, whose plan has one event more. */
const grown = definePipeline({
  name: 'shop',
  events: { buy, sell: Type.Object({ cost: Type.Integer() }) },
  tables,
  duplicates,
}).compiled

const event = (cost: unknown, name = 'buy') => ({ event_type: name, cost })
const toNumber = defineRepair((sent) => ({ ...sent, cost: Number(sent['cost']) }))

test('a plan that has grown heals the letters of before it, and doing it again changes nothing', async () => {
  await using folder = new Folder()
  await folder.send(
    shop,
    [{ event: event(1, 'sell') }, { event: event('x', 'sell') }, { event: event(2) }],
    30,
  )
  await folder.land(shop)
  await expect(folder.replay(grown, undefined, { apply: true })).rejects.toMatchObject({
    code: 'deadletters/not-taken-over',
  })
  await folder.land(grown)
  expect(await folder.replay(grown)).toMatchObject({ applied: false, letters: 2, heals: 1, remains: 1 })
  expect(await folder.records()).toBe(3)
  expect(await folder.replay(grown, undefined, { apply: true })).toMatchObject({ heals: 1 })
  // Before and after it has landed.
  expect(await folder.replay(grown, undefined, { apply: true })).toMatchObject({ heals: 0, on_their_way: 1 })
  expect(await folder.land(grown)).toMatchObject({ records: 1, landed: 1 })
  expect(await folder.replay(grown, undefined, { apply: true })).toMatchObject({ heals: 0, healed_before: 1 })
  expect(await folder.land(grown)).toMatchObject({ records: 0 })
  expect(
    await folder.rows(
      'bought',
      "event_type, cost, date_diff('day', timestamp, now()) AS days",
      'ORDER BY cost',
    ),
  ).toEqual([
    { event_type: 'sell', cost: '1', days: '30' },
    { event_type: 'buy', cost: '2', days: '30' },
  ])
  expect(await folder.count('dead_letters')).toBe(2)
  expect(await folder.counters()).toEqual({ records: 4, landed: 2, dead: 2, duplicate: 0 })
})

test('a repair heals what it can; what it throws is counted and stops nothing', async () => {
  await using folder = new Folder()
  await folder.send(shop, [
    { event: event('6'), headers: { Host: 'h' } },
    { event: event('dear') },
    { event: event(null) },
    { event: event(true) },
    { event: '{"event_type":"buy","cost":"7","big":12345678901234567890,"n":1.10}' },
  ])
  await folder.land(shop)
  const repair = defineRepair((sent, letter) => {
    if (sent['cost'] === null) throw new Error(`no cost in ${letter.event_id}`)
    if (sent['cost'] === true) return undefined
    return { ...sent, cost: Number(sent['cost']) }
  })
  const dry = await folder.replay(shop, repair)
  expect(dry).toMatchObject({ letters: 5, heals: 2, remains: 3, healed_before: 0, on_their_way: 0 })
  const groups = dry.groups.map(({ why, reason, detail, letters }) => ({ why, reason, detail, letters }))
  expect(groups).toHaveLength(3)
  expect(groups).toEqual(
    expect.arrayContaining([
      { why: 'does not fit', reason: 'type', detail: 'expected an integer, found null', letters: 1 },
      { why: 'threw', reason: 'type', detail: 'Error: no cost in e0-2', letters: 1 },
      { why: 'left alone', reason: 'type', detail: 'expected an integer, found true', letters: 1 },
    ]),
  )
  expect(dry.examples).toContainEqual({
    event_id: 'e0-4',
    before: '{"event_type":"buy","cost":"7","big":12345678901234567890,"n":1.10}',
    after: '{"event_type":"buy","cost":7,"big":12345678901234567890,"n":1.10}',
  })
  expect(await folder.records()).toBe(5)
  expect(await folder.replay(shop, repair, { apply: true })).toMatchObject({ heals: 2, remains: 3 })
  await folder.land(shop)
  expect(await folder.rows('bought', '"Host", cost', 'ORDER BY cost')).toEqual([
    { Host: 'h', cost: '6' },
    { Host: null, cost: '7' },
  ])
})

test('letters whose text is no JSON are for the function of texts, conflicts of ids for who asks for them', async () => {
  await using folder = new Folder()
  await folder.send(shop, [
    { event: '{"event_type":"buy","cost":1,}', id: 'comma', foreign: true },
    { event: event(2), id: 'twice' },
    { event: event(3), id: 'twice' },
  ])
  await folder.land(shop)
  const repair = defineRepair((sent) => sent, {
    malformed: (text) => JSON.parse(text.replace(',}', '}')) as Record<string, unknown>,
  })
  expect(await folder.replay(shop, toNumber)).toMatchObject({ heals: 0, remains: 2 })
  expect(await folder.replay(shop, repair)).toMatchObject({ heals: 1, remains: 1 })
  const conflicts = { filter: { reason: 'id_conflict' }, apply: true }
  expect(await folder.replay(shop, undefined, conflicts)).toMatchObject({ letters: 1, heals: 0 })
  expect(await folder.replay(shop, repair, conflicts)).toMatchObject({ letters: 1, heals: 1 })
  await folder.land(shop)
  expect(await folder.rows('bought', 'cost', 'ORDER BY cost')).toEqual([{ cost: '2' }, { cost: '3' }])
})

test('filters choose letters; a limit takes the oldest', async () => {
  await using folder = new Folder()
  await folder.send(shop, [{ event: event('1') }, { event: {} }], 9)
  await folder.send(shop, [{ event: event('2') }, { event: event('3') }], 1)
  await folder.land(shop)
  const look = async (filter: object) => (await folder.replay(shop, toNumber, { filter })).letters
  expect(await look({})).toBe(4)
  expect(await look({ reason: 'missing' })).toBe(1)
  expect(await look({ field: 'cost', eventType: 'buy' })).toBe(3)
  expect(await look({ sinceMicros: (Date.now() - 2 * 86_400_000) * 1000 })).toBe(2)
  const first = await folder.replay(shop, toNumber, { filter: { field: 'cost', limit: 1 } })
  expect(first.examples.map(({ event_id: id }) => id)).toEqual(['e9-0'])
})

test('healed again with other content, long after the window of duplicates, nothing lands', async () => {
  await using folder = new Folder()
  await folder.send(shop, [{ event: event('6') }], 30)
  await folder.land(shop)
  await folder.replay(shop, toNumber, { apply: true })
  await folder.land(shop)
  // Days behind the window, in the log's own time.
  await folder.send(shop, [{ event: event(1), id: 'later' }], -9)
  await using reader = await openDataLog(folder.places)
  const id = healedEventId({ logId: reader.id, partition: 0, offset: 0 })
  const again = new ReplayLog({ places: folder.places, knownEnd: undefined })
  const headers: [string, string][] = [
    [recordHeader.eventId, id],
    [recordHeader.plan, shop.plan.version],
  ]
  await again.append([{ value: JSON.stringify(event(99)), headers }])
  await again.close()
  expect(await folder.land(shop)).toMatchObject({ records: 2, landed: 1, dead: 0, duplicate: 1 })
  expect(await folder.rows('bought', 'cost', 'ORDER BY cost')).toEqual([{ cost: '1' }, { cost: '6' }])
})

test('two who heal at the same time, each in another way, land each event once', async () => {
  await using folder = new Folder()
  const count = 1200
  await folder.send(
    shop,
    Array.from({ length: count }, (_, i) => ({ event: event(`${i}`) })),
  )
  await folder.land(shop)
  const other = defineRepair((sent) => ({ ...sent, cost: -Number(sent['cost']) }))
  await Promise.all([
    folder.replay(shop, toNumber, { apply: true }),
    folder.replay(shop, other, { apply: true }),
  ])
  await folder.land(shop)
  const [row] = await folder.rows('bought', 'count(*)::INT AS n, count(DISTINCT abs(cost))::INT AS d')
  expect(row).toEqual({ n: count, d: count })
  const { records, landed, dead, duplicate } = await folder.counters()
  expect({ landed, dead }).toEqual({ landed: count, dead: count })
  expect(records).toBe(landed + dead + duplicate)
})
