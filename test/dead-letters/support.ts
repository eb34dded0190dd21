import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { readParquet } from '../../src/lake/parquet.ts'
import type { LandReport } from '../../src/lander/land-report.ts'
import type { Repair } from '../../src/model/define-repair.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { savePlan } from '../../src/model/plan-store.ts'
import { recordHeader } from '../../src/model/record.ts'
import {
  type ReplayOptions,
  type ReplayReport,
  replayDeadLetters,
} from '../../src/pipeline/dead-letters/replay.ts'
import { openLanding } from '../../src/pipeline/landing.ts'
import { ownPlaces, type Places } from '../../src/pipeline/places.ts'
import { openPlans } from '../../src/pipeline/plans.ts'
import { openDataLake, openDataLog } from '../../src/pipeline/readers.ts'
import { openLogAt, openStorageAt } from '../../src/pipeline/rooms.ts'

export const logger = { info() {}, warn() {}, error() {} }

/** A data directory of one test, used part by part: events into the log, landed to its end, looked at. */
export class Folder implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'landfall-letters-'))
  readonly places: Places

  constructor(change: Partial<Places> = {}) {
    this.places = { ...ownPlaces(this.directory), ...change }
  }

  /** As a door of this pipeline would have taken them, `daysAgo` by their time; `foreign`: no door has read it. */
  async send(
    pipeline: CompiledPipeline,
    events: { event: unknown; id?: string; headers?: Record<string, string>; foreign?: true }[],
    daysAgo = 0,
  ): Promise<void> {
    await savePlan(openPlans(this.places, await openStorageAt(this.places)), pipeline.plan)
    await using log = await openLogAt(this.places)
    const receivedAt = (Date.now() - daysAgo * 86_400_000) * 1000
    await log.append(
      events.map(({ event, id, headers, foreign }, i) => ({
        key: null,
        value: Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)),
        receivedAt: receivedAt + i,
        headers: [
          [recordHeader.eventId, id ?? `e${daysAgo}-${i}`] as const,
          ...(foreign ? [] : [[recordHeader.plan, pipeline.plan.version] as const]),
          ...(headers ? [[recordHeader.requestHeaders, JSON.stringify(headers)] as const] : []),
        ],
      })),
    )
  }

  async land(pipeline: CompiledPipeline): Promise<LandReport> {
    const { places } = this
    await using lander = await openLanding({
      pipeline,
      places,
      lake: {},
      lander: {},
      logger,
      onReason() {},
      logWaitMs: 0,
    })
    return lander.landToEnd()
  }

  replay(
    pipeline: CompiledPipeline,
    repair?: Repair,
    options: Partial<ReplayOptions> = {},
  ): Promise<ReplayReport> {
    const { places } = this
    return replayDeadLetters({
      pipeline,
      places,
      ...(repair ? { repair } : {}),
      filter: {},
      apply: false,
      examplesMax: 3,
      eventBytesMax: 1_000_000,
      ...options,
    })
  }

  async rows(table: string, select: string, rest = ''): Promise<Record<string, unknown>[]> {
    const lake = await openDataLake(this.places)
    const state = await lake.load(table)
    const files = state === undefined ? [] : await lake.files(state)
    if (files.length === 0) return []
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    const { locations, release } = await lake.lease(files)
    try {
      await connection.run(`SET TimeZone = 'UTC'`)
      const found = await connection.runAndReadAll(
        `SELECT ${select} FROM ${readParquet(state!.schema, locations)} ${rest}`,
      )
      return found.getRowObjectsJson() as Record<string, unknown>[]
    } finally {
      release()
      connection.closeSync()
      instance.closeSync()
    }
  }

  async count(table: string): Promise<number> {
    return Number((await this.rows(table, 'count(*)::INT AS n'))[0]?.['n'] ?? 0)
  }

  /** Records of the log. */
  async records(): Promise<number> {
    await using log = await openDataLog(this.places)
    return Object.values((await log.end()).next).reduce((sum, next) => sum + next, 0)
  }

  /** What the counters of `events` say, over all partitions. */
  async counters(): Promise<{ records: number; landed: number; dead: number; duplicate: number }> {
    const events = await (await openDataLake(this.places)).load('events')
    const sum = { records: 0, landed: 0, dead: 0, duplicate: 0 }
    for (const count of Object.values(events?.counters ?? {}))
      for (const key of ['records', 'landed', 'dead', 'duplicate'] as const) sum[key] += count[key]
    return sum
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true })
  }
}
