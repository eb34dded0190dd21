import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'

afterEach(() => vi.restoreAllMocks())

test('microseconds ascend with each call, whatever the wall clock does', () => {
  const clock = systemClock()
  let last = clock.nowMicros()
  for (const shiftMs of [0, -3_600_000, 3_600_000, 0]) {
    const real = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(real + shiftMs)
    for (let i = 0; i < 1000; i++) {
      const now = clock.nowMicros()
      expect(now).toBeGreaterThan(last)
      last = now
    }
    vi.restoreAllMocks()
  }
})

test('it follows a wall clock that was set ahead, and tells the time otherwise', () => {
  const clock = systemClock()
  expect(Math.abs(clock.nowMicros() - Date.now() * 1000)).toBeLessThan(1_100_000)
  const ahead = Date.now() + 3_600_000
  vi.spyOn(Date, 'now').mockReturnValue(ahead)
  expect(clock.nowMicros()).toBe(ahead * 1000)
})
