/**
 * Things that happen to the players from a moment on, planted to see whether they are found: in a report, by an alarm, by an analyst in
 * training. Without effects nothing changes over time beyond what chance and the week bring.
 */
export type Effect =
  /** A step fails to convince: of those who would do it, only the part `factor` does; the others end their session. */
  | { kind: 'drop'; step: string; factor: number; from: number; until?: number }
  /** One player (1 to the number of players) plays several times a day, and does each step that costs money `factor` times. */
  | { kind: 'whale'; player: number; factor: number; from: number; until?: number }
  /** Nobody chooses the value (a guild's name) any more, and who chose it before undoes that (leaves), some each day. */
  | { kind: 'decline'; value: string; from: number; until?: number }

/** Effects by the kind, asked at each step: times are ms since 1970, `until` excluded. */
export class Effects {
  readonly #drops: Extract<Effect, { kind: 'drop' }>[] = []
  readonly #whales: Extract<Effect, { kind: 'whale' }>[] = []
  readonly #declines: Extract<Effect, { kind: 'decline' }>[] = []

  constructor(effects: readonly Effect[]) {
    for (const effect of effects) {
      if (effect.kind === 'drop') this.#drops.push(effect)
      else if (effect.kind === 'whale') this.#whales.push(effect)
      else this.#declines.push(effect)
    }
  }

  /** The part of those who would do the step that does it. */
  keeps(step: string, time: number): number {
    let factor = 1
    for (const drop of this.#drops) if (drop.step === step && holds(drop, time)) factor *= drop.factor
    return factor
  }

  /** How often the player (from 1) does a step that costs money; 1 for who is no whale. */
  repeats(player: number, time: number): number {
    let factor = 1
    for (const whale of this.#whales)
      if (whale.player === player && holds(whale, time)) factor = Math.max(factor, Math.round(whale.factor))
    return factor
  }

  declines(value: unknown, time: number): boolean {
    for (const decline of this.#declines) if (decline.value === value && holds(decline, time)) return true
    return false
  }

  declineAny(values: Readonly<Record<string, unknown>>, time: number): boolean {
    return Object.values(values).some((value) => this.declines(value, time))
  }

  /** Whether anything ever declines: asked first, so that worlds without it pay nothing. */
  get hasDeclines(): boolean {
    return this.#declines.length > 0
  }
}

function holds({ from, until }: { from: number; until?: number }, time: number): boolean {
  return time >= from && (until === undefined || time < until)
}
