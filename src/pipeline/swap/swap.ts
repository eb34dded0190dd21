/** A swap of the lander over the rooms of a pipeline: rehearse it, then hand the tables over. */
import { join } from 'node:path'
import type { Lake } from '../../lake/lake.ts'
import type { LanderOptions } from '../../lander/lander.ts'
import { openLanderAt } from '../../lander/open.ts'
import type { LogReader } from '../../log/log.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import { nextOffset, type Position } from '../../model/position.ts'
import type { Named } from '../named.ts'
import { landerSecrets, OWN_LANDER, type Places } from '../places.ts'
import { openPlans } from '../plans.ts'
import { openLakeAt, openLogReaderAt, openStorageAt } from '../rooms.ts'
import { handOver, landerInCharge } from './in-charge.ts'
import {
  type Rehearsal,
  type RehearsalOptions,
  rehearse,
  type ShadowParts,
  type Side,
  tryNext,
} from './rehearse.ts'

export interface SwapOptions {
  pipeline: CompiledPipeline
  named: Named
  /** `lander` is that of the settings, which counts while no swap has chosen one. */
  places: Places
  /** URL of the next lander. */
  next: string
  settings: NonNullable<LanderOptions['settings']>
}

export interface Swap extends AsyncDisposable {
  /** URL of the lander that lands now. */
  readonly now: string
  readonly next: string
  /** Lands about the newest `records` of the log (as of now) with both, compares, and leaves nothing behind. */
  rehearse(options: {
    records: number
    signal?: AbortSignal
    onRange?: (from: Position, to: Position) => void
    onProgress?: (side: Side, records: number) => void
  }): Promise<Rehearsal>
  /** Puts the next lander in charge and fences the present one. Throws when the next one cannot be opened here: then nothing has changed. */
  handOver(): Promise<void>
}

export async function openSwap(options: SwapOptions): Promise<Swap> {
  const { places, next } = options
  const { lake } = await openLakeAt(places)
  const now = (await landerInCharge(lake)) ?? places.lander ?? OWN_LANDER
  const log = await openLogReaderAt(places)
  const shadow = async (from: Position, to: Position): Promise<RehearsalOptions> => ({
    pipeline: options.pipeline,
    named: options.named,
    log,
    from,
    to,
    namespace: places.namespace,
    openLake: (namespace) => openShadowLake(places, namespace),
    landers: { now: await opener(options, now), next: await opener(options, next) },
    directory: join(places.data, 'rehearsal'),
  })
  return {
    now,
    next,
    async rehearse({ records, signal, onRange, onProgress }) {
      const { from, to } = await newest(log, records)
      onRange?.(from, to)
      return rehearse({
        ...(await shadow(from, to)),
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      })
    },
    async handOver() {
      const end = await log.end()
      await tryNext(await shadow(end, end))
      await handOver(lake, next)
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
}

async function openShadowLake(places: Places, namespace: string): Promise<Lake> {
  return (await openLakeAt(places, {}, namespace)).lake
}

async function opener({ pipeline, places, settings }: SwapOptions, url: string) {
  const plans = openPlans(places, await openStorageAt(places))
  return (parts: ShadowParts) =>
    openLanderAt(url, {
      ...parts,
      places,
      pipeline,
      plans,
      settings,
      secrets: landerSecrets(places),
    })
}

/** The newest `records` offsets of the log as of now, of each partition its share. */
async function newest(log: LogReader, records: number): Promise<{ from: Position; to: Position }> {
  const [start, to] = [await log.start(), await log.end()]
  const partitions = Object.keys(to.next).map(Number)
  const held = (partition: number) => nextOffset(to, partition) - nextOffset(start, partition)
  const all = partitions.reduce((sum, partition) => sum + held(partition), 0)
  const share = all === 0 ? 0 : Math.min(1, records / all)
  const next = Object.fromEntries(
    partitions.map((partition) => [
      partition,
      nextOffset(to, partition) - Math.ceil(held(partition) * share),
    ]),
  )
  return { from: { logId: log.id, next }, to }
}
