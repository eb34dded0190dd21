import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { Type } from 'typebox'
import { systemClock } from '../../src/base/clock.ts'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Lake } from '../../src/lake/lake.ts'
import { readParquet } from '../../src/lake/parquet.ts'
import { type Lander, type LanderOptions, openLander } from '../../src/lander/lander.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import type { EventLog } from '../../src/log/log.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import { recordHeader } from '../../src/model/record.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'

/** A small game: two tables that overlap, one of all guild events. */
export const game = definePipeline({
  name: 'game',
  events: {
    purchase_sword: Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) }),
    purchase_shield: Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) }),
    join_guild: Type.Object({
      guild_name: Type.String(),
      members: Type.Optional(Type.Integer({ minimum: 0 })),
    }),
    default: Type.Object({}),
  },
  tables: {
    sword_purchases: { events: ['purchase_sword'], headers: ['Host', 'User-Agent'] },
    purchases: { events: '*purchase*', headers: ['Host', 'User-Agent'] },
    guilds: { events: ['join_guild'], headers: ['Host'] },
  },
  duplicates: { window: '1h', volatile: ['sent_at'] },
}).compiled

export const NOON = Date.UTC(2026, 10, 22, 12) * 1000

export interface Sent {
  /** Event, or the value's text as it stands. */
  event: unknown
  id?: string
  /** µs after noon. */
  at?: number
  plan?: string | null
  source?: string
  route?: boolean
  headers?: Record<string, string>
  /** Of a healed event: when its dead letter was received, µs after noon. */
  happened?: number
  value?: Uint8Array
}

/** Lake, log and directories of one test. */
export class World {
  readonly directory = mkdtempSync(join(tmpdir(), 'landfall-lander-'))
  readonly log: EventLog
  readonly pipeline: CompiledPipeline
  lake: Lake
  #instance: DuckDBInstance | undefined
  #connection: DuckDBConnection | undefined

  constructor(pipeline: CompiledPipeline = game, log: EventLog = createMemoryLog(), lake?: Lake) {
    this.pipeline = pipeline
    this.log = log
    this.lake = lake ?? this.openLake()
  }

  /** `aheadMs`: how far its clock is ahead of the machine's. */
  openLake(aheadMs = 0): Lake {
    const storage = openLocalStorage(join(this.directory, 'lake'))
    const clock = { ...systemClock(), nowMicros: () => (Date.now() + aheadMs) * 1000 }
    return openLake({ catalog: openFileCatalog(storage), storage, clock })
  }

  open(options: Partial<LanderOptions> = {}): Promise<Lander> {
    return openLander({
      pipeline: this.pipeline,
      log: this.log,
      lake: this.lake,
      directory: join(this.directory, 'lander'),
      spoolDirectory: join(this.directory, 'spool'),
      plans: planDirectory(join(this.directory, 'plans')),
      ...options,
    })
  }

  /** Opens, lands to the end, closes. */
  async land(options: Partial<LanderOptions> = {}) {
    await using lander = await this.open(options)
    return lander.landToEnd()
  }

  async send(...sent: Sent[]): Promise<number> {
    const records = sent.map(
      ({
        event,
        id,
        at = 0,
        plan = this.pipeline.plan.version,
        source,
        route,
        headers,
        happened,
        value,
      }) => ({
        key: null,
        value: value ?? Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)),
        receivedAt: NOON + at,
        headers: [
          ...(id === undefined ? [] : [[recordHeader.eventId, id] as const]),
          ...(plan === null ? [] : [[recordHeader.plan, plan] as const]),
          ...(source === undefined ? [] : [[recordHeader.source, source] as const]),
          ...(route ? [[recordHeader.route, 'r'] as const] : []),
          ...(headers === undefined ? [] : [[recordHeader.requestHeaders, JSON.stringify(headers)] as const]),
          ...(happened === undefined ? [] : [[recordHeader.happened, `${NOON + happened}`] as const]),
        ],
      }),
    )
    return (await this.log.append(records)).baseOffset
  }

  /** Rows of a committed table as plain objects; `rest` is SQL behind FROM. */
  async rows(table: string, select = '*', rest = ''): Promise<Record<string, unknown>[]> {
    const state = await this.lake.load(table)
    if (state === undefined) throw new Error(`no table ${table}`)
    const files = await this.lake.files(state)
    if (files.length === 0) return []
    const connection = await this.connection()
    const { locations, release } = await this.lake.lease(files)
    try {
      const from = readParquet(state.schema, locations)
      const result = await connection.runAndReadAll(`SELECT ${select} FROM ${from} ${rest}`)
      return result.getRowObjectsJson() as Record<string, unknown>[]
    } finally {
      release()
    }
  }

  async connection(): Promise<DuckDBConnection> {
    this.#instance ??= await DuckDBInstance.create(':memory:', { threads: '1' })
    this.#connection ??= await this.#instance.connect()
    await this.#connection.run(`SET TimeZone = 'UTC'`)
    return this.#connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection?.closeSync()
    this.#instance?.closeSync()
    await this.log[Symbol.asyncDispose]()
    rmSync(this.directory, { recursive: true, force: true })
  }
}
