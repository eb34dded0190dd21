/** Which questions a pipeline asks for, derived from its plan alone: who, how much, in which order, in which groups. */
import type { CompiledPipeline } from '../model/pipeline.ts'
import { type Field, fieldOf } from './analytics.ts'

export interface Outline {
  /** Events in the order of the plan: the steps of the funnel. At most 8. */
  steps: string[]
  /** What something cost or brought: the first number of the plan that is called so. */
  money: { name: string; field: Field } | undefined
  /** Texts of events that tell groups apart: a guild, a kind, an item. At most 12. */
  groups: { event: string; name: string; field: Field }[]
}

const STEPS_MAX = 8
const GROUPS_MAX = 12
const MONEY = /(^|_)(cost|price|amount|revenue|money|total|paid|spent)($|_)/i
const NUMBER = /^(int|long|double|decimal)/

export function outlineOf(pipeline: CompiledPipeline): Outline {
  const events = Object.values(pipeline.plan.events)
  const money = events
    .flatMap(({ properties }) => properties)
    .find(({ name, type }) => NUMBER.test(type) && MONEY.test(name))?.name
  const groups = events.flatMap(({ name: event, properties }) =>
    properties
      .filter(({ name, type }) => type === 'string' && name !== pipeline.subject && name !== pipeline.session)
      .map(({ name }) => ({ event, name, field: fieldOf(pipeline, 'events', name) })),
  )
  return {
    steps: events.map(({ name }) => name).slice(0, STEPS_MAX),
    money: money === undefined ? undefined : { name: money, field: fieldOf(pipeline, 'events', money) },
    groups: groups.slice(0, GROUPS_MAX),
  }
}
