import { type Analysis, column } from './analysis.ts'
import {
  badAnalysis,
  type EventSource,
  eventsSql,
  type From,
  fieldSql,
  intervalSql,
  type Outputs,
  type Period,
  periodSql,
  wholeNumber,
} from './source.ts'

/** A visit: the events with the same value of the source's `session`; or those of a person that follow each other within the gap. */
export interface SessionOptions {
  from: From
  /** Events that are further apart belong to two visits; exactly this far, to one (default 30 minutes). Not used where sources have a `session`. */
  gapMs?: number
}

const GAP_MS = 30 * 60_000

/** WITH parts that end in `visits`: one row per event, with `subject`, `moment`, `visit` (a number or the field's value) and the outputs. */
export function visitParts({ from, gapMs = GAP_MS }: SessionOptions, outputs: Outputs): string[] {
  const sources = (Array.isArray(from) ? from : [from]) as readonly EventSource[]
  const named = sources.filter(({ session }) => session !== undefined)
  const others = Object.keys(outputs)
    .map((name) => `, ${name}`)
    .join('')
  if (named.length > 0) {
    if (named.length < sources.length) throw badAnalysis('some tables have a session and some have none')
    const visit = (source: EventSource) => fieldSql(source.session!)
    return [`visits AS (\n  ${eventsSql(from, { visit, ...outputs }, { keep: 'visit IS NOT NULL' })}\n)`]
  }
  return [
    `known AS (\n  ${eventsSql(from, outputs)}\n)`,
    `spaced AS (
  SELECT subject, moment${others}, lag(moment) OVER (PARTITION BY subject ORDER BY moment) AS before
  FROM known
)`,
    `visits AS (
  SELECT subject, moment${others},
    sum(CASE WHEN before + ${intervalSql(gapMs)} >= moment THEN 0 ELSE 1 END)
      OVER (PARTITION BY subject ORDER BY moment RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS visit
  FROM spaced
)`,
  ]
}

/** Visits per period in which they begin: how many, of how many persons, with how many events, and how long. */
export function sessions(options: SessionOptions & { per: Period }): Analysis {
  const sql = `WITH ${visitParts(options, {}).join(',\n')},
lasting AS (
  SELECT subject, visit, count(*) AS events, min(moment) AS begun, date_diff('millisecond', min(moment), max(moment)) AS ms
  FROM visits GROUP BY subject, visit
),
placed AS (
  SELECT period, subject, events, ms,
    row_number() OVER (PARTITION BY period ORDER BY ms) AS place, count(*) OVER (PARTITION BY period) AS total
  FROM (SELECT ${periodSql(options.per, 'begun')} AS period, subject, events, ms FROM lasting) AS dated
),
persons AS (
  SELECT period, subject, count(*) AS sessions, sum(events) AS events,
    max(CASE WHEN place = (total + 1) / 2 THEN ms END) AS median_ms, max(CASE WHEN place = (9 * total + 9) / 10 THEN ms END) AS p90_ms
  FROM placed GROUP BY period, subject
)
SELECT period, CAST(sum(sessions) AS bigint) AS sessions, count(*) AS subjects, CAST(sum(events) AS bigint) AS events,
  CAST(max(median_ms) AS double) / 1000 AS median_seconds, CAST(max(p90_ms) AS double) / 1000 AS p90_seconds
FROM persons GROUP BY period ORDER BY period`
  return {
    sql,
    columns: [
      column('period', 'period', `First day of the ${options.per} (UTC) in which the visits began`),
      column('sessions', 'count', 'Visits'),
      column('subjects', 'count', 'Persons who came'),
      column('events', 'count', 'Events of these visits'),
      column('median_seconds', 'duration', 'Half of the visits lasted at most this long'),
      column('p90_seconds', 'duration', 'Nine of ten visits lasted at most this long'),
    ],
  }
}

/** The ways that visits begin: their first events, in order. */
export function paths(options: SessionOptions & { length?: number; top?: number }): Analysis {
  const length = wholeNumber('length', options.length ?? 4, 1, 10)
  const top = wholeNumber('top', options.top ?? 20, 1, 1000)
  const places = Array.from({ length }, (_, i) => i + 1)
  const event = (source: EventSource) => fieldSql(source.event)
  const names = places.map((i) => `event_${i}`).join(', ')
  const sql = `WITH ${visitParts(options, { event }).join(',\n')},
placed AS (
  SELECT subject, visit, event, row_number() OVER (PARTITION BY subject, visit ORDER BY moment, event) AS place
  FROM visits
),
ways AS (
  SELECT ${places.map((i) => `max(CASE WHEN place = ${i} THEN event END) AS event_${i}`).join(', ')}, subject, visit
  FROM placed WHERE place <= ${length} GROUP BY subject, visit
),
counted AS (SELECT ${names}, count(*) AS sessions FROM ways GROUP BY ${names})
SELECT ${names}, sessions, CAST(sessions AS double) / sum(sessions) OVER () AS share
FROM counted ORDER BY sessions DESC, ${names} LIMIT ${top}`
  return {
    sql,
    columns: [
      ...places.map((i) =>
        column(`event_${i}`, 'label', `Event ${i} of the visit; none when it was over before`),
      ),
      column('sessions', 'count', 'Visits that began so'),
      column('share', 'share', 'Share of all visits'),
    ],
  }
}
