import { type Analysis, column } from './analysis.ts'
import { badAnalysis, eventsSql, type Field, type From, fieldSql, wholeNumber } from './source.ts'

export interface TopOptions {
  from: From
  by: Field
  /** What is counted (default `events`), or whose values are added up. `subjects`: different persons. */
  measure?: 'events' | 'subjects' | { sum: Field }
  top?: number
}

/** The values of a field with the most events, persons or amounts, each with its share of all. Equal ones in the order of the value. */
export function topN({ from, by, measure = 'events', top = 10 }: TopOptions): Analysis {
  const most = wholeNumber('top', top, 1, 10_000)
  const label = () => fieldSql(by)
  const summed = typeof measure === 'object'
  const amount = summed ? { amount: () => fieldSql(measure.sum, 'double') } : {}
  const persons = measure === 'subjects'
  // Persons are grouped before they are counted, so that no list of them is held for each value.
  const each = summed ? 'sum(amount)' : persons ? '1' : 'count(*)'
  const sql = `WITH known AS (
  ${eventsSql(from, { label, ...amount }, { anybody: !persons })}
),
persons AS (SELECT label, subject, ${each} AS value FROM known GROUP BY label, subject),
counted AS (SELECT label, ${summed ? 'sum(value)' : 'CAST(sum(value) AS bigint)'} AS value, count(subject) AS subjects FROM persons GROUP BY label)
SELECT label, value, subjects, CAST(value AS double) / NULLIF(CAST(sum(value) OVER () AS double), 0) AS share
FROM counted ORDER BY value DESC, label LIMIT ${most}`
  return {
    sql,
    columns: [
      column('label', 'label', 'The value; none where the events have none'),
      summed
        ? column('value', 'amount', 'Sum of the amounts')
        : column('value', 'count', measure === 'events' ? 'Events' : 'Persons'),
      column('subjects', 'count', 'Different persons'),
      column('share', 'share', 'Share of the sum over all values'),
    ],
  }
}

export interface PercentilesOptions {
  from: From
  /** A number; events where it is NULL are left out. */
  value: Field
  /** Each above 0 and at most 1, with at most four digits (default 0.5, 0.9, 0.99). */
  at?: readonly number[]
  /** Of the values of single events (default), or of each person's sum. */
  of?: 'events' | 'subjects'
}

/** Percentiles by nearest rank: the smallest value that at least this share of the values does not exceed. Exact, and always one of them. */
export function percentiles({
  from,
  value,
  at = [0.5, 0.9, 0.99],
  of = 'events',
}: PercentilesOptions): Analysis {
  wholeNumber('percentiles', at.length, 1, 100)
  const ranks = at.map((share) => {
    const parts = Math.round(share * 10_000)
    if (!(parts >= 1 && parts <= 10_000) || Math.abs(parts / 10_000 - share) > 1e-9)
      throw badAnalysis(`the percentile ${share}: expected above 0 and at most 1, with at most four digits`)
    const name = `p${String(parts / 100).replace('.', '_')}`
    // Rounded up, in whole numbers: no engine's rounding of doubles has a say.
    return { name, share, rank: `(${parts} * total + 9999) / 10000` }
  })
  const known = eventsSql(
    from,
    { value: () => fieldSql(value, 'double') },
    { anybody: of === 'events', keep: 'value IS NOT NULL' },
  )
  const values =
    of === 'events' ? 'known' : '(SELECT sum(value) AS value FROM known GROUP BY subject) AS sums'
  const sql = `WITH known AS (
  ${known}
),
placed AS (SELECT value, row_number() OVER (ORDER BY value) AS place, count(*) OVER () AS total FROM ${values})
SELECT count(*) AS measured, min(value) AS least, ${ranks.map(({ name, rank }) => `max(CASE WHEN place = ${rank} THEN value END) AS ${name}`).join(', ')}, max(value) AS most
FROM placed`
  return {
    sql,
    columns: [
      column('measured', 'count', of === 'events' ? 'Values' : 'Persons'),
      column('least', 'amount', 'The smallest value'),
      ...ranks.map(({ name, share }) =>
        column(name, 'amount', `${Math.round(share * 10_000) / 100} % of the values are at most this`),
      ),
      column('most', 'amount', 'The largest value'),
    ],
  }
}
