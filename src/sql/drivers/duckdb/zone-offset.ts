/** Offsets of time zones, kept by the quarter of an hour, in which no zone changes its own. */
const QUARTER_MS = 900_000
const KEPT_MAX = 10_000

const formats = new Map<string, Intl.DateTimeFormat>()
const kept = new Map<string, number>()

/** Milliseconds that a zone is ahead of UTC at an instant (microseconds since 1970). */
export function offsetMs(zone: string, micros: bigint): number {
  const fixed = /^([+-])(\d{2}):(\d{2})$/.exec(zone)
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000
  const ms = Math.floor(Number(micros / 1000n) / QUARTER_MS) * QUARTER_MS
  const key = `${zone} ${ms}`
  const known = kept.get(key)
  if (known !== undefined) return known
  if (kept.size > KEPT_MAX) kept.clear()
  const offset = localMs(zone, ms) - ms
  kept.set(key, offset)
  return offset
}

/** What a clock in the zone shows, read as if it were UTC. */
function localMs(zone: string, ms: number): number {
  let format = formats.get(zone)
  if (!format) {
    const numeric = 'numeric' as const
    const fields = {
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    }
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', era: 'short', ...fields })
    formats.set(zone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
  const year = parts['era'] === 'BC' ? 1 - Number(parts['year']) : Number(parts['year'])
  const [month, day, hour, minute, second] = ['month', 'day', 'hour', 'minute', 'second'].map((name) =>
    Number(parts[name]),
  )
  const local = new Date(0)
  local.setUTCFullYear(year, month! - 1, day)
  return local.setUTCHours(hour!, minute, second, 0)
}
