import { resolve } from 'node:path'
import { resolveSettings, roomSettings } from '../../config.ts'
import { checkNamed } from '../../pipeline/check-named.ts'
import { namedOf } from '../../pipeline/named.ts'
import { openQuery } from '../../pipeline/query.ts'
import type { Report } from '../reporter.ts'
import { version } from '../version.ts'
import { loadCompiled } from './definition.ts'
import { runStage, type Stage } from './run-stage.ts'
import { aborted, loggerOver, type StageCommandOptions, tlsFiles, warnUnencrypted } from './stage-options.ts'
import { openStageAt } from './stage-places.ts'
import { supervisorLink } from './supervisor-link.ts'

/** `landfall query`, and the query process of `landfall up`. Ends the process. */
export function runQuery(options: StageCommandOptions): Promise<never> {
  return runStage({
    name: 'query',
    logFormat: options.logFormat,
    greeting: ({ address }) => `SQL is served at ${address}, and the dashboard`,
    open: (report) => open(options, report),
  })
}

async function open({ pipeline: path, flags }: StageCommandOptions, report: Report): Promise<Stage> {
  const pipeline = await loadCompiled(path)
  const settings = resolveSettings({ flags, environment: process.env, pipeline: pipeline.settings })
  await checkNamed(pipeline, path)
  const door = await openStageAt(settings, report, (places) =>
    openQuery({
      places,
      listen: settings['sql.listen'],
      insecure: settings.insecure,
      token: settings['sql.token'],
      users: settings['sql.users'],
      tls: tlsFiles(settings, 'sql'),
      onWarning: (text, error) => loggerOver(report).warn({ error }, text),
      settings: roomSettings(settings, 'sql'),
      named: namedOf(pipeline, path),
      dashboard: {
        pipeline,
        pipelineFile: resolve(path),
        version: version(),
        diskReserve: settings['log.diskReserve'],
        eventBytesMax: settings['collector.eventBytesMax'],
      },
      spoolExpected: supervisorLink() !== undefined,
    }),
  )
  warnUnencrypted(settings, 'sql', report)
  return {
    address: door.address,
    done: new Promise(() => {}),
    async stop(hurry) {
      if (!hurry.aborted) await Promise.race([door.close(), aborted(hurry)])
    },
  }
}
