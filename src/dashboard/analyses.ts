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
const PERIODS = ['day', 'week', 'month'] as const
type Choice = Readonly<Record<string, unknown>>

/** Throws `dashboard/bad-request`, and what the analytics throw (`report/analysis`, `report/no-subject`, `report/unknown-field`). */
export function analysisOf(pipeline: CompiledPipeline, choice: Choice): Analysis {
  const make = KINDS[textOf(choice['kind'], 'kind', 40)]
  if (make === undefined) throw badRequest(`kind: expected one of ${Object.keys(KINDS).join(', ')}`)
  return make(pipeline, choice)
}

const KINDS: Record<string, (pipeline: CompiledPipeline, choice: Choice) => Analysis> = {
  funnel: (pipeline, choice) =>
    funnel({
      from: sourceOf(pipeline, choice),
      steps: stepsOf(choice['steps']).map((event) => (event === '' ? { title: 'any event' } : { event })),
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
  const events = Array.isArray(choice['events'])
    ? choice['events'].map((one) => textOf(one, 'events', 200))
    : []
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

function stepsOf(value: unknown): string[] {
  if (!Array.isArray(value)) throw badRequest('steps: expected a list of events')
  return value.map((one) => textOf(one, 'steps', 200))
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
