/** The figures that findings are read from: each for the last week and for the week before. */
import type { CompiledPipeline } from '../model/pipeline.ts'
import { type EventSource, eventSource, funnel, percentiles, topN } from './analytics.ts'
import type { Evidence } from './findings/findings.ts'
import type { Frozen } from './frozen.ts'
import { outlineOf } from './outline.ts'
import type { AskFigure, Figure } from './report.ts'
import { frozenSource } from './usual-figures.ts'
import { type Week, type Weeks, weekText } from './weeks.ts'

/** More values than this tell no groups apart. */
const VALUES_MAX = 50

export async function gatherEvidence(
  pipeline: CompiledPipeline,
  frozen: Frozen,
  weeks: Weeks,
  ask: AskFigure,
): Promise<Evidence> {
  const outline = outlineOf(pipeline)
  const source = (week: Week, more: Partial<EventSource> = {}) =>
    frozenSource(pipeline, frozen, { ...week, ...more })
  const both = async (
    id: string,
    title: string,
    chart: Figure['chart'],
    make: (week: Week) => Parameters<AskFigure>[1],
  ) => {
    const section = id === 'funnel' || id === 'top-persons' ? 'persons' : 'evidence'
    const now = await ask({ id, section, title: `${title}, ${weekText(weeks.now)}`, chart }, make(weeks.now))
    const before = await ask(
      {
        id: `${id}-before`,
        section: 'evidence',
        title: `${title}, ${weekText(weeks.before)}`,
        chart: 'table',
      },
      make(weeks.before),
    )
    return { figures: [id, `${id}-before`], now: now.rows, before: before.rows }
  }
  const evidence: Evidence = { now: weekText(weeks.now), before: weekText(weeks.before), groups: [] }
  const windowMs = 7 * 86_400_000
  const steps = outline.steps.map((event) => ({ event }))
  if (steps.length > 1)
    evidence.funnel = await both('funnel', 'How far persons get, in the order of the plan', 'bar', (week) =>
      funnel({ from: source(week), steps, windowMs }),
    )
  for (const { event, name, field } of outline.groups) {
    const where = [{ field: { column: 'event_type' }, is: '=' as const, value: event }]
    const groups = await both(`group-${event}-${name}`, `${event} by ${name}`, 'table', (week) =>
      topN({ from: source(week, { where }), by: field, top: VALUES_MAX + 1 }),
    )
    if (groups.before.length <= VALUES_MAX) evidence.groups.push({ ...groups, event, field: name })
  }
  const { money } = outline
  if (money) {
    const paid = [{ field: money.field, is: '>' as const, value: 0 }]
    const payers = await ask(
      {
        id: 'payers',
        section: 'evidence',
        title: `What each person paid (${money.name}), ${evidence.now}`,
        chart: 'table',
      },
      percentiles({ from: source(weeks.now, { where: paid }), value: money.field, of: 'subjects' }),
    )
    // By the table's name, so that persons are pseudonyms.
    const named = (week: Week) => eventSource(pipeline, 'events', { ...week, where: paid })
    const top = await both('top-persons', `Who brings most (${money.name})`, 'bar', (week) =>
      topN({ from: named(week), by: named(week).subject, measure: { sum: money.field }, top: 10 }),
    )
    evidence.money = { ...top, name: money.name, payers: Number(payers.rows[0]?.[0] ?? 0) }
  }
  if (frozen.tables.get('dead_letters')?.snapshotId) {
    const at = frozen.tables.get('dead_letters')!.snapshotId!
    const total = async (week: Week, id: string) =>
      (
        await ask(
          { id, section: 'evidence', title: `Events that could be used, ${weekText(week)}`, chart: 'number' },
          totalOf(topN({ from: source(week), by: { column: 'event_type' }, top: 10_000 }).sql),
        )
      ).rows[0]?.[0]
    const dead = await both('dead', 'Dead letters', 'table', (week) =>
      topN({ from: { ...source(week), table: 'dead_letters', at }, by: { column: 'reason' } }),
    )
    evidence.dead = {
      ...dead,
      eventsNow: Number((await total(weeks.now, 'landed')) ?? 0),
      eventsBefore: Number((await total(weeks.before, 'landed-before')) ?? 0),
    }
  }
  return evidence
}

function totalOf(sql: string): string {
  return `SELECT CAST(sum(value) AS bigint) AS events FROM (\n${sql}\n) AS kinds`
}
