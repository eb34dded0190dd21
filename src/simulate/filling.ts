/** The values of a step: which item, which guild, which body. Each player has favourites. */
import { type Choices, choose, isBounds, skewed } from './choices.ts'
import type { Effects } from './effects.ts'
import { propertyValue } from './events.ts'
import { unitOf } from './hash.ts'
import type { Person } from './person.ts'
import type { Random } from './random.ts'
import type { EventStep, RouteStep, Step } from './steps.ts'
import { valueOf } from './values.ts'

/** Parameter, or property of a body or an event, → value. */
export type Values = Readonly<Record<string, unknown>>

export interface Filling {
  /** All of them: parameters, and properties of the body or event. */
  values: Values
  /** Those in the path of a route. */
  params: Readonly<Record<string, string>>
  /** Path of a route. */
  path: string
  /** JSON text: body of a route, or undefined; or the event with its `event_type`. */
  body: string | undefined
}

/** For whom, when, by which chance. */
export interface Moment {
  person: Person
  session: string
  time: number
  random: Random
}

const FAVOURITE = 0.5
const OPTIONAL_GIVEN = 0.75
const NULL_GIVEN = 0.05
const TRIES = 8

export interface FillerOptions {
  seed: number
  effects: Effects
  /** Fields that identify person and session, where properties of these names get them. */
  subject: string | null
  session: string | null
}

export class Filler {
  readonly #options: FillerOptions

  constructor(options: FillerOptions) {
    this.#options = options
  }

  /** `earlier`: what the step undoes; its values are taken over where the step has the same names. */
  fill(step: Step, moment: Moment, earlier?: Filling): Filling {
    return 'event' in step.does
      ? this.#event(step, step.does, moment, earlier)
      : this.#route(step, step.does, moment, earlier)
  }

  #route(step: Step, { path, bodies, schema }: RouteStep, moment: Moment, earlier?: Filling): Filling {
    const params: Record<string, string> = {}
    let text = path.length === 0 ? '/' : ''
    for (const [i, piece] of path.entries()) {
      if (typeof piece === 'string') {
        text += `/${piece}`
        continue
      }
      const { name, choices } = piece
      const value = this.#known(name, moment) ?? earlier?.values[name] ?? this.#pick(choices, step, i, moment)
      params[name] = String(value)
      text += `/${encodeURIComponent(params[name])}`
    }
    if (bodies !== undefined)
      return { values: params, params, path: text, body: this.#pick(bodies, step, 90, moment) as string }
    if (schema === undefined) return { values: params, params, path: text, body: undefined }
    const body = this.#body(schema, moment, earlier)
    return { values: { ...params, ...body }, params, path: text, body: JSON.stringify(body) }
  }

  #body(schema: object, moment: Moment, earlier: Filling | undefined): Record<string, unknown> {
    const body = valueOf(schema, moment.random) as Record<string, unknown>
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
    for (const name of Object.keys(body)) {
      const value = this.#known(name, moment) ?? earlier?.values[name]
      if (value !== undefined && typeof value === typeof body[name]) body[name] = value
    }
    return body
  }

  #event(
    step: Step,
    { event, values: hints, choices }: EventStep,
    moment: Moment,
    earlier?: Filling,
  ): Filling {
    const values: Record<string, unknown> = {}
    const { random } = moment
    for (const [i, property] of event.properties.entries()) {
      const { name } = property
      const known = property.type === 'string' ? this.#known(name, moment) : undefined
      if (known === undefined && !property.required && random.next() >= OPTIONAL_GIVEN) continue
      const hint = hints[name]
      const list = choices.get(name)
      if (known !== undefined) values[name] = known
      else if (earlier !== undefined && name in earlier.values) values[name] = earlier.values[name]
      else if (property.nullable && hint === undefined && random.next() < NULL_GIVEN) values[name] = null
      else if (list !== undefined && property.type === 'string')
        values[name] = this.#fit(list, step, i, moment)
      else if (list !== undefined) values[name] = this.#pick(list, step, i, moment)
      else if (hint !== undefined && isBounds(hint)) values[name] = amount(property.type, hint, random)
      else values[name] = propertyValue(property, random, moment.time)
    }
    return {
      values,
      params: {},
      path: '/v1/events',
      body: JSON.stringify({ event_type: event.name, ...values }),
    }
  }

  #fit(choices: Choices, step: Step, place: number, moment: Moment): string {
    return String(this.#pick(choices, step, place, moment))
  }

  /** Half of the time the player's favourite; never what declines. */
  #pick(choices: Choices, step: Step, place: number, { person, time, random }: Moment): unknown {
    const { seed, effects } = this.#options
    for (let tries = 0; tries < TRIES; tries++) {
      const value =
        random.next() < FAVOURITE
          ? choose(choices, () => unitOf(seed, person.number, 3000 + step.index * 100 + place))
          : choose(choices, random.next)
      if (!effects.hasDeclines || !effects.declines(value, time)) return value
    }
    return choices.values.find((value) => !effects.declines(value, time)) ?? choices.values[0]
  }

  /** The player's own name, or the session's, where a field is meant for it. */
  #known(name: string, { person, session }: Moment): string | undefined {
    if (name === this.#options.subject) return person.name
    if (name === this.#options.session) return session
    return undefined
  }
}

function amount(type: string, { min, max }: { min: number; max: number }, random: Random): unknown {
  const value = skewed(random, min, max)
  if (type === 'int' || type === 'long') return Math.round(value)
  if (type === 'double') return Math.round(value * 100) / 100
  const scale = Number(/, *(\d+)\)$/.exec(type)?.[1] ?? 0)
  return value.toFixed(scale)
}
