/** Power cuts in their quick profile. */
import { expect, test } from 'vitest'
import { testSeed } from '../support/seed.ts'
import { runPowerCuts } from './power-cut.ts'

test('cut at any moment, with any of what was not synced: every acknowledged event is there once', async () => {
  const seed = testSeed(7)
  const report = await runPowerCuts({ cuts: 40, seed })
  expect(report).toMatchObject({ cuts: 40, lost: 0, doubled: 0, unrecoverable: 0 })
  expect(report.acknowledged).toBeGreaterThan(40)
}, 600_000)
