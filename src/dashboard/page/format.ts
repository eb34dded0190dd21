/** Figures as people read them. All of it is in English, as the page is. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const some = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export function count(value: number): string {
  return whole.format(value)
}

/** Beyond a hundred thousand the last digits say nothing in a picture. */
export function roughly(value: number): string {
  return value < 100_000 ? whole.format(value) : compact.format(value)
}

export function rate(value: number | null): string {
  return value === null ? '–' : `${value < 10 ? some.format(value) : roughly(value)}/s`
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let at = 0
  let size = value
  // From 999.5 on it would be written as 1.00e+3.
  while (size >= 999.5 && at < units.length - 1) {
    size /= 1000
    at += 1
  }
  return `${at === 0 ? whole.format(size) : size.toPrecision(3)} ${units[at]!}`
}

export function seconds(value: number): string {
  if (value < 10) return `${some.format(value)} s`
  if (value < 120) return `${whole.format(value)} s`
  if (value < 7200) return `${whole.format(value / 60)} min`
  if (value < 172_800) return `${whole.format(value / 3600)} h`
  return `${whole.format(value / 86_400)} days`
}

export function ago(ms: number, now = Date.now()): string {
  const past = (now - ms) / 1000
  return past < 1.5 ? 'now' : `${seconds(Math.floor(past))} ago`
}

/** `2026-01-31 18:43:03`, UTC as everywhere in Landfall. */
export function time(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

/** `18:43:03.611` */
export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23)
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}
