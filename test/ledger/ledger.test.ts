/** The sum that must close, over tables of a real lander. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Lake, property, type TableState } from '../../src/lake/lake.ts'
import { account } from '../../src/ledger/account.ts'
import { type Reading, readLedger, readTables } from '../../src/ledger/ledger.ts'
import { formatPosition, type Position } from '../../src/model/position.ts'
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

test('a table in the middle of a batch is ahead, and the ledger still closes', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' })
  await world.land()
  const before = await world.lake.load('events')
  await world.send({ event: sword, id: 'b' }, { event: { event_type: 'dance' }, id: 'c' })
  await world.land()
  const ledger = await readLedger({ log: world.log, lake: withTable(world.lake, before!) })
  expect(ledger.findings).toEqual([])
  expect(ledger.total).toEqual({ accepted: 3, landed: 1, dead: 0, duplicate: 0, pending: 2 })
  expect(ledger.tables.filter(({ ahead }) => ahead).map(({ table }) => table)).toEqual([
    'dead_letters',
    'purchases',
    'sword_purchases',
  ])
})

test('events that was put back by more than the open batch does not close', async () => {
  await using world = new World()
  await world.send({ event: sword, id: 'a' })
  await world.land()
  const before = await world.lake.load('events')
  for (const id of ['b', 'c']) {
    await world.send({ event: sword, id })
    await world.land()
  }
  const ledger = await readLedger({ log: world.log, lake: withTable(world.lake, before!) })
  expect(ledger.closes).toBe(false)
  expect(new Set(ledger.findings.map(({ code }) => code))).toEqual(new Set(['table-ahead']))
  expect(ledger.findings[0]!.message).toBe(
    'purchases stands ahead of events, at batch 3, and events is at batch 1',
  )
})

/** One event landed, one dead and two pending, as it is read. Made once: the tests spoil copies of it. */
let sample: Promise<Reading> | undefined

async function reading(): Promise<Reading> {
  sample ??= takeSample()
  return structuredClone(await sample)
}

async function takeSample(): Promise<Reading> {
  await using world = new World()
  await world.send({ event: sword, id: 'a' }, { event: { event_type: 'dance' }, id: 'b' })
  await world.land()
  await world.send({ event: sword, id: 'c' }, { event: sword, id: 'd' })
  const [start, events, end] = [
    await world.log.start(),
    await world.lake.load('events'),
    await world.log.end(),
  ]
  const tables = await readTables(world.lake)
  return { logId: world.log.id, consecutive: true, start, events, tables, end }
}

const wrongs: [name: string, spoil: (reading: Reading) => void, code: string, message: RegExp][] = [
  [
    'counters that do not add up',
    ({ events }) => (events!.counters![0]!.dead = 0),
    'counters',
    /2 records were counted, and 1 landed \+ 0 dead/,
  ],
  [
    'a record that was never counted',
    ({ events }) => (events!.position!.next[0] = 3),
    'records',
    /offsets 0 to 2 have passed, and 2 records were counted/,
  ],
  [
    'a row of events too few',
    ({ events }) => (snapshotOf(events!)['total-records'] = '0'),
    'rows',
    /events has 0 rows, and 1 landed/,
  ],
  [
    'a commit with a row too many',
    ({ events }) => (snapshotOf(events!)['added-records'] = '2'),
    'commit',
    /batch 1: 1 records landed, and 2 rows were added/,
  ],
  [
    'a row of dead_letters too many',
    ({ tables }) => (snapshotOf(table(tables, 'dead_letters'))['total-records'] = '2'),
    'dead-letters',
    /dead_letters has 2 rows, and 1 records are dead/,
  ],
  [
    'a snapshot of somebody else',
    ({ tables }) => delete snapshotOf(table(tables, 'purchases'))['landfall.position'],
    'table-inconsistent',
    /purchases is not a commit of ours/,
  ],
  [
    'a log that let go too early',
    ({ start }) => (start.next[0] = 3),
    'log-trimmed',
    /let go of offsets 2 to 2 before they were landed/,
  ],
  [
    'a log that lost its end',
    ({ end }) => (end.next[0] = 1),
    'log-behind',
    /up to 1, and the log ends before 1/,
  ],
  [
    'another log',
    (reading) => (reading.logId = 'other'),
    'wrong-log',
    /events stands in log .*, and this is log other/,
  ],
]

test.each(wrongs)('%s: it does not close, and says why', async (_name, spoil, code, message) => {
  const spoilt = await reading()
  expect(account(spoilt).ledger.closes).toBe(true)
  spoil(spoilt)
  const { ledger } = account(spoilt)
  expect(ledger.closes).toBe(false)
  const told = ledger.findings.filter((finding) => finding.code === code).map((finding) => finding.message)
  expect(told.join('\n')).toMatch(message)
})

test('offsets without a record are told from records that were lost', async () => {
  const base = await reading()
  const topic: Reading = { ...base, consecutive: false, end: { ...base.end, next: { 0: 6 } } }
  topic.events!.position!.next[0] = 3
  setPosition(topic.events!.metadata, topic.events!.position!)
  const { ledger } = account({ ...topic, counted: { landed: { 0: 2 }, pending: { 0: 2 } } })
  expect(ledger.findings).toEqual([])
  expect(ledger.partitions).toMatchObject([{ accepted: 4, pending: 2, empty: 2 }])
  const lost = account({ ...topic, counted: { landed: { 0: 3 } } }).ledger
  expect(lost.findings.map((finding) => finding.message)).toEqual([
    'the log has 3 records from offset 0 to 2, and 2 were counted since 0',
  ])
})

test('read again and again while a lander commits and the door writes, it always closes', async () => {
  await using world = new World()
  const stop = new AbortController()
  const writing = (async () => {
    for (let i = 0; !stop.signal.aborted; i++) {
      const event = i % 7 === 0 ? { event_type: 'dance' } : sword
      await world.send({ event, id: `e${i % 5 === 0 ? i : i + 1}` })
      if (i % 20 === 0) await sleep(10)
    }
  })()
  await using lander = await world.open({ settings: { batchAgeMs: 20, idleMs: 5 } })
  const landing = lander.run(stop.signal)
  let batch = 0
  for (let i = 0; i < 15 || batch < 3; i++) {
    const ledger = await readLedger({ log: world.log, lake: world.openLake() })
    expect(ledger.findings).toEqual([])
    const { accepted, landed, dead, duplicate, pending } = ledger.total
    expect(landed + dead + duplicate + pending).toBe(accepted)
    batch = ledger.batch
  }
  stop.abort()
  await Promise.all([writing, landing])
}, 600_000)

const table = (tables: readonly TableState[], name: string) => tables.find((state) => state.name === name)!
const snapshotOf = (state: TableState) => state.metadata.snapshots.at(-1)!.summary

function setPosition(metadata: TableState['metadata'], position: Position): void {
  metadata.properties[property.position] = formatPosition(position)
  metadata.snapshots.at(-1)!.summary[property.position] = formatPosition(position)
}

/** The lake with one table as it was before. */
function withTable(lake: Lake, state: TableState): Lake {
  return new Proxy(lake, {
    get(target, name) {
      if (name === 'load') return async (of: string) => (of === state.name ? state : target.load(of))
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
