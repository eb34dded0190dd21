/** The collector over a topic: state that moves from one collector to another, receipts that name several partitions. */
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import type { LandfallError } from '../../src/base/errors.ts'
import { openLog } from '../../src/log/open.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { missing, newTopic, urlOf } from '../log/kafka-topics.ts'
import { directory, opened, stored } from './support.ts'

const bank = definePipeline({
  name: 'bank',
  events: { moved: Type.Object({ account: Type.String(), amount: Type.Integer(), balance: Type.Integer() }) },
  tables: { moved: { events: '*' } },
  state: {
    key: ({ params }) => params['account'] ?? '',
    initial: { balance: 0 },
    reduce: (state, event) => ({ balance: state.balance + event.amount }),
  },
  routes: {
    'POST /deposit/:account/:amount': ({ params }, { track, state }) => {
      const amount = Number(params.amount)
      track('moved', { account: params.account, amount, balance: state.balance + amount })
      return { json: state }
    },
  },
})
const POST = { method: 'POST' }

test('a collector that takes over has the exact state; the one before it answers nothing more', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const url = urlOf(newTopic())
  const dead: LandfallError[] = []
  await using firstLog = await openLog(url, { exclusive: true, onDead: (error) => dead.push(error) })
  const first = await opened(bank, { log: firstLog })
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let i = 0; i < 10; i++) {
      const said = await first.get(`/deposit/a${client % 3}/${1 + (i % 4)}`, POST)
      expect(said.status).toBe(200)
    }
  })
  await Promise.all(clients)

  await using secondLog = await openLog(url, { exclusive: true })
  const second = await opened(bank, { log: secondLog, stateDirectory: directory() })
  expect((await first.get('/deposit/a0/1000', POST)).status).toBe(503)
  expect(dead).toMatchObject([{ code: 'log/fenced' }])
  expect((await first.get('/deposit/a0/1000', POST)).status).toBe(503)
  expect((await second.get('/deposit/a0/5', POST)).status).toBe(200)

  const balances: Record<string, number> = {}
  const all = await stored(secondLog)
  for (const { event } of all) {
    const account = event['account'] as string
    balances[account] = (balances[account] ?? 0) + (event['amount'] as number)
    expect(balances[account]).toBe(event['balance'])
  }
  expect(all.length).toBe(81)
  expect(all.map(({ event }) => event['amount'])).not.toContain(1000)
})

const plain = definePipeline({
  name: 'plain',
  subject: 'user',
  events: { seen: Type.Object({ user: Type.String() }) },
  tables: { seen: { events: '*' } },
  routes: {
    'POST /seen': ({ body }, { track }) => {
      for (const user of (body as { users: string[] }).users) track('seen', { user })
      return 'ok'
    },
  },
})

test('a receipt names the partition and the offset of every event', async ({ skip }) => {
  if (missing) return skip(missing)
  await using log = await openLog(urlOf(newTopic(), '?partitions=3'))
  const { post, get } = await opened(plain, { log })
  const events = Array.from({ length: 20 }, (_, i) => ({
    event_id: `e${i}`,
    event_type: 'seen',
    user: `u${i}`,
  }))
  const { status, json, headers } = await post(JSON.stringify(events))
  expect(status).toBe(200)
  const places = new Map<string, string>()
  for await (const batch of log.read({ follow: false })) {
    for (const { offset, headers: of } of batch.records)
      places.set(String(of[0]![1]), `${batch.partition}/${offset}`)
  }
  const { receipt, results } = json as {
    receipt: { log_id: string; count: number; runs: { partition: number; offset: number; count: number }[] }
    results: { event_id: string; partition: number; offset: number }[]
  }
  expect(results.map(({ event_id, partition, offset }) => [event_id, `${partition}/${offset}`])).toEqual(
    events.map(({ event_id }) => [event_id, places.get(event_id)]),
  )
  expect(receipt).toMatchObject({ log_id: log.id, count: 20 })
  expect(receipt.runs.reduce((sum, { count }) => sum + count, 0)).toBe(20)
  expect(headers.get('landfall-receipt')!.split(', ').sort()).toEqual(
    receipt.runs
      .map(({ partition, offset, count }) => `${log.id}/${partition}/${offset};count=${count}`)
      .sort(),
  )

  // A stored answer says again what is known: where the first event stands, and those behind it in its partition.
  const once = {
    method: 'POST',
    body: JSON.stringify({ users: ['a', 'b', 'c', 'd', 'e'] }),
    headers: { 'idempotency-key': 'k-1', 'content-type': 'application/json' },
  }
  const [said, again] = [await get('/seen', once), await get('/seen', once)]
  expect(again.headers.get('landfall-replayed')).toBe('true')
  expect(said.headers.get('landfall-receipt')).toContain(again.headers.get('landfall-receipt')!)
  expect(again.headers.get('landfall-event-id')).toBe(said.headers.get('landfall-event-id'))
})
