/** The seed of a random test: always the same, so that a run can be had again, unless `LANDFALL_SEED` gives another. Says it. */
export function testSeed(fixed: number): number {
  const seed = Number(process.env['LANDFALL_SEED'] ?? fixed)
  console.log(`LANDFALL_SEED=${seed}`)
  return seed
}
