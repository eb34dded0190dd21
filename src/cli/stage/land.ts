import { resolveSettings, roomSettings } from '../../config.ts'
import type { LandReport } from '../../lander/lander.ts'
import { nextOffset } from '../../model/position.ts'
import { openLanding } from '../../pipeline/landing.ts'
import { keepNamed, namedOf } from '../../pipeline/named.ts'
import { openDataLog } from '../../pipeline/readers.ts'
import { openProgress } from '../progress.ts'
import type { Report } from '../reporter.ts'
import { loadCompiled } from './definition.ts'
import { reasonNote } from './reason-note.ts'
import { runStage, type Stage } from './run-stage.ts'
import { aborted, loggerOver, type StageCommandOptions } from './stage-options.ts'
import { supervisorLink } from './supervisor-link.ts'

export interface LandCommandOptions extends StageCommandOptions {
  once: boolean
}

const LOG_WAIT_MS = 10_000

/** `landfall land [--once]`, and the lander of `landfall up`. Ends the process. */
export function runLand(options: LandCommandOptions): Promise<never> {
  return runStage({
    name: 'lander',
    logFormat: options.logFormat,
    ...(options.once ? {} : { greeting: () => 'the lander lands what comes' }),
    open: (report) => open(options, report),
  })
}

async function open({ pipeline: path, flags, once }: LandCommandOptions, report: Report): Promise<Stage> {
  const pipeline = await loadCompiled(path)
  const settings = resolveSettings({ flags, environment: process.env, pipeline: pipeline.settings })
  const lander = await openLanding({
    pipeline,
    data: settings.data,
    lake: roomSettings(settings, 'lake'),
    lander: roomSettings(settings, 'lander'),
    logger: loggerOver(report),
    onReason: (reason) => report(reasonNote(reason)),
    logWaitMs: supervisorLink() ? LOG_WAIT_MS : 0,
  })
  await keepNamed(settings.data, namedOf(pipeline, path))
  const stopping = new AbortController()
  const work = once ? landOnce(settings.data, lander, stopping.signal) : lander.run(stopping.signal)
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
async function landOnce(data: string, lander: Landing, signal: AbortSignal): Promise<void> {
  await using log = await openDataLog(data)
  const end = nextOffset(await log.end(), 0)
  const progress = openProgress('landing', Math.max(0, end - nextOffset(lander.status().position, 0)))
  const report = await lander.landToEnd({ signal, onProgress: ({ records }) => progress.update(records) })
  progress.update(report.records)
  progress.end()
  process.stdout.write(`${summaryOf(report)}\n`)
}

function summaryOf({ records, landed, dead, duplicate, batches }: LandReport): string {
  return `${records} records = ${landed} landed + ${dead} dead letters + ${duplicate} duplicates, in ${batches} ${batches === 1 ? 'batch' : 'batches'}`
}
