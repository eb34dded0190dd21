import { expect, test } from 'vitest'
import { runSimulation } from './run-simulation.ts'

// A few seeds that are new with each run; `npm run test:faults -- --long` runs ten thousand.

test('whatever fails and dies, what was answered is there once and the sum closes', {
  timeout: 900_000,
}, async () => {
  const from = Number(process.env.LANDFALL_SEED ?? Date.now() % 1_000_000_000)
  console.log(`LANDFALL_SEED=${from}`)
  const report = await runSimulation({ seeds: 8, from })
  expect(report.failures).toEqual([])
  expect(report.seeds).toBe(8)
  expect(report.records).toBeGreaterThan(0)
})
