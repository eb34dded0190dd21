/** Texts of times and durations (docs/formats/types.md, "Time"). */
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z. */
export const TIME_MIN_MICROS = -62_135_596_800_000_000n
export const TIME_MAX_MICROS = 253_402_300_799_999_999n

/** Days since 1970 of `YYYY-MM-DD` (proleptic Gregorian, years 1 to 9999), or undefined when there is no such day. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text)
  return match ? daysOf(Number(match[1]), Number(match[2]), Number(match[3])) : undefined
}

/**
 * Microseconds since 1970, UTC, of an RFC 3339 time with an offset; decimals beyond the sixth are cut off. Undefined when the
 * text is not in the grammar; the caller checks the bounds above. Bigint: year 9999 is beyond 2^53 microseconds.
 */
export function parseTime(text: string): bigint | undefined {
  const match = TIME.exec(text)
  if (!match) return undefined
  const days = daysOf(Number(match[1]), Number(match[2]), Number(match[3]))
  if (days === undefined) return undefined
  const offset = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * (match[8] === '-' ? -1 : 1)
  const seconds =
    days * 86_400 + Number(match[4]) * 3600 + (Number(match[5]) - offset) * 60 + Number(match[6])
  return BigInt(seconds) * 1_000_000n + BigInt((match[7] ?? '').slice(0, 6).padEnd(6, '0'))
}

/** Milliseconds of `7d`, `12h`, `30m`, `30s`, `500ms`, or undefined. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (!match) return undefined
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[
    match[2] as 'ms' | 's' | 'm' | 'h' | 'd'
  ]
  return Number(match[1]) * unit
}

function daysOf(year: number, month: number, day: number): number | undefined {
  if (year < 1 || month < 1 || month > 12 || day < 1) return undefined
  const time = new Date(0)
  time.setUTCFullYear(year, month - 1, day)
  return time.getUTCDate() === day && time.getUTCMonth() === month - 1
    ? time.getTime() / 86_400_000
    : undefined
}
