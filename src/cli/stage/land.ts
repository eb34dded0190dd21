import { resolveSettings, roomSettings } from '../../config.ts'
import type { LandReport } from '../../lander/land-report.ts'
import { nextOffset } from '../../model/position.ts'
import { openLanding } from '../../pipeline/landing.ts'
import { keepNamed, namedOf } from '../../pipeline/named.ts'
import type { Places } from '../../pipeline/places.ts'
import { openDataLog } from '../../pipeline/readers.ts'
import { usageError } from '../exit.ts'
import { placesOf } from '../places.ts'
import { openProgress } from '../progress.ts'
import type { Report } from '../reporter.ts'
import { loadCompiled } from './definition.ts'
import { reasonNote } from './reason-note.ts'
import { runStage, type Stage } from './run-stage.ts'
import { aborted, loggerOver, type StageCommandOptions } from './stage-options.ts'
import { openStageAt } from './stage-places.ts'
import { supervisorLink } from './supervisor-link.ts'

export interface LandCommandOptions extends StageCommandOptions {
  once: boolean
  /** Of `once`: what was landed, as one object. */
  json: boolean
}

const LOG_WAIT_MS = 10_000

/** `landfall land [--once]`, and the lander of `landfall up`. Ends the process. */
export function runLand(options: LandCommandOptions): Promise<never> {
  if (options.json && !options.once)
    throw usageError('--json: only with --once is there a result', 'Add --once')
  return runStage({
    name: 'lander',
    logFormat: options.logFormat,
    ...(options.once ? {} : { greeting: () => 'the lander lands what comes' }),
    open: (report) => open(options, report),
  })
}

async function open(
  { pipeline: path, flags, once, json }: LandCommandOptions,
  report: Report,
): Promise<Stage> {
  const pipeline = await loadCompiled(path)
  const settings = resolveSettings({ flags, environment: process.env, pipeline: pipeline.settings })
  const open = (places: Places) =>
    openLanding({
      pipeline,
      places,
      lake: roomSettings(settings, 'lake'),
      lander: roomSettings(settings, 'lander'),
      logger: loggerOver(report),
      onReason: (reason) => report(reasonNote(reason)),
      logWaitMs: supervisorLink() ? LOG_WAIT_MS : 0,
    })
  const lander = await openStageAt(settings, report, open)
  await keepNamed(settings.data, namedOf(pipeline, path))
  const stopping = new AbortController()
  const work = once
    ? landOnce(placesOf(settings), lander, json, stopping.signal)
    : lander.run(stopping.signal)
  return {
    address: null,
    done: work,
    async stop(hurry) {
      stopping.abort()
      // The log keeps what has not landed, so a hurried end loses nothing.
      const end = async () => {
        await work.catch(() => {})
        await lander[Symbol.asyncDispose]()
      }
      if (!hurry.aborted) await Promise.race([end(), aborted(hurry)])
    },
  }
}

type Landing = Awaited<ReturnType<typeof openLanding>>

/** From where the tables stand to the log's end as of now, with progress. */
async function landOnce(places: Places, lander: Landing, json: boolean, signal: AbortSignal): Promise<void> {
  await using log = await openDataLog(places)
  const { position } = lander.status()
  const counts = Object.entries((await log.end()).next).map(
    ([partition, end]) => end - nextOffset(position, Number(partition)),
  )
  const progress = openProgress(
    'landing',
    counts.reduce((sum, count) => sum + Math.max(0, count), 0),
    { of: 'records' },
  )
  const report = await lander.landToEnd({ signal, onProgress: ({ records }) => progress.update(records) })
  progress.update(report.records)
  progress.end()
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : summaryOf(report)}\n`)
}

function summaryOf({ records, landed, dead, duplicate, batches }: LandReport): string {
  return `${records} records = ${landed} landed + ${dead} dead letters + ${duplicate} duplicates, in ${batches} ${batches === 1 ? 'batch' : 'batches'}`
}
