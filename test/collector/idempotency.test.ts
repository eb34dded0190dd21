import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { uuidv5 } from '../../src/base/ids.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { directory, opened, stored } from './support.ts'

let runs = 0
const shop = definePipeline({
  name: 'shop',
  events: { bought: Type.Object({ item: Type.String(), n: Type.Integer() }) },
  tables: { bought: { events: '*' } },
  state: { initial: { n: 0 }, reduce: (state) => ({ n: state.n + 1 }) },
  routes: {
    'POST /buy/:item': async ({ params, body }, { track, state }) => {
      runs++
      await new Promise((resolve) => setTimeout(resolve, 5))
      track('bought', { item: params.item, n: state.n + 1 })
      track('bought', { item: params.item, n: state.n + 2 })
      return { status: 201, json: { n: state.n + 2, body: body ?? null }, headers: { 'X-Shop': 'open' } }
    },
    'POST /look': () => {
      runs++
      return 'nothing recorded'
    },
    'POST /big': (_request, { track }) => {
      track('bought', { item: 'x', n: 1 })
      return 'x'.repeat(100_000)
    },
  },
})

const buy = (key: string, body?: string) => ({
  method: 'POST',
  headers: { 'Idempotency-Key': key, 'Content-Type': 'application/json' },
  ...(body === undefined ? {} : { body }),
})

test('a retry gets the stored answer, runs no handler, and records nothing; ids come from the key', async () => {
  runs = 0
  const { get, log, collector } = await opened(shop)
  const first = await get('/buy/sabre', buy('k1'))
  const again = await get('/buy/sabre', buy('k1'))
  expect([again.status, again.text]).toEqual([first.status, first.text])
  for (const name of ['x-shop', 'content-type', 'landfall-receipt', 'landfall-event-id']) {
    expect(again.headers.get(name), name).toBe(first.headers.get(name))
  }
  expect(first.headers.get('landfall-replayed')).toBeNull()
  expect(again.headers.get('landfall-replayed')).toBe('true')
  expect(runs).toBe(1)
  const records = await stored(log)
  expect(records.map(({ headers }) => headers['id'])).toEqual([uuidv5('k1/0'), uuidv5('k1/1')])
  expect(records.map(({ headers }) => 'answer' in headers)).toEqual([true, false])
  expect(collector.counts.replayed).toBe(1)
})

test('at the same time: the second waits for the first', async () => {
  runs = 0
  const { get, log } = await opened(shop)
  const said = await Promise.all(Array.from({ length: 20 }, () => get('/buy/sabre', buy('same'))))
  expect(new Set(said.map(({ text }) => text)).size).toBe(1)
  expect(runs).toBe(1)
  expect(await stored(log)).toHaveLength(2)
})

test('the same key for another path or body is refused', async () => {
  const { get, log } = await opened(shop)
  await get('/buy/sabre', buy('k1', '{"a":1}'))
  for (const said of [
    await get('/buy/katana', buy('k1', '{"a":1}')),
    await get('/buy/sabre', buy('k1', '{"a":2}')),
  ]) {
    expect([said.status, said.text]).toEqual([422, expect.stringContaining('another request')])
  }
  expect((await get('/buy/sabre', buy('with blank'))).status).toBe(400)
  expect((await get('/buy/sabre', buy('x'.repeat(129)))).status).toBe(400)
  expect(await stored(log)).toHaveLength(2)
})

test('a handler without events has nothing stored and may run again', async () => {
  runs = 0
  const { get, log } = await opened(shop)
  await get('/look', buy('k'))
  await get('/look', buy('k'))
  expect(runs).toBe(2)
  expect(await stored(log)).toEqual([])
})

test('answers survive a restart: from the file, and from the log behind it', async () => {
  runs = 0
  const log = createMemoryLog()
  const stateDirectory = directory()
  const first = await opened(shop, { log, stateDirectory })
  const one = await first.get('/buy/sabre', buy('k1'))
  await first.collector.close()
  const second = await opened(shop, { log, stateDirectory })
  const two = await second.get('/buy/sabre', buy('k2'))
  // No file was written for this one: a new directory stands for a crash.
  for (const where of [stateDirectory, directory()]) {
    const third = await opened(shop, { log, stateDirectory: where })
    expect((await third.get('/buy/sabre', buy('k1'))).text).toBe(one.text)
    expect((await third.get('/buy/sabre', buy('k2'))).text).toBe(two.text)
    await third.collector.close()
  }
  expect(runs).toBe(2)
  expect(await stored(log)).toHaveLength(4)
})

test('kept answers are bounded, oldest first; one that is too large is refused before it is recorded', async () => {
  runs = 0
  const { get, log } = await opened(shop, { settings: { answersMax: 2 } })
  for (const key of ['k1', 'k2', 'k3']) await get('/buy/sabre', buy(key))
  expect((await get('/buy/sabre', buy('k3'))).headers.get('landfall-replayed')).toBe('true')
  expect((await get('/buy/sabre', buy('k1'))).headers.get('landfall-replayed')).toBeNull()
  expect(runs).toBe(4)
  const before = (await stored(log)).length
  expect((await get('/big', buy('big'))).status).toBe(500)
  expect((await get('/big', { method: 'POST' })).status).toBe(200)
  expect(await stored(log)).toHaveLength(before + 1)
})

test('a header `answer` of a foreign producer is no stored answer', async () => {
  const log = createMemoryLog()
  const odd = ['not json', '7', '{}', '{"key":1}']
  await log.append(
    odd.map((answer) => ({
      key: null,
      value: Buffer.from('{}'),
      receivedAt: 1,
      headers: [['answer', answer]],
    })),
  )
  const { get } = await opened(shop, { log })
  expect((await get('/buy/sabre', buy('k1'))).status).toBe(201)
})
