import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { game, opened, stored } from './support.ts'

const FULL = 4_000
const body = (id: string) => JSON.stringify({ event_type: 'default', event_id: id, note: 'x'.repeat(3_000) })

/** A door on a log that is full with one request until `makeRoom`, and what is waiting for it. */
async function fullDoor(settings = {}) {
  const syncs: (() => void)[] = []
  const log = createMemoryLog({
    queuedBytesMax: FULL,
    sync: () => new Promise<void>((resolve) => syncs.push(resolve)),
  })
  const door = await opened(game, { log, settings })
  const first = door.post(body('first'))
  await expect.poll(() => log.pressure.queuedBytes).toBeGreaterThan(FULL / 2)
  return { ...door, log, first, makeRoom: () => void syncs.shift()!(), syncs }
}

const idsIn = async (log: Parameters<typeof stored>[0]) =>
  (await stored(log)).map(({ headers }) => headers['id'])

test('who finds the log full waits for room, in order, and is answered', async () => {
  const { log, post, first, makeRoom, syncs } = await fullDoor()
  const second = post(body('second'))
  await sleep(50)
  const third = post(body('third'))
  await sleep(50)
  for (let i = 0; i < 3; i++) {
    await expect.poll(() => syncs.length).toBe(1)
    makeRoom()
  }
  expect((await Promise.all([first, second, third])).map(({ status }) => status)).toEqual([200, 200, 200])
  expect(await idsIn(log)).toEqual(['first', 'second', 'third'])
})

test('who finds no room in time is told to come again, and nothing of it is stored', async () => {
  const { log, post, first, makeRoom } = await fullDoor({ logWaitMs: 50 })
  const { status, headers, json } = await post(body('second'))
  expect([status, headers.get('retry-after'), json.error.code]).toEqual([503, '1', 'log/overloaded'])
  makeRoom()
  expect((await first).status).toBe(200)
  expect(await idsIn(log)).toEqual(['first'])
})

test('who left while waiting takes no place of others, and nothing of it is stored', async () => {
  const { log, collector, post, first, makeRoom, syncs } = await fullDoor()
  const leaving = new AbortController()
  const request = { method: 'POST', body: body('second'), signal: leaving.signal }
  const second = fetch(`${collector.address}/v1/events`, request)
  await sleep(50)
  const third = post(body('third'))
  await sleep(50)
  leaving.abort()
  await expect(second).rejects.toThrow('aborted')
  await sleep(50)
  makeRoom()
  await expect.poll(() => syncs.length).toBe(1)
  makeRoom()
  expect([(await first).status, (await third).status]).toEqual([200, 200])
  expect(await idsIn(log)).toEqual(['first', 'third'])
})

test('who gets room and does not take it leaves it to the next', async () => {
  const { log, post, first, makeRoom, syncs } = await fullDoor({ logWaitMs: 20_000 })
  const second = post(`{"no": ${' '.repeat(3_000)}`)
  await sleep(50)
  const third = post(body('third'))
  await sleep(50)
  makeRoom()
  await expect.poll(() => syncs.length).toBe(1)
  makeRoom()
  expect((await Promise.all([first, second, third])).map(({ status }) => status)).toEqual([200, 400, 200])
  expect(await idsIn(log)).toEqual(['first', 'third'])
})

test('the line is bounded by what waits in it', async () => {
  const { post, first, makeRoom, syncs } = await fullDoor({ logWaitingBytesMax: 4_000, logWaitMs: 20_000 })
  const second = post(body('second'))
  await sleep(50)
  expect((await post(body('third'))).status).toBe(503)
  makeRoom()
  await expect.poll(() => syncs.length).toBe(1)
  makeRoom()
  expect([(await first).status, (await second).status]).toEqual([200, 200])
  // Who has left the line holds nothing of it.
  const fourth = post(body('fourth'))
  await expect.poll(() => syncs.length).toBe(1)
  const fifth = post(body('fifth'))
  await sleep(50)
  makeRoom()
  await expect.poll(() => syncs.length).toBe(1)
  makeRoom()
  expect([(await fourth).status, (await fifth).status]).toEqual([200, 200])
})
