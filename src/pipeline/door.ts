/** The door: collector over the log, in one process. */
import { systemClock } from '../base/clock.ts'
import type { LandfallError } from '../base/errors.ts'
import { makeDirectory } from '../base/files.ts'
import { openTls, type TlsFiles } from '../base/tls.ts'
import type { Catalog } from '../catalog/catalog.ts'
import {
  type Collector,
  type CollectorLogger,
  type CollectorSettings,
  openCollector,
  type Reason,
} from '../collector/collector.ts'
import type { EventLog } from '../log/log.ts'
import type { OpenLogOptions } from '../log/open.ts'
import type { Pipeline } from '../model/definition.ts'
import { savePlan } from '../model/plan-store.ts'
import type { Storage } from '../storage/storage.ts'
import { watchInbox } from './dead-letters/replay-inbox.ts'
import { earlier, knownEnd, landedPosition } from './known-end.ts'
import { isLogServer, type Places } from './places.ts'
import { openPlans } from './plans.ts'
import { PROBE, Reach } from './reach.ts'
import { hasLake } from './readers.ts'
import { openCatalogAt, openLogAt, openStorageAt } from './rooms.ts'
import { whenPortIsFree } from './when-port-is-free.ts'

export interface DoorOptions {
  pipeline: Pipeline
  places: Places
  listen: { host: string; port: number }
  insecure: boolean
  /** Speak https. */
  tls?: TlsFiles | null
  collector: Partial<CollectorSettings>
  log: OpenLogOptions
  logger: CollectorLogger
  onReason: (reason: Reason) => void
}

export interface Door {
  /** URL without a slash at the end. */
  address: string
  /** Rejects when the log died: end the process, the next start recovers. */
  dead: Promise<never>
  /** Lets nothing more in, finishes what was accepted, closes the log. */
  close(): Promise<void>
}

const TRIM_INTERVAL_MS = 60_000

/**
 * Opens the log, then the collector. Before the first event can come: the plan is kept beside the log, and the log is known
 * to reach as far as every table. A kill at any point between leaves only a plan that no record names.
 */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { pipeline, places } = options
  const keep = (error: unknown) => options.logger.warn({ error }, 'the changed certificate is not taken over')
  using disposer = new DisposableStack()
  const tls = options.tls ? disposer.use(await openTls(options.tls, keep)) : undefined
  const dead = Promise.withResolvers<never>()
  dead.promise.catch(() => {})
  const storage = await openStorageAt(places)
  const catalog = openCatalogOnce(places, storage)
  const plans = openPlans(places, storage)
  const [end] = await Promise.all([
    catalog().then(knownEnd),
    savePlan(plans, pipeline.compiled.plan),
    isLogServer(places) || makeDirectory(places.paths.replay),
  ])
  const log = await openLogAt(places, {
    ...options.log,
    retention: pipeline.compiled.retention,
    exclusive: pipeline.definition.state !== undefined,
    onDead: (error: LandfallError) => dead.reject(error),
    onNote: (text: string) => options.logger.warn({}, text),
    ...(end === undefined ? {} : { knownEnd: end }),
  })
  const reach = disposer.use(
    new Reach(places, {
      log: () => log.end(),
      storage: () => storage.stat(PROBE),
      catalog: async () => (await catalog())?.listTables(),
    }),
  )
  let collector: Collector
  try {
    const parts = {
      pipeline,
      log,
      ...options.listen,
      stateDirectory: places.paths.state,
      insecure: options.insecure,
      ...(tls === undefined ? {} : { tls }),
      settings: options.collector,
      logger: options.logger,
      onReason: options.onReason,
      health: () => reach.away('log'),
      metrics: () => reach.metrics(),
    }
    collector = await whenPortIsFree(() => openCollector(parts))
  } catch (error) {
    await log[Symbol.asyncDispose]()
    throw error
  }
  const inbox = isLogServer(places)
    ? undefined
    : watchInbox(places.paths.replay, log, systemClock(), (error) =>
        options.logger.warn({ error }, 'healed events wait to be taken into the log'),
      )
  const trimming = setInterval(() => {
    trimLog(catalog, log, collector).catch((error: Error) =>
      options.logger.warn({ error: error.message }, 'the log was not trimmed'),
    )
  }, TRIM_INTERVAL_MS)
  trimming.unref()
  const resources = disposer.move()
  return {
    address: collector.address,
    dead: dead.promise,
    async close() {
      clearInterval(trimming)
      await inbox?.[Symbol.asyncDispose]()
      await collector.close()
      resources.dispose()
      await log[Symbol.asyncDispose]()
    },
  }
}

/** The catalog, opened when there is a lake for the first time; a lander may make it later. */
function openCatalogOnce(places: Places, storage: Storage): () => Promise<Catalog | undefined> {
  let opened: Promise<Catalog> | undefined
  return async () => {
    if (opened === undefined && !hasLake(places)) return undefined
    opened ??= openCatalogAt(places, storage).catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }
}

/** Lets go of what every table has landed and the state's snapshot holds, as far as retention allows. */
export async function trimLog(
  catalog: () => Promise<Catalog | undefined>,
  log: EventLog,
  collector: Pick<Collector, 'statePosition'>,
): Promise<void> {
  const landed = await landedPosition(await catalog())
  if (landed === undefined) return
  const state = collector.statePosition
  await log.trim(state === null ? landed : earlier(landed, state))
}
