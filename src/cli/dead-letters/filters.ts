import { parseDuration, parseTime } from '../../model/time.ts'
import type { LetterFilter } from '../../pipeline/dead-letters/letters.ts'
import { usageError } from '../exit.ts'

/** The flags that choose letters. */
export interface FilterOptions {
  reason?: string
  field?: string
  eventType?: string
  since?: string
  limit?: string
}

export function letterFilter({ reason, field, eventType, since, limit }: FilterOptions): LetterFilter {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(field === undefined ? {} : { field }),
    ...(eventType === undefined ? {} : { eventType }),
    ...(since === undefined ? {} : { sinceMicros: microsOf(since) }),
    ...(limit === undefined ? {} : { limit: countOf('--limit', limit) }),
  }
}

export function countOf(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw usageError(`${flag}: expected a whole number, found "${text}"`)
  return Number(text)
}

/** `2h` ago, or a time. */
function microsOf(text: string): number {
  const ago = parseDuration(text)
  if (ago !== undefined) return (Date.now() - ago) * 1000
  const time = parseTime(text)
  if (time !== undefined) return Number(time)
  throw usageError(`--since: expected 30m, 2h, 7d or a time such as 2026-01-31T12:00:00Z, found "${text}"`)
}

/** The filter in SQL, for a question to `dead_letters`. */
export function whereSql({ reason, field, eventType, sinceMicros }: LetterFilter): string {
  const conditions = [
    ...Object.entries({ reason, field, event_type: eventType })
      .filter(([, wanted]) => wanted !== undefined)
      .map(([column, wanted]) => `d.${column} = ${sqlText(wanted!)}`),
    ...(sinceMicros === undefined ? [] : [`d.received_at >= ${sqlTime(sinceMicros)}`]),
  ]
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
}

export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function sqlTime(micros: number): string {
  const text = new Date(Math.floor(micros / 1000)).toISOString().slice(0, 23).replace('T', ' ')
  return `TIMESTAMP '${text} UTC'`
}
