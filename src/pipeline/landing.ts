/** The lander process: from the log into the lake. */

import { type Reason, Reasons } from '../collector/reasons.ts'
import type { LakeSettings } from '../lake/settings.ts'
import { type Lander, type LanderOptions, openLander } from '../lander/lander.ts'
import { openLogReader } from '../log/open.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { dataPaths } from './paths.ts'
import { openLakeAt } from './readers.ts'

export interface LandingOptions {
  pipeline: CompiledPipeline
  data: string
  lake: Partial<LakeSettings>
  lander: NonNullable<LanderOptions['settings']>
  logger: NonNullable<LanderOptions['logger']>
  /** Told once of each new reason for dead letters. */
  onReason: (reason: Reason) => void
  /** How long to wait for a door that is starting and makes the log. */
  logWaitMs: number
}

export async function openLanding(options: LandingOptions): Promise<Lander> {
  const paths = dataPaths(options.data)
  const [log, lake] = await Promise.all([
    openLogReader(paths.log, { waitMs: options.logWaitMs }),
    openLakeAt(paths.lake, options.lake),
  ])
  const reasons = new Reasons(options.pipeline.plan, options.onReason)
  try {
    const lander = await openLander({
      pipeline: options.pipeline,
      log,
      lake,
      directory: paths.lander,
      spoolDirectory: paths.spool,
      plansDirectory: paths.plans,
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
