/** Who plays, from when to when, and how many sessions on a day: all of it a function of the seed and the player's number. */
import { hashOf, unitOf } from './hash.ts'
import type { Persona } from './personas.ts'

export interface SessionStart {
  /** Ms since 1970. */
  time: number
  /** From 0. */
  player: number
  /** What the session's own chance begins with. */
  seed: number
}

export const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** How many play at each hour of the day (UTC): the night is quiet, a small rise at noon, the evening is full. */
const DAY_CURVE = [
  14, 8, 5, 3, 2, 3, 6, 12, 18, 21, 23, 27, 33, 30, 27, 28, 33, 42, 55, 68, 76, 72, 52, 29,
] as const
const WEEKEND = 1.3
/** So many played before the first day; the others come one by one over the first days. */
const THERE_BEFORE = 0.6
const ARRIVAL_DAYS = 30
/** Who has gone comes back after so many days, as a mean: most do not within a month. */
const AWAY_DAYS = 30
const SESSIONS_MAX = 16
/** Players of a persona differ: the most active tenth plays as often as the other half together. */
const SPREAD = 0.8

// What each random number is for: the second argument of the hash.
const PERSONA = 1
const RATE = 2
const START = 3
const STAY = 4
const AWAY = 5
const HOUR = 6
const CLOCK = 7

export class Players {
  readonly count: number
  readonly #seed: number
  readonly #personas: readonly Persona[]
  readonly #persona: Uint8Array
  readonly #rate: Float32Array
  /** First and last day (from 0) of the time in which each plays. */
  readonly #first: Float32Array
  readonly #last: Float32Array
  readonly #life: Uint16Array
  readonly #firstDay: number

  /** `firstDay`: days since 1970 of the day that is day 0. */
  constructor(count: number, seed: number, personas: readonly Persona[], firstDay: number) {
    this.count = count
    this.#seed = seed
    this.#personas = personas
    this.#firstDay = firstDay
    this.#persona = new Uint8Array(count)
    this.#rate = new Float32Array(count)
    this.#first = new Float32Array(count)
    this.#last = new Float32Array(count)
    this.#life = new Uint16Array(count)
    for (let player = 0; player < count; player++) this.#prepare(player)
  }

  #prepare(player: number): void {
    const unit = (use: number) => unitOf(this.#seed, player, use)
    const index = pickPersona(this.#personas, unit(PERSONA))
    const persona = this.#personas[index]!
    this.#persona[player] = index
    const normal = Math.sqrt(-2 * Math.log(1 - unit(RATE))) * Math.cos(2 * Math.PI * unit(RATE + 100))
    const rate = persona.sessionsPerDay * Math.exp(SPREAD * normal - (SPREAD * SPREAD) / 2)
    this.#rate[player] = Math.min(rate, SESSIONS_MAX / 2)
    const when = unit(START)
    const arrives = unit(START + 100)
    this.#first[player] =
      when < THERE_BEFORE
        ? Math.floor(Math.min(-Math.log(1 - arrives) / rate, ARRIVAL_DAYS / 2))
        : Math.floor(arrives * ARRIVAL_DAYS)
    this.#last[player] = this.#first[player]! + this.#stay(player, 0)
  }

  personaOf(player: number): Persona {
    return this.#personas[this.#persona[player]!]!
  }

  /** The sessions that begin on a day (from 0), in order of time. `always`: players who play several times on every day. */
  sessionsOf(day: number, always: (player: number, time: number) => boolean): SessionStart[] {
    const starts: SessionStart[] = []
    const midnight = (this.#firstDay + day) * DAY_MS
    const weekday = new Date(midnight).getUTCDay()
    const busy = weekday === 0 || weekday === 6 ? WEEKEND : 1
    for (let player = 0; player < this.count; player++) {
      const count = always(player, midnight)
        ? 3 + Math.floor(3 * unitOf(this.#seed, player, 1000 + day))
        : this.#sessionsOn(player, day, busy)
      for (let i = 0; i < count; i++) {
        const seed = hashOf(hashOf(this.#seed, player, 2000 + day), i, CLOCK)
        starts.push({ time: midnight + this.#timeOfDay(player, seed), player, seed })
      }
    }
    return starts.sort((a, b) => a.time - b.time || a.player - b.player)
  }

  #sessionsOn(player: number, day: number, busy: number): number {
    while (day > this.#last[player]!) this.#comeBack(player)
    const first = this.#first[player]!
    if (day < first) return 0
    // On the day that one comes, one plays.
    const least = day === first ? 1 : 0
    return Math.max(least, poisson(this.#rate[player]! * busy, unitOf(this.#seed, player, 1000 + day)))
  }

  #comeBack(player: number): void {
    const life = ++this.#life[player]!
    const away = -Math.log(1 - unitOf(this.#seed, player, AWAY + 10 * life)) * AWAY_DAYS
    this.#first[player] = Math.floor(this.#last[player]! + 1 + away)
    this.#last[player] = this.#first[player]! + this.#stay(player, life)
  }

  #stay(player: number, life: number): number {
    return -Math.log(1 - unitOf(this.#seed, player, STAY + 10 * life)) * this.personaOf(player).staysDays
  }

  /** Ms after midnight: by the curve, moved by the player's own habit. */
  #timeOfDay(player: number, seed: number): number {
    const at = unitOf(seed, 0, HOUR) * CURVE_SUM
    let hour = 0
    let sum: number = DAY_CURVE[0]
    while (sum <= at && hour < 23) sum += DAY_CURVE[++hour]!
    const habit = (unitOf(this.#seed, player, HOUR) - 0.5) * 4
    const hours = (hour + unitOf(seed, 1, HOUR) + habit + 24) % 24
    return Math.floor(hours * HOUR_MS)
  }
}

const CURVE_SUM = DAY_CURVE.reduce((sum, weight) => sum + weight, 0)

function pickPersona(personas: readonly Persona[], unit: number): number {
  let at = unit * personas.reduce((sum, { share }) => sum + share, 0)
  const index = personas.findIndex(({ share }) => (at -= share) < 0)
  return index < 0 ? personas.length - 1 : index
}

function poisson(mean: number, unit: number): number {
  let term = Math.exp(-mean)
  let sum = term
  let count = 0
  while (unit > sum && count < SESSIONS_MAX) {
    count += 1
    term *= mean / count
    sum += term
  }
  return count
}
