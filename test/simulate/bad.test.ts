import { expect, test } from 'vitest'
import bank from '../../examples/bank/pipeline.ts'
import gameSimple from '../../examples/game-simple/pipeline.ts'
import { definePipeline } from '../../src/index.ts'
import { checkEvent } from '../../src/model/check-event.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { BAD_KINDS, type BadRequest, badRequests, mixBad } from '../../src/simulate/bad.ts'
import type { SimulatedRequest } from '../../src/simulate/requests.ts'
import { opened } from '../collector/support.ts'

function take(pipeline: Pipeline, count: number): BadRequest[] {
  const bad = badRequests(pipeline.compiled, pipeline.compiled.sources[0]!, 3)
  return Array.from({ length: count }, () => bad.next().value as BadRequest)
}

const rejecting = (pipeline: Pipeline) =>
  definePipeline({
    ...pipeline.definition,
    state: undefined as never,
    routes: {},
    sources: { strict: { mode: 'reject' } },
  })

test.for([
  ['bank', bank as Pipeline],
  ['game-simple, whose events have no properties', gameSimple as Pipeline],
] as const)('each bad event of %s has the fault that it is named after', ([, pipeline]) => {
  const requests = take(pipeline, 200)
  expect(new Set(requests.map(({ bad }) => bad))).toEqual(new Set(BAD_KINDS))
  for (const { bad, body } of requests) expect(checkEvent(pipeline.compiled.plan, body!)?.reason).toBe(bad)
})

test.for(['collect', 'reject'] as const)('a door that %ss answers each as promised', async (mode) => {
  const pipeline = mode === 'collect' ? (bank as Pipeline) : (rejecting(bank as Pipeline) as Pipeline)
  const { post, log } = await opened(pipeline as never)
  const requests = take(pipeline, 40)
  for (const { body, expected, bad } of requests) {
    const said = await post(body!, { 'Content-Type': 'application/json' })
    expect([bad, said.status]).toEqual([bad, expected])
    const remark = said.json.results?.[0]
    if (bad === 'unknown_event_type')
      expect(remark).toMatchObject({ reason: bad, field: 'event_type', nearest: expect.any(String) })
    if (mode === 'reject' && bad !== 'malformed_json')
      expect(remark).toMatchObject({ status: 'rejected', reason: bad })
  }
  const stored = Object.values((await log.end()).next).reduce((sum, end) => sum + end, 0)
  expect(stored).toBe(requests.filter(({ expected }) => expected === 200).length)
})

test('so much is bad as was asked for, and nothing without', () => {
  function* good(): Generator<SimulatedRequest> {
    for (let i = 0; i < 10_000; i++) yield { method: 'GET', path: '/', headers: {}, body: undefined }
  }
  const share = (wanted: number) => {
    const bad = badRequests(bank.compiled, bank.compiled.sources[0]!, 1)
    const all = [...mixBad(good(), bad, wanted, 1)]
    return all.filter((request) => request.bad !== undefined).length / all.length
  }
  expect(share(0)).toBe(0)
  expect(share(0.05)).toBeGreaterThan(0.04)
  expect(share(0.05)).toBeLessThan(0.06)
})
