import { quoteText } from '../../sql/text.ts'
import { type Analysis, column } from './analysis.ts'
import {
  allOf,
  badAnalysis,
  type Condition,
  conditionSql,
  type EventSource,
  eventsSql,
  type From,
  fieldSql,
  intervalSql,
  wholeNumber,
} from './source.ts'

export interface FunnelStep {
  /** Any of these events; default: every event. */
  event?: string | readonly string[]
  where?: readonly Condition[]
  /** Default: the events' names. */
  title?: string
}

export interface FunnelOptions {
  from: From
  /** 1 to 20, in order. The same step may come again: then it takes another event. */
  steps: readonly FunnelStep[]
  /** From the first step to the last, inclusive. */
  windowMs: number
}

/**
 * How many persons take the steps one after the other within the window, beginning at any of their first steps; other events may lie
 * between. Of events at the same moment the one of the earlier step comes first.
 *
 * Row by row each person's events carry the latest beginning from which the steps so far were taken in time: a later beginning can do all
 * that an earlier one can, so one value is enough. Each step is one pass over the sorted events; nothing is gathered.
 */
export function funnel({ from, steps, windowMs }: FunnelOptions): Analysis {
  wholeNumber('steps', steps.length, 1, 20)
  const matches = (source: EventSource) =>
    steps
      .map((step, i) => `CASE WHEN ${stepSql(source, step)} THEN ${2 ** i} ELSE 0 END`)
      .join('\n        + ')
  const parts = [
    `matched AS (\n  ${eventsSql(from, { matches }, { keep: 'matches > 0' })}\n)`,
    'taken_1 AS (\n  SELECT subject, moment, matches, CASE WHEN bitwise_and(matches, 1) > 0 THEN moment END AS begun,\n' +
      '    bitwise_and(matches, 1) AS depth\n  FROM matched\n)',
    ...steps.slice(1).map((_, i) => nextStep(i + 2, windowMs)),
    `persons AS (SELECT subject, max(depth) AS depth FROM taken_${steps.length} GROUP BY subject)`,
    `counted AS (SELECT ${steps.map((_, i) => `count_if(depth >= ${i + 1}) AS n${i + 1}`).join(', ')} FROM persons)`,
  ]
  const names = steps.map((step, i) => `(${i + 1}, ${quoteText(titleOf(step))})`)
  const pick = (of: (i: number) => string) =>
    `CASE step ${steps.map((_, i) => `WHEN ${i + 1} THEN ${of(i)}`).join(' ')} END`
  const sql = `WITH ${parts.join(',\n')},
listed AS (
  SELECT step, title, ${pick((i) => `n${i + 1}`)} AS subjects, n1 AS first, ${pick((i) => (i === 0 ? 'NULL' : `n${i}`))} AS previous
  FROM counted CROSS JOIN (VALUES ${names.join(', ')}) AS steps (step, title)
)
SELECT step, title, subjects, CAST(subjects AS double) / NULLIF(first, 0) AS of_first, CAST(subjects AS double) / NULLIF(previous, 0) AS of_previous
FROM listed ORDER BY step`
  return {
    sql,
    columns: [
      column('step', 'order', 'Number of the step'),
      column('title', 'label', 'Step'),
      column('subjects', 'count', 'Persons who took this step and all before it, in order and in time'),
      column('of_first', 'share', 'Share of those who took the first step'),
      column('of_previous', 'share', 'Share of those who took the step before'),
    ],
  }
}

function nextStep(step: number, windowMs: number): string {
  const inTime = `bitwise_and(matches, ${2 ** (step - 1)}) > 0 AND moment <= latest + ${intervalSql(windowMs)}`
  return `taken_${step} AS (
  SELECT subject, moment, matches, CASE WHEN ${inTime} THEN latest END AS begun, CASE WHEN ${inTime} THEN ${step} ELSE depth END AS depth
  FROM (
    SELECT subject, moment, matches, depth,
      max(begun) OVER (PARTITION BY subject ORDER BY moment, matches ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest
    FROM taken_${step - 1}
  ) AS looked_back_${step}
)`
}

function eventsOf({ event }: FunnelStep): readonly string[] | undefined {
  return typeof event === 'string' ? [event] : event
}

function titleOf(step: FunnelStep): string {
  return step.title ?? eventsOf(step)?.join(' or ') ?? 'any event'
}

function stepSql(source: EventSource, step: FunnelStep): string {
  const events = eventsOf(step)
  if (events?.length === 0) throw badAnalysis('a step without an event')
  const name = fieldSql(source.event)
  const ofEvent = events === undefined ? [] : [`${name} IN (${events.map(quoteText).join(', ')})`]
  return allOf([...ofEvent, ...(step.where ?? []).map(conditionSql)])
}
