/** Errors of the disk in their quick profile. */
import { expect, test } from 'vitest'
import { testSeed } from '../support/seed.ts'
import { runErrors } from './errors.ts'

test('EIO, ENOSPC and EMFILE anywhere: what was answered stays, and the same directory goes on when the disk is well', async () => {
  const seed = testSeed(338166)
  const report = await runErrors({ count: 32, seed })
  expect(report.errors).toBe(32)
  expect(Object.values(report.told).reduce((sum, n) => sum + n, report.survived)).toBe(32)
}, 600_000)
