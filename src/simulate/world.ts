/** All players at once, in order of time: day by day sessions begin, and each goes its way. The same options, the same steps. */
import { LandfallError } from '../base/errors.ts'
import type { Pipeline } from '../model/definition.ts'
import { suggest } from '../model/names.ts'
import type { SimulateInput } from '../model/simulate-input.ts'
import { DueQueue } from './due.ts'
import { type Effect, Effects } from './effects.ts'
import { Filler } from './filling.ts'
import { hashOf, unitOf } from './hash.ts'
import { createPerson } from './person.ts'
import { personasOf } from './personas.ts'
import { DAY_MS, Players, type SessionStart } from './players.ts'
import { type Player, Session, type SessionParts } from './session.ts'
import { type Step, stepsOf } from './steps.ts'

export interface WorldOptions {
  /** How many players. */
  players: number
  /** The same seed, the same steps. */
  seed: number
  /** When it begins, ms since 1970. */
  from: number
  /** When it ends (excluded); without it, never. */
  until?: number
  /** Laid over what the pipeline file says, section by section. */
  hints?: SimulateInput
  /** What happens to the players; see effects.ts. */
  effects?: readonly Effect[]
}

/** Of those who are to leave what declines and do not play, so many come each day to do so. */
const GOODBYES = 0.2

/** The hints of a pipeline file with others laid over: routes and events name by name, the rest as a whole. */
export function mergeHints(own: SimulateInput | undefined, over: SimulateInput | undefined): SimulateInput {
  return {
    ...own,
    ...over,
    routes: { ...own?.routes, ...over?.routes },
    events: { ...own?.events, ...over?.events },
  }
}

/**
 * Each step as it is done: the session that is yielded stands at it (`time`, `person`, `step`, `filling`) until the next
 * value is asked for. Throws `simulate/no-steps` when the pipeline has nothing that players could do.
 */
export function* simulateWorld(pipeline: Pipeline, options: WorldOptions): Generator<Session> {
  const world = new World(pipeline, options)
  for (;;) {
    const session = world.next()
    if (session === undefined) return
    yield session
    world.goOn(session)
  }
}

class World {
  readonly #options: WorldOptions
  readonly #parts: SessionParts
  readonly #players: Players
  readonly #known = new Map<number, Player>()
  readonly #person: (number: number) => Player['person']
  readonly #due = new DueQueue<Session>()
  readonly #midnight: number
  #starts: (SessionStart & { last?: boolean })[] = []
  #started = 0
  #order = 0
  /** Days whose sessions are known. */
  #days = 0

  constructor(pipeline: Pipeline, options: WorldOptions) {
    const { compiled } = pipeline
    const hints = mergeHints(pipeline.definition.simulate, options.hints)
    const effects = new Effects(options.effects ?? [])
    const { seed, players, from } = options
    const firstDay = Math.floor(from / DAY_MS)
    this.#options = options
    this.#midnight = firstDay * DAY_MS
    const filler = new Filler({ seed, effects, subject: compiled.subject, session: compiled.session })
    const steps = stepsOf(pipeline, hints)
    checkEffects(options, steps)
    this.#parts = { steps, effects, filler, seed }
    this.#players = new Players(players, seed, personasOf(hints), firstDay)
    this.#person = (number) => createPerson(number, compiled, hints.domains)
  }

  /** The session whose step is next; undefined when the time is over. */
  next(): Session | undefined {
    const { until = Number.POSITIVE_INFINITY } = this.#options
    for (;;) {
      const start = this.#starts[this.#started]
      const dayEnd = this.#midnight + this.#days * DAY_MS
      if (start === undefined && this.#due.firstTime >= dayEnd) {
        if (dayEnd >= until) return undefined
        this.#nextDay()
      } else if (start !== undefined && start.time <= this.#due.firstTime) {
        this.#started += 1
        if (start.time >= this.#options.from && start.time < until) this.#begin(start)
      } else {
        const session = this.#due.pop()!
        return session.time < until ? session : undefined
      }
    }
  }

  goOn(session: Session): void {
    if (!session.next()) {
      session.player.playing = false
      return
    }
    session.order = this.#order++
    this.#due.push(session)
  }

  #nextDay(): void {
    const { effects } = this.#parts
    const always = (player: number, time: number) => effects.repeats(player + 1, time) > 1
    this.#starts = this.#players.sessionsOf(this.#days, always)
    if (effects.hasDeclines) this.#addGoodbyes(this.#midnight + this.#days * DAY_MS)
    this.#started = 0
    this.#days += 1
  }

  /** Some of those who do not play any more come back to leave what declines. */
  #addGoodbyes(midnight: number): void {
    const { effects, seed } = this.#parts
    const time = midnight + DAY_MS / 2
    for (const [index, { done }] of this.#known) {
      if (unitOf(seed, index, 4000 + this.#days) >= GOODBYES) continue
      const lists = [...done.values()].flat()
      if (!lists.some(({ values }) => effects.declineAny(values, time))) continue
      const at = Math.floor(unitOf(seed, index, 5000 + this.#days) * DAY_MS)
      this.#starts.push({
        time: midnight + at,
        player: index,
        seed: hashOf(seed, index, this.#days),
        last: true,
      })
    }
    this.#starts.sort((a, b) => a.time - b.time || a.player - b.player)
  }

  #begin(start: SessionStart & { last?: boolean }): void {
    const player = this.#playerOf(start.player)
    if (player.playing) return
    const session = new Session(this.#parts, start, this.#order++, player)
    if (!session.open(start.last)) return
    player.playing = true
    this.#due.push(session)
  }

  #playerOf(index: number): Player {
    let player = this.#known.get(index)
    if (player === undefined) {
      const persona = this.#players.personaOf(index)
      player = { person: this.#person(index + 1), persona, done: new Map(), playing: false }
      this.#known.set(index, player)
    }
    return player
  }
}

function checkEffects({ effects = [], players }: WorldOptions, steps: readonly Step[]): void {
  const names = steps.map(({ name }) => name)
  for (const effect of effects) {
    if (effect.kind === 'drop' && !names.includes(effect.step))
      throw unknownEffect(`there is no step ${JSON.stringify(effect.step)}`, suggest(effect.step, names))
    if (effect.kind === 'whale' && !(effect.player >= 1 && effect.player <= players))
      throw unknownEffect(`there is no player ${effect.player}`, `Choose one from 1 to ${players}`)
  }
}

function unknownEffect(message: string, hint: string): LandfallError {
  return new LandfallError('fix-config', 'simulate/effect', message, { hint })
}
