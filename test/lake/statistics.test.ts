import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeValue, lowerTextBound, upperTextBound } from '../../src/lake/single-value.ts'
import { bounds } from '../../src/lake/statistics.ts'

describe('single values, as the specification has them', () => {
  test.each([
    ['boolean', true, '01'],
    ['boolean', false, '00'],
    ['int', 34, '22000000'],
    ['int', -1, 'ffffffff'],
    ['long', 34n, '2200000000000000'],
    ['date', 20_779, '2b510000'],
    ['timestamptz', 1_510_871_468_000_000n, '00c3262d215e0500'],
    ['double', 1, '000000000000f03f'],
    ['string', 'iceberg', Buffer.from('iceberg').toString('hex')],
    ['decimal(9, 2)', 1420n, '058c'],
    ['decimal(9, 2)', 0n, '00'],
    ['decimal(9, 2)', 127n, '7f'],
    ['decimal(9, 2)', 128n, '0080'],
    ['decimal(9, 2)', -128n, '80'],
    ['decimal(9, 2)', -129n, 'ff7f'],
    ['decimal(38, 0)', 10n ** 38n - 1n, '4b3b4ca85a86c47a098a223fffffffff'],
  ] as const)('%s %s', (type, value, hex) => {
    expect(encodeValue(type, value).toString('hex')).toBe(hex)
  })

  test('decimals are the shortest two’s complement, big-endian', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), (value) => {
        const bytes = encodeValue('decimal(38, 0)', value)
        const read = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
        expect(read).toBe(value)
        if (bytes.length > 1) {
          const shorter = (bytes.length - 1) * 8
          expect(BigInt.asIntN(shorter, value)).not.toBe(value)
        }
      }),
    )
  })
})

describe('bounds of text', () => {
  test('long text is cut to 16 code points and the upper bound rounded up', () => {
    expect(lowerTextBound('a'.repeat(20)).toString()).toBe('a'.repeat(16))
    expect(upperTextBound('a'.repeat(20))?.toString()).toBe(`${'a'.repeat(15)}b`)
    expect(upperTextBound('a'.repeat(16))?.toString()).toBe('a'.repeat(16))
    expect(lowerTextBound('😀'.repeat(20)).toString()).toBe('😀'.repeat(16))
  })

  test('a last code point that cannot be counted up gives way to the one before', () => {
    const top = '\u{10ffff}'
    expect(upperTextBound(`ab${top.repeat(20)}`)?.toString()).toBe('ac')
    expect(upperTextBound(top.repeat(17))).toBeUndefined()
    expect(upperTextBound(`${'a'.repeat(15)}\ud7ff tail`)?.toString()).toBe(`${'a'.repeat(15)}\ue000`)
  })

  test('they enclose every text in the order of UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const bytes = Buffer.from(text)
        expect(Buffer.compare(lowerTextBound(text), bytes)).toBeLessThanOrEqual(0)
        const upper = upperTextBound(text)
        if (upper !== undefined) expect(Buffer.compare(upper, bytes)).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('bounds from DuckDB’s text', () => {
  test('a double of zero covers both zeros', () => {
    expect(bounds('double', '0.0', '-0.0').lower?.readDoubleLE()).toBe(-0)
    expect(bounds('double', '0.0', '-0.0').upper?.readDoubleLE()).toBe(0)
    expect(bounds('double', '-inf', 'inf').lower?.readDoubleLE()).toBe(Number.NEGATIVE_INFINITY)
  })

  test('times keep their microseconds, before 1970 too', () => {
    const { lower, upper } = bounds(
      'timestamptz',
      '1969-12-31 23:59:59.999999+00',
      '2026-11-20 10:11:12.000001+00',
    )
    expect(lower?.readBigInt64LE()).toBe(-1n)
    expect(upper?.readBigInt64LE()).toBe(BigInt(Date.UTC(2026, 10, 20, 10, 11, 12)) * 1000n + 1n)
  })

  test.each([
    ['timestamptz', 'infinity'],
    ['timestamptz', '12026-01-01 00:00:00+00'],
    ['timestamptz', '2026-01-01 00:00:00+05:30'],
    ['date', '0044-01-01 (BC)'],
    ['date', '12026-01-01'],
  ] as const)('%s %s has no bounds rather than wrong ones', (type, text) => {
    expect(bounds(type, text, text)).toEqual({})
  })
})
