/** The lander process: from the log into the lake. */

import { LandfallError } from '../base/errors.ts'
import { type Reason, Reasons } from '../collector/reasons.ts'
import type { LakeSettings } from '../lake/settings.ts'
import type { Lander, LanderOptions } from '../lander/lander.ts'
import { openLanderAt } from '../lander/open.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { landerSecrets, OWN_CATALOG, OWN_LANDER, type Places } from './places.ts'
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
  const { paths } = places
  refuseOwnCatalogElsewhere(places)
  const [log, { lake, storage }] = await Promise.all([
    openLogReaderAt(places, {
      waitMs: options.logWaitMs,
      onNote: (text) => options.logger.warn({}, text),
    }),
    openLakeAt(places, options.lake),
  ])
  const reasons = new Reasons(options.pipeline.plan, options.onReason)
  try {
    const lander = await openLanderAt(await landerToStart(lake, places.lander), {
      places,
      secrets: landerSecrets(places),
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

/** An engine elsewhere commits through a catalog that it can reach; the one in the lake's own files is known to Landfall alone. */
function refuseOwnCatalogElsewhere({ lander, catalog }: Places): void {
  if ((lander ?? OWN_LANDER) === OWN_LANDER || catalog !== OWN_CATALOG) return
  throw new LandfallError(
    'fix-config',
    'lander/needs-catalog',
    `the lander ${lander} cannot commit to the catalog in the tables' own files`,
    {
      hint: 'Name a catalog that it reaches: --catalog http://HOST:8181/ (Iceberg REST) or thrift://HOST:9083',
    },
  )
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
