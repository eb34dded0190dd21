import { expect, test } from 'vitest'
import { makeBucket, versitygw } from '../../src/stack/engines/versitygw.ts'
import { shareEngine } from './shared-engine.ts'

test('an object store runs, is found again, and takes buckets', async ({ skip }) => {
  const state = await shareEngine(versitygw)
  if ('missing' in state) return skip(state.missing)
  expect(await shareEngine(versitygw)).toEqual(state)
  expect(await makeBucket(state, 'one')).toBe(true)
  expect(await makeBucket(state, 'one')).toBe(true)
})
