import { resolveSettings, roomSettings } from '../../config.ts'
import { openQuery } from '../../pipeline/query.ts'
import { loadCompiled } from './definition.ts'
import { runStage, type Stage } from './run-stage.ts'
import { aborted, type StageCommandOptions } from './stage-options.ts'

/** `landfall query`, and the query process of `landfall up`. Ends the process. */
export function runQuery(options: StageCommandOptions): Promise<never> {
  return runStage({
    name: 'query',
    logFormat: options.logFormat,
    greeting: ({ address }) => `SQL is served at ${address}`,
    open: () => open(options),
  })
}

async function open({ pipeline: path, flags }: StageCommandOptions): Promise<Stage> {
  const pipeline = await loadCompiled(path)
  const settings = resolveSettings({ flags, environment: process.env, pipeline: pipeline.settings })
  const door = await openQuery({
    data: settings.data,
    listen: settings['sql.listen'],
    insecure: settings.insecure,
    token: settings['sql.token'],
    settings: roomSettings(settings, 'sql'),
  })
  return {
    address: door.address,
    done: new Promise(() => {}),
    async stop(hurry) {
      if (!hurry.aborted) await Promise.race([door.close(), aborted(hurry)])
    },
  }
}
