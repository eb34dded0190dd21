import { LandfallError } from '../../base/errors.ts'
import type { Token } from '../text.ts'

const OFFSET = /^([+-])(\d{1,2})(?::?(\d{2}))?$/
/** Names that Trino takes as one. */
const UTC =
  /^(utc|gmt|gmt0|uct|ut|z|zulu|greenwich|universal|etc\/(utc|gmt|gmt0|uct|zulu|greenwich|universal))$/i
const OFFSET_MINUTES_MAX = 14 * 60

/** A zone as Trino writes it (`Europe/Rome`, `UTC`, `+05:30`). Throws `sql/not-supported` for what is none. */
export function checkTimeZone(zone: string): string {
  const offset = OFFSET.exec(zone.trim())
  if (offset) return offsetZone(`${offset[1]}`, Number(offset[2]), Number(offset[3] ?? 0), zone)
  const name = zone.trim()
  if (UTC.test(name)) return 'UTC'
  try {
    // It knows the zones of IANA however they are capitalised, and by older names, which stay as they were written.
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions()
    return timeZone.toLowerCase() === name.toLowerCase() ? timeZone : name
  } catch {
    throw unknown(zone)
  }
}

/** The zone of `SET TIME ZONE 'Europe/Rome'` or `SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE`. */
export function readTimeZone(written: Token[]): string {
  const [first, second, ...unit] = written
  if (first?.kind === 'string' && written.length === 1) return checkTimeZone(first.text)
  const units = unit.map(({ text }) => text.toUpperCase()).join(' ')
  const isInterval = first?.kind === 'word' && first.text.toUpperCase() === 'INTERVAL'
  if (isInterval && second?.kind === 'string' && ['HOUR', 'HOUR TO MINUTE'].includes(units)) {
    const text = /^[+-]/.test(second.text) ? second.text : `+${second.text}`
    if (OFFSET.test(text)) return checkTimeZone(text)
  }
  throw unknown(written.map(({ text }) => text).join(' '))
}

function offsetZone(sign: string, hours: number, minutes: number, zone: string): string {
  if (minutes > 59 || hours * 60 + minutes > OFFSET_MINUTES_MAX) throw unknown(zone)
  const two = (value: number) => String(value).padStart(2, '0')
  return hours === 0 && minutes === 0 ? 'UTC' : `${sign}${two(hours)}:${two(minutes)}`
}

function unknown(zone: string): LandfallError {
  return new LandfallError('fix-request', 'sql/not-supported', `Time zone not supported: ${zone}`, {
    hint: "Use a name such as 'Europe/Rome' or an offset such as '+02:00'",
  })
}
