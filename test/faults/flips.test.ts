/** Flips in their quick profile: every kind of file is met. */
import { expect, test } from 'vitest'
import { testSeed } from '../support/seed.ts'
import { runFlips } from './flips.ts'

test('a bit that turned, an end cut off, zeros and noise in any file: somebody says so, and no wrong row is served', async () => {
  const seed = testSeed(7)
  const { count, kinds, wholeRuns } = await runFlips({ count: 210, seed, wholeEvery: 105 })
  expect(count).toBe(210)
  expect(wholeRuns).toBe(2)
  expect(Object.keys(kinds)).toHaveLength(21)
  // What nothing but a file itself tells: each harm to it is found by who reads it, or by verify.
  for (const kind of [
    'log segment',
    'data file',
    'manifest list',
    'manifest',
    'batch plan',
    'ids',
    'spool chunk',
  ])
    expect(kinds[kind], kind).toMatchObject({ harmless: 0 })
}, 600_000)
