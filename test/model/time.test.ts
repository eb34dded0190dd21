import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDate, parseDuration, parseTime } from '../../src/model/time.ts'

test('a time is what Date makes of it, with microseconds', () => {
  const between = {
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  }
  fc.assert(
    fc.property(
      fc.date(between),
      fc.nat(999),
      fc.integer({ min: -1439, max: 1439 }),
      (date, micros, offset) => {
        const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 23)
        const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')
        const minutes = String(Math.abs(offset) % 60).padStart(2, '0')
        const text = `${local}${String(micros).padStart(3, '0')}${offset < 0 ? '-' : '+'}${hours}:${minutes}`
        expect(parseTime(text)).toBe(BigInt(date.getTime()) * 1000n + BigInt(micros))
        expect(parseDate(date.toISOString().slice(0, 10))).toBe(Math.floor(date.getTime() / 86_400_000))
      },
    ),
  )
})

test('durations have a unit', () => {
  expect(['7d', '12h', '5m', '30s', '500ms', '0s'].map(parseDuration)).toEqual([
    604_800_000, 43_200_000, 300_000, 30_000, 500, 0,
  ])
  expect(['7', 'd', '1.5h', '-1s', ' 1s', '1 s', '1w', '1D', ''].map(parseDuration)).toEqual(
    Array(9).fill(undefined),
  )
})
