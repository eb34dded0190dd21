import { resolveSettings, roomSettings } from '../../config.ts'
import { openDoor } from '../../pipeline/door.ts'
import type { Report } from '../reporter.ts'
import { loadDefinition } from './definition.ts'
import { reasonNote } from './reason-note.ts'
import { runStage, type Stage } from './run-stage.ts'
import { aborted, loggerOver, type StageCommandOptions, tlsFiles, warnUnencrypted } from './stage-options.ts'
import { openStageAt } from './stage-places.ts'

/** `landfall collect`, and the door of `landfall up`. Ends the process. */
export function runCollect(options: StageCommandOptions): Promise<never> {
  return runStage({
    name: 'door',
    logFormat: options.logFormat,
    greeting: ({ address }) => `the door is open at ${address}`,
    open: (report) => open(options, report),
  })
}

async function open({ pipeline: path, flags }: StageCommandOptions, report: Report): Promise<Stage> {
  const pipeline = await loadDefinition(path)
  const settings = resolveSettings({ flags, environment: process.env, pipeline: pipeline.compiled.settings })
  const door = await openStageAt(settings, report, (places) =>
    openDoor({
      pipeline,
      places,
      listen: settings['collector.listen'],
      insecure: settings.insecure,
      tls: tlsFiles(settings, 'collector'),
      collector: roomSettings(settings, 'collector'),
      log: roomSettings(settings, 'log'),
      logger: loggerOver(report),
      onReason: (reason) => report(reasonNote(reason)),
    }),
  )
  warnUnencrypted(settings, 'collector', report)
  return {
    address: door.address,
    done: door.dead,
    async stop(hurry) {
      // In a hurry the process ends without waiting for requests under way: what was answered is durable already.
      if (!hurry.aborted) await Promise.race([door.close(), aborted(hurry)])
    },
  }
}
