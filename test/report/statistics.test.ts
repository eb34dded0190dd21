import { expect, test } from 'vitest'
import { binomialAtMost, holm, normalTail, twoShares } from '../../src/report/findings/statistics.ts'

test('the normal tail is that of the tables', () => {
  for (const [z, p] of [
    [0, 0.5],
    [1, 0.158655253931457],
    [1.96, 0.0249978951482204],
    [2, 0.0227501319481792],
    [3, 0.00134989803163009],
    [6, 9.86587645037698e-10],
    [-1, 0.841344746068543],
  ] as const)
    expect(normalTail(z) / p).toBeCloseTo(1, 9)
})

test('two shares', () => {
  // 45 of 100 and 30 of 100: z = 0.15 / sqrt(0.375 * 0.625 * 0.02) = 2.1909
  expect(twoShares(45, 100, 30, 100)).toBeCloseTo(0.02846, 4)
  expect(twoShares(30, 100, 45, 100)).toBe(twoShares(45, 100, 30, 100))
  expect(twoShares(0, 0, 3, 10)).toBe(1)
  expect(twoShares(10, 10, 20, 20)).toBe(1)
})

test('binomial sums', () => {
  expect(binomialAtMost(2, 4, 0.5)).toBeCloseTo(11 / 16, 12)
  expect(binomialAtMost(0, 200, 0.5)).toBeCloseTo(2 ** -200, 70)
  expect(binomialAtMost(4, 4, 0.5)).toBe(1)
  expect(binomialAtMost(1, 4, 0)).toBe(1)
  expect(binomialAtMost(1, 4, 1)).toBe(0)
})

test("Holm's correction multiplies by how many are left, and never orders anew", () => {
  expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06])
  expect(holm([0.6, 0.7])).toEqual([1, 1])
  expect(holm([])).toEqual([])
})
