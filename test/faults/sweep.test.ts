/** The crash sweep in its quick profile; `npm run test:faults -- --long` goes through every operation. */
import { expect, test } from 'vitest'
import { testSeed } from '../support/seed.ts'
import { runSweep } from './sweep.ts'

test('killed at writes, syncs and renames of ingest, landing, maintenance and recovery: nothing lost, nothing twice', async () => {
  const seed = testSeed(7)
  const report = await runSweep({ points: 24, every: 60, seed })
  expect(report).toMatchObject({ lost: 0, doubled: 0, unrecoverable: 0 })
  expect(report.points).toBeGreaterThanOrEqual(24)
  expect(report.verdicts).toBeGreaterThan(report.points / 2)
  expect(Object.keys(report.byPhase).sort()).toEqual(['recover', 'work'])
}, 600_000)
