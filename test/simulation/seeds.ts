/**
 * Runs seeds one after the other and says a line of JSON for each: `node test/simulation/seeds.ts FROM COUNT [--actions JSON]`.
 * A seed that fails is run again with ever fewer of its actions, as far as it still fails.
 */
import './processes.ts'
import type { Action } from './run-seed.ts'

const { actionsOf, runActions } = await import('./run-seed.ts')

export interface SeedResult {
  seed: number
  records: number
  /** What did not add up, and the fewest actions that still show it. */
  failure?: { error: string; actions: Action[] }
}

const SHRINK_RUNS_MAX = 80
/** Of a seed that takes less than a second: then something waits for ever. */
const SEED_MAX_MS = 1_800_000

async function failureOf(
  name: string,
  actions: readonly Action[],
): Promise<{ error?: string; records: number }> {
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${SEED_MAX_MS / 1000} s`)), SEED_MAX_MS)
  })
  try {
    return await Promise.race([runActions(name, actions), hung])
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error), records: 0 }
  } finally {
    clearTimeout(timer)
  }
}

async function runSeed(seed: number): Promise<SeedResult> {
  let actions = actionsOf(seed)
  const { error, records } = await failureOf(`${seed}`, actions)
  if (error === undefined) return { seed, records }
  let shown = error
  let runs = 0
  for (let i = actions.length - 1; i >= 0 && runs < SHRINK_RUNS_MAX; i--) {
    const fewer = actions.toSpliced(i, 1)
    const again = await failureOf(`${seed}-${runs++}`, fewer)
    if (again.error === undefined) continue
    shown = again.error
    actions = fewer
  }
  return { seed, records, failure: { error: shown, actions } }
}

if (import.meta.main) {
  const [from, count, option, given] = process.argv.slice(2)
  const say = (result: SeedResult) => process.stdout.write(`${JSON.stringify(result)}\n`)
  if (option === '--actions') {
    const { error, records } = await failureOf('actions', JSON.parse(given!) as Action[])
    say({ seed: Number(from), records, ...(error === undefined ? {} : { failure: { error, actions: [] } }) })
  } else for (let seed = Number(from); seed < Number(from) + Number(count); seed++) say(await runSeed(seed))
  process.exit(0)
}
