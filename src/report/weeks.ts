/** The seven days before the newest complete day's end, and the seven before these: what a report compares. Days are those of UTC. */
export interface Week {
  since: Date
  until: Date
}

export interface Weeks {
  now: Week
  before: Week
}

const DAY_MS = 86_400_000
/** A day whose newest event is this close to its end is taken for complete. */
const NEAR_MS = 3_600_000

export function weeksUntil(newest: Date): Weeks {
  const end = Math.floor((newest.getTime() + NEAR_MS) / DAY_MS) * DAY_MS
  const week = (until: number) => ({ since: new Date(until - 7 * DAY_MS), until: new Date(until) })
  return { now: week(end), before: week(end - 7 * DAY_MS) }
}

/** `25 to 31 May 2026`: first and last day. */
export function weekText({ since, until }: Week): string {
  const last = new Date(until.getTime() - 1)
  const day = (date: Date) => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`
  const sameMonth = since.getUTCMonth() === last.getUTCMonth()
  return `${sameMonth ? since.getUTCDate() : day(since)} to ${day(last)} ${last.getUTCFullYear()}`
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** As every engine writes a timestamp: `2026-05-31 23:59:59.123456 UTC`. */
export function parseMoment(text: string): Date {
  return new Date(
    text
      .replace(/ (UTC|Z)$/, 'Z')
      .replace(' ', 'T')
      .replace(/(\.\d{3})\d*/, '$1'),
  )
}
