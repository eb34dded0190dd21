/**
 * What a pipeline file may say about its made-up players (`simulate: { … }`), and a load file (`load.json`) too. Everything is a hint:
 * what is not said is guessed from routes, events and the names of both (`simulate/steps.ts`).
 */
import { checkKeys, refuse, suggest } from './names.ts'
import { parseDuration } from './time.ts'

/**
 * How values are chosen. A list: the first is the most popular, each next one less so. An object: value → weight. Bounds: most
 * values lie near the lower one, a few far up, as amounts of money do.
 */
export type ValuesInput =
  | readonly (string | number | boolean)[]
  | Readonly<Record<string, number>>
  | { readonly min: number; readonly max: number }

export interface StepInput {
  /** How often beside the other steps; 0: never. Default: the earlier it is declared, the more often. */
  weight?: number
  /** Whether doing it costs money: heavy spenders do it more often. Default: guessed by its name. */
  spending?: boolean
}

export interface RouteInput extends StepInput {
  /** Route parameter → its values. */
  params?: Record<string, readonly string[] | Readonly<Record<string, number>>>
  /** Bodies to choose from, the first the most popular; made from the route's schema when absent. */
  bodies?: readonly unknown[]
}

export interface EventInput extends StepInput {
  /** Property → its values; made from the plan when absent. */
  values?: Record<string, ValuesInput>
}

export interface PersonaInput {
  /** Its part of the players, beside the parts of the other personas. */
  share: number
  /** Mean sessions of a day on which the player plays at all … */
  sessionsPerDay: number
  /** … and steps of a session. */
  stepsPerSession: number
  /** Mean time from the first session to the last, e.g. `20d`. */
  stays: string
  /** Factor on the weight of steps that cost money. */
  spends?: number
  /** Route or event → factor on its weight. */
  prefers?: Record<string, number>
}

export interface RoundStepInput {
  count?: number
  host: string
  method?: string
  path: string
  body?: unknown
}

export interface SimulateInput<Route extends string = string, Event extends string = string> {
  /** Players are `user<N>.<domain>`. */
  domains?: readonly string[]
  /** `METHOD /path/:parameter` → how often it is called and with what. */
  routes?: { readonly [R in Route]?: RouteInput }
  /** Event → how often it is sent and with what. Beside routes only the events named here are sent to `POST /v1/events`. */
  events?: { readonly [E in Event]?: EventInput }
  /** Steps that lead to one another: within a session each is only done after the one before. The first opens every session. */
  funnel?: readonly (Route | Event)[]
  /** A step and the one that undoes it (join, leave): undone is what was done before. Guessed by names, e.g. `join_x`, `leave_x`. */
  pairs?: readonly (readonly [Route | Event, Route | Event])[]
  personas?: Record<string, PersonaInput>
  /** Requests in this very order, for `--rounds`. */
  round?: readonly RoundStepInput[]
}

const KEYS = ['domains', 'routes', 'events', 'funnel', 'pairs', 'personas', 'round']
const PERSONA_KEYS = ['share', 'sessionsPerDay', 'stepsPerSession', 'stays', 'spends', 'prefers']

/** Throws `fix-config` at what is no hint, and at steps that the pipeline does not have. */
export function checkSimulate(
  place: string,
  input: unknown,
  definition: { routes?: object; events: object },
): asserts input is SimulateInput | undefined {
  if (input === undefined) return
  checkKeys(place, input, KEYS)
  const { routes, events, funnel, pairs, personas } = input as SimulateInput
  const known = { routes: Object.keys(definition.routes ?? {}), events: Object.keys(definition.events) }
  for (const [route, hint] of Object.entries(routes ?? {})) {
    checkStep(`${place}.routes`, route, known.routes)
    checkKeys(`${place}.routes[${JSON.stringify(route)}]`, hint, ['weight', 'spending', 'params', 'bodies'])
    checkWeight(`${place}.routes[${JSON.stringify(route)}].weight`, hint?.weight)
  }
  for (const [event, hint] of Object.entries(events ?? {})) {
    checkStep(`${place}.events`, event, known.events)
    checkKeys(`${place}.events.${event}`, hint, ['weight', 'spending', 'values'])
    checkWeight(`${place}.events.${event}.weight`, hint?.weight)
  }
  const all = [...known.routes, ...known.events]
  for (const step of [...(funnel ?? []), ...(pairs ?? []).flat()]) checkStep(`${place}.funnel`, step, all)
  for (const [name, persona] of Object.entries(personas ?? {}))
    checkPersona(`${place}.personas.${name}`, persona, all)
}

function checkStep(place: string, name: string, known: readonly string[]): void {
  if (!known.includes(name))
    refuse('unknown-step', place, `there is no ${JSON.stringify(name)}`, suggest(name, known))
}

function checkWeight(place: string, weight: unknown): void {
  if (weight === undefined || (typeof weight === 'number' && weight >= 0 && Number.isFinite(weight))) return
  refuse('value', place, `expected a number from 0 on, found ${String(weight)}`, 'Leave it out, or write 2')
}

function checkPersona(place: string, persona: PersonaInput, steps: readonly string[]): void {
  checkKeys(place, persona, PERSONA_KEYS)
  const { share, sessionsPerDay, stepsPerSession, stays, prefers = {} } = persona
  for (const [key, value] of Object.entries({ share, sessionsPerDay, stepsPerSession })) {
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) continue
    refuse(
      'value',
      `${place}.${key}`,
      `expected a number above 0, found ${String(value)}`,
      'Write it as in 0.5',
    )
  }
  if (parseDuration(stays) === undefined)
    refuse('duration', `${place}.stays`, `${JSON.stringify(stays)} is not a duration`, 'Write it as in 20d')
  for (const [step, factor] of Object.entries(prefers)) {
    checkStep(`${place}.prefers`, step, steps)
    checkWeight(`${place}.prefers[${JSON.stringify(step)}]`, factor)
  }
}
