/** The few tests that findings rest on, as textbooks have them. */

/** Two-sided p of two shares being equal: z test with pooled variance. 1 where nothing can be said. */
export function twoShares(hits1: number, of1: number, hits2: number, of2: number): number {
  if (of1 <= 0 || of2 <= 0) return 1
  const pooled = (hits1 + hits2) / (of1 + of2)
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / of1 + 1 / of2))
  return deviation === 0 ? 1 : 2 * normalTail(Math.abs(hits1 / of1 - hits2 / of2) / deviation)
}

/** P(X > z) of the standard normal: complementary error function by its continued fraction and series, to 1e-12. */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z)
  if (z > 38) return 0
  if (z < 2) {
    let term = z
    let sum = z
    for (let k = 1; Math.abs(term) > 1e-16; k++) {
      term *= -(z * z) / (2 * k)
      sum += term / (2 * k + 1)
    }
    return 0.5 - sum / Math.sqrt(2 * Math.PI)
  }
  let fraction = 0
  for (let k = 200; k > 0; k--) fraction = k / (z + fraction)
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / (z + fraction)
}

/** P(X <= k) of a binomial with n trials. */
export function binomialAtMost(k: number, n: number, p: number): number {
  if (k >= n || p <= 0) return 1
  if (p >= 1) return 0
  let log = n * Math.log1p(-p)
  let sum = 0
  for (let i = 0; i <= k; i++) {
    sum += Math.exp(log)
    log += Math.log(n - i) - Math.log(i + 1) + Math.log(p) - Math.log1p(-p)
  }
  return Math.min(1, sum)
}

/** Holm's correction: each p as it counts among all that were tested, in their order. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p)
  const corrected = Array.from<number>({ length: ps.length }).fill(1)
  let least = 0
  for (const [rank, { p, i }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (ps.length - rank)))
    corrected[i] = least
  }
  return corrected
}
