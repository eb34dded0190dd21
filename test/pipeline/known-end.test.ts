import { expect, test } from 'vitest'
import { earlier } from '../../src/pipeline/known-end.ts'

test('the log is let go only as far as tables and state have both come, partition by partition', () => {
  const landed = { logId: 'a', next: { 0: 10, 1: 20 } }
  expect(earlier(landed, { logId: 'a', next: { 0: 5, 1: 30 } })).toEqual({
    logId: 'a',
    next: { 0: 5, 1: 20 },
  })
  // A snapshot that was never written holds nothing yet.
  expect(earlier(landed, { logId: 'a', next: {} })).toEqual({ logId: 'a', next: { 0: 0, 1: 0 } })
})
