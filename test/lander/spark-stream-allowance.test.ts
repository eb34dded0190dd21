import { expect, test } from 'vitest'
import { Allowance } from '../../src/lander/drivers/spark/stream/allowance.ts'

test('so many queries begin in an hour, and more when the hour of the first has passed', () => {
  let now = 0
  const allowance = new Allowance(10, () => now)
  expect(allowance.allows(5)).toBe(true)
  allowance.count(5)
  now = 1_800_000
  expect(allowance.allows(5)).toBe(true)
  allowance.count(5)
  expect(allowance.allows(5)).toBe(false)
  now = 3_600_000
  expect(allowance.allows(5)).toBe(true)
  allowance.count(5)
  expect(allowance.allows(5)).toBe(false)
})

test('a pipeline of more tables than that begins once', () => {
  const allowance = new Allowance(10, () => 0)
  expect(allowance.allows(70)).toBe(true)
  allowance.count(70)
  expect(allowance.allows(70)).toBe(false)
})
