/** What the door refuses is counted by reason, and the counts outlive it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, test, vi } from 'vitest'
import { readRefusals } from '../../src/collector/refusals-file.ts'
import { RefusedCounts } from '../../src/collector/refused.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { directory, opened } from './support.ts'

const strict = definePipeline({
  name: 'strict',
  tables: {},
  events: { login: Type.Object({ name: Type.String() }) },
  sources: { web: { mode: 'reject' } },
})

const byReason = async (state: string) =>
  Object.fromEntries(
    ((await readRefusals(state))?.refused ?? []).map(({ reason, status, requests, events }) => [
      reason,
      [status, requests, events],
    ]),
  )

test('every refusal is counted by its reason, whole requests and single events', async () => {
  const stateDirectory = directory()
  const { collector, get, post } = await opened(strict, { stateDirectory, settings: { bodyBytesMax: 1000 } })
  await post('{"event_type":"login","name":"ann"}')
  await post('{"event_type":')
  await post('{"event_type":')
  await post('x'.repeat(1001))
  await get('/nowhere')
  await get('/v1/events')
  await post('[{"event_type":"login","name":"ann"},{"event_type":"login"},{"event_type":"logn"}]')
  await post('{"event_type":"login"}')
  await collector.close()
  expect(await byReason(stateDirectory)).toEqual({
    'collector/malformed-body': [400, 2, 0],
    'collector/too-large': [413, 1, 0],
    'collector/not-found': [404, 1, 0],
    'collector/method': [405, 1, 0],
    missing: [422, 0, 2],
    unknown_event_type: [422, 0, 1],
  })
})

test('the counts go on over a restart, under the name of the same door', async () => {
  const stateDirectory = directory()
  const log = createMemoryLog()
  const first = await opened(strict, { stateDirectory, log })
  await first.get('/nowhere')
  await first.collector.close()
  const before = await readRefusals(stateDirectory)
  const second = await opened(strict, { stateDirectory, log })
  await second.get('/nowhere')
  await second.collector.close()
  const after = await readRefusals(stateDirectory)
  expect(after).toMatchObject({ door: before!.door, since: before!.since })
  expect(after!.refused).toEqual([{ reason: 'collector/not-found', status: 404, requests: 2, events: 0 }])
})

test('the file is written while the door is open', async () => {
  const stateDirectory = directory()
  const { get } = await opened(strict, { stateDirectory })
  await get('/nowhere')
  await vi.waitFor(
    async () => expect(await byReason(stateDirectory)).toEqual({ 'collector/not-found': [404, 1, 0] }),
    30_000,
  )
})

test('a file that cannot be read is begun anew, and one is not made without a refusal', async () => {
  const stateDirectory = directory()
  const path = join(stateDirectory, 'refusals.json')
  const log = createMemoryLog()
  const quiet = await opened(strict, { stateDirectory, log })
  await quiet.post('{"event_type":"login","name":"ann"}')
  await quiet.collector.close()
  expect(await readRefusals(stateDirectory)).toBeUndefined()
  writeFileSync(path, '{"version":1,"refu')
  const { collector, get } = await opened(strict, { stateDirectory, log })
  await get('/nowhere')
  await collector.close()
  expect(JSON.parse(readFileSync(path, 'utf8')).refused).toHaveLength(1)
})

test('reasons are bounded', () => {
  const counts = new RefusedCounts()
  for (let i = 0; i < 1000; i++) counts.request(`collector/${i}`, 400)
  expect(counts.list().length).toBeLessThan(100)
  expect(counts.list().reduce((sum, { requests }) => sum + requests, 0)).toBe(1000)
})
