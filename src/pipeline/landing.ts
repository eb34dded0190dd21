/** The lander process: from the log into the lake. */

import { type Reason, Reasons } from '../collector/reasons.ts'
import type { LakeSettings } from '../lake/settings.ts'
import type { Lander, LanderOptions } from '../lander/lander.ts'
import { openLanderAt } from '../lander/open.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import type { Places } from './places.ts'
import { openPlans } from './plans.ts'
import { openLakeAt, openLogReaderAt } from './rooms.ts'
import { landerToStart } from './swap/in-charge.ts'

export interface LandingOptions {
  pipeline: CompiledPipeline
  places: Places
  lake: Partial<LakeSettings>
  lander: NonNullable<LanderOptions['settings']>
  logger: NonNullable<LanderOptions['logger']>
  /** Told once of each new reason for dead letters. */
  onReason: (reason: Reason) => void
  /** How long to wait for a door that is starting and makes the log. */
  logWaitMs: number
}

export async function openLanding(options: LandingOptions): Promise<Lander> {
  const { places } = options
  const { paths, secrets } = places
  const [log, { lake, storage }] = await Promise.all([
    openLogReaderAt(places, { waitMs: options.logWaitMs }),
    openLakeAt(places, options.lake),
  ])
  const reasons = new Reasons(options.pipeline.plan, options.onReason)
  try {
    const lander = await openLanderAt(await landerToStart(lake, places.lander), {
      places,
      ...(secrets.landerToken === null ? {} : { token: secrets.landerToken }),
      pipeline: options.pipeline,
      log,
      lake,
      directory: paths.lander,
      spoolDirectory: paths.spool,
      plans: openPlans(places, storage),
      settings: options.lander,
      logger: options.logger,
      onDead: (reason) => reasons.tell(reason),
    })
    return closingAfter(lander, log)
  } catch (error) {
    await log[Symbol.asyncDispose]()
    throw error
  }
}

/** The lander reads the log until it is closed; then nobody does. */
function closingAfter(lander: Lander, log: AsyncDisposable): Lander {
  return {
    run: (signal) => lander.run(signal),
    landToEnd: (options) => lander.landToEnd(options),
    status: () => lander.status(),
    async [Symbol.asyncDispose]() {
      await lander[Symbol.asyncDispose]()
      await log[Symbol.asyncDispose]()
    },
  }
}
