/** Kinds of players: most look once and are gone, a few come daily, very few spend a lot. */
import type { PersonaInput, SimulateInput } from '../model/simulate-input.ts'
import { parseDuration } from '../model/time.ts'

export interface Persona {
  name: string
  share: number
  /** Mean number of sessions per day, as long as the player stays. */
  sessionsPerDay: number
  /** Mean number of steps of a session. */
  stepsPerSession: number
  /** Mean days from the first session to the last. */
  staysDays: number
  spends: number
  prefers: Readonly<Record<string, number>>
}

const DEFAULTS: Record<string, PersonaInput> = {
  visitor: { share: 45, sessionsPerDay: 0.6, stepsPerSession: 2.5, stays: '2d', spends: 0.2 },
  casual: { share: 35, sessionsPerDay: 0.35, stepsPerSession: 5, stays: '25d', spends: 0.6 },
  regular: { share: 16, sessionsPerDay: 1.1, stepsPerSession: 8, stays: '70d' },
  spender: { share: 4, sessionsPerDay: 2.2, stepsPerSession: 12, stays: '120d', spends: 4 },
}

const DAY_MS = 86_400_000

export function personasOf({ personas }: SimulateInput): Persona[] {
  return Object.entries(personas ?? DEFAULTS).map(
    ([name, { share, sessionsPerDay, stepsPerSession, stays, spends = 1, prefers = {} }]) => ({
      name,
      share,
      sessionsPerDay,
      stepsPerSession,
      staysDays: parseDuration(stays)! / DAY_MS,
      spends,
      prefers,
    }),
  )
}
