/**
 * What players can do: the routes of a pipeline, and the events that are sent without one. What the pipeline file does not say
 * about them (`simulate: { … }`) is guessed: earlier declared is done more often, the first opens a session, `join_x` and
 * `leave_x` undo each other, `buy` costs money.
 */
import { LandfallError } from '../base/errors.ts'
import type { Pipeline } from '../model/definition.ts'
import type { PlanEvent } from '../model/plan.ts'
import { parseRoutePattern } from '../model/route-pattern.ts'
import type { EventInput, RouteInput, SimulateInput } from '../model/simulate-input.ts'
import { type Choices, choicesOf } from './choices.ts'

export interface Step {
  /** As the pipeline file has it: `GET /join_guild/:name`, or an event's name. */
  name: string
  index: number
  weight: number
  /** Heavy spenders do it more often. */
  spending: boolean
  /** Its place in the funnel, from 0; -1: not in it. */
  funnel: number
  /** The step that this one undoes: it is only done by who did that one, and with the same values. */
  undoes: number
  /** The step that undoes this one. */
  undoneBy: number
  does: RouteStep | EventStep
}

export interface RouteStep {
  method: string
  /** Segments; a parameter is an object. */
  path: (string | Parameter)[]
  bodies: Choices | undefined
  /** JSON Schema of the body, when it is to be made. */
  schema: object | undefined
}

export interface Parameter {
  name: string
  choices: Choices
}

export interface EventStep {
  event: PlanEvent
  values: NonNullable<EventInput['values']>
  choices: ReadonlyMap<string, Choices>
}

const WORDS = ['amber', 'basalt', 'cedar', 'delta', 'ember', 'flint', 'garnet', 'harbor']
const SPENDING = /buy|purchas|pay|order|checkout|deposit|subscri|donat|invest|trade|sale|spend|bid/i
/** Verbs that undo each other, where the rest of the name is the same. */
const OPPOSITES = [
  ['join', 'leave'],
  ['buy', 'sell'],
  ['deposit', 'withdraw'],
  ['login', 'logout'],
  ['log_in', 'log_out'],
  ['sign_in', 'sign_out'],
  ['start', 'end'],
  ['start', 'stop'],
  ['open', 'close'],
  ['add', 'remove'],
  ['subscribe', 'unsubscribe'],
  ['follow', 'unfollow'],
  ['like', 'unlike'],
  ['enter', 'exit'],
] as const

/** Steps with a weight above 0. Throws `simulate/no-steps` when there is none. */
export function stepsOf(pipeline: Pipeline, hints: SimulateInput): Step[] {
  const routes = Object.entries((pipeline.definition.routes ?? {}) as Record<string, object>)
  const { events } = pipeline.compiled.plan
  const named = Object.keys(hints.events ?? {}).map((name) => events[name]!)
  const sent = routes.length === 0 ? Object.values(events) : named
  const count = routes.length + sent.length
  const funnel = hints.funnel ?? []
  const all = [
    ...routes.map(([name, handler]) => ({
      name,
      hint: hints.routes?.[name],
      does: routeStep(name, handler, hints.routes?.[name]),
    })),
    ...sent.map((event) => ({
      name: event.name,
      hint: hints.events?.[event.name],
      does: eventStep(event, hints.events?.[event.name]),
    })),
  ]
    .map(({ name, hint, does }, rank) => ({
      name,
      weight: hint?.weight ?? 1 / Math.sqrt(1 + rank),
      spending: hint?.spending ?? (SPENDING.test(name) && count > 1),
      funnel: funnel.indexOf(name),
      undoes: -1,
      undoneBy: -1,
      does,
    }))
    .filter(({ weight, funnel: place }) => weight > 0 || place >= 0)
  if (all.length === 0) throw noSteps(pipeline.compiled.name)
  const steps = all.map((step, index) => ({ ...step, index }))
  pairUp(steps, hints.pairs ?? guessedPairs(steps))
  return steps
}

function noSteps(name: string): LandfallError {
  return new LandfallError(
    'fix-config',
    'simulate/no-steps',
    `simulating players of ${name}: there is nothing that they could do`,
    { hint: 'Declare a route or an event, or give one of them a weight above 0 in simulate' },
  )
}

function routeStep(route: string, handler: object, hint: RouteInput | undefined): RouteStep {
  const { method, segments } = parseRoutePattern(route)
  const path = segments.map((segment, i) => {
    if ('literal' in segment) return segment.literal
    const name = segment.parameter
    const before = segments[i - 1]
    const thing = before !== undefined && 'literal' in before ? thingOf(name, before.literal) : name
    return { name, choices: choicesOf(hint?.params?.[name] ?? wordsFor(thing)) }
  })
  const schema = 'body' in handler ? (handler.body as object) : undefined
  const bodies = hint?.bodies && choicesOf(hint.bodies.map((body) => JSON.stringify(body)))
  return { method, path, bodies, schema }
}

/** `/join_guild/:name` is about guilds; `/buy/:item` about items. */
function thingOf(parameter: string, before: string): string {
  if (!/^(name|id|key|type|kind|slug|value)$/i.test(parameter)) return parameter
  return /[A-Za-z]+$/.exec(before)?.[0] ?? parameter
}

function eventStep(event: PlanEvent, hint: EventInput | undefined): EventStep {
  const values = hint?.values ?? {}
  const choices = new Map<string, Choices>()
  for (const { name, type, oneOf, minLength, maxLength } of event.properties) {
    const found = name in values ? choicesOf(values[name]!) : undefined
    if (found !== undefined) choices.set(name, found)
    else if (!(name in values) && type === 'string')
      choices.set(name, choicesOf(oneOf ?? wordsWithin(name, minLength, maxLength)))
  }
  return { event, values, choices }
}

/** Values of a name that nothing is known about: few, so that counts by it are worth looking at. */
export function wordsFor(name: string): string[] {
  return WORDS.map((word) => `${name}_${word}`)
}

/** The same, of the lengths that a property may have. */
function wordsWithin(name: string, minLength = 0, maxLength = Number.POSITIVE_INFINITY): string[] {
  const words = wordsFor(name).some((word) => word.length > maxLength) ? WORDS : wordsFor(name)
  return [...new Set(words.map((word) => word.padEnd(minLength, 'x').slice(0, maxLength)))]
}

function guessedPairs(steps: readonly Step[]): [string, string][] {
  const pairs: [string, string][] = []
  for (const { name } of steps) {
    for (const [does, undoes] of OPPOSITES) {
      if (!new RegExp(`(^|[^a-z])${does}([^a-z]|$)`, 'i').test(name)) continue
      const opposite = name.replace(new RegExp(does, 'i'), undoes)
      if (steps.some((step) => step.name === opposite)) pairs.push([name, opposite])
    }
  }
  return pairs
}

function pairUp(steps: Step[], pairs: readonly (readonly [string, string])[]): void {
  for (const [does, undoes] of pairs) {
    const one = steps.find(({ name }) => name === does)
    const other = steps.find(({ name }) => name === undoes)
    if (one === undefined || other === undefined) continue
    one.undoneBy = other.index
    other.undoes = one.index
  }
}
