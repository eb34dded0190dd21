/** Numbers that a seed decides (sfc32 by Chris Doty-Humphrey, public domain): the same seed, the same sequence. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number
  /** A whole number, 0 ≤ x < bound. */
  below(bound: number): number
  pick<T>(choices: readonly T[]): T
  /** Picks by weight. */
  pickWeighted<T extends { weight: number }>(choices: readonly T[]): T
}

export function createRandom(seed: number): Random {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = Math.floor(seed / 2 ** 32) | 0
  let d = seed | 0
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  // The first numbers of near seeds are near; these are thrown away.
  for (let i = 0; i < 15; i++) next()
  const below = (bound: number) => Math.floor(next() * bound)
  return {
    next,
    below,
    pick: (choices) => choices[below(choices.length)]!,
    pickWeighted(choices) {
      let at = next() * choices.reduce((sum, { weight }) => sum + weight, 0)
      return choices.find(({ weight }) => (at -= weight) < 0) ?? choices.at(-1)!
    },
  }
}
