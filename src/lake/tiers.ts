/**
 * Size tiers: things of about the same size are merged when there are enough of them, so that each is rewritten only
 * once per tier however many arrive (a factor of 8: five tiers from 4 kB to 128 MB).
 */
export const TIER_FACTOR = 8

/** The tier of a size: 0 up to `base`, then one more for each factor of 8. */
export function tierOf(size: number, base: number): number {
  return size <= base ? 0 : Math.ceil(Math.log(size / base) / Math.log(TIER_FACTOR) - 1e-9)
}

/** Items by tier, in their order. */
export function byTier<T>(items: readonly T[], size: (item: T) => number, base: number): Map<number, T[]> {
  const tiers = new Map<number, T[]>()
  for (const item of items) {
    const tier = tierOf(size(item), base)
    const group = tiers.get(tier)
    if (group === undefined) tiers.set(tier, [item])
    else group.push(item)
  }
  return tiers
}
