import type { Reason } from '../../collector/collector.ts'
import { resolveSettings, roomSettings } from '../../config.ts'
import { openDoor } from '../../pipeline/door.ts'
import type { Note, Report } from '../reporter.ts'
import { loadDefinition } from './definition.ts'
import { runStage, type Stage } from './run-stage.ts'
import { aborted, loggerOver, type StageCommandOptions } from './stage-options.ts'

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
  const door = await openDoor({
    pipeline,
    data: settings.data,
    listen: settings['collector.listen'],
    insecure: settings.insecure,
    collector: roomSettings(settings, 'collector'),
    log: roomSettings(settings, 'log'),
    logger: loggerOver(report),
    onReason: (reason) => report(noteOf(reason)),
  })
  return {
    address: door.address,
    done: door.dead,
    async stop(hurry) {
      // In a hurry the process ends without waiting for requests under way: what was answered is durable already.
      if (!hurry.aborted) await Promise.race([door.close(), aborted(hurry)])
    },
  }
}

/** A new reason for dead letters: which event, which field, what to do. */
function noteOf({ event, source, reason, field, detail, remedy }: Reason): Note {
  const what = [event ?? 'an event without a name', field === null ? '' : `field ${field}`]
    .filter(Boolean)
    .join(', ')
  return {
    level: 'warn',
    text: `dead letter: ${what}: ${reason}: ${detail}. ${remedy}`,
    fields: { event, source, reason, field },
  }
}
