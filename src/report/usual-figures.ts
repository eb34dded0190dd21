/** What every report shows: how many events there are, who comes and comes back, what it brings, and what could not be used. */
import type { CompiledPipeline } from '../model/pipeline.ts'
import { eventsSql } from './analytics/source.ts'
import {
  activeUsers,
  type EventSource,
  eventSource,
  paths,
  retention,
  revenuePerUser,
  sessions,
  topN,
} from './analytics.ts'
import type { Frozen } from './frozen.ts'
import { outlineOf } from './outline.ts'
import type { AskFigure } from './report.ts'
import { parseMoment, type Weeks, weeksUntil } from './weeks.ts'

export interface Usual {
  events: number
  deadLetters: number
  /** Rows by table. */
  tables: ReadonlyMap<string, number>
  newest: string | null
  weeks: Weeks | undefined
}

/** Events of the frozen `events`; of nobody in particular where the pipeline does not say who a person is. */
export function frozenSource(
  pipeline: CompiledPipeline,
  frozen: Frozen,
  more: Partial<EventSource> = {},
): EventSource {
  const known = pipeline.subject === null ? { ...pipeline, subject: 'event_id' } : pipeline
  // By name its persons would become pseudonyms first, which only figures that show persons need.
  return eventSource(known, 'events', { at: frozen.tables.get('events')!.snapshotId!, ...more })
}

export async function usualFigures(
  pipeline: CompiledPipeline,
  frozen: Frozen,
  ask: AskFigure,
): Promise<Usual> {
  const from = frozenSource(pipeline, frozen)
  const totals = await ask(
    { id: 'events', section: 'quality', title: 'Events in the tables, and their times', chart: 'table' },
    `SELECT count(*) AS events, count(subject) AS of_known_persons, min(moment) AS first, max(moment) AS newest\nFROM (\n  ${eventsSql(from, {}, { anybody: true })}\n) AS all_events`,
  )
  const dead = await ask(
    {
      id: 'dead-letters',
      section: 'quality',
      title: 'Events that could not be used, by reason',
      chart: 'bar',
    },
    'SELECT reason, count(*) AS events, count(DISTINCT event_type) AS kinds_of_events FROM dead_letters GROUP BY reason ORDER BY events DESC, reason',
  )
  const tables = await ask(
    { id: 'tables', section: 'quality', title: 'Rows of the tables', chart: 'bar' },
    Array.from(
      frozen.tables.keys(),
      (name) => `SELECT '${name}' AS table_name, count(*) AS row_count FROM ${name}`,
    )
      .join('\nUNION ALL ')
      .concat('\nORDER BY row_count DESC, table_name'),
  )
  const kinds = topN({ from, by: { column: 'event_type' }, top: 50 })
  await ask({ id: 'kinds', section: 'quality', title: 'Events by kind', chart: 'bar' }, kinds)
  const newest = (totals.rows[0]?.[3] ?? null) as string | null
  if (pipeline.subject !== null) await personFigures(pipeline, from, ask)
  return {
    events: Number(totals.rows[0]?.[0] ?? 0),
    deadLetters: dead.rows.reduce((sum, row) => sum + Number(row[1]), 0),
    tables: new Map(tables.rows.map(([name, count]) => [String(name), Number(count)])),
    newest,
    weeks: newest === null || pipeline.subject === null ? undefined : weeksUntil(parseMoment(newest)),
  }
}

async function personFigures(pipeline: CompiledPipeline, from: EventSource, ask: AskFigure): Promise<void> {
  const section = 'persons'
  await ask(
    { id: 'active', section, title: 'Persons per day', chart: 'line' },
    activeUsers({ from, per: 'day' }),
  )
  await ask(
    { id: 'sessions', section, title: 'Visits per day', chart: 'line' },
    sessions({ from, per: 'day' }),
  )
  await ask(
    { id: 'retention', section, title: 'Who comes back, by the week of the first event', chart: 'table' },
    retention({ from, per: 'week', periods: 8 }),
  )
  await ask(
    { id: 'paths', section, title: 'How visits begin', chart: 'table' },
    paths({ from, length: 3, top: 10 }),
  )
  const { money } = outlineOf(pipeline)
  if (money)
    await ask(
      { id: 'revenue', section, title: `What persons bring per week (${money.name})`, chart: 'table' },
      revenuePerUser({ from, amount: money.field, per: 'week' }),
    )
}
