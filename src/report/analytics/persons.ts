import { type Analysis, column } from './analysis.ts'
import { eventsSql, type Field, type From, fieldSql, type Period, periodSql, wholeNumber } from './source.ts'

/** Persons with at least one event, per day, week or month; and of these, those who were never seen before in what is read. */
export function activeUsers({ from, per }: { from: From; per: Period }): Analysis {
  const sql = `WITH known AS (
  ${eventsSql(from, {})}
),
active AS (
  SELECT ${periodSql(per, 'moment')} AS period, subject, count(*) AS events FROM known GROUP BY 1, 2
),
dated AS (SELECT period, subject, events, min(period) OVER (PARTITION BY subject) AS first FROM active)
SELECT period, count(*) AS subjects, count_if(period = first) AS new_subjects, CAST(sum(events) AS bigint) AS events
FROM dated GROUP BY period ORDER BY period`
  return {
    sql,
    columns: [
      column('period', 'period', `First day of the ${per} (UTC)`),
      column('subjects', 'count', 'Persons with at least one event'),
      column('new_subjects', 'count', 'Of these, persons whose first event it is'),
      column('events', 'count', 'Their events'),
    ],
  }
}

/** Persons by the period of their first event (the cohort), and how many of them are there again later. */
export function retention({
  from,
  per,
  periods = 12,
}: {
  from: From
  per: Period
  periods?: number
}): Analysis {
  const most = wholeNumber('periods', periods, 1, 1000)
  const sql = `WITH known AS (
  ${eventsSql(from, {})}
),
active AS (SELECT ${periodSql(per, 'moment')} AS period, subject FROM known GROUP BY 1, 2),
dated AS (SELECT period, min(period) OVER (PARTITION BY subject) AS cohort FROM active),
counted AS (SELECT cohort, date_diff('${per}', cohort, period) AS later, count(*) AS subjects FROM dated GROUP BY 1, 2),
sized AS (SELECT cohort, later, subjects, first_value(subjects) OVER (PARTITION BY cohort ORDER BY later) AS size FROM counted)
SELECT cohort, size, later, subjects, CAST(subjects AS double) / size AS share
FROM sized WHERE later <= ${most} ORDER BY cohort, later`
  return {
    sql,
    columns: [
      column('cohort', 'period', `First day of the ${per} (UTC) of a person's first event`),
      column('size', 'count', 'Persons of the cohort'),
      column('later', 'order', `How many ${per}s later; a ${per} in which nobody was there has no row`),
      column('subjects', 'count', 'Of these, persons with an event then'),
      column('share', 'share', 'Share of the cohort'),
    ],
  }
}

export interface RevenueOptions {
  from: From
  /** A number; an event where it is NULL brings nothing. */
  amount: Field
  per: Period
}

/** What persons bring, per period: of all who were active, and of those who paid. */
export function revenuePerUser({ from, amount, per }: RevenueOptions): Analysis {
  const sql = `WITH known AS (
  ${eventsSql(from, { amount: () => fieldSql(amount, 'double') })}
),
persons AS (
  SELECT ${periodSql(per, 'moment')} AS period, subject, sum(amount) AS amount FROM known GROUP BY 1, 2
)
SELECT period, count(*) AS subjects, count_if(amount > 0) AS payers, sum(amount) AS revenue,
  CAST(sum(amount) AS double) / count(*) AS per_subject, CAST(sum(amount) AS double) / NULLIF(count_if(amount > 0), 0) AS per_payer
FROM persons GROUP BY period ORDER BY period`
  return {
    sql,
    columns: [
      column('period', 'period', `First day of the ${per} (UTC)`),
      column('subjects', 'count', 'Persons with at least one event'),
      column('payers', 'count', 'Of these, persons whose amounts add up to more than 0'),
      column('revenue', 'amount', 'Sum of the amounts'),
      column('per_subject', 'amount', 'Revenue by person'),
      column('per_payer', 'amount', 'Revenue by person who paid'),
    ],
  }
}
