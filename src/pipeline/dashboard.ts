/** Gives the dashboard what it shows: the rooms of the query process, and the files that the other processes publish. */
import { statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readRefusals } from '../collector/refusals-file.ts'
import { createDashboard, type Dashboard, type DashboardParts, type Repairs } from '../dashboard/dashboard.ts'
import type { FlowSources } from '../dashboard/sources.ts'
import { readLanderStatus } from '../lander/status.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { listRepairs, previewRepair } from './dead-letters/preview.ts'
import { hasSpool, isOwn, type Places, topicOf } from './places.ts'
import { readUpFile } from './up-file.ts'

export interface DashboardOptions {
  pipeline: CompiledPipeline
  /** Absolute. */
  pipelineFile: string
  /** Of Landfall. */
  version: string
  /** Share of the disk below which the door takes no events. */
  diskReserve: number
  eventBytesMax: number
}

/** Pairs of before and after that a page gets. */
const EXAMPLES_MAX = 20

export function openDashboard(
  places: Places,
  options: DashboardOptions,
  rooms: Pick<DashboardParts, 'engine' | 'lake' | 'log'>,
  away: () => string | undefined,
): Dashboard {
  const { pipeline, version } = options
  return createDashboard({
    ...rooms,
    pipeline,
    version,
    topic: topicOf(places),
    sources: sourcesOf(places, options, away),
    repairs: repairsOf(places, options),
  })
}

function sourcesOf(
  places: Places,
  { diskReserve: reserve }: DashboardOptions,
  away: () => string | undefined,
): FlowSources {
  return {
    processes: () => readUpFile(places.data),
    lander: () => readLanderStatus(places.paths.lander),
    refusals: () => readRefusals(places.paths.state),
    disk() {
      try {
        const { bavail, blocks, bsize } = statfsSync(places.data)
        // Not to the last byte: what moves with every file of anybody is no news.
        const share = Math.round((bavail / Math.max(blocks, 1)) * 1000) / 1000
        const free = bavail * bsize
        const step = free < 10e9 ? 10e6 : 1e9
        return { freeBytes: Math.round(free / step) * step, share, reserve }
      } catch {
        return undefined
      }
    },
    away,
    spool: hasSpool(places),
    remote: !isOwn(places, 'storage') || !isOwn(places, 'catalog'),
  }
}

function repairsOf(places: Places, { pipeline, pipelineFile, eventBytesMax }: DashboardOptions): Repairs {
  return {
    list: () => listRepairs(pipelineFile),
    async preview(name, { reason, field, event }, signal) {
      const filter = {
        ...(reason === undefined ? {} : { reason }),
        ...(field === undefined ? {} : { field }),
        ...(event === undefined ? {} : { eventType: event }),
      }
      const repair = name === null ? null : join(dirname(pipelineFile), name)
      const question = { pipeline, places, repair, filter, examplesMax: EXAMPLES_MAX, eventBytesMax }
      const report = await previewRepair(question, signal)
      return {
        letters: report.letters,
        heals: report.heals,
        remains: report.remains,
        healedBefore: report.healed_before,
        onTheirWay: report.on_their_way,
        groups: report.groups.map(({ event_type: event, why, reason, field, letters, detail }) => ({
          why,
          reason,
          field,
          event,
          letters,
          detail,
        })),
        examples: report.examples.map(({ event_id: id, before, after }) => ({ id, before, after })),
      }
    },
  }
}
