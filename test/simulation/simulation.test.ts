import { expect, test } from 'vitest'
import { testSeed } from '../support/seed.ts'
import { runSimulation } from './run-simulation.ts'

// The same few seeds with each run (LANDFALL_SEED gives others); `npm run test:faults -- --long` runs ten thousand.

test('whatever fails and dies, what was answered is there once and the sum closes', {
  timeout: 900_000,
}, async () => {
  const from = testSeed(1)
  const report = await runSimulation({ seeds: 8, from })
  expect(report.failures).toEqual([])
  expect(report.seeds).toBe(8)
  expect(report.records).toBeGreaterThan(0)
})
