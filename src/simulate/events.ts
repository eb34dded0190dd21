/** Events of a plan with made-up values that the plan accepts, for `POST /v1/events`. */
import type { Plan, PlanProperty } from '../model/plan.ts'
import type { Random } from './random.ts'

/** One event, of any type in the plan; undefined when the plan has none. */
export function eventOf({ events }: Plan, random: Random): Record<string, unknown> | undefined {
  const names = Object.keys(events)
  if (names.length === 0) return undefined
  const { name, properties } = events[random.pick(names)]!
  const given = properties.filter(({ required }) => required || random.below(2) === 1)
  const values = given.map((property) => [property.name, valueOf(property, random)])
  return { event_type: name, ...Object.fromEntries(values) }
}

function valueOf(property: PlanProperty, random: Random): unknown {
  if (property.oneOf) return random.pick(property.oneOf)
  const { type } = property
  switch (type) {
    case 'int':
    case 'long':
      return Math.ceil(least(property)) + random.below(Math.floor(span(property)) + 1)
    case 'double':
      return least(property) + random.below(Math.floor(span(property)) + 1)
    case 'boolean':
      return random.below(2) === 1
    case 'date':
      return `2026-01-${10 + random.below(20)}`
    case 'timestamptz':
      return `2026-01-${10 + random.below(20)}T12:00:00Z`
    case 'json':
      return property.jsonKind === 'array' ? [random.below(9)] : { n: random.below(9) }
    case 'string':
      return textOf(property, random)
    default:
      // Money and other exact numbers are texts of digits.
      return String(1 + random.below(9))
  }
}

const least = ({ minimum, maximum }: PlanProperty) => minimum ?? Math.min(1, maximum ?? 1)
const span = (property: PlanProperty) =>
  Math.min(99, (property.maximum ?? least(property) + 99) - least(property))

function textOf({ minLength = 0, maxLength = 12 }: PlanProperty, random: Random): string {
  return `text_${random.below(8)}`.padEnd(minLength, 'x').slice(0, Math.max(minLength, maxLength))
}
