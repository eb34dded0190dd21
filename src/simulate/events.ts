/** Events of a plan with made-up values that the plan accepts, for `POST /v1/events`. */
import { parseDecimalType } from '../model/check-event.ts'
import type { Plan, PlanProperty } from '../model/plan.ts'
import { skewed } from './choices.ts'
import type { Random } from './random.ts'

/** One event, of any type in the plan; undefined when the plan has none. */
export function eventOf({ events }: Plan, random: Random): Record<string, unknown> | undefined {
  const names = Object.keys(events)
  if (names.length === 0) return undefined
  const { name, properties } = events[random.pick(names)]!
  const given = properties.filter(({ required }) => required || random.below(2) === 1)
  const values = given.map((property) => [property.name, propertyValue(property, random, DAY)])
  return { event_type: name, ...Object.fromEntries(values) }
}

/** Of events that happen at no time in particular. */
const DAY = Date.UTC(2026, 0, 15, 12)

/** A value that the plan accepts. Times and dates are `time` (ms since 1970), or up to ten days before. */
export function propertyValue(property: PlanProperty, random: Random, time: number): unknown {
  if (property.oneOf) return random.pick(property.oneOf)
  const { type } = property
  switch (type) {
    case 'int':
    case 'long':
      return wholeOf(property, random)
    case 'double':
      return within(
        property,
        Math.round(skewed(random, least(property), least(property) + span(property)) * 100) / 100,
      )
    case 'boolean':
      return random.below(2) === 1
    case 'date':
      return new Date(time - random.below(10) * DAY_MS).toISOString().slice(0, 10)
    case 'timestamptz':
      return new Date(time).toISOString()
    case 'json':
      return property.jsonKind === 'array' ? [random.below(9)] : { n: random.below(9) }
    case 'string':
      return textOf(property, random)
    default:
      return decimalText(type, random)
  }
}

const DAY_MS = 86_400_000
const least = ({ minimum, maximum }: PlanProperty) => minimum ?? Math.min(1, maximum ?? 1)
const span = (property: PlanProperty) =>
  Math.min(99, (property.maximum ?? least(property) + 99) - least(property))

/** As amounts and counts are: small ones are frequent, and a few are large. */
function wholeOf(property: PlanProperty, random: Random): number {
  const from = Math.ceil(least(property))
  return from + Math.floor(skewed(random, 0, Math.floor(span(property)) + 1))
}

/** Money and other exact numbers are texts of digits, and never 0. */
function decimalText(type: string, random: Random): string {
  const { precision, scale } = parseDecimalType(type)
  const unit = 10 ** Math.min(scale, 2)
  const most = 10 ** Math.min(precision - scale, 2)
  const units = Math.max(1, Math.floor(skewed(random, 0, most) * unit))
  return (units / unit).toFixed(Math.min(scale, 2))
}

function within({ minimum = -Infinity, maximum = Infinity }: PlanProperty, value: number): number {
  return Math.min(maximum, Math.max(minimum, value))
}

function textOf({ minLength = 0, maxLength = 12 }: PlanProperty, random: Random): string {
  return `text_${random.below(8)}`.padEnd(minLength, 'x').slice(0, Math.max(minLength, maxLength))
}
