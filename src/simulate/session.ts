/** One visit of one player: from step to step until it ends. What was done and can be undone outlives it (`Done`). */
import type { Effects } from './effects.ts'
import type { Filler, Filling, Moment } from './filling.ts'
import { unitOf } from './hash.ts'
import type { Person } from './person.ts'
import type { Persona } from './personas.ts'
import type { SessionStart } from './players.ts'
import { createRandom, type Random } from './random.ts'
import type { Step } from './steps.ts'

/** What a player has done and not undone: step → with which values. */
export type Done = Map<number, Filling[]>

export interface Player {
  person: Person
  persona: Persona
  done: Done
  /** One plays in one session at a time. */
  playing: boolean
}

export interface SessionParts {
  steps: readonly Step[]
  effects: Effects
  filler: Filler
  /** The simulation's seed. */
  seed: number
}

/** Seldom done again in a session: what opens it, and what was left behind in the funnel. */
const OPENING_AGAIN = 0.15
const FUNNEL_AGAIN = 0.4
const UNDOING = 0.2
/** Members of how many guilds; of what costs money one may have more. */
const DONE_MAX = 3
const BOUGHT_MAX = 50
/** Of the sessions of somebody who has chosen what now declines, so many begin with undoing that. */
const GIVES_UP = 0.35
/** Ms between two steps: half of the time within the first bound. */
const PAUSE_MEDIAN_MS = 18_000
const PAUSE_SPREAD = 0.9
const TRIES = 4
/** Whoever plays as a whale stays long and looks at what costs money. */
const WHALE = { stepsPerSession: 14, spends: 4 }

export class Session {
  time: number
  order: number
  readonly player: Player
  readonly person: Person
  readonly id: string
  /** This step is next, with these values. */
  step: Step
  filling: Filling
  readonly #parts: SessionParts
  readonly #random: Random
  readonly #persona: Persona
  readonly #done: Done
  readonly #weights: Float64Array
  /** How many steps of the funnel are done. */
  #funnel = 0
  /** How often the step is still to be done again at once (a whale's). */
  #repeats = 0
  #over = false

  constructor(parts: SessionParts, start: SessionStart, order: number, player: Player) {
    this.#parts = parts
    this.time = start.time
    this.order = order
    this.id = `s${start.seed.toString(36)}`
    this.#random = createRandom(start.seed)
    this.player = player
    this.#persona =
      parts.effects.repeats(player.person.number, start.time) > 1
        ? { ...player.persona, ...WHALE }
        : player.persona
    this.person = player.person
    this.#done = player.done
    this.#weights = this.#baseWeights()
    this.step = parts.steps[0]!
    this.filling = undefined as unknown as Filling
  }

  /** Chooses the first step; false: the player finds nothing to do. `onlyToGiveUp`: the player comes to undo what declines, and goes. */
  open(onlyToGiveUp = false): boolean {
    const { effects } = this.#parts
    if (effects.hasDeclines && (onlyToGiveUp || this.#random.next() < GIVES_UP) && this.#giveUp()) {
      this.#over = onlyToGiveUp
      return true
    }
    if (onlyToGiveUp) return false
    const { steps } = this.#parts
    const first =
      steps.find(({ funnel }) => funnel === 0) ?? steps.find(({ undoes }) => undoes < 0) ?? steps[0]!
    return this.#do(first) || this.#choose()
  }

  /** Moves on to the next step; false: the session is over. */
  next(): boolean {
    this.#note()
    if (this.#over) return false
    this.time += this.#pause()
    if (this.#repeats > 0) {
      this.#repeats -= 1
      return this.#do(this.step, true)
    }
    if (this.#random.next() * this.#persona.stepsPerSession < 1) return false
    return this.#choose()
  }

  /** The step was done: what follows from that for the session, and for the player. */
  #note(): void {
    const { step, filling } = this
    if (step.funnel === this.#funnel) this.#funnel += 1
    if (step.undoneBy >= 0) {
      const list = this.#done.get(step.index) ?? []
      if (list.length === 0) this.#done.set(step.index, list)
      list.push(filling)
      if (list.length > BOUGHT_MAX) list.shift()
    }
  }

  #choose(): boolean {
    const { steps } = this.#parts
    for (let tries = 0; tries < TRIES; tries++) {
      let sum = 0
      for (let i = 0; i < steps.length; i++) sum += this.#weights[i]! * this.#available(steps[i]!)
      if (sum <= 0) return false
      let at = this.#random.next() * sum
      const step =
        steps.find((candidate, i) => (at -= this.#weights[i]! * this.#available(candidate)) < 0) ??
        steps.at(-1)!
      // Of a step that fails to convince, one does not try another way.
      const keeps = this.#parts.effects.keeps(step.name, this.time)
      if (keeps < 1 && this.#random.next() >= keeps) return false
      if (this.#do(step)) return true
    }
    return false
  }

  #do(step: Step, again = false): boolean {
    const { filler, effects } = this.#parts
    const earlier = step.undoes < 0 ? undefined : this.#takeBack(step.undoes)
    if (step.undoes >= 0 && earlier === undefined) return false
    const filling = filler.fill(step, this.#moment(), earlier)
    if (step.undoneBy >= 0 && !step.spending && this.#isDone(step, filling)) return false
    this.step = step
    this.filling = filling
    if (step.spending && !again) this.#repeats = effects.repeats(this.person.number, this.time) - 1
    return true
  }

  /** One of the times that the step was done, which is undone by that. */
  #takeBack(step: number): Filling | undefined {
    const list = this.#done.get(step)
    return list === undefined || list.length === 0
      ? undefined
      : list.splice(this.#random.below(list.length), 1)[0]
  }

  /** A member of a guild does not join it again. */
  #isDone({ index }: Step, { path, body }: Filling): boolean {
    return this.#done.get(index)?.some((other) => other.path === path && other.body === body) === true
  }

  #moment(): Moment {
    return { person: this.person, session: this.id, time: this.time, random: this.#random }
  }

  /** Undoes something that declines, if anything that the player has done does. */
  #giveUp(): boolean {
    const { effects, filler, steps } = this.#parts
    for (const [index, list] of this.#done) {
      const at = list.findIndex(({ values }) => effects.declineAny(values, this.time))
      if (at < 0) continue
      this.step = steps[steps[index]!.undoneBy]!
      this.filling = filler.fill(this.step, this.#moment(), list.splice(at, 1)[0])
      return true
    }
    return false
  }

  #available({ index, funnel, undoes, undoneBy, spending }: Step): number {
    if (funnel >= 0) {
      if (funnel > this.#funnel) return 0
      if (funnel < this.#funnel) return funnel === 0 ? OPENING_AGAIN : FUNNEL_AGAIN
    } else if (index === 0) return OPENING_AGAIN
    if (undoes >= 0) return (this.#done.get(undoes)?.length ?? 0) > 0 ? UNDOING : 0
    if (undoneBy >= 0 && !spending && (this.#done.get(index)?.length ?? 0) >= DONE_MAX) return 0
    return 1
  }

  /** The steps' weights for this player: by persona, and by a taste that stays the player's. */
  #baseWeights(): Float64Array {
    const { steps, seed } = this.#parts
    const { spends, prefers } = this.#persona
    return Float64Array.from(steps, ({ name, index, weight, spending }) => {
      const taste = 0.5 + unitOf(seed, this.person.number, 500 + index)
      return weight * taste * (spending ? spends : 1) * (prefers[name] ?? 1)
    })
  }

  #pause(): number {
    const normal =
      Math.sqrt(-2 * Math.log(1 - this.#random.next())) * Math.cos(2 * Math.PI * this.#random.next())
    return 1 + Math.floor(PAUSE_MEDIAN_MS * Math.exp(PAUSE_SPREAD * normal))
  }
}
