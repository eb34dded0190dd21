import { expect, test } from 'vitest'
import { definePipeline, Type } from '../../src/index.ts'
import type { SimulateInput } from '../../src/model/simulate-input.ts'

function defined(simulate: unknown) {
  return definePipeline({
    name: 'shop',
    events: { looked: Type.Object({}), bought: Type.Object({ item: Type.String() }) },
    tables: { all: { events: '*' } },
    routes: {
      'GET /buy/:item': ({ params: { item } }, { track }) => {
        track('bought', { item })
        return 'Bought'
      },
    },
    simulate: simulate as SimulateInput<never, never>,
  })
}

test('hints name routes and events of the pipeline', () => {
  const hints: SimulateInput = {
    routes: { 'GET /buy/:item': { weight: 2, params: { item: ['apple', 'pear'] } } },
    events: { looked: { weight: 3 } },
    funnel: ['looked', 'GET /buy/:item'],
    personas: { guest: { share: 1, sessionsPerDay: 1, stepsPerSession: 3, stays: '2d' } },
  }
  expect(defined(hints).definition.simulate).toEqual(hints)
})

test.for([
  ['simulate.round_', { round_: [] }, /round_: there is no such option/],
  ['a route', { routes: { 'GET /buy/:itm': {} } }, /simulate\.routes: there is no "GET \/buy\/:itm"/],
  ['an event', { events: { lookd: {} } }, /simulate\.events: there is no "lookd"/],
  ['a step', { funnel: ['nowhere'] }, /there is no "nowhere"/],
  ['a weight', { events: { looked: { weight: -1 } } }, /expected a number from 0 on, found -1/],
  ['a word', { events: { looked: { wieght: 1 } } }, /wieght: there is no such option/],
  [
    'a duration',
    { personas: { guest: { share: 1, sessionsPerDay: 1, stepsPerSession: 1, stays: 'long' } } },
    /stays: "long" is not a duration/,
  ],
  [
    'a number',
    { personas: { guest: { share: 0, sessionsPerDay: 1, stepsPerSession: 1, stays: '1d' } } },
    /share: expected a number above 0/,
  ],
] as const)('%s that is not there is refused with its place', ([, simulate, message]) => {
  expect(() => defined(simulate)).toThrow(message)
})
