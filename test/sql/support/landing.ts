import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { sealJson } from '../../../src/base/sealed-json.ts'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import { openFileCatalog } from '../../../src/catalog/drivers/file.ts'
import { openLake } from '../../../src/lake/iceberg-lake.ts'
import type { Lake } from '../../../src/lake/lake.ts'
import { type SpoolChunk, type SpoolManifest, spoolPaths } from '../../../src/lander/spool.ts'
import { createMemoryLog } from '../../../src/log/drivers/memory.ts'
import type { EventLog } from '../../../src/log/log.ts'
import { EVENTS_TABLE, type TableDefinition } from '../../../src/model/pipeline.ts'
import type { Position } from '../../../src/model/position.ts'
import { openLocalStorage } from '../../../src/storage/drivers/local.ts'
import type { Storage } from '../../../src/storage/storage.ts'

export const PURCHASES: TableDefinition = {
  name: 'purchases',
  events: ['purchase_sword'],
  columns: [
    { name: 'raw_event', type: 'string', source: { from: 'raw_event' } },
    { name: 'timestamp', type: 'timestamptz', source: { from: 'timestamp' } },
    { name: 'Host', type: 'string', source: { from: 'header', header: 'Host' } },
    { name: 'User-Agent', type: 'string', source: { from: 'header', header: 'User-Agent' } },
    { name: 'cost', type: 'long', source: { from: 'property', property: 'cost' } },
  ],
  partition: { column: 'timestamp', transform: 'day' },
  codec: 'snappy',
}

const GUILDS: TableDefinition = { ...PURCHASES, name: 'guilds', events: ['join_guild'] }

const COLUMNS = `'{"n":' || n || '}' AS raw_event, TIMESTAMPTZ '2021-07-30 18:43:03.611+00' + to_seconds(n) AS "timestamp",
  'user' || (n % 3 + 1) || '.comcast.com' AS "Host", 'ApacheBench/2.3' AS "User-Agent", n AS cost`

/** What lands in each table of the records [from, to): every even one is a purchase, every odd one a guild, all are events. */
const ROWS: Record<string, (range: string) => string> = {
  purchases: (range) => `SELECT ${COLUMNS} FROM ${range} WHERE n % 2 = 0`,
  guilds: (range) => `SELECT ${COLUMNS} FROM ${range} WHERE n % 2 = 1`,
  events: (range) => `SELECT 'e' || n AS event_id, 0::INTEGER AS "partition", n AS "offset",
    TIMESTAMPTZ '2021-07-30 18:43:03.611+00' AS received_at, 'x' AS event_type, '{}' AS raw_event FROM ${range}`,
}

/**
 * A lake, a spool and a log that stand as a lander leaves them, moved step by step by the test: `append` (the log's end), `chunk`
 * (spool), `commit` (tables in the protocol's order). Files and formats are the real ones.
 */
export class Landing {
  readonly directory: string
  readonly spoolDirectory: string
  readonly log: EventLog = createMemoryLog({ id: 'log-1' })
  readonly lake: Lake
  readonly #connection: DuckDBConnection
  #manifest: SpoolManifest = { version: 1, logId: 'log-1', epoch: 1, start: at(0), end: at(0), chunks: [] }
  #batch = 0
  #chunks = 0

  constructor(directory: string, lake: Lake, connection: DuckDBConnection) {
    this.#connection = connection
    this.directory = directory
    this.spoolDirectory = join(directory, 'spool')
    this.lake = lake
    mkdirSync(join(this.spoolDirectory, spoolPaths.chunks), { recursive: true })
    mkdirSync(join(this.spoolDirectory, spoolPaths.pins), { recursive: true })
  }

  /** `catalog`: default, the one in the lake's own files. */
  static async open(
    catalog: (storage: Storage) => Catalog | Promise<Catalog> = openFileCatalog,
  ): Promise<Landing> {
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
    const directory = mkdtempSync(join(tmpdir(), 'landfall-sql-test-'))
    const storage = openLocalStorage(join(directory, 'lake'))
    const lake = openLake({ storage, catalog: await catalog(storage) })
    const landing = new Landing(directory, lake, connection)
    for (const table of [EVENTS_TABLE, PURCHASES, GUILDS]) {
      await landing.lake.ensure(table, { position: at(0), epoch: 1 })
    }
    landing.publish()
    return landing
  }

  get end(): number {
    return this.#manifest.end.next[0]!
  }

  async append(count: number): Promise<void> {
    await this.log.append(
      Array.from({ length: count }, () => ({
        key: null,
        value: Buffer.from('{}'),
        receivedAt: 0,
        headers: [],
      })),
    )
  }

  /** Publishes the records up to `to` in the spool. */
  async chunk(to: number): Promise<void> {
    const from = this.end
    const id = String(++this.#chunks).padStart(6, '0')
    const files: SpoolChunk['files'] = {}
    for (const table of Object.keys(ROWS)) {
      const name = `${spoolPaths.chunks}/${id}-${table}.parquet`
      if (await this.#write(table, from, to, join(this.spoolDirectory, name))) files[table] = [name]
    }
    const counts = { records: to - from, landed: to - from, dead: 0, duplicate: 0 }
    this.#manifest = {
      ...this.#manifest,
      end: at(to),
      chunks: [...this.#manifest.chunks, { id, ranges: { 0: { from, to } }, files, counts }],
    }
    this.publish()
  }

  async #write(table: string, from: number, to: number, path: string): Promise<boolean> {
    const state = await this.lake.load(table)
    const ids = state!.schema.fields.map((field) => `"${field.name}": ${field.id}`)
    const select = ROWS[table]!(`range(${from}, ${to}) AS r(n)`)
    const done = await this.#connection.runAndReadAll(
      `COPY (${select}) TO '${path}' (FORMAT parquet, FIELD_IDS {${ids}})`,
    )
    if (Number(done.getRows()[0]![0]) > 0) return true
    rmSync(path)
    return false
  }

  /** Commits the records up to `to` to the tables named, in this order; then, if `events` was among them, lets go of the spool's. */
  async commit(to: number, tables: string[] = ['purchases', 'guilds', 'events']): Promise<void> {
    const batch = tables.includes('events') ? ++this.#batch : this.#batch + 1
    for (const table of tables) {
      const state = await this.lake.load(table)
      const from = (await this.lake.load('events'))!.position!.next[0]!
      if ((state!.position?.next[0] ?? 0) >= to) continue
      const add = await this.lake.writeFiles(
        this.#connection,
        state!,
        ROWS[table]!(`range(${from}, ${to}) AS r(n)`),
      )
      if (add.length === 0 && table !== 'events') continue
      await this.lake.commit(table, {
        add,
        expect: { position: state!.position, epoch: 1 },
        position: at(to),
        batch,
      })
    }
    if (tables.includes('events')) this.#trim(to)
  }

  #trim(to: number): void {
    const gone = this.#manifest.chunks.filter((chunk) => chunk.ranges[0]!.to <= to)
    const chunks = this.#manifest.chunks.filter((chunk) => chunk.ranges[0]!.to > to)
    this.#manifest = { ...this.#manifest, start: at(to), end: at(Math.max(to, this.end)), chunks }
    this.publish()
    for (const file of gone.flatMap((chunk) => Object.values(chunk.files).flat()))
      rmSync(join(this.spoolDirectory, file))
  }

  /** What a lander does that starts anew: the spool begins where `events` stands. */
  async restartSpool(): Promise<void> {
    const position = (await this.lake.load('events'))!.position!
    this.#manifest = { ...this.#manifest, start: position, end: position, chunks: [] }
    this.publish()
  }

  publish(): void {
    const path = join(this.spoolDirectory, spoolPaths.manifest)
    writeFileSync(`${path}.tmp`, sealJson(JSON.stringify(this.#manifest)))
    renameSync(`${path}.tmp`, path)
  }

  /** A link to the first file of a table in the spool, as a stale pin would have it. */
  pinStale(pid: number): string {
    const directory = join(this.spoolDirectory, spoolPaths.pins, `${pid}-1`)
    mkdirSync(directory)
    const file = this.#manifest.chunks[0]!.files['events']![0]!
    linkSync(join(this.spoolDirectory, file), join(directory, 'x.parquet'))
    return directory
  }

  async close(): Promise<void> {
    this.#connection.closeSync()
    await this.log[Symbol.asyncDispose]()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export function at(next: number): Position {
  return { logId: 'log-1', next: { 0: next } }
}
