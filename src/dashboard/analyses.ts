/** From what a person chose on the page to one statement of the report's analytics, which the page then asks like any other. */
import type { CompiledPipeline } from '../model/pipeline.ts'
import {
  type Analysis,
  activeUsers,
  eventSource,
  fieldOf,
  funnel,
  paths,
  percentiles,
  retention,
  revenuePerUser,
  sessions,
  topN,
} from '../report/analytics.ts'
import { badRequest, textOf } from './http.ts'

const EVENTS = 'events'
/** Steps, and events to choose from. */
const LIST_MAX = 200
const PERIODS = ['day', 'week', 'month'] as const
type Choice = Readonly<Record<string, unknown>>

/** Throws `dashboard/bad-request`, and what the analytics throw (`report/analysis`, `report/no-subject`, `report/unknown-field`). */
export function analysisOf(pipeline: CompiledPipeline, choice: Choice): Analysis {
  const kind = textOf(choice['kind'], 'kind', 40)
  const make = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (make === undefined) throw badRequest(`kind: expected one of ${Object.keys(KINDS).join(', ')}`)
  return make(pipeline, choice)
}

const KINDS: Record<string, (pipeline: CompiledPipeline, choice: Choice) => Analysis> = {
  funnel: (pipeline, choice) =>
    funnel({
      from: sourceOf(pipeline, choice),
      steps: listOf(choice['steps'], 'steps').map((event) =>
        event === '' ? { title: 'any event' } : { event },
      ),
      windowMs: numberOf(choice, 'windowHours', 1) * 3_600_000,
    }),
  retention: (pipeline, choice) =>
    retention({ from: sourceOf(pipeline, choice), per: periodOf(choice), periods: 12 }),
  active: (pipeline, choice) => activeUsers({ from: sourceOf(pipeline, choice), per: periodOf(choice) }),
  sessions: (pipeline, choice) =>
    sessions({
      from: sourceOf(pipeline, choice),
      per: periodOf(choice),
      gapMs: numberOf(choice, 'gapMinutes', 30) * 60_000,
    }),
  paths: (pipeline, choice) => paths({ from: sourceOf(pipeline, choice), length: 3, top: 20 }),
  top: (pipeline, choice) => {
    const measure = textOf(choice['measure'], 'measure', 40)
    if (measure !== 'events' && measure !== 'subjects')
      throw badRequest('measure: expected events or subjects')
    return topN({ from: sourceOf(pipeline, choice), by: fieldIn(pipeline, choice), measure, top: 20 })
  },
  revenue: (pipeline, choice) =>
    revenuePerUser({
      from: sourceOf(pipeline, choice),
      amount: fieldIn(pipeline, choice),
      per: periodOf(choice),
    }),
  percentiles: (pipeline, choice) =>
    percentiles({ from: sourceOf(pipeline, choice), value: fieldIn(pipeline, choice) }),
}

/** `days`: only the last ones; `events`: only these (none: all). */
function sourceOf(pipeline: CompiledPipeline, choice: Choice) {
  const days = numberOf(choice, 'days', 0)
  const events = choice['events'] === undefined ? [] : listOf(choice['events'], 'events')
  return eventSource(pipeline, EVENTS, {
    ...(days === 0 ? {} : { since: startOfDay(days) }),
    ...(events.length === 0
      ? {}
      : { where: [{ field: { column: 'event_type' }, is: 'in' as const, value: events }] }),
  })
}

/** Whole days, so that the same choice is the same statement all day. */
function startOfDay(days: number): Date {
  const today = Math.floor(Date.now() / 86_400_000)
  return new Date((today - Math.ceil(days) + 1) * 86_400_000)
}

function listOf(value: unknown, name: string): string[] {
  if (!Array.isArray(value) || value.length > LIST_MAX)
    throw badRequest(`${name}: expected a list of at most ${LIST_MAX} events`)
  return value.map((one) => textOf(one, name, 200))
}

function fieldIn(pipeline: CompiledPipeline, choice: Choice) {
  return fieldOf(pipeline, EVENTS, textOf(choice['field'], 'field', 200))
}

function periodOf(choice: Choice): (typeof PERIODS)[number] {
  const found = PERIODS.find((period) => period === choice['per'])
  if (found === undefined) throw badRequest('per: expected day, week or month')
  return found
}

function numberOf(choice: Choice, name: string, otherwise: number): number {
  const value = choice[name] ?? otherwise
  if (typeof value !== 'number' || !(value >= 0 && value <= 1e6))
    throw badRequest(`${name}: expected a number up to 1,000,000`)
  return value
}
