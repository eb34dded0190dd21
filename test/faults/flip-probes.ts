/** What reads each kind of file, and what it read before anything was harmed. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { readStateFile, writeStateFile } from '../../src/collector/state-file.ts'
import { readParquet } from '../../src/lake/parquet.ts'
import { loadPlan as loadBatchPlan } from '../../src/lander/batch-plan.ts'
import { loadDefinition } from '../../src/lander/definitions.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { loadPlan, planDirectory } from '../../src/model/plan-store.ts'
import { bind, boundPlaces } from '../../src/pipeline/bound.ts'
import { landerMetrics } from '../../src/pipeline/lander-metrics.ts'
import { keptNamed } from '../../src/pipeline/named.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { SpoolReader } from '../../src/sql/drivers/duckdb/spool-reader.ts'
import { verify } from '../../src/verify/verify.ts'
import { game } from '../lander/support.ts'
import type { DataDirectory } from '../verify/support.ts'
import { logProbe, readLog, spareProbe } from './flip-log.ts'
import { idsProbe, unreferencedProbe, upFileProbe } from './flip-memos.ts'
import { filesIn, type Probe, reading, told } from './flip-reading.ts'

const TABLES = ['events', 'dead_letters', 'guilds', 'purchases', 'sword_purchases']
const NEVER = new AbortController().signal
/** Of what `landedDirectory` sends, and one that was never sent. */
const IDS = ['s0', 'f0', 'g0', 'd0', 's1', 'f1', 'g1', 'd1', 's2', 'f2', 'g2', 'd2', 'never']

export class Probes implements AsyncDisposable {
  readonly kinds: Record<string, Probe> = {}
  readonly #data: DataDirectory
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  #before = new Map<string, string>()
  #findingsBefore = new Set<string>()

  private constructor(data: DataDirectory, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#data = data
    this.#instance = instance
    this.#connection = connection
  }

  static async open(data: DataDirectory): Promise<Probes> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const probes = new Probes(data, instance, await instance.connect())
    await probes.#prepare()
    return probes
  }

  /** Whether `verify`, which must come to its end, finds more than it does when nothing is harmed. */
  async isFoundByVerify(): Promise<boolean> {
    return (await this.#findings()).some((message) => !this.#findingsBefore.has(message))
  }

  /** Verify, the door's opening, landing, questions: whoever finds something says so, and no answer is wrong. */
  async askAll(): Promise<void> {
    const { paths } = this.#data.places
    const before = mkdtempSync(join(tmpdir(), 'landfall-flip-all-'))
    cpSync(this.#data.root, before, { recursive: true, preserveTimestamps: true })
    try {
      await told(() => verify(this.#data.places))
      await told(async () => {
        await using _ = await openEmbeddedLog({ directory: paths.log })
      })
      await told(() => this.#data.land())
      await using engine = await openDuckdbEngine({ lake: this.#data.openLake() })
      for (const table of TABLES) {
        await told(async () => {
          const result = await engine.query(`SELECT count(*) FROM ${table}`)
          for await (const page of result.pages) {
            const rows = Number(page[0]![0])
            const expected = Number(this.#before.get(table)!.split(' ')[0])
            if (rows !== expected)
              throw new Error(`${table} was answered with ${rows} rows, it has ${expected}`)
          }
        })
      }
    } finally {
      rmSync(this.#data.root, { recursive: true, force: true })
      cpSync(before, this.#data.root, { recursive: true, preserveTimestamps: true })
      rmSync(before, { recursive: true, force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  async #prepare(): Promise<void> {
    const { places, root } = this.#data
    const { paths } = places
    await bind(places)
    const state = join(paths.state, 'collector.state')
    cpSync(paths.plans, paths.state, { recursive: true })
    await writeStateFile(state, {
      pipeline: 'game',
      version: 'v',
      position: { logId: (await readLog(paths.log)).id, next: { 0: 3 } },
      states: [['guild', { members: 3 }]],
      answers: [],
    })
    // First those that land or maintain once more.
    const ids = await idsProbe(this.#data, IDS)
    const unreferenced = await unreferencedProbe(this.#data, this.#connection)
    for (const table of TABLES) this.#before.set(table, await this.#rowsOf(table))
    const makers: Record<string, () => Promise<Probe>> = {
      'log segment': logProbe(paths.log, filesIn(paths.log, /\.log$/)),
      'durable position': logProbe(paths.log, [join(paths.log, 'durable')]),
      'log identity': logProbe(paths.log, [join(paths.log, 'log.json')]),
      'spare segment': spareProbe(join(root, 'log-with-a-spare')),
      'collector state': reading([state], (file) => readStateFile(file)),
      'plan of records': reading(filesIn(paths.plans, /^[0-9a-f]+\.json$/), () =>
        loadPlan(planDirectory(paths.plans), game.plan.version),
      ),
      'batch plan': reading([join(paths.lander, 'plan.json')], () => loadBatchPlan(paths.lander)),
      definition: reading(filesIn(paths.plans, /^definition-.*\.json$/), () =>
        loadDefinition(planDirectory(paths.plans), game.hash),
      ),
      ids,
      'named relations': reading([paths.named], () => keptNamed(root)),
      'lander status': reading([join(paths.lander, 'status.json')], () => landerMetrics(paths.lander), ''),
      'what runs': upFileProbe(root),
      'bound places': reading([join(root, 'bound.json')], () => boundPlaces(places, new Set())),
      'spool manifest': reading([join(paths.spool, 'manifest.json')], () => this.#spool(), 'none'),
      'spool chunk': reading(filesIn(join(paths.spool, 'chunks'), /\.parquet$/), (file) => this.#chunk(file)),
      'data file': this.#tableProbe('data', /\.parquet$/),
      'manifest list': this.#tableProbe('metadata', /snap-.*\.avro$/),
      manifest: this.#tableProbe('metadata', /-m\d+-.*\.avro$/),
      'table metadata': this.#tableProbe('metadata', /\.metadata\.json$/),
      'version hint': this.#tableProbe('metadata', /version-hint\.text$/),
      'unreferenced files': unreferenced,
    }
    for (const [kind, make] of Object.entries(makers)) this.kinds[kind] = await make()
    this.#findingsBefore = new Set(await this.#findings())
  }

  async #findings(): Promise<string[]> {
    return (await verify(this.#data.places)).findings.map(({ message }) => message)
  }

  /** Rows of a table and a sum over all their values, by a lake that remembers nothing. */
  async #rowsOf(table: string): Promise<string> {
    const lake = this.#data.openLake()
    const state = await lake.load(table)
    if (state === undefined) throw new Error(`${table} is gone`)
    const files = await lake.files(state)
    if (files.length === 0) return '0'
    const { locations, release } = await lake.lease(files)
    try {
      const columns = state.schema.fields.map(({ name }) => `CAST("${name}" AS VARCHAR)`).join(', ')
      const result = await this.#connection.runAndReadAll(
        `SELECT count(*), sum(hash(${columns})) FROM ${readParquet(state.schema, locations)}`,
      )
      const [rows, sum] = result.getRows()[0]!
      return `${rows} rows, ${sum}, at ${JSON.stringify(state.position)}, epoch ${state.epoch}, ${JSON.stringify(state.counters)}`
    } finally {
      release()
    }
  }

  #tableProbe(part: 'data' | 'metadata', names: RegExp): () => Promise<Probe> {
    const lake = join(this.#data.places.paths.lake, 'default')
    const files = TABLES.flatMap((table) => filesIn(join(lake, table, part), names))
    return reading(files, (file) =>
      this.#rowsOf(TABLES.find((table) => file.includes(`/default/${table}/`))!),
    )
  }

  #spool(): Promise<unknown> {
    const reader = new SpoolReader(this.#data.places.paths.spool)
    try {
      return Promise.resolve(reader.read() ?? 'none')
    } finally {
      reader.close()
    }
  }

  async #chunk(file: string): Promise<unknown> {
    const { spool } = this.#data.places.paths
    const reader = new SpoolReader(spool)
    const name = file.slice(spool.length + 1)
    const pinned = reader.pin([name])!
    try {
      await reader.check([name], pinned, NEVER)
      const rows = await this.#connection.runAndReadAll(
        `SELECT * FROM read_parquet('${pinned.paths[0]!.replaceAll("'", "''")}')`,
      )
      return rows.getRowObjectsJson()
    } finally {
      pinned.release()
      reader.close()
    }
  }
}
