/**
 * The collector on an embedded log, as `landfall up` runs it; or, for comparison, on a log whose syncs do nothing or take long, or on a topic. Told to
 * count, it answers the log's durable end: how many events there are.
 */
import { definePipeline, Type } from 'landfall'
import { openCollector } from '../../src/collector/collector.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { openLog } from '../../src/log/open.ts'
import { filesWithoutSync, filesWithSlowSync } from '../sync-files.ts'
import { childSettings, cpuSeconds, serve } from './serve.ts'

export interface DoorSettings {
  directory: string
  durable: boolean
  /** A disk whose syncs take this long, and a log that lets so many bytes wait for one. */
  slow?: { syncMs: number; queuedBytesMax: number }
  /** `kafka://…` instead of the directory. */
  log?: string
  /** How `/v1/events` treats an event: names only, or every property. */
  mode: 'collect' | 'reject'
}

export interface DoorAnswer {
  port: number
  events: number
  /** That this process has used since it began. */
  cpuSeconds: number
}

const item = { type: Type.String(), cost: Type.Integer() }
const guild = {
  guild_name: Type.String(),
  guild_member_cnt: Type.Integer(),
  tot_guild_member_cnt: Type.Integer(),
}
const settings = childSettings<DoorSettings>()
const headers = ['Accept', 'Host', 'User-Agent']
const pipeline = definePipeline({
  name: 'bench',
  subject: 'Host',
  events: {
    purchase_sword: Type.Object(item),
    purchase_shield: Type.Object(item),
    join_guild: Type.Object(guild),
    leave_guild: Type.Object(guild),
  },
  routes: {
    'GET /purchase_a_sword/:type': ({ params }, { track }) => {
      track('purchase_sword', { type: params.type, cost: 6 })
      return `Sword Purchased! ${params.type}\n`
    },
  },
  tables: {
    purchases: { events: '*purchase*', headers },
    guilds: { events: '*guild*', headers },
  },
  sources: { bench: { mode: settings.mode } },
})

const log =
  settings.log === undefined
    ? await openEmbeddedLog({
        directory: `${settings.directory}/log`,
        ...(settings.durable ? {} : { files: filesWithoutSync }),
        ...(settings.slow && {
          files: filesWithSlowSync(settings.slow.syncMs),
          queuedBytesMax: settings.slow.queuedBytesMax,
        }),
      })
    : await openLog(settings.log)
const collector = await openCollector({
  pipeline,
  log,
  host: '127.0.0.1',
  port: 0,
  stateDirectory: `${settings.directory}/state`,
})
const answer = async (): Promise<DoorAnswer> => ({
  port: Number(new URL(collector.address).port),
  events: Object.values((await log.end()).next).reduce((sum, next) => sum + next, 0),
  cpuSeconds: cpuSeconds(),
})

await serve(await answer(), answer, async () => {
  await collector.close()
  await log[Symbol.asyncDispose]()
})
